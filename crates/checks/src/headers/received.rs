//! Received fields that no mail server writes (RFC 5321, section 4.4): some programs forge a way
//! that the message never took.
//!
//! Invariant: a clock that is wrong by hours on some server says nothing.

use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::{Check, Known};

/// An address such as `300.1.2.3`.
pub static RECEIVED_FROM_NOWHERE: SignalDef = SignalDef::new(
    "RECEIVED_FROM_NOWHERE",
    Family::Headers,
    1.8,
    "A Received field has an address that can't exist",
);
/// A station later than the ones after it.
pub static RECEIVED_OUT_OF_ORDER: SignalDef = SignalDef::new(
    "RECEIVED_OUT_OF_ORDER",
    Family::Headers,
    0.6,
    "A station on the way is dated later than those that came after it",
);
/// Days between two stations.
pub static RECEIVED_LATE: SignalDef = SignalDef::new(
    "RECEIVED_LATE",
    Family::Headers,
    0.0,
    "The message lay for days between two stations of its way",
);

/// Looks at the way the message claims to have come.
#[derive(Default)]
pub struct Received;

const DAY: i64 = 24 * 3600;
const YEARS: i64 = 5 * 365 * DAY;
/// More stations than this are not looked at.
const MOST_HOPS: usize = 50;

impl Check for Received {
    const KEY: &'static str = "headers.received";
    const RAISES: &'static [&'static SignalDef] =
        &[&RECEIVED_FROM_NOWHERE, &RECEIVED_OUT_OF_ORDER, &RECEIVED_LATE];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        for field in message.fields_named("received").take(MOST_HOPS) {
            if let Some(address) = impossible_address(&field.raw_text()) {
                signals.raise(&RECEIVED_FROM_NOWHERE, address);
            }
        }
        // Topmost first: going down, the dates go back.
        let mut later = None;
        for date in message.received().iter().take(MOST_HOPS).filter_map(|hop| hop.date) {
            if let Some(later) = later {
                let gap: i64 = i64::saturating_sub(later, date);
                if gap.abs() > YEARS {
                    // One of them is not a date, but a year of two digits, or a clock never set.
                } else if gap < -DAY {
                    signals.raise(&RECEIVED_OUT_OF_ORDER, format!("by {} hours", -gap / 3600));
                } else if gap > 4 * DAY {
                    signals.raise(&RECEIVED_LATE, format!("for {} days", gap / DAY));
                }
            }
            later = Some(date);
        }
    }
}

/// The first address in brackets that has four numbers, one of which is over 255.
fn impossible_address(field: &str) -> Option<&str> {
    field.split('[').skip(1).filter_map(|rest| rest.split(']').next()).find(|inside| {
        let mut numbers = inside.split('.');
        let mut too_large = false;
        for _ in 0..4 {
            let Some(number) = numbers.next() else { return false };
            if number.len() > 4 || number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit())
            {
                return false;
            }
            too_large |= number.parse::<u16>().is_ok_and(|number| number > 255);
        }
        too_large && numbers.next().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    const TOP: &str =
        "Received: from a.example ([192.0.2.1]) by mx.example; Tue, 24 Nov 2026 09:15:00 +0000\n";

    #[track_caller]
    fn check(below: &str, expect: &[&str]) {
        let raw = format!("{TOP}{below}From: a@b.example\n\nHello\n");
        assert_eq!(raised::<Received>(&raw), expect, "{below}");
    }

    #[test]
    fn honest_ways_raise_nothing() {
        check("", &[]);
        check("Received: from b by a.example; Tue, 24 Nov 2026 09:14:00 +0000\n", &[]);
        check("Received: from b by a.example; Tue, 24 Nov 2026 19:14:00 +0000\n", &[]);
        check("Received: by a.example (Postfix, from userid 1000) id 4[1.2.3]5\n", &[]);
    }

    #[test]
    fn a_forged_way_is_told() {
        check("Received: from [300.12.4.7] by a.example\n", &["RECEIVED_FROM_NOWHERE"]);
        check(
            "Received: from b by a.example; Fri, 27 Nov 2026 09:14:00 +0000\n",
            &["RECEIVED_OUT_OF_ORDER"],
        );
        check(
            "Received: from b by a.example; Tue, 3 Nov 2026 09:14:00 +0000\n",
            &["RECEIVED_LATE"],
        );
    }
}
