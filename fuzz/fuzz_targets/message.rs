//! Any bytes are a message, and what is read of it stays within its bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_mail::{Bounds, Envelope, Message};

fuzz_target!(|bytes: &[u8]| {
    let bounds = Bounds {
        fields: 20,
        field_bytes: 512,
        addresses: 10,
        parts: 20,
        nesting: 4,
        text_bytes: 2_000,
        links: 20,
        archive_bytes: 2_000,
        archive_entries: 10,
    };
    let message = Message::parse(bytes, &bounds);
    assert_eq!(message.header_bytes().len() + message.body_bytes().len(), bytes.len());
    assert!(message.fields().len() <= bounds.fields);
    assert!(message.parts().len() <= bounds.parts && !message.parts().is_empty());
    assert!(message.parts().iter().all(|part| usize::from(part.depth) <= bounds.nesting));
    assert!(message.links().len() <= bounds.links);
    assert!(message.links().iter().all(|link| link.url.len() <= 2_048));
    assert!(
        [message.from(), message.to(), message.cc()]
            .iter()
            .all(|all| all.len() <= bounds.addresses)
    );
    assert!(message.attachments().iter().all(|file| file.entries.len() <= bounds.archive_entries));
    // One byte of a charset may be a character of four; separators stand between parts.
    let most = (bounds.text_bytes + bounds.parts) * 4;
    for text in [message.text(), message.plain(), message.html_source(), message.hidden()] {
        assert!(text.len() <= most * 2, "{} bytes", text.len());
    }
    for field in message.fields() {
        let (_, _) = (field.text(), field.raw_text());
    }
    let _ = Envelope::infer(&message);
});
