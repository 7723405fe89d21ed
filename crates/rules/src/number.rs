//! Numbers of a message that a rule may compare.
//!
//! Invariant: a number exists for every message; what is missing counts 0.

use std::fmt;

use crate::fold::{Stretch, each_stretch};
use memchr::memchr_iter;
use tidegate_mail::{Envelope, LinkKind, Message};

/// One of them, by its place in the table.
#[derive(Clone, Copy)]
pub(crate) struct Number(usize);

/// Those of one message that were asked for: several rules compare the same.
#[derive(Debug, Default)]
pub(crate) struct Counted([Option<f64>; NUMBERS.len()]);

struct Entry {
    name: &'static str,
    of: fn(&Message<'_>, &Envelope) -> f64,
}

impl Number {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        NUMBERS.iter().position(|entry| entry.name == name).map(Self)
    }

    pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
        NUMBERS.iter().map(|entry| entry.name)
    }

    pub(crate) fn of(
        self,
        message: &Message<'_>,
        envelope: &Envelope,
        counted: &mut Counted,
    ) -> f64 {
        *counted.0[self.0].get_or_insert_with(|| (NUMBERS[self.0].of)(message, envelope))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NUMBERS[self.0].name)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NUMBERS[self.0].name)
    }
}

macro_rules! numbers {
    ($($name:literal => $of:expr),+ $(,)?) => {
        const NUMBERS: &[Entry] = &[$(Entry { name: $name, of: |m, e| count($of(m, e)) }),+];
    };
}

fn count(number: usize) -> f64 {
    number as f64
}

numbers! {
    "size" => |m: &Message<'_>, _| m.raw().len(),
    "header.count" => |m: &Message<'_>, _| m.fields().len(),
    "header.bytes" => |m: &Message<'_>, _| m.header_bytes().len(),
    "received.count" => |m: &Message<'_>, _| m.count("received"),
    "to.count" => |m: &Message<'_>, _| m.to().len() + m.cc().len(),
    "recipients.count" => |_, e: &Envelope| e.recipients.len(),
    "links.count" => |m: &Message<'_>, _| m.links().len(),
    "links.domains" => |m: &Message<'_>, _| domains(m),
    "links.obfuscated" => |m: &Message<'_>, _| {
        m.links().iter().filter(|link| link.kind == LinkKind::Obfuscated).count()
    },
    "images.remote" => |m: &Message<'_>, _| m.html().images_remote as usize,
    "parts.count" => |m: &Message<'_>, _| m.parts().len(),
    "attachments.count" => |m: &Message<'_>, _| m.attachments().len(),
    "text.length" => |m: &Message<'_>, _| m.text().chars().count(),
    "text.words" => |m: &Message<'_>, _| words(m.text()),
    "text.caps-percent" => |m: &Message<'_>, _| caps_percent(m.text()),
    "hidden.length" => |m: &Message<'_>, _| m.hidden().chars().count(),
    "html.length" => |m: &Message<'_>, _| m.html_source().len(),
    "html.percent" => |m: &Message<'_>, _| percent(m.html_source().len(), m.body_bytes().len()),
    "subject.length" => |m: &Message<'_>, _| m.subject().map_or(0, |subject| subject.chars().count()),
    "subject.caps-percent" => |m: &Message<'_>, _| m.subject().map_or(0, caps_percent),
    "exclamations" => |m: &Message<'_>, _| exclamations(m),
}

fn domains(message: &Message<'_>) -> usize {
    let mut domains: Vec<&str> =
        message.links().iter().filter_map(|link| link.domain.as_deref()).collect();
    domains.sort_unstable();
    domains.dedup();
    domains.len()
}

/// As many bytes are counted at once: their number is one byte, so that many are added together.
const BLOCK: usize = 255;

fn words(text: &str) -> usize {
    let space = |byte: u8| (byte == b' ') | (byte.wrapping_sub(b'\t') < 5);
    // Where a word begins behind white space; the beginning is behind some.
    let (mut words, mut in_space) = (0, true);
    each_stretch(text.as_bytes(), |stretch| match stretch {
        Stretch::Ascii(bytes) => {
            let Some((&first, behind)) = bytes.split_first() else { return };
            words += usize::from(in_space & !space(first));
            for (before, here) in bytes.chunks(BLOCK).zip(behind.chunks(BLOCK)) {
                let pairs = before.iter().zip(here);
                let begun = pairs.map(|(&before, &byte)| u8::from(space(before) & !space(byte)));
                words += usize::from(begun.sum::<u8>());
            }
            in_space = bytes.last().is_some_and(|&last| space(last));
        }
        Stretch::Char(c) => {
            words += usize::from(in_space & !c.is_whitespace());
            in_space = c.is_whitespace();
        }
        Stretch::Invalid(_) => {}
    });
    words
}

/// Of the letters that have a case, how many in a hundred are capitals; 0 of fewer than eight
/// letters, of which nothing can be said.
fn caps_percent(text: &str) -> usize {
    let (mut capitals, mut letters) = (0, 0);
    each_stretch(text.as_bytes(), |stretch| match stretch {
        Stretch::Ascii(bytes) => {
            for block in bytes.chunks(BLOCK) {
                let count =
                    |is: fn(&u8) -> bool| block.iter().map(|byte| u8::from(is(byte))).sum::<u8>();
                capitals += usize::from(count(u8::is_ascii_uppercase));
                letters += usize::from(count(u8::is_ascii_alphabetic));
            }
        }
        Stretch::Char(c) => {
            capitals += usize::from(c.is_uppercase());
            letters += usize::from(c.is_uppercase() || c.is_lowercase());
        }
        Stretch::Invalid(_) => {}
    });
    if letters < 8 { 0 } else { percent(capitals, letters) }
}

fn exclamations(message: &Message<'_>) -> usize {
    let texts = [message.subject().unwrap_or(""), message.text()];
    let wide = |text: &str| if text.is_ascii() { 0 } else { text.matches('！').count() };
    texts.iter().map(|text| memchr_iter(b'!', text.as_bytes()).count() + wide(text)).sum()
}

fn percent(part: usize, whole: usize) -> usize {
    (100 * part).checked_div(whole).unwrap_or(0).min(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_are_counted_among_letters_with_a_case() {
        for (text, expect) in [
            ("", 0),
            ("HURRY", 0),
            ("BUY NOW 50% OFF", 100),
            ("Good morning", 9),
            ("СРОЧНО купите", 50),
        ] {
            assert_eq!(caps_percent(text), expect, "{text}");
        }
    }

    #[test]
    fn words_are_what_white_space_parts() {
        for text in ["", " ", "a", " a\u{b}b \r\n c", "a b ", "é\u{a0}b c"] {
            assert_eq!(words(text), text.split_whitespace().count(), "{text:?}");
        }
    }

    #[test]
    fn the_reference_names_every_number() {
        let reference = include_str!("../README.md");
        for name in Number::names() {
            assert!(reference.contains(&format!("`{name}`")), "README.md lacks the number {name}");
        }
    }
}
