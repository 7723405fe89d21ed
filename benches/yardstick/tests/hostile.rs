//! Hostile mail through everything that is shipped: a verdict comes, in memory that is bounded,
//! whatever there are a million of.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use allocation_counter::{AllocationInfo, measure};
use tidegate_mail::hostile::{Allowed, Cost, classes};
use tidegate_mail::{Address, Bounds, Envelope, Message};
use yardstick::shipped;

/// Of the largest size, which an optimised build takes.
const PART: usize = if cfg!(debug_assertions) { 256 } else { 16 };

/// At once, a few copies of the message besides, of which signatures take one where lines end in LF.
const ALLOWED: Allowed =
    Allowed { slack: 8 << 20, for_a_byte: 256, besides: 48 << 20, at_once: 64 << 20, copies: 8 };

#[test]
fn a_verdict_on_every_class_comes_in_bounded_memory() {
    let shipped = shipped();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let judged = |raw: &[u8]| {
        let envelope = Envelope::infer(&Message::parse(raw, &Bounds::default()));
        let measured = measure(|| {
            let judged = runtime.block_on(shipped.engine().judge(envelope, raw, 1_795_000_000));
            assert!(judged.decision.score.is_finite());
        });
        (raw.len() as u64, measured)
    };
    // What is built when it is first needed is no part of what a message costs.
    judged(b"Subject: hello\r\n\r\nhello");
    let mut grew = Vec::new();
    for class in classes() {
        let n = class.large / PART;
        let ((_, once), (octets, twice)) =
            (judged(&class.message(n)), judged(&class.message(2 * n)));
        eprintln!("{}: {octets} bytes, {} allocated", class.name, twice.bytes_total);
        grew.extend(ALLOWED.exceeded_by(&class, cost_of(once), cost_of(twice), octets));
    }
    assert!(grew.is_empty(), "{grew:#?}");
}

fn cost_of(measured: AllocationInfo) -> Cost {
    Cost { total: measured.bytes_total, at_once: measured.bytes_max }
}

#[test]
fn ten_thousand_recipients_cost_as_much_each_as_a_thousand() {
    let shipped = shipped();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cost = |n: usize| {
        let recipients = (0..n).map(|at| Address::new(&format!("user{at}@site.example"))).collect();
        let envelope = Envelope { recipients, ..Envelope::default() };
        measure(|| {
            let judged =
                shipped.engine().judge(envelope, b"Subject: hello\r\n\r\nhello", 1_795_000_000);
            assert_eq!(runtime.block_on(judged).recipients.len(), n);
        })
        .bytes_total
    };
    let (thousand, ten) = (cost(1_000), cost(10_000));
    assert!(ten < thousand * 12, "{thousand} and {ten}");
}
