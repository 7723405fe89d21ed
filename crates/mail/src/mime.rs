//! The parts of a message (RFC 2045, RFC 2046), found without decoding them.
//!
//! Invariant: parts stand depth first, the message itself first of all; their bodies are slices of
//! the buffer, and the walk goes no deeper and keeps no more than [`Bounds`] allow.

mod declared;

use std::borrow::Cow;

use memchr::memmem;

use crate::Bounds;
use crate::defects::{Defect, Defects};
use crate::fields::{self, Field};

/// How the body of a part is encoded (RFC 2045, section 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Lines of ASCII; also what is not declared.
    SevenBit,
    /// Lines of any bytes.
    EightBit,
    /// Any bytes.
    Binary,
    /// `=C3=BC`.
    QuotedPrintable,
    /// `w7w=`.
    Base64,
    /// Anything else, read as it stands.
    Unknown,
}

/// How a part wants to be shown (RFC 2183).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Within the message.
    Inline,
    /// As a file; also every kind that nobody knows.
    Attachment,
}

/// A part.
#[derive(Debug, Clone)]
pub struct Part<'m> {
    /// As declared, such as `text/html`, in lower case; `text/plain` where nothing is.
    pub content_type: String,
    /// Whether a Content-Type was declared.
    pub declared: bool,
    /// The `charset` of its Content-Type, in lower case.
    pub charset: Option<String>,
    /// The transfer encoding.
    pub encoding: Encoding,
    /// Its Content-Disposition.
    pub disposition: Option<Disposition>,
    /// A file's name, decoded.
    pub name: Option<String>,
    /// What else it is named: programs differ on which name counts.
    pub also_named: Vec<String>,
    /// Whether other parts can refer to it (RFC 2392).
    pub has_content_id: bool,
    /// How deep it lies: 0 is the message itself.
    pub depth: u8,
    /// The part that holds it, by its number.
    pub parent: Option<usize>,
    /// Whether it belongs to a message within the message.
    pub of_inner_message: bool,
    /// Its body, encoded.
    pub body: &'m [u8],
}

impl Part<'_> {
    /// Whether it consists of parts.
    #[must_use]
    pub fn is_multipart(&self) -> bool {
        self.content_type.starts_with("multipart/")
    }

    /// Whether it is plain text or HTML. Text of a kind that nobody knows is shown as plain text (RFC 2046,
    /// section 4.1.4).
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.is_html()
            || self.content_type.strip_prefix("text/").is_some_and(|kind| !FILES.contains(&kind))
    }

    /// Whether it is HTML.
    #[must_use]
    pub fn is_html(&self) -> bool {
        matches!(self.content_type.as_str(), "text/html" | "application/xhtml+xml")
    }
}

/// Kinds of text that are meant for programs, and shown as files or not at all.
const FILES: [&str; 14] = [
    "calendar",
    "comma-separated-values",
    "css",
    "csv",
    "directory",
    "javascript",
    "rfc822-headers",
    "rtf",
    "vcard",
    "watch-html",
    "x-amp-html",
    "x-vcalendar",
    "x-vcard",
    "xml",
];

/// Finds the parts of a message with the header `fields` and this `body`.
pub(crate) fn walk<'m>(
    fields: &[Field<'m>],
    body: &'m [u8],
    bounds: &Bounds,
    defects: &mut Defects,
) -> Vec<Part<'m>> {
    let mut walk = Walk { parts: Vec::new(), bounds, defects };
    walk.entity(fields, body, None, "text/plain", false);
    walk.parts
}

struct Walk<'m, 'w> {
    parts: Vec<Part<'m>>,
    bounds: &'w Bounds,
    defects: &'w mut Defects,
}

impl<'m> Walk<'m, '_> {
    /// Adds a part and what is in it.
    fn entity(
        &mut self,
        fields: &[Field<'m>],
        body: &'m [u8],
        parent: Option<usize>,
        default_type: &str,
        of_inner_message: bool,
    ) {
        let depth = parent.map_or(0, |parent| self.parts[parent].depth + 1);
        if self.parts.len() >= self.bounds.parts {
            self.defects.note(Defect::PartsCut);
            return;
        }
        let (mut part, boundary) = self.declared(fields, body, default_type);
        (part.depth, part.parent, part.of_inner_message) = (depth, parent, of_inner_message);
        let number = self.parts.len();
        let has_inner = part.is_multipart() || part.content_type == "message/rfc822";
        let is_encoded = matches!(part.encoding, Encoding::Base64 | Encoding::QuotedPrintable);
        if part.is_multipart() && is_encoded {
            self.defects.note(Defect::MultipartEncoded);
        }
        if has_inner && usize::from(depth) >= self.bounds.nesting.min(usize::from(u8::MAX - 1)) {
            self.defects.note(Defect::NestingCut);
            self.parts.push(part);
            return;
        }
        if part.content_type == "message/rfc822" && !is_encoded {
            self.parts.push(part);
            let inner = fields::split(body, self.bounds.fields, self.defects);
            let (fields, body) = (inner.fields(body), &body[inner.body..]);
            self.entity(&fields, body, Some(number), "text/plain", true);
        } else if part.is_multipart() {
            self.multipart(part, boundary.as_deref());
        } else {
            self.parts.push(part);
        }
    }

    fn multipart(&mut self, mut part: Part<'m>, boundary: Option<&str>) {
        let boundary = boundary.filter(|boundary| !boundary.is_empty());
        let (spans, closed) = boundary.map_or((Vec::new(), true), |boundary| {
            spans(part.body, boundary.as_bytes(), self.bounds.parts)
        });
        if spans.is_empty() {
            // Programs show such a body as it stands. A header section alone has none to show.
            if !part.body.is_empty() {
                let known = boundary.is_some();
                let defect = if known { Defect::BoundaryUnused } else { Defect::BoundaryMissing };
                self.defects.note(defect);
            }
            "text/plain".clone_into(&mut part.content_type);
            self.parts.push(part);
            return;
        }
        if !closed {
            self.defects.note(Defect::MultipartUnclosed);
        }
        let is_digest = part.content_type == "multipart/digest";
        let default_type = if is_digest { "message/rfc822" } else { "text/plain" };
        let (number, inner) = (self.parts.len(), part.of_inner_message);
        self.parts.push(part);
        for span in spans {
            let section = fields::split(span, self.bounds.fields.min(100), self.defects);
            let body = &span[section.body..];
            self.entity(&section.fields(span), body, Some(number), default_type, inner);
        }
    }
}

/// The bodies between the delimiters, and whether the last delimiter closes the multipart.
fn spans<'m>(body: &'m [u8], boundary: &[u8], most: usize) -> (Vec<&'m [u8]>, bool) {
    let delimiter: Cow<'_, [u8]> = [b"--", boundary].concat().into();
    let mut spans = Vec::new();
    let mut begin = None;
    for at in memmem::find_iter(body, &delimiter) {
        if at > 0 && body[at - 1] != b'\n' {
            continue;
        }
        let after = &body[at + delimiter.len()..];
        let closes = after.starts_with(b"--");
        let Some(end) = line_rest(if closes { &after[2..] } else { after }) else { continue };
        if let Some(begin) = begin {
            spans.push(trimmed(body.get(begin..at).unwrap_or_default()));
        }
        if closes {
            return (spans, true);
        }
        if spans.len() >= most {
            return (spans, true);
        }
        begin = Some(at + delimiter.len() + end);
    }
    // What follows the last delimiter is a part all the same.
    spans.extend(begin.and_then(|begin| body.get(begin..)));
    (spans, begin.is_none())
}

/// The length of the blanks and the line end that may follow a delimiter on its line.
fn line_rest(after: &[u8]) -> Option<usize> {
    let blanks = after.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    match after.get(blanks) {
        None => Some(blanks),
        Some(b'\n') => Some(blanks + 1),
        Some(_) => None,
    }
}

/// The line end before a delimiter belongs to it (RFC 2046, section 5.1.1).
fn trimmed(span: &[u8]) -> &[u8] {
    let span = span.strip_suffix(b"\n").unwrap_or(span);
    span.strip_suffix(b"\r").unwrap_or(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn parts<'m>(raw: &'m str, bounds: &Bounds) -> (Vec<Part<'m>>, Vec<Defect>) {
        let mut defects = Defects::default();
        let section = fields::split(raw.as_bytes(), 100, &mut defects);
        let body = &raw.as_bytes()[section.body..];
        let parts = walk(&section.fields(raw.as_bytes()), body, bounds, &mut defects);
        (parts, defects.as_slice().to_vec())
    }

    /// `expect`: depth, type and body of each part.
    #[track_caller]
    fn check(raw: &str, expect: &[(u8, &str, &str)], defects: &[Defect]) {
        let raw = raw.replace('\n', "\r\n");
        let (parts, found) = parts(&raw, &Bounds::default());
        let shown: Vec<_> = parts
            .iter()
            .map(|part| {
                let body = if part.is_multipart() || part.content_type == "message/rfc822" {
                    ""
                } else {
                    str::from_utf8(part.body).unwrap()
                };
                (part.depth, part.content_type.as_str(), body)
            })
            .collect();
        assert_eq!(shown, expect, "{raw}");
        assert_eq!(found, defects, "{raw}");
    }

    #[test]
    fn what_is_not_declared_is_plain_text() {
        check("Subject: x\n\nhello", &[(0, "text/plain", "hello")], &[]);
        check("Content-Type: nonsense\n\nhello", &[(0, "text/plain", "hello")], &[]);
    }

    #[test]
    fn parts_lie_between_their_delimiters() {
        check(
            "Content-Type: multipart/mixed; boundary=\"b 1\"\n\npreamble\n--b 1\n\none\n--b 1 \nContent-Type: TEXT/html\n\n<p>two\n\n--b 1--\nepilogue",
            &[(0, "multipart/mixed", ""), (1, "text/plain", "one"), (1, "text/html", "<p>two\r\n")],
            &[],
        );
    }

    #[test]
    fn multiparts_and_messages_nest() {
        check(
            "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=aa\n\n--aa\n\n1\n--aa\nContent-Type: text/html\n\n2\n--aa--\n--a\nContent-Type: message/rfc822\n\nSubject: y\n\n3\n--a--\n",
            &[
                (0, "multipart/mixed", ""),
                (1, "multipart/alternative", ""),
                (2, "text/plain", "1"),
                (2, "text/html", "2"),
                (1, "message/rfc822", ""),
                (2, "text/plain", "3"),
            ],
            &[],
        );
    }

    #[test]
    fn a_boundary_that_lies_is_told() {
        check(
            "Content-Type: multipart/mixed\n\nx",
            &[(0, "text/plain", "x")],
            &[Defect::BoundaryMissing],
        );
        check(
            "Content-Type: multipart/mixed; boundary=b\n\n--bb\nx --b\n",
            &[(0, "text/plain", "--bb\r\nx --b\r\n")],
            &[Defect::BoundaryUnused],
        );
        check(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx",
            &[(0, "multipart/mixed", ""), (1, "text/plain", "x")],
            &[Defect::MultipartUnclosed],
        );
        check(
            "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n--b\n\nx\n--b--\n",
            &[(0, "multipart/mixed", ""), (1, "text/plain", "x")],
            &[Defect::MultipartEncoded],
        );
        check("Content-Type: multipart/mixed; boundary=b\n\n", &[(0, "text/plain", "")], &[]);
    }

    #[test]
    fn ten_thousand_levels_end_at_the_bound() {
        let mut raw = String::new();
        for level in 0..10_000 {
            raw += &format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
        }
        let (parts, defects) = parts(&raw, &Bounds::default());
        assert_eq!(parts.len(), Bounds::default().nesting + 1);
        assert!(defects.contains(&Defect::NestingCut));
    }

    #[test]
    fn a_hundred_thousand_parts_end_at_the_bound() {
        let raw = "Content-Type: multipart/mixed; boundary=b\n\n".to_owned()
            + &"--b\n\nx\n".repeat(100_000);
        let (parts, defects) = parts(&raw, &Bounds::default());
        assert_eq!(parts.len(), Bounds::default().parts);
        assert!(defects.contains(&Defect::PartsCut));
    }
}
