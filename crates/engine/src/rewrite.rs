//! A message with its changes made, for whoever sends a copy of it: what the MTA does with a message
//! of its own.
//!
//! Invariant: every octet that no change names is as it came.

use crate::carry::Changes;

impl Changes {
    /// `raw` with these changes made. Lines that are added end as those of `raw` do.
    #[must_use]
    pub fn made_to(&self, raw: &[u8]) -> Vec<u8> {
        let first = raw.iter().position(|&byte| byte == b'\n');
        let bare = first.is_some_and(|at| at == 0 || raw[at - 1] != b'\r');
        let end = if bare { "\n" } else { "\r\n" };
        let mut made = Vec::with_capacity(raw.len() + 2_048);
        for field in &self.add {
            push(&mut made, field.name, &field.value, end);
        }
        let replaced = self.subject.as_ref().filter(|subject| subject.replaces);
        let mut subject_seen = false;
        // Only names of which something is removed are counted: a header may have any number.
        let mut counts: Vec<(&'static str, u32)> = Vec::new();
        for field in &self.remove {
            if counts.iter().all(|(name, _)| *name != field.name) {
                counts.push((field.name, 0));
            }
        }
        let mut at = 0;
        while at < raw.len() {
            let rest = &raw[at..];
            if rest.starts_with(b"\n") || rest.starts_with(b"\r\n") {
                break;
            }
            let line = &rest[..field_end(rest)];
            at += line.len();
            let name = name(line);
            if name.is_some_and(|name| self.removes(name, &mut counts)) {
                continue;
            }
            match replaced {
                Some(subject)
                    if !subject_seen
                        && name.is_some_and(|name| name.eq_ignore_ascii_case("Subject")) =>
                {
                    subject_seen = true;
                    push(&mut made, "Subject", &subject.value, end);
                }
                _ => made.extend_from_slice(line),
            }
        }
        if let Some(subject) = self.subject.as_ref().filter(|subject| !subject.replaces) {
            push(&mut made, "Subject", &subject.value, end);
        }
        made.extend_from_slice(&raw[at..]);
        made
    }

    /// Whether the next field of that name goes.
    fn removes(&self, name: &str, counts: &mut [(&'static str, u32)]) -> bool {
        let known = counts.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((name, count)) = known else { return false };
        *count += 1;
        self.remove.iter().any(|field| field.name == *name && field.nth == *count)
    }
}

fn push(made: &mut Vec<u8>, name: &str, value: &str, end: &str) {
    made.extend_from_slice(name.as_bytes());
    made.extend_from_slice(b": ");
    for (index, line) in value.lines().enumerate() {
        if index > 0 {
            made.extend_from_slice(end.as_bytes());
        }
        made.extend_from_slice(line.as_bytes());
    }
    made.extend_from_slice(end.as_bytes());
}

/// Past the line end that no white space follows.
fn field_end(rest: &[u8]) -> usize {
    let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    ends.into_iter().find(|&at| !matches!(rest.get(at), Some(b' ' | b'\t'))).unwrap_or(rest.len())
}

fn name(line: &[u8]) -> Option<&str> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    str::from_utf8(line[..colon].trim_ascii_end()).ok().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carry::{AddedField, NewSubject, RemovedField};

    fn changes() -> Changes {
        Changes {
            remove: vec![RemovedField { name: "X-Spam-Flag", nth: 2 }],
            add: vec![AddedField { name: "X-Spam-Status", value: "Yes,\n\tscore".to_owned() }],
            subject: Some(NewSubject { value: "[SPAM] two".to_owned(), replaces: true }),
        }
    }

    #[test]
    fn what_no_change_names_stays_as_it_came() {
        let raw = b"A: 1\r\nx-spam-flag: NO\r\nsubject: one\r\n  two\r\nX-Spam-Flag: NO\r\n\r\nX-Spam-Flag: NO\r\n";
        let made = changes().made_to(raw);
        assert_eq!(
            String::from_utf8_lossy(&made),
            "X-Spam-Status: Yes,\r\n\tscore\r\nA: 1\r\nx-spam-flag: NO\r\nSubject: [SPAM] two\r\n\r\n\
             X-Spam-Flag: NO\r\n"
        );
        assert_eq!(Changes::default().made_to(raw), raw);
        let odd = b"no field\nA: \xff\n\nbody \xff";
        assert_eq!(Changes::default().made_to(odd), odd);
    }

    #[test]
    fn a_message_without_a_subject_gets_one() {
        let subject = Some(NewSubject { value: "[SPAM]".to_owned(), replaces: false });
        let changes = Changes { subject, ..Changes::default() };
        assert_eq!(changes.made_to(b"A: 1\n\nbody"), b"A: 1\nSubject: [SPAM]\n\nbody");
        assert_eq!(changes.made_to(b"A: 1\n"), b"A: 1\nSubject: [SPAM]\n");
    }
}
