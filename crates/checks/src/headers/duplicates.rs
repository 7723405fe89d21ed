//! Fields that a message may have once, and has twice (RFC 5322, section 3.6): what one program
//! shows, another program signs or filters.
//!
//! Invariant: a field repeated word for word fools nobody, and weighs next to nothing.

use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::{Check, Known};

/// Two From fields that differ.
pub static DUPLICATE_FROM: SignalDef =
    SignalDef::new("DUPLICATE_FROM", Family::Headers, 2.5, "The message has several From fields");
/// Two Subject fields that differ.
pub static DUPLICATE_SUBJECT: SignalDef = SignalDef::new(
    "DUPLICATE_SUBJECT",
    Family::Headers,
    1.0,
    "The message has several Subject fields",
);
/// Any other.
pub static DUPLICATE_FIELD: SignalDef = SignalDef::new(
    "DUPLICATE_FIELD",
    Family::Headers,
    0.8,
    "A field that may stand once stands several times",
);
/// The same value again.
pub static REPEATED_FIELD: SignalDef = SignalDef::new(
    "REPEATED_FIELD",
    Family::Headers,
    0.1,
    "A field that may stand once is repeated word for word",
);

/// Counts fields.
#[derive(Default)]
pub struct Duplicates;

/// Content-Type is left to `content.form`, which sees those of all parts.
const ONCE: [&str; 11] = [
    "from",
    "subject",
    "sender",
    "reply-to",
    "to",
    "cc",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
];

impl Check for Duplicates {
    const KEY: &'static str = "headers.duplicates";
    const RAISES: &'static [&'static SignalDef] =
        &[&DUPLICATE_FROM, &DUPLICATE_SUBJECT, &DUPLICATE_FIELD, &REPEATED_FIELD];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        for name in ONCE {
            if message.count(name) < 2 {
                continue;
            }
            let mut values = message.fields_named(name).map(|field| field.value.trim_ascii());
            let first = values.next();
            let def = match name {
                _ if values.all(|value| Some(value) == first) => &REPEATED_FIELD,
                "from" => &DUPLICATE_FROM,
                "subject" => &DUPLICATE_SUBJECT,
                _ => &DUPLICATE_FIELD,
            };
            signals.raise(def, format!("{name}, {} times", message.count(name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(header: &str, expect: &[&str]) {
        assert_eq!(raised::<Duplicates>(&format!("{header}\nHello\n")), expect, "{header}");
    }

    #[test]
    fn fields_that_may_stand_often_are_let_be() {
        check("Received: from a\nReceived: from b\nFrom: a@b.example\nSubject: x\n", &[]);
        check("Comments: a\nComments: b\nX-Loop: a\nX-Loop: b\n", &[]);
    }

    #[test]
    fn a_second_field_is_told() {
        check("From: a@b.example\nFrom: c@d.example\n", &["DUPLICATE_FROM"]);
        check("Subject: x\nsubject: y\n", &["DUPLICATE_SUBJECT"]);
        check("To: a@b.example\nTO: c@d.example\n", &["DUPLICATE_FIELD"]);
        check("MIME-Version: 1.0\nMIME-Version: 1.0\n", &["REPEATED_FIELD"]);
    }
}
