//! What the fields of a part declare: its type, encoding, disposition and names.
//!
//! Invariant: of a field that stands twice the first counts, as in most mail programs; of names all are known.

use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, HeaderValue};

use super::{Disposition, Encoding, Part, Walk};
use crate::defects::Defect;
use crate::fields::{self, Field};

impl<'m> Walk<'m, '_> {
    /// Reads what the fields declare, and the boundary of a multipart.
    pub(super) fn declared(
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
        let mut encoded = false;
        let (mut of_file, mut of_type) = (Vec::new(), Vec::new());
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
                    of_type = all(declared, "name");
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
                    of_file = all(declared, "filename");
                });
            } else if field.is("Content-Id") {
                part.has_content_id = true;
            }
        }
        let mut names: Vec<String> = Vec::new();
        for name in of_file.into_iter().chain(of_type) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut names = names.into_iter();
        part.name = names.next();
        part.also_named = names.collect();
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

/// The parameters of one name, in whatever form each is written (RFC 2231).
fn all(declared: &ContentType<'_>, name: &str) -> Vec<String> {
    /// Programs that differ take the first or the last, or one form before the other.
    const MOST: usize = 4;
    let parameters = declared.attributes().unwrap_or_default().iter();
    let named = parameters.filter(|parameter| parameter.name == name);
    let values = named.take(MOST).map(|parameter| parameter.value.trim());
    values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

fn is_content(name: &str) -> bool {
    name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("Content-"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::parts;
    use super::*;
    use crate::Bounds;

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
}
