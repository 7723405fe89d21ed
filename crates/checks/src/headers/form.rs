//! What is malformed in the header section, or over a bound (RFC 5322, sections 2.1 and 2.2).
//!
//! Invariant: what makes two programs read two different headers weighs; what is merely against the
//! letter does not.

use tidegate_dns::Answers;
use tidegate_mail::Defect;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::headers::defects::signals_of_defects;
use crate::{Check, Known};

signals_of_defects! {
    Family::Headers;
    NotAField => HEADER_LINE_IS_NO_FIELD, 0.2, "A line of the header is no field";
    NulByte => HEADER_HAS_NUL, 1.5, "There are NUL bytes in the message";
    EightBitHeader => HEADER_EIGHT_BIT, 0.8, "The header has letters that were not encoded";
    BareCr => LINE_END_BROKEN, 0.0, "A line ends with a bare carriage return";
    FieldsCut => FIELDS_TOO_MANY, 1.0, "The header has too many fields to be looked at";
    FieldTooLong => FIELD_OVERLONG, 0.5, "A field of the header is longer than any honest one";
    AddressesCut => ADDRESSES_TOO_MANY, 0.3, "There are too many addresses to be looked at";
    EncodedWordBroken => ENCODED_WORD_BROKEN, 0.5, "An encoded word of the header can't be decoded";
    HeaderUnended => HEADER_UNENDED, 0.3, "The header has no end";
}

/// Tells the header's defects.
#[derive(Default)]
pub struct Form;

impl Check for Form {
    const KEY: &'static str = "headers.form";
    const RAISES: &'static [&'static SignalDef] = ALL;

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        tell(known, signals);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::Case;

    #[track_caller]
    fn check(raw: &[u8], expect: &[&str]) {
        assert_eq!(Case::default().judge::<Form>(raw), expect, "{}", raw.escape_ascii());
    }

    #[test]
    fn a_sound_header_raises_nothing() {
        check(b"From: a@b.example\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello\r\n", &[]);
        check(b"Subject: folded\r\n  once\r\n\r\nHello\r\n", &[]);
    }

    #[test]
    fn each_defect_is_told() {
        check(
            b"From: a@b.example\r\nnot a field\r\nX: y\r\n\r\nHi\r\n",
            &["HEADER_LINE_IS_NO_FIELD"],
        );
        check(b"Subject: Gr\xfc\xdfe\r\n\r\nHello\r\n", &["HEADER_EIGHT_BIT"]);
    }
}
