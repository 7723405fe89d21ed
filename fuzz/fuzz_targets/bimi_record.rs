//! Any text of DNS is a record or none, and what it leads to is an https URI of bounded length; any field
//! names a selector that can be asked for, or none.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_checks::trust::bimi::record::{self, Published};
use tidegate_dns::{Answer, Records};
use tidegate_mail::{Bounds, Message};

fuzz_target!(|text: &[u8]| {
    let answer = Answer::Found(Records::Txt([text.into()].into()));
    if let Published::Claim(claim) = record::read(&answer) {
        for location in [claim.indicator, claim.authority].into_iter().flatten() {
            assert!(location.is_ascii() && location.len() <= 1_000);
            assert!(location[..8].eq_ignore_ascii_case("https://"));
        }
    }
    let raw = [b"BIMI-Selector: v=BIMI1; s=", text, b"\r\n\r\n"].concat();
    let message = Message::parse(&raw, &Bounds::default());
    if let Some(selector) = record::named_selector(&message) {
        assert!(record::name(&selector, "example.org").is_some());
    }
});
