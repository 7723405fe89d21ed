//! What a message is known by, whatever MTAs did to it on its way.
//!
//! Invariant: a digest doesn't change when an MTA adds fields on top, folds fields anew, or completes
//! what it misses in a header; it does when another text, file or subject is put in.

use ring::digest::{Context, SHA256};
use tidegate_mail::{Bounds, Message};

use crate::id::encode;

/// Fields that hosts on the way put on top (RFC 5321, section 4.4; RFC 8601; RFC 8617), which differ when
/// a message is sent again.
const OF_THE_WAY: [&str; 8] = [
    "Received",
    "Return-Path",
    "Delivered-To",
    "X-Received",
    "Authentication-Results",
    "ARC-Seal",
    "ARC-Message-Signature",
    "ARC-Authentication-Results",
];

/// Fields that decide how the body is read, and what its reader takes it for.
const OF_CONTENT: [&str; 4] =
    ["Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"];

/// The digest of a message below the fields of its way: the same when its sender tries again.
pub(crate) fn below_the_way(raw: &[u8]) -> String {
    let message = Message::parse(raw, &bounds());
    let mut context = Context::new(&SHA256);
    let way = |field: &&tidegate_mail::Field<'_>| OF_THE_WAY.iter().any(|name| field.is(name));
    for field in message.fields().iter().skip_while(way) {
        add_field(&mut context, field.name, field.value);
    }
    add_body(&mut context, message.body_bytes());
    encode(context.finish().as_ref())
}

/// The digest of what a reader is shown: the body, and the fields that decide how it is read.
///
/// Not all of the header: an MTA completes addresses and adds Date and Message-ID where its own
/// network hands in mail that has none, as much of what is held has none.
pub(crate) fn as_read(raw: &[u8]) -> [u8; 32] {
    let message = Message::parse(raw, &bounds());
    let mut context = Context::new(&SHA256);
    for name in OF_CONTENT {
        for field in message.fields_named(name) {
            add_field(&mut context, name, field.value);
        }
    }
    add_body(&mut context, message.body_bytes());
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// Nothing but the fields is needed.
fn bounds() -> Bounds {
    Bounds { parts: 1, text_bytes: 0, links: 0, archive_bytes: 0, ..Bounds::default() }
}

/// White space counts as one space (RFC 6376, section 3.4.2), letter case of the name not at all.
fn add_field(context: &mut Context, name: &str, value: &[u8]) {
    context.update(name.to_ascii_lowercase().as_bytes());
    context.update(b":");
    for word in value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
        context.update(word);
        context.update(b" ");
    }
    context.update(b"\n");
}

/// Line ends count as `\n`, empty lines at the end not at all (RFC 6376, section 3.4.3).
fn add_body(context: &mut Context, body: &[u8]) {
    context.update(b"\n");
    let end = body.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1);
    for piece in body[..end].split(|byte| *byte == b'\r') {
        context.update(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "Received: from a\r\n\tby b\r\nFrom: anna\r\nSubject: Hello\r\n\tthere\r\n\r\nText\r\n.dot\r\n";

    #[test]
    fn what_mtas_do_changes_nothing() {
        let digest = as_read(MESSAGE.as_bytes());
        let completed =
            MESSAGE.replace("anna", "anna@example.org").replace("\r\n\tthere", " there");
        let completed = format!(
            "Received: by c\r\n{}",
            completed.replace("\r\n\r\n", "\r\nMessage-ID: <x>\r\n\r\n")
        );
        assert_eq!(as_read(completed.as_bytes()), digest);
        assert_eq!(as_read(MESSAGE.replace("\r\n", "\n").as_bytes()), digest);
        assert_eq!(as_read(format!("{MESSAGE}\r\n").as_bytes()), digest);
        for (other, by) in [("Text", "Test"), ("Hello", "Hallo"), (".dot", "dot")] {
            assert_ne!(as_read(MESSAGE.replace(other, by).as_bytes()), digest, "{other}");
        }
    }

    #[test]
    fn a_message_that_is_sent_again_is_known() {
        let again = MESSAGE.replace("from a\r\n\tby b", "from c\r\n\tby d; later");
        assert_eq!(below_the_way(again.as_bytes()), below_the_way(MESSAGE.as_bytes()));
        let other = MESSAGE.replace("anna", "otto");
        assert_ne!(below_the_way(other.as_bytes()), below_the_way(MESSAGE.as_bytes()));
    }
}
