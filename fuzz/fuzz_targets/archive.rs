//! Any file is an archive, a document, a picture or nothing known, and lists no more than it holds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_mail::{Bounds, Message};

fuzz_target!(|file: &[u8]| {
    let bounds = Bounds { archive_entries: 20, ..Bounds::default() };
    let raw = [b"Content-Type: application/octet-stream; name=a.zip\r\n\r\n", file].concat();
    let message = Message::parse(&raw, &bounds);
    let [attachment] = message.attachments() else {
        panic!("{} files", message.attachments().len())
    };
    assert!(attachment.entries.len() <= bounds.archive_entries);
    // Together the names are read of few more bytes than there are, and none is more than a character.
    assert!(attachment.entries.iter().map(String::len).sum::<usize>() <= 16 * file.len() + 16_384);
});
