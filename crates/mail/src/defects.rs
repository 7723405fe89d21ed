//! What is wrong with a message, and what of it was left out.

use memchr::{memchr, memchr_iter};

/// Something malformed, or a bound that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Defect {
    /// A line of the header section is no field (RFC 5322, section 2.2).
    NotAField,
    /// A NUL byte, which RFC 5321, section 2.3.8, forbids.
    NulByte,
    /// A byte over 127 in a header section that is not UTF-8 (RFC 6532 allows UTF-8 alone).
    EightBitHeader,
    /// A CR without LF (RFC 5321, section 2.3.8): some programs see a line end there.
    BareCr,
    /// The header section is not ended by an empty line.
    HeaderUnended,
    /// More header fields than are looked at.
    FieldsCut,
    /// A header field longer than is taken apart.
    FieldTooLong,
    /// More addresses in a field than are looked at.
    AddressesCut,
    /// An encoded word (RFC 2047) that can't be decoded.
    EncodedWordBroken,
    /// More parts than are looked at.
    PartsCut,
    /// Deeper nesting than is looked at.
    NestingCut,
    /// More text than is looked at.
    TextCut,
    /// More links than are looked at.
    LinksCut,
    /// An archive larger than is listed.
    ArchiveCut,
    /// A multipart that names no boundary (RFC 2046, section 5.1.1).
    BoundaryMissing,
    /// A multipart whose boundary never occurs.
    BoundaryUnused,
    /// A multipart without its closing delimiter.
    MultipartUnclosed,
    /// A multipart in base64 or quoted-printable, which RFC 2045, section 6.4, forbids.
    MultipartEncoded,
    /// A transfer encoding that nobody knows.
    EncodingUnknown,
    /// A character set that nobody knows.
    CharsetUnknown,
    /// Text that isn't the base64 it claims to be.
    Base64Broken,
    /// Text that isn't the quoted-printable it claims to be.
    QuotedPrintableBroken,
    /// Bytes over 127 in text declared as 7bit.
    EightBitBody,
    /// Content-Type stands more than once in one header section.
    DuplicateContentType,
    /// Content-Transfer-Encoding stands more than once in one header section, and says different things.
    DuplicateEncoding,
    /// A line of over 998 octets (RFC 5322, section 2.1.1).
    LongLine,
}

/// The defects of one message, each once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defects(Vec<Defect>);

impl Defects {
    pub(crate) fn note(&mut self, defect: Defect) {
        if !self.0.contains(&defect) {
            self.0.push(defect);
        }
    }

    pub(crate) fn forget(&mut self, defect: Defect) {
        self.0.retain(|it| *it != defect);
    }

    /// Notes bytes that no part of a message should have.
    pub(crate) fn inspect(&mut self, bytes: &[u8]) {
        if memchr(0, bytes).is_some() {
            self.note(Defect::NulByte);
        }
        if memchr_iter(b'\r', bytes).any(|at| bytes.get(at + 1) != Some(&b'\n')) {
            self.note(Defect::BareCr);
        }
    }

    pub(crate) fn as_slice(&self) -> &[Defect] {
        &self.0
    }
}
