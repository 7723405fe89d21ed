//! Every class of hostile message is read within its bounds, and at a cost that grows with its size
//! alone.
//!
//! Work is counted, not clocked: what was allocated, in all and at once. What loops without
//! allocating is caught by the time that all tests together may take.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use tidegate_mail::hostile::{Allowed, Cost, classes};
use tidegate_mail::{Bounds, Defect, Envelope, Message};

/// Of the largest size, which an optimised build takes: `cargo run --release -p yardstick --example
/// hostile`.
const PART: usize = if cfg!(debug_assertions) { 64 } else { 8 };

/// For one byte of the message, those of a thousand long links besides; at once, one view beside what its
/// fields are copied to.
const ALLOWED: Allowed =
    Allowed { slack: 1 << 20, for_a_byte: 64, besides: 12 << 20, at_once: 24 << 20, copies: 4 };

#[test]
fn no_class_gets_over_a_bound() {
    let bounds =
        Bounds { parts: 40, links: 50, text_bytes: 20_000, nesting: 5, ..Bounds::default() };
    for class in classes() {
        let raw = class.message(class.large / PART);
        let message = Message::parse(&raw, &bounds);
        let name = class.name;
        assert_eq!(message.header_bytes().len() + message.body_bytes().len(), raw.len(), "{name}");
        assert!(message.fields().len() <= bounds.fields, "{name}");
        assert!(message.parts().len() <= bounds.parts, "{name}");
        assert!(message.parts().iter().all(|it| usize::from(it.depth) <= bounds.nesting), "{name}");
        assert!(message.links().len() <= bounds.links, "{name}");
        assert!(message.links().iter().all(|link| link.url.len() <= 2_048), "{name}");
        assert!(message.received().len() <= 50, "{name}");
        for all in [message.from(), message.to(), message.cc(), message.reply_to()] {
            assert!(all.len() <= bounds.addresses, "{name}");
        }
        for file in message.attachments() {
            assert!(file.entries.len() <= bounds.archive_entries, "{name}");
        }
        // A byte may be a character of three, and what is shown may be of both kinds of text.
        for text in [message.text(), message.plain(), message.html_source(), message.hidden()] {
            assert!(text.len() <= bounds.text_bytes * 6 + 1_000, "{name}: {}", text.len());
        }
    }
}

#[test]
fn what_a_class_costs_grows_no_faster_than_its_size() {
    let mut grew = Vec::new();
    for class in classes() {
        let cost = |n: usize| {
            let raw = class.message(n);
            (raw.len() as u64, read(&raw))
        };
        let n = class.large / PART / 2;
        let ((_, once), (octets, twice)) = (cost(n), cost(2 * n));
        eprintln!("{}: {octets} bytes, {} allocated", class.name, twice.bytes_total);
        grew.extend(ALLOWED.exceeded_by(&class, cost_of(once), cost_of(twice), octets));
    }
    assert!(grew.is_empty(), "{grew:#?}");
}

/// Not a part of them: a million fields, one field of 50 MB, 100,000 comments in a style sheet.
#[test]
fn the_largest_are_read_at_the_same_price_a_byte() {
    for name in ["fields", "long-field", "css-comments"] {
        let class = classes().find(|class| class.name == name).unwrap();
        let raw = class.message(class.large);
        let cost = || cost_of(read(&raw));
        let over = ALLOWED.exceeded_by(&class, cost(), cost(), raw.len() as u64);
        assert!(over.is_empty(), "{over:#?}");
    }
}

fn cost_of(measured: AllocationInfo) -> Cost {
    Cost { total: measured.bytes_total, at_once: measured.bytes_max }
}

#[test]
fn what_is_cut_and_what_would_smuggle_is_told() {
    for (name, defect) in [
        ("nested-multiparts", Defect::NestingCut),
        ("nested-messages", Defect::NestingCut),
        ("sibling-parts", Defect::PartsCut),
        ("boundary-parameters", Defect::FieldTooLong),
        ("boundary-unused", Defect::BoundaryUnused),
        ("fields", Defect::FieldsCut),
        ("no-fields", Defect::NotAField),
        ("addresses", Defect::FieldTooLong),
        ("from-fields", Defect::AddressesCut),
        ("html-links", Defect::LinksCut),
        ("html-base", Defect::LinksCut),
        ("text-links", Defect::LinksCut),
        ("text-brackets", Defect::LinksCut),
        ("base64-endless", Defect::TextCut),
        ("zip-names", Defect::ArchiveCut),
        ("charsets", Defect::CharsetUnknown),
        ("nul-bytes", Defect::NulByte),
        ("lone-cr", Defect::BareCr),
        ("bare-8bit", Defect::EightBitHeader),
    ] {
        let class = classes().find(|class| class.name == name).unwrap();
        let raw = class.message(class.large / 16);
        let message = Message::parse(&raw, &Bounds::default());
        assert!(message.defects().contains(&defect), "{name}: {:?}", message.defects());
    }
}

fn read(raw: &[u8]) -> AllocationInfo {
    let bounds = Bounds::default();
    measure(|| {
        let message = Message::parse(raw, &bounds);
        for field in message.fields() {
            black_box((field.text(), field.raw_text()));
        }
        black_box(Envelope::infer(&message));
    })
}
