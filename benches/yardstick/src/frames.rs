//! A message as an MTA tells it to a milter: the frames of one connection (libmilter/mfdef.h).

use std::net::IpAddr;

use crate::Sample;

/// Bytes of a body piece (MILTER_CHUNK_SIZE).
const CHUNK: usize = 65_535;

/// What the MTA offers, before anything else: version 6, all actions, all steps.
#[must_use]
pub fn negotiation() -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, b'O', &[&[6u32, 0x1FF, 0x1F_FFFF].map(u32::to_be_bytes).concat()]);
    out
}

/// All commands from the client's connection to the end of the message.
#[must_use]
pub fn transaction(sample: &Sample) -> Vec<u8> {
    let mut out = Vec::new();
    let envelope = &sample.envelope;
    let name = envelope.client_name.as_deref().unwrap_or("unknown");
    let (family, address) = match envelope.client {
        Some(IpAddr::V6(address)) => (b'6', address.to_string()),
        Some(IpAddr::V4(address)) => (b'4', address.to_string()),
        None => (b'4', "192.0.2.10".to_owned()),
    };
    put(&mut out, b'D', &[b"Cj\0mx.example.test\0{daemon_name}\0smtpd\0v\0Postfix 3.7\0"]);
    put(
        &mut out,
        b'C',
        &[name.as_bytes(), &[0, family], &40_000u16.to_be_bytes(), address.as_bytes(), &[0]],
    );
    put(&mut out, b'H', &[name.as_bytes(), &[0]]);
    let sender = envelope.sender.as_ref().map_or("", |sender| sender.as_str());
    put(&mut out, b'M', &[b"<", sender.as_bytes(), b">\0"]);
    for recipient in &envelope.recipients {
        put(&mut out, b'R', &[b"<", recipient.as_str().as_bytes(), b">\0"]);
    }
    put(&mut out, b'D', &[b"Ti\x004Xv7Tq2YkMz9sPw\0"]);
    put(&mut out, b'T', &[]);
    let (header, body) = split(&sample.raw);
    for field in fields(header) {
        let colon = field.iter().position(|byte| *byte == b':').unwrap_or(field.len());
        let value = field.get(colon + 1..).unwrap_or_default();
        let value: Vec<u8> = value.iter().copied().filter(|byte| *byte != b'\r').collect();
        let value = value.strip_prefix(b" ").unwrap_or(&value);
        let value = value.strip_suffix(b"\n").unwrap_or(value);
        put(&mut out, b'L', &[&field[..colon], &[0], value, &[0]]);
    }
    put(&mut out, b'N', &[]);
    body.chunks(CHUNK).for_each(|piece| put(&mut out, b'B', &[piece]));
    put(&mut out, b'E', &[]);
    out
}

fn put(out: &mut Vec<u8>, command: u8, parts: &[&[u8]]) {
    let length = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
    out.extend_from_slice(&(length as u32).to_be_bytes());
    out.push(command);
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    match raw.windows(4).position(|four| four == b"\r\n\r\n") {
        Some(at) => (&raw[..at + 2], &raw[at + 4..]),
        None => (raw, &[]),
    }
}

fn fields(header: &[u8]) -> Vec<&[u8]> {
    let mut starts: Vec<usize> = vec![0];
    for (at, pair) in header.windows(2).enumerate() {
        if pair[0] == b'\n' && !matches!(pair[1], b' ' | b'\t') {
            starts.push(at + 1);
        }
    }
    starts.push(header.len());
    starts.windows(2).map(|pair| &header[pair[0]..pair[1]]).collect()
}
