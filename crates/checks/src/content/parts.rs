//! Parts that should say the same and don't (RFC 2046, section 5.1.4), or that are wrapped without
//! need.
//!
//! Invariant: a plain part that is a stub ("see the HTML") is no contradiction.

use ahash::AHashSet;
use tidegate_dns::Answers;
use tidegate_mail::{Encoding, Message};
use tidegate_signal::{Family, SignalDef, Signals};

use crate::bulk::precedence::of_a_list;
use crate::{Check, Known};

/// The plain part tells another story than the HTML.
pub static PARTS_DIFFER: SignalDef = SignalDef::new(
    "PARTS_DIFFER",
    Family::Content,
    0.3,
    "The plain part and the HTML say different things",
);
/// An alternative to nothing.
pub static ALTERNATIVE_ALONE: SignalDef = SignalDef::new(
    "ALTERNATIVE_ALONE",
    Family::Content,
    0.3,
    "The message offers alternatives, and there is only one",
);
/// Base64 of text that needs no encoding.
pub static TEXT_NEEDLESSLY_ENCODED: SignalDef = SignalDef::new(
    "TEXT_NEEDLESSLY_ENCODED",
    Family::Content,
    0.8,
    "The text is encoded although it has plain letters only",
);

/// Looks at the parts beside each other.
#[derive(Default)]
pub struct Parts;

/// Fewer different words than these say too little to be compared.
const ENOUGH: usize = 25;
/// Words beyond these are not compared.
const MOST_WORDS: usize = 2000;
/// Words of three letters and less stand in any text.
const SHORTEST: usize = 4;

impl Check for Parts {
    const KEY: &'static str = "content.parts";
    const RAISES: &'static [&'static SignalDef] =
        &[&PARTS_DIFFER, &ALTERNATIVE_ALONE, &TEXT_NEEDLESSLY_ENCODED];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        if let Some((shared, words)) = difference(message) {
            signals.raise(&PARTS_DIFFER, format!("{shared} of {words} words are in both"));
        }
        if is_alone(message) {
            signals.raise(&ALTERNATIVE_ALONE, "");
        }
        // Lists' programs encode what members wrote plainly.
        if !of_a_list(message) && needlessly_encoded(message) {
            signals.raise(&TEXT_NEEDLESSLY_ENCODED, "");
        }
    }
}

/// Where fewer than a fifth of the plain part's words stand in the HTML: how many do, of how many.
fn difference(message: &Message<'_>) -> Option<(usize, usize)> {
    if message.html_source().is_empty() || !has_alternatives(message) {
        return None;
    }
    let plain = words(message.plain());
    if plain.len() < ENOUGH {
        return None;
    }
    let shown = words(message.text());
    if shown.len() < ENOUGH {
        return None;
    }
    let (few, many) = if plain.len() < shown.len() { (&plain, &shown) } else { (&shown, &plain) };
    let shared = few.iter().filter(|word| many.contains(*word)).count();
    (shared * 5 < few.len()).then_some((shared, few.len()))
}

/// The different words, as they are written.
fn words(text: &str) -> AHashSet<&str> {
    text.split(|c: char| !c.is_alphabetic())
        .filter(|word| word.len() >= SHORTEST)
        .take(MOST_WORDS)
        .collect()
}

/// Whether a plain and an HTML part stand in one `multipart/alternative`.
fn has_alternatives(message: &Message<'_>) -> bool {
    let parts = message.parts();
    parts.iter().any(|plain| {
        plain.content_type == "text/plain"
            && plain.parent.and_then(|at| parts.get(at)).is_some_and(|parent| {
                parent.content_type == "multipart/alternative"
                    && parts
                        .iter()
                        .any(|html| html.content_type == "text/html" && html.parent == plain.parent)
            })
    })
}

fn is_alone(message: &Message<'_>) -> bool {
    let parts = message.parts();
    parts.iter().enumerate().any(|(at, part)| {
        part.content_type == "multipart/alternative"
            && parts.iter().filter(|child| child.parent == Some(at)).count() == 1
    })
}

/// A lone text part in base64, all of it plain letters, and short lines.
fn needlessly_encoded(message: &Message<'_>) -> bool {
    let mut texts = message
        .parts()
        .iter()
        .filter(|part| part.content_type.starts_with("text/") && part.name.is_none());
    let (Some(only), None) = (texts.next(), texts.next()) else { return false };
    let decoded =
        if only.content_type == "text/html" { message.html_source() } else { message.plain() };
    only.encoding == Encoding::Base64
        && !decoded.is_empty()
        && decoded.is_ascii()
        && decoded.lines().all(|line| line.len() < 998)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    const ONE: &str = "Tonight several musicians from northern cities will perform their newest works \
        inside that ancient theatre beside river gardens, where visitors admire lanterns, flowers, \
        sculptures, paintings, fountains, bridges, orchards, peacocks, windmills";
    const OTHER: &str = "Purchase discounted medicine directly without prescription, shipped worldwide \
        overnight, guaranteed lowest prices, money refunded, secure ordering, customer satisfaction, \
        private packaging, trusted pharmacy, licensed doctors, quality tablets, express courier, bonus \
        pills, loyal buyers";

    #[track_caller]
    fn check(plain: &str, html: &str, expect: &[&str]) {
        let raw = format!(
            "From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=x\n\n\
             --x\nContent-Type: text/plain\n\n{plain}\n\
             --x\nContent-Type: text/html\n\n<p>{html}</p>\n--x--\n"
        );
        assert_eq!(raised::<Parts>(&raw), expect, "{plain} {html}");
    }

    #[test]
    fn alternatives_that_agree_raise_nothing() {
        check(ONE, ONE, &[]);
        check("Please view this in HTML.", OTHER, &[]);
        check(ONE, &format!("{ONE} {OTHER}"), &[]);
    }

    #[test]
    fn alternatives_that_differ_are_told() {
        check(ONE, OTHER, &["PARTS_DIFFER"]);
    }

    #[test]
    fn needless_wrapping_is_told() {
        let alone = "Content-Type: multipart/alternative; boundary=x\n\n--x\n\
                     Content-Type: text/html\n\n<p>Hi</p>\n--x--\n";
        assert_eq!(raised::<Parts>(alone), ["ALTERNATIVE_ALONE"]);
        let encoded = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n\
                       SGVsbG8gd29ybGQ=\n";
        assert_eq!(raised::<Parts>(encoded), ["TEXT_NEEDLESSLY_ENCODED"]);
        let needed = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n\
                      R3LDvMOfZQ==\n";
        assert!(raised::<Parts>(needed).is_empty());
    }
}
