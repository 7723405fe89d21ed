//! Text that the HTML hides from the reader, to please or to confuse filters.
//!
//! Newsletters hide a line or two that mailboxes show as a preview, and a second copy of the text
//! for small screens; neither is held against them.
//!
//! Invariant: hidden words that the reader sees elsewhere in the message are not counted.

use ahash::AHashSet;
use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::{Check, Known};

/// Words by the dozen that nobody sees.
pub static TEXT_HIDDEN: SignalDef =
    SignalDef::new("TEXT_HIDDEN", Family::Content, 1.0, "The HTML hides text from the reader");
/// Letters too small to be read, or in the colour of the ground, all over.
pub static TEXT_UNREADABLE: SignalDef = SignalDef::new(
    "TEXT_UNREADABLE",
    Family::Content,
    0.8,
    "The HTML writes text so that nobody can read it",
);

/// Looks at what the HTML hides.
#[derive(Default)]
pub struct Hidden;

/// Different hidden words, and points from there on.
const GRADES: [(usize, f32); 3] = [(40, 0.8), (100, 1.4), (300, 1.8)];
/// Words beyond these are not compared.
const MOST_WORDS: usize = 4000;
/// Words of three letters and less stand in any text.
const SHORTEST: usize = 4;
/// Elements of unreadable text, below which a spacer or two explain it.
const UNREADABLE: u32 = 3;

impl Check for Hidden {
    const KEY: &'static str = "content.hidden";
    const RAISES: &'static [&'static SignalDef] = &[&TEXT_HIDDEN, &TEXT_UNREADABLE];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        let hidden = unseen_words(message.hidden(), message.text());
        let grade = GRADES.iter().rev().find(|(from, _)| hidden >= *from);
        if let Some((_, points)) = grade {
            signals.raise_with(&TEXT_HIDDEN, *points, format!("{hidden} words"));
        }
        let html = message.html();
        let unreadable = html.styles_tiny + html.styles_invisible_colour;
        if html.styles_invisible_colour >= UNREADABLE && !message.hidden().trim().is_empty() {
            signals.raise(&TEXT_UNREADABLE, format!("{unreadable} times"));
        }
    }
}

/// How many different words are in `hidden` and not in `visible`.
fn unseen_words(hidden: &str, visible: &str) -> usize {
    // Four words to a line of 24 letters: less than that can't reach the first grade.
    if hidden.len() < GRADES[0].0 * (SHORTEST + 1) {
        return 0;
    }
    let visible: AHashSet<&str> = words(visible).collect();
    let hidden: AHashSet<&str> = words(hidden).filter(|word| !visible.contains(word)).collect();
    hidden.len()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() >= SHORTEST && word.starts_with(char::is_alphabetic))
        .take(MOST_WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(html: &str, expect: &[&str]) {
        let raw = format!("From: a@b.example\nContent-Type: text/html; charset=utf-8\n\n{html}\n");
        assert_eq!(raised::<Hidden>(&raw), expect, "{html}");
    }

    fn prose(words: usize) -> String {
        let word =
            |n: usize| format!("{}{}{}{} ", letter(n), letter(n / 20), letter(n / 400), "end");
        (0..words).map(word).collect()
    }

    fn letter(n: usize) -> char {
        char::from(b'a' + u8::try_from(n % 20).unwrap())
    }

    #[test]
    fn previews_and_copies_raise_nothing() {
        check("<p>Hello</p>", &[]);
        let preview = "<div style=\"display:none\">Our offers of the week, and what came of the fair \
                       in Rome &zwnj;&nbsp;&zwnj;&nbsp;&zwnj;&nbsp;</div><p>Hello</p>";
        check(preview, &[]);
        let text = prose(200);
        check(&format!("<p>{text}</p><div style=\"display:none\">{text}</div>"), &[]);
    }

    #[test]
    fn hidden_prose_is_told() {
        let text = prose(120);
        check(&format!("<p>Buy</p><div style=\"display:none\">{text}</div>"), &["TEXT_HIDDEN"]);
    }
}
