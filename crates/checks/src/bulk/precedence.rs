//! Fields that say that a message is one of many: Precedence, List-Id (RFC 2919), List-Post (RFC
//! 2369), Feedback-ID.
//!
//! Invariant: these are facts for the reader of an explanation, worth no points: anybody may write
//! them.

use tidegate_dns::Answers;
use tidegate_mail::Message;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::{Check, Known};

/// `Precedence: bulk`, `list` or `junk`.
pub static BULK_BY_PRECEDENCE: SignalDef = SignalDef::new(
    "BULK_BY_PRECEDENCE",
    Family::Bulk,
    0.0,
    "The message says that it is bulk mail",
);
/// A List-Id.
pub static BULK_OF_LIST: SignalDef =
    SignalDef::new("BULK_OF_LIST", Family::Bulk, 0.0, "The message names the list it is sent to");
/// A Feedback-ID.
pub static BULK_WITH_FEEDBACK_ID: SignalDef = SignalDef::new(
    "BULK_WITH_FEEDBACK_ID",
    Family::Bulk,
    0.0,
    "The sender of bulk mail wants to hear of complaints",
);

/// Tells marks of bulk mail.
#[derive(Default)]
pub struct Precedence;

impl Check for Precedence {
    const KEY: &'static str = "bulk.precedence";
    const RAISES: &'static [&'static SignalDef] =
        &[&BULK_BY_PRECEDENCE, &BULK_OF_LIST, &BULK_WITH_FEEDBACK_ID];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        if let Some(field) = message.field("precedence") {
            let value = field.value.trim_ascii();
            if [&b"bulk"[..], b"list", b"junk"].iter().any(|word| value.eq_ignore_ascii_case(word))
            {
                signals.raise(&BULK_BY_PRECEDENCE, field.raw_text());
            }
        }
        if let Some(field) = message.field("list-id") {
            signals.raise(&BULK_OF_LIST, field.text());
        }
        if let Some(field) = message.field("feedback-id") {
            signals.raise(&BULK_WITH_FEEDBACK_ID, field.raw_text());
        }
    }
}

/// Whether it came through a list where members write to each other: such lists rewrite headers,
/// and their members quote what elsewhere would be odd.
pub(crate) fn of_a_list(message: &Message<'_>) -> bool {
    ["list-post", "x-mailman-version", "x-beenthere", "mailing-list", "x-mailing-list"]
        .iter()
        .any(|name| message.field(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(header: &str, expect: &[&str]) {
        assert_eq!(raised::<Precedence>(&format!("{header}\n\nHello\n")), expect, "{header}");
    }

    #[test]
    fn marks_of_bulk_mail_are_told() {
        check("From: a@b.example", &[]);
        check("Precedence: first-class", &[]);
        check("Precedence: Bulk", &["BULK_BY_PRECEDENCE"]);
        check("List-Id: Friends <f.example.org>", &["BULK_OF_LIST"]);
        check("Feedback-ID: 1:2:3:esp", &["BULK_WITH_FEEDBACK_ID"]);
    }
}
