//! Any header section: traces, dates, addresses and authentication results are read, and read as the
//! same when the body comes later.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_checks::auth::results;
use tidegate_mail::{Bounds, Envelope, Message};

fuzz_target!(|bytes: &[u8]| {
    let bounds = Bounds::default();
    for name in [
        "Received: ",
        "Authentication-Results: ",
        "ARC-Authentication-Results: ",
        "To: ",
        "Subject: ",
    ] {
        let raw = [name.as_bytes(), bytes, b"\r\n\r\nhello"].concat();
        let message = Message::parse(&raw, &bounds);
        assert!(message.received().len() <= 50);
        let forged = results::forged(&message, "mx.site.example");
        assert!(forged.len() <= message.count("Authentication-Results"));
        let _ = Envelope::infer(&message);
        let header = Message::parse(message.header_bytes(), &bounds).into_header();
        let (then, once) = (header.with_body(&raw, &bounds), Message::parse(&raw, &bounds));
        assert_eq!(then.from(), once.from());
        assert_eq!((then.date(), then.defects()), (once.date(), once.defects()));
    }
});
