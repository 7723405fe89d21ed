//! What is malformed in the body, or over a bound (RFC 2045, RFC 2046).
//!
//! Invariant: what makes a filter and a mail program read two different messages weighs; what is
//! merely sloppy does not.

use tidegate_dns::Answers;
use tidegate_mail::Defect;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::headers::defects::signals_of_defects;
use crate::{Check, Known};

signals_of_defects! {
    Family::Content;
    BoundaryMissing => BOUNDARY_MISSING, 0.8, "A message of several parts names no boundary between them";
    BoundaryUnused => BOUNDARY_UNUSED, 0.8, "The boundary between the parts never occurs";
    MultipartUnclosed => MULTIPART_UNCLOSED, 0.4, "The last of several parts has no end";
    MultipartEncoded => MULTIPART_ENCODED, 1.0, "Several parts are encoded as a whole, which hides them from some programs";
    EncodingUnknown => ENCODING_UNKNOWN, 0.8, "A part is encoded in a way that doesn't exist";
    CharsetUnknown => CHARSET_UNKNOWN, 0.5, "A part is written in a character set that doesn't exist";
    Base64Broken => BASE64_BROKEN, 0.4, "A part in base64 has characters that don't belong there";
    QuotedPrintableBroken => QUOTED_PRINTABLE_BROKEN, 0.1, "A part in quoted-printable is not well-formed";
    EightBitBody => BODY_EIGHT_BIT, 0.3, "A part that should be plain ASCII is not";
    DuplicateContentType => CONTENT_TYPE_TWICE, 1.0, "A part has two Content-Type fields, and programs differ on which counts";
    DuplicateEncoding => ENCODING_TWICE, 1.0, "A part is said to be encoded in two ways, and programs differ on which counts";
    LongLine => LINE_OVERLONG, 0.2, "A line is longer than mail allows";
    PartsCut => PARTS_TOO_MANY, 1.0, "The message has too many parts to be looked at";
    NestingCut => PARTS_TOO_DEEP, 1.0, "Parts are nested too deeply to be looked at";
    TextCut => TEXT_OVERLONG, 0.0, "The text is too long to be looked at whole";
    LinksCut => LINKS_TOO_MANY, 0.0, "There are too many links to be looked at";
    ArchiveCut => ARCHIVE_TOO_LARGE, 0.0, "An attached archive is too large to be listed whole";
}

/// Tells the body's defects.
#[derive(Default)]
pub struct Form;

impl Check for Form {
    const KEY: &'static str = "content.form";
    const RAISES: &'static [&'static SignalDef] = ALL;

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        tell(known, signals);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(raw: &str, expect: &[&str]) {
        assert_eq!(raised::<Form>(raw), expect, "{raw}");
    }

    #[test]
    fn sound_bodies_raise_nothing() {
        check("From: a@b.example\n\nHello\n", &[]);
        check(
            "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"x y\"\n\n--x y\n\nHi\n--x y--\n",
            &[],
        );
        check("Content-Transfer-Encoding: BASE64\n\nSGVsbG8=\n", &[]);
    }

    #[test]
    fn each_defect_is_told() {
        check("Content-Type: multipart/mixed\n\nHello\n", &["BOUNDARY_MISSING"]);
        check("Content-Type: multipart/mixed; boundary=x\n\nHello\n", &["BOUNDARY_UNUSED"]);
        check(
            "Content-Type: multipart/mixed; boundary=x\n\n--x\n\nHello\n",
            &["MULTIPART_UNCLOSED"],
        );
        check("Content-Transfer-Encoding: rot13\n\nUryyb\n", &["ENCODING_UNKNOWN"]);
        check("Content-Transfer-Encoding: base64\n\nSGVsbG8=IHdvcmxk\n", &["BASE64_BROKEN"]);
        check("Content-Type: text/plain\nContent-Type: text/html\n\nHi\n", &["CONTENT_TYPE_TWICE"]);
        check(
            "Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\nSGVsbG8=\n",
            &["ENCODING_TWICE"],
        );
    }
}
