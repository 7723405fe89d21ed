//! The texts of a message: what was written, what a reader sees of it, and what is hidden.
//!
//! Of parts that say the same in several forms (`multipart/alternative`) a reader is shown the HTML.
//!
//! Invariant: text that can be read as it stands is borrowed.

use std::borrow::Cow;

use crate::Bounds;
use crate::attachments::is_file;
use crate::decode;
use crate::defects::{Defect, Defects};
use crate::html::{HtmlFacts, Renderer};
use crate::links::Links;
use crate::mime::{Encoding, Part};

/// All of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts<'m> {
    /// None: the same as `plain`.
    pub(crate) visible: Option<String>,
    pub(crate) plain: Cow<'m, str>,
    pub(crate) html: Cow<'m, str>,
    pub(crate) hidden: String,
    pub(crate) facts: HtmlFacts,
}

/// Reads the texts of `parts`, and their links into `links`.
pub(crate) fn read<'m>(
    parts: &[Part<'m>],
    bounds: &Bounds,
    links: &mut Links,
    defects: &mut Defects,
) -> Texts<'m> {
    let mut texts = Texts::default();
    let shown: Vec<&Part<'m>> = shown(parts);
    let has_html = shown.iter().any(|part| part.is_html());
    let mut visible = String::new();
    for part in shown {
        let into = if part.is_html() { texts.html.len() } else { texts.plain.len() };
        let room = bounds.text_bytes.saturating_sub(into);
        let text = decoded(part, room, defects);
        if part.is_html() {
            let renderer =
                Renderer::new(&mut visible, &mut texts.hidden, bounds.text_bytes, links, defects);
            texts.facts.add(renderer.read(&text));
            append(&mut texts.html, text);
        } else {
            if has_html && !is_replaced(part, parts) {
                separate(&mut visible);
                visible.push_str(&text);
            }
            append(&mut texts.plain, text);
        }
    }
    links.in_text(&texts.plain, defects);
    texts.visible = has_html.then_some(visible);
    texts
}

/// The parts that are shown as text. Where all text is declared to be files, the first is shown; where there is none,
/// as in a digest, the messages within are. Else these are what somebody else wrote, and judged for itself once.
fn shown<'p, 'm>(parts: &'p [Part<'m>]) -> Vec<&'p Part<'m>> {
    let texts = |inner| {
        let of_these = move |part: &&Part<'_>| part.of_inner_message == inner && part.is_text();
        parts.iter().filter(of_these)
    };
    let shown: Vec<_> = texts(false).filter(|part| !is_file(part, parts)).collect();
    if !shown.is_empty() {
        return shown;
    }
    match texts(false).next() {
        Some(first) => vec![first],
        None => texts(true).filter(|part| !is_file(part, parts)).collect(),
    }
}

/// Whether a reader is shown HTML in place of this plain text.
fn is_replaced(part: &Part<'_>, parts: &[Part<'_>]) -> bool {
    let ancestors = |part: &Part<'_>| {
        std::iter::successors(part.parent, |&parent| parts[parent].parent).collect::<Vec<_>>()
    };
    ancestors(part)
        .into_iter()
        .filter(|&above| parts[above].content_type == "multipart/alternative")
        .any(|above| {
            let html = parts.iter().filter(|part| part.is_html() && !is_file(part, parts));
            html.into_iter().any(|html| ancestors(html).contains(&above))
        })
}

fn decoded<'m>(part: &Part<'m>, room: usize, defects: &mut Defects) -> Cow<'m, str> {
    let is_seven_bit = part.encoding == Encoding::SevenBit;
    if is_seven_bit && !part.body.is_ascii() {
        defects.note(Defect::EightBitBody);
    }
    let bytes = decode::transfer(part.body, part.encoding, room, defects);
    decode::charset(bytes, part.charset.as_deref(), defects)
}

fn append<'m>(to: &mut Cow<'m, str>, text: Cow<'m, str>) {
    if to.is_empty() {
        *to = text;
    } else {
        let to = to.to_mut();
        separate(to);
        to.push_str(&text);
    }
}

fn separate(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    /// Of a message of two forms, whose second one has these fields.
    #[track_caller]
    fn check(fields: &str, visible: &str) {
        let raw = format!(
            "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nplain\r\n\
             --b\r\n{fields}\r\n\r\n<p>shown <a href=http://a.example>here</a>\r\n--b--\r\n"
        );
        let message = Message::parse(raw.as_bytes(), &Bounds::default());
        assert_eq!(message.text().trim(), visible, "{fields}");
        assert_eq!(message.links().len(), usize::from(visible != "plain"), "{fields}");
    }

    #[test]
    fn of_several_forms_the_html_is_shown_whatever_its_name() {
        check("Content-Type: text/html", "shown here");
        check("Content-Type: text/html; name=x", "shown here");
        check("Content-Type: text/html\r\nContent-Disposition: attachment", "plain");
        check("Content-Type: text/calendar", "plain");
    }

    #[test]
    fn a_message_within_is_shown_where_nothing_else_is() {
        let text = |raw: &str| {
            let message = Message::parse(raw.as_bytes(), &Bounds::default());
            (message.text().trim().to_owned(), message.links().len())
        };
        let inner = "Subject: y\r\nContent-Type: text/html\r\n\r\n<a href=http://a.example>x</a>";
        let alone = format!("Content-Type: message/rfc822\r\n\r\n{inner}");
        assert_eq!(text(&alone), ("x".to_owned(), 1));
        let digest = "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n";
        assert_eq!(text(&format!("{digest}{inner}\r\n--b--\r\n")), ("x".to_owned(), 1));
        let sent_on =
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nLook!\r\n--b\r\n";
        assert_eq!(text(&format!("{sent_on}{alone}\r\n--b--\r\n")), ("Look!".to_owned(), 0));
    }

    #[test]
    fn text_of_a_kind_that_nobody_knows_is_shown() {
        let raw = b"Content-Type: text/x-unknown\r\n\r\nsee http://a.example\r\n";
        let message = Message::parse(raw, &Bounds::default());
        assert_eq!(message.plain(), "see http://a.example\r\n");
        assert_eq!(message.links().len(), 1);
    }
}
