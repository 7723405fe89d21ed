//! The parts of a message (RFC 2045, RFC 2046), found without decoding them.
//!
//! Invariant: parts stand depth first, the message itself first of all; their bodies are slices of
//! the buffer, and the walk goes no deeper and keeps no more than [`Bounds`] allow.

use std::borrow::Cow;

use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, HeaderValue};
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

    /// Reads what the fields declare, and the boundary of a multipart.
    fn declared(
        &mut self,
        fields: &[Field<'m>],
        body: &'m [u8],
        default_type: &str,
    ) -> (Part<'m>, Option<String>) {
        let mut part = Part {
            content_type: default_type.to_owned(),
            declared: false,
            charset: None,
            encoding: Encoding::SevenBit,
            disposition: None,
            name: None,
            also_named: Vec::new(),
            has_content_id: false,
            depth: 0,
            parent: None,
            of_inner_message: false,
            body,
        };
        let mut boundary = None;
        let (mut encoded, mut names) = (false, Names::default());
        for field in fields.iter().filter(|field| is_content(field.name)) {
            if field.is("Content-Type") {
                if part.declared {
                    self.defects.note(Defect::DuplicateContentType);
                    continue;
                }
                part.declared = true;
                self.content_type(field, |declared| {
                    if let Some(subtype) = &declared.c_subtype {
                        part.content_type =
                            format!("{}/{subtype}", declared.c_type).to_ascii_lowercase();
                    }
                    part.charset = declared.attribute("charset").map(str::to_ascii_lowercase);
                    boundary = declared.attribute("boundary").map(str::to_owned);
                    names.of_type = all(declared, "name");
                });
            } else if field.is("Content-Transfer-Encoding") {
                let encoding = self.encoding(&field.raw_text());
                if !encoded {
                    part.encoding = encoding;
                } else if encoding != part.encoding {
                    self.defects.note(Defect::DuplicateEncoding);
                }
                encoded = true;
            } else if field.is("Content-Disposition") && part.disposition.is_none() {
                self.content_type(field, |declared| {
                    let inline = declared.c_type.eq_ignore_ascii_case("inline");
                    part.disposition =
                        Some(if inline { Disposition::Inline } else { Disposition::Attachment });
                    names.of_file = all(declared, "filename");
                });
            } else if field.is("Content-Id") {
                part.has_content_id = true;
            }
        }
        (part.name, part.also_named) = names.in_order();
        (part, boundary)
    }

    /// Reads what a field declares (RFC 2045, section 5.1, with the continuations of RFC 2231); of a long
    /// one, what its beginning does.
    fn content_type<T>(
        &mut self,
        field: &Field<'m>,
        read: impl FnOnce(&ContentType<'_>) -> T,
    ) -> Option<T> {
        /// Real ones have 100; parameters by the thousand are put together at a cost.
        const MOST: usize = 4_096;
        let beginning = field.beginning(self.bounds.field_bytes.min(MOST));
        let end = fields::decodable(beginning);
        let cut;
        let mut stream = field.stream(usize::MAX);
        if end < field.value.len() {
            self.defects.note(Defect::FieldTooLong);
            // Without a line end nothing would be declared, and a long field would hide what it is.
            cut = [&beginning[..end], b"\n"].concat();
            stream = MessageStream::new(&cut);
        }
        match stream.parse_content_type() {
            HeaderValue::ContentType(declared) => Some(read(&declared)),
            _ => None,
        }
    }

    fn encoding(&mut self, word: &str) -> Encoding {
        // A comment may stand before it, too.
        let comment = word.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let word = comment.map_or(word, |(_, behind)| behind).trim_start();
        let word = word.split([';', '(', ' ']).next().unwrap_or_default().trim_matches('"');
        let known = [
            ("7bit", Encoding::SevenBit),
            ("8bit", Encoding::EightBit),
            ("quoted-printable", Encoding::QuotedPrintable),
            ("base64", Encoding::Base64),
            ("binary", Encoding::Binary),
            ("7-bit", Encoding::SevenBit),
            ("8-bit", Encoding::EightBit),
        ];
        match known.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)) {
            Some((_, encoding)) => *encoding,
            None if word.is_empty() => Encoding::SevenBit,
            None => {
                self.defects.note(Defect::EncodingUnknown);
                Encoding::Unknown
            }
        }
    }
}

/// What a part is named, by the field that says so.
#[derive(Default)]
struct Names {
    of_file: Vec<String>,
    of_type: Vec<String>,
}

impl Names {
    /// The one that counts, and what others take for it.
    fn in_order(self) -> (Option<String>, Vec<String>) {
        let mut others: Vec<String> = Vec::new();
        for name in self.of_file.into_iter().chain(self.of_type) {
            let name = name.trim();
            if !name.is_empty() && !others.iter().any(|other| other == name) {
                others.push(name.to_owned());
            }
        }
        let first = (!others.is_empty()).then(|| others.remove(0));
        (first, others)
    }
}

/// The parameters of one name, in whatever form each is written (RFC 2231).
fn all(declared: &ContentType<'_>, name: &str) -> Vec<String> {
    /// Programs that differ take the first or the last, or one form before the other.
    const MOST: usize = 4;
    let parameters = declared.attributes().unwrap_or_default().iter();
    let named = parameters.filter(|parameter| parameter.name == name);
    named.take(MOST).map(|parameter| parameter.value.clone().into_owned()).collect()
}

fn is_content(name: &str) -> bool {
    name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("Content-"))
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

    fn parts<'m>(raw: &'m str, bounds: &Bounds) -> (Vec<Part<'m>>, Vec<Defect>) {
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
    fn a_long_field_hides_nothing_of_what_it_declares_first() {
        for long in ["; x=y".repeat(2_000), format!("; x=\"{}\"", "=?a0?q?x".repeat(400))] {
            let raw = format!(
                "Content-Type: text/html; charset=utf-8{long}\nContent-Disposition: inline; filename=a.pdf{long}\n\
                 Content-Disposition: attachment; filename=b.exe\n\nx"
            );
            let (parts, defects) = parts(&raw, &Bounds::default());
            assert_eq!(parts[0].content_type, "text/html");
            assert_eq!(parts[0].charset.as_deref(), Some("utf-8"));
            assert_eq!(parts[0].name.as_deref(), Some("a.pdf"));
            assert_eq!(parts[0].disposition, Some(Disposition::Inline));
            assert_eq!(defects, [Defect::FieldTooLong]);
        }
    }

    #[test]
    fn names_and_encodings_are_read() {
        let raw = "Content-Type: application/pdf;\n name*0=\"in\";\n name*1=\"voice.pdf\"\nContent-Transfer-Encoding: BASE64\nContent-Disposition: attachment;\n filename*=utf-8''gr%C3%BC%C3%9Fe.pdf\nContent-ID: <1@x>\n\nx";
        let (parts, _) = parts(raw, &Bounds::default());
        assert_eq!(parts[0].name.as_deref(), Some("grüße.pdf"));
        assert_eq!(parts[0].encoding, Encoding::Base64);
        assert_eq!(parts[0].disposition, Some(Disposition::Attachment));
        assert!(parts[0].has_content_id);
    }

    #[test]
    fn every_name_of_a_file_is_known() {
        let raw = "Content-Type: application/pdf; name=c.exe\nContent-Disposition: attachment; filename=a.pdf; \
                   filename*=utf-8''b.js; filename=a.pdf\n\nx";
        let (parts, _) = parts(raw, &Bounds::default());
        assert_eq!(parts[0].name.as_deref(), Some("a.pdf"));
        assert_eq!(parts[0].also_named, ["b.js", "c.exe"]);
    }

    #[test]
    fn the_first_of_two_encodings_counts() {
        for (fields, encoding, defects) in [
            (
                "base64\nContent-Transfer-Encoding: 7bit",
                Encoding::Base64,
                &[Defect::DuplicateEncoding][..],
            ),
            ("base64\nContent-Transfer-Encoding: BASE64", Encoding::Base64, &[]),
            ("(x) base64", Encoding::Base64, &[]),
            ("base64 (x)", Encoding::Base64, &[]),
        ] {
            let raw = format!("Content-Transfer-Encoding: {fields}\n\nx");
            let (parts, found) = parts(&raw, &Bounds::default());
            assert_eq!((parts[0].encoding, found.as_slice()), (encoding, defects), "{fields}");
        }
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
