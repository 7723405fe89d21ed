//! The header section, split into its fields (RFC 5322, section 2.2).
//!
//! Invariant: every byte of the section belongs to a field or to a line that is none; no byte is
//! copied.

use std::borrow::Cow;

use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;
use memchr::{memchr, memchr2, memchr2_iter, memmem};

use crate::decode::readable;
use crate::defects::{Defect, Defects};

/// One header field as it stands.
#[derive(Debug, Clone, Copy)]
pub struct Field<'m> {
    /// Its name, as it is written.
    pub name: &'m str,
    /// What stands behind the colon, folded as it is, without the last line end.
    pub value: &'m [u8],
    /// The value with its line end, as the grammar wants it.
    whole: &'m [u8],
}

impl<'m> Field<'m> {
    /// The value on one line, its encoded words (RFC 2047) decoded.
    #[must_use]
    pub fn text(&self) -> Cow<'m, str> {
        if memmem::find(self.value, b"=?").is_none() {
            return self.raw_text();
        }
        let end = decodable(self.value);
        if let Some((read, rest)) =
            self.value.split_at_checked(end).filter(|_| end < self.value.len())
        {
            let read = [read, b"\n"].concat();
            let read = Field { name: self.name, value: &read[..end], whole: &read };
            return Cow::Owned(format!(
                "{} {}",
                read.decoded(),
                on_one_line(&readable(rest)).trim()
            ));
        }
        self.decoded()
    }

    fn decoded(&self) -> Cow<'m, str> {
        match MessageStream::new(self.whole).parse_unstructured() {
            HeaderValue::Text(Cow::Borrowed(text)) => Cow::Borrowed(text.trim()),
            HeaderValue::Text(Cow::Owned(text)) => Cow::Owned(text.trim().to_owned()),
            _ => self.raw_text(),
        }
    }

    /// The value on one line, as it was sent.
    #[must_use]
    pub fn raw_text(&self) -> Cow<'m, str> {
        match readable(self.value) {
            Cow::Borrowed(text) if memchr2(b'\r', b'\n', text.as_bytes()).is_none() => {
                Cow::Borrowed(text.trim())
            }
            text => Cow::Owned(on_one_line(text.trim())),
        }
    }

    /// Whether the name is `name`, letter case aside.
    #[must_use]
    #[inline]
    pub fn is(&self, name: &str) -> bool {
        self.name.len() == name.len() && self.name.eq_ignore_ascii_case(name)
    }

    /// The value, cut at `most` bytes.
    pub(crate) fn beginning(&self, most: usize) -> &'m [u8] {
        self.value.get(..most).unwrap_or(self.value)
    }

    /// The value for the parsers of mail-parser, cut at `most` bytes, or where reading on would cost too
    /// much.
    pub(crate) fn stream(&self, most: usize) -> MessageStream<'m> {
        let cut = self.whole.get(..most).unwrap_or(self.whole);
        MessageStream::new(&cut[..decodable(cut)])
    }
}

/// How far encoded words (RFC 2047) are looked for. A reader tries at each `=?`, and reads as far as a
/// `?=` before it knows that this was none: where thousands wait for the same end, it would read the
/// value thousands of times.
pub(crate) fn decodable(value: &[u8]) -> usize {
    /// How often all of a value may be read. Words one after the other read it twice.
    const TIMES: usize = 16;
    let mut left = value.len().saturating_mul(TIMES);
    let mut ends = memmem::find_iter(value, b"?=");
    // The first end may belong to the word's beginning: `=?utf-8?q?=C3…`.
    let (mut first, mut second) = (ends.next(), ends.next());
    for at in memmem::find_iter(value, b"=?") {
        while first.is_some_and(|end| end < at + 2) {
            (first, second) = (second, ends.next());
        }
        match left.checked_sub(second.unwrap_or(value.len()) - at) {
            Some(rest) => left = rest,
            None => return at,
        }
    }
    value.len()
}

/// What stands in angle brackets, as addresses of lists do (RFC 2369, section 2), without blanks around it.
pub fn in_angle_brackets(text: &str) -> impl Iterator<Item = &str> {
    text.split('<').skip(1).filter_map(|rest| rest.split('>').next()).map(str::trim)
}

/// Without its line ends.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut from = 0;
    for at in memchr2_iter(b'\r', b'\n', text.as_bytes()) {
        line.push_str(&text[from..at]);
        from = at + 1;
    }
    line.push_str(&text[from..]);
    line
}

/// Where the fields of a header section stand in it. Sections of over 4 GiB are cut before.
#[derive(Debug, Clone, Copy)]
struct Span {
    begin: u32,
    colon: u32,
    end: u32,
}

impl Span {
    /// The field that stands here in `entity`.
    fn field(self, entity: &[u8]) -> Option<Field<'_>> {
        let [begin, colon, end] = [self.begin, self.colon, self.end].map(|at| at as usize);
        let whole = entity.get(colon + 1..end)?;
        let name = entity.get(begin..colon)?.trim_ascii_end();
        let value = whole.strip_suffix(b"\n").unwrap_or(whole);
        let value = value.strip_suffix(b"\r").unwrap_or(value);
        Some(Field { name: str::from_utf8(name).ok()?, value, whole })
    }
}

/// A header section, taken off the front of an entity.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    spans: Vec<Span>,
    /// Where the body begins.
    pub(crate) body: usize,
    /// Whether an empty line stands before it.
    pub(crate) ended: bool,
}

impl Section {
    /// The fields, where `entity` is what the section was taken off, or more of it.
    pub(crate) fn fields<'m>(&self, entity: &'m [u8]) -> Vec<Field<'m>> {
        self.spans.iter().filter_map(|span| span.field(entity)).collect()
    }
}

/// Splits the header section off `entity`, a message or a MIME part.
pub(crate) fn split(entity: &[u8], most: usize, defects: &mut Defects) -> Section {
    let mut spans = Vec::with_capacity(if most > 100 { 40 } else { 6 });
    let mut at = 0;
    while at < entity.len() {
        let rest = &entity[at..];
        if let Some(end) = empty_line(rest) {
            return Section { spans, body: at + end, ended: true };
        }
        let end = field_end(rest);
        match span(&rest[..end], at) {
            Some(_) if spans.len() >= most => defects.note(Defect::FieldsCut),
            Some(span) => spans.push(span),
            // mbox files begin so.
            None if at == 0 && rest.starts_with(b"From ") => {}
            None => defects.note(Defect::NotAField),
        }
        at += end;
    }
    if !entity.is_empty() {
        defects.note(Defect::HeaderUnended);
    }
    Section { spans, body: entity.len(), ended: false }
}

/// The length of the line end, when `rest` begins with one.
pub(crate) fn empty_line(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

/// Past the line end that no white space follows.
fn field_end(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(newline) = memchr(b'\n', &rest[at..]) {
        at += newline + 1;
        if !matches!(rest.get(at), Some(b' ' | b'\t')) {
            return at;
        }
    }
    rest.len()
}

/// Where the field `line` stands that begins at `at`. Blanks before the colon are obsolete but allowed
/// (RFC 5322, section 4.5).
fn span(line: &[u8], at: usize) -> Option<Span> {
    let colon = memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let place = |within: usize| u32::try_from(at + within).ok();
    Some(Span { begin: place(0)?, colon: place(colon)?, end: place(line.len())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expect: &[(&str, &str)], body: &str, defect: Option<Defect>) {
        let mut defects = Defects::default();
        let section = split(raw.as_bytes(), 1_000, &mut defects);
        let fields = section.fields(raw.as_bytes());
        let texts: Vec<_> = fields.iter().map(|field| (field.name, field.text())).collect();
        let texts: Vec<_> = texts.iter().map(|(name, text)| (*name, text.as_ref())).collect();
        assert_eq!(texts, expect);
        assert_eq!(&raw[section.body..], body);
        assert_eq!(defects.as_slice(), defect.as_slice());
    }

    #[test]
    fn fields_are_unfolded_and_the_body_begins_behind_the_empty_line() {
        check(
            "A: 1\r\nB:\r\n 2\r\n\t3\r\n\r\nbody\r\n",
            &[("A", "1"), ("B", "2\t3")],
            "body\r\n",
            None,
        );
        check("A: 1\nB : 2\n\nA: 3\n", &[("A", "1"), ("B", "2")], "A: 3\n", None);
        check("From x Mon\nA: 1\n\n", &[("A", "1")], "", None);
    }

    #[test]
    fn what_is_no_field_is_told() {
        check("A: 1\nhello\n\nb", &[("A", "1")], "b", Some(Defect::NotAField));
        check("A: 1\nB: 2", &[("A", "1"), ("B", "2")], "", Some(Defect::HeaderUnended));
    }

    #[test]
    fn encoded_words_are_decoded_and_joined() {
        check(
            "S: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?iso-8859-1?b?IGF1cyA=?= =?koi8-r?b?7c/Tyw==?=\r\n\r\n",
            &[("S", "Grüße aus Моск")],
            "",
            None,
        );
        check("S: =?x-none?q?a?=\n\n", &[("S", "a")], "", None);
        check("S: =?utf-8?q?a\n\n", &[("S", "=?utf-8?q?a")], "", None);
    }

    #[test]
    fn words_that_wait_for_one_end_are_not_all_tried() {
        let hostile = format!("=?utf-8?q?a?= {}", "=?a0?q?x".repeat(1_000));
        let raw = format!("S: {hostile}\n\n");
        let mut defects = Defects::default();
        let section = split(raw.as_bytes(), 9, &mut defects);
        let text = section.fields(raw.as_bytes())[0].text();
        assert!(text.starts_with("a =?a0?q?x") && text.ends_with("=?a0?q?x"), "{text}");
        assert!(decodable(hostile.as_bytes()) < 300);
        let honest = "=?utf-8?q?=C3=BC?= =?utf-8?b?w7w=?= ".repeat(1_000);
        assert_eq!(decodable(honest.as_bytes()), honest.len());
    }

    #[test]
    fn bytes_that_are_not_utf8_are_read_as_latin() {
        let mut defects = Defects::default();
        let raw = b"S: Gr\xfc\xdfe\n\n";
        assert_eq!(split(raw, 9, &mut defects).fields(raw)[0].text(), "Grüße");
    }
}
