//! GTUBE, the generic test for unsolicited bulk email: a line by which operators see that a filter
//! is at work.
//!
//! Invariant: it decides alone, so its family is Policy, which no cap holds below a rejection.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::{Check, Known};

/// The test string.
pub static GTUBE: SignalDef = SignalDef::new(
    "GTUBE",
    Family::Policy,
    1000.0,
    "The message has the test string that every filter rejects",
);

/// In two halves, so that this file may be sent by mail.
const STRING: &str =
    concat!("XJS*C4JDBQADN1.NSBN3*2IDNEN*", "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X");

/// Looks for the test string.
#[derive(Default)]
pub struct Gtube;

impl Check for Gtube {
    const KEY: &'static str = "content.gtube";
    const RAISES: &'static [&'static SignalDef] = &[&GTUBE];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        static FINDER: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(STRING));
        let texts = [message.body_bytes(), message.text().as_bytes(), message.plain().as_bytes()];
        if texts.iter().any(|text| FINDER.find(text).is_some()) {
            signals.raise(&GTUBE, "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[test]
    fn the_string_is_found_as_it_is_and_encoded() {
        let plain = format!("Subject: test\n\nHello\n\n{STRING}\n");
        assert_eq!(raised::<Gtube>(&plain), ["GTUBE"]);
        let quoted = STRING.replace("C4JDBQ", "C4J=\nDBQ");
        let raw = format!("Content-Transfer-Encoding: quoted-printable\n\n{quoted}\n");
        assert_eq!(raised::<Gtube>(&raw), ["GTUBE"]);
    }

    #[test]
    fn a_part_of_it_is_not_enough() {
        assert!(
            raised::<Gtube>("Subject: GTUBE\n\nXJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE\n").is_empty()
        );
    }
}
