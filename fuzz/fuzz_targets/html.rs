//! Any HTML is rendered, and no text of it is both seen and hidden.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_mail::{Bounds, Message};

fuzz_target!(|source: &str| {
    let raw = format!("Content-Type: text/html; charset=utf-8\r\n\r\n{source}");
    let message = Message::parse(raw.as_bytes(), &Bounds::default());
    // Nothing is made up: entities are shorter as characters than as names, but for a few.
    assert!(message.text().len() + message.hidden().len() <= 2 * source.len() + 16);
    for link in message.links() {
        assert!(link.text.as_ref().is_none_or(|text| text.len() <= 200));
        assert!(link.domain.is_none() || link.host.is_some());
    }
});
