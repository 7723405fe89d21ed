//! Messages in the form in which an MTA tells them.
//!
//! Invariant: everything is prepared before the clock runs; a message is told as it lies in its file.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// A message in pieces.
pub(crate) struct Message {
    /// Each field as SMFIC_HEADER carries it: name, NUL, value without the blank before it, NUL.
    pub(crate) fields: Vec<Vec<u8>>,
    /// With CRLF line ends.
    pub(crate) body: Vec<u8>,
    /// What the envelope says of its sender: the address of the first `From` or `Return-Path`.
    pub(crate) sender: String,
    /// Bytes in all.
    pub(crate) octets: usize,
}

/// The messages that an index names, a line each: `ham PATH` or `spam PATH`, relative to the index.
pub(crate) fn read_index(index: &Path, most: usize) -> anyhow::Result<Vec<Message>> {
    let text = fs::read_to_string(index).with_context(|| index.display().to_string())?;
    let folder = index.parent().unwrap_or(Path::new("."));
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .take(most)
        .map(|line| {
            let path = folder.join(line.split_once(' ').map_or(line, |(_, path)| path).trim());
            let raw = fs::read(&path).with_context(|| path.display().to_string())?;
            Ok(Message::new(&raw))
        })
        .collect()
}

impl Message {
    /// A letter of so many bytes, or of the few that its header has; each line in other words.
    pub(crate) fn of_size(size: usize) -> Self {
        const WORDS: [&str; 12] = [
            "letter", "garden", "to", "of", "number", "the", "delivery", "and", "window",
            "Thursday", "answer", "please",
        ];
        let mut raw = String::from(
            "From: Anna <anna@sender.example>\r\nTo: Bert <bert@example.test>\r\nSubject: What I wrote\r\n\
             Date: Tue, 24 Nov 2026 09:15:00 +0000\r\nMessage-ID: <1.size@sender.example>\r\n\r\n",
        );
        let mut state = size;
        while raw.len() < size {
            // Knuth's constants; a word of its number is in each line.
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let words = (0..8).map(|place| WORDS[(state >> (place * 4 + 16)) % WORDS.len()]);
            raw.push_str(&words.collect::<Vec<_>>().join(" "));
            raw.push_str(&format!(" {}\r\n", state % 100_000));
        }
        raw.truncate(size.max(200));
        Self::new(raw.as_bytes())
    }

    pub(crate) fn new(raw: &[u8]) -> Self {
        let raw = with_crlf(raw);
        let end = raw.windows(4).position(|four| four == b"\r\n\r\n");
        let (header, body) = match end {
            Some(at) => (&raw[..at + 2], &raw[at + 4..]),
            None => (&raw[..], &[][..]),
        };
        let mut fields: Vec<Vec<u8>> = Vec::new();
        for line in header.split_inclusive(|octet| *octet == b'\n') {
            let line = line.strip_suffix(b"\r\n").unwrap_or(line);
            match fields.last_mut() {
                // The MTA folds with LF alone.
                Some(last) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                    last.push(b'\n');
                    last.extend_from_slice(line);
                }
                _ => fields.push(line.to_vec()),
            }
        }
        let sender = sender(&fields);
        let told: Vec<Vec<u8>> = fields.iter().filter_map(|field| told(field)).collect();
        Self { fields: told, body: body.to_vec(), sender, octets: raw.len() }
    }
}

fn told(field: &[u8]) -> Option<Vec<u8>> {
    let colon = field.iter().position(|octet| *octet == b':')?;
    let value = &field[colon + 1..];
    let value = value.strip_prefix(b" ").unwrap_or(value);
    Some([&field[..colon], b"\0", value, b"\0"].concat())
}

fn sender(fields: &[Vec<u8>]) -> String {
    let of = |name: &str| {
        let found = fields.iter().find(|field| {
            field.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        })?;
        let text = String::from_utf8_lossy(&found[name.len()..]).into_owned();
        let word =
            text.split(['<', '>', ' ', '\t', '\n', ',', '"']).find(|word| word.contains('@'));
        word.map(str::to_owned)
    };
    of("Return-Path:").or_else(|| of("From:")).unwrap_or_default()
}

fn with_crlf(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 40);
    for line in raw.split_inclusive(|octet| *octet == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_message_has_the_size_that_was_asked_for() {
        let message = Message::of_size(50_000);
        let last_line_end = 2;
        assert!(message.octets.abs_diff(50_000) <= last_line_end, "{}", message.octets);
        assert_eq!(message.fields.len(), 5);
    }

    #[test]
    fn a_message_is_told_as_an_mta_tells_it() {
        let message = Message::new(b"From: A <a@example.org>\nSubject: x\n  y\n\nbody\n");
        assert_eq!(message.fields[1], b"Subject\0x\n  y\0");
        assert_eq!(message.body, b"body\r\n");
        assert_eq!(message.sender, "a@example.org");
    }
}
