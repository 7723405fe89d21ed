//! Letters of the text that a reader and a filter see differently: look-alikes of other scripts,
//! characters of no width, letters turned round, spaced out or ornamented.
//!
//! Invariant: text in its own script, with what that script needs, raises nothing.

use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use super::script::{has_byte, mixed_words, unseen_kinds};
use crate::{Check, Known};

/// Latin words with Cyrillic or Greek letters in them.
pub static WORDS_MIX_SCRIPTS: SignalDef = SignalDef::new(
    "WORDS_MIX_SCRIPTS",
    Family::Content,
    2.0,
    "Words have letters of another script that look the same",
);
/// Zero-width characters inside words.
pub static WORDS_HAVE_ZERO_WIDTH: SignalDef = SignalDef::new(
    "WORDS_HAVE_ZERO_WIDTH",
    Family::Content,
    1.5,
    "Words are broken up by characters that nobody sees",
);
/// U+202D or U+202E.
pub static TEXT_TURNED_ROUND: SignalDef = SignalDef::new(
    "TEXT_TURNED_ROUND",
    Family::Content,
    1.0,
    "Text is turned round by force, so that it reads differently than it is written",
);
/// U+E0020 to U+E007F.
pub static TEXT_HAS_TAGS: SignalDef = SignalDef::new(
    "TEXT_HAS_TAGS",
    Family::Content,
    1.5,
    "The text carries a hidden message in characters that nobody sees",
);
/// `v i a g r a`.
pub static LETTERS_SPACED_OUT: SignalDef = SignalDef::new(
    "LETTERS_SPACED_OUT",
    Family::Content,
    0.4,
    "Words are written with a blank after every letter",
);
/// Mathematical or full-width letters in Latin text.
pub static LETTERS_ORNAMENTED: SignalDef = SignalDef::new(
    "LETTERS_ORNAMENTED",
    Family::Content,
    0.8,
    "Words are written in mathematical or full-width letters",
);

/// Looks at the letters of the visible text.
#[derive(Default)]
pub struct Letters;

/// One mixed word may be a slip of the keyboard.
const MIXED: usize = 2;
const ZERO_WIDTH: u32 = 4;
const SPACED: usize = 6;
const ORNAMENTED: usize = 8;

impl Check for Letters {
    const KEY: &'static str = "content.letters";
    const COST: crate::Cost = crate::Cost::Heavy;
    const RAISES: &'static [&'static SignalDef] = &[
        &WORDS_MIX_SCRIPTS,
        &WORDS_HAVE_ZERO_WIDTH,
        &TEXT_TURNED_ROUND,
        &TEXT_HAS_TAGS,
        &LETTERS_SPACED_OUT,
        &LETTERS_ORNAMENTED,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        let text = message.text();
        if let Some(word) = spaced_word(text) {
            signals.raise(&LETTERS_SPACED_OUT, word);
        }
        if text.is_ascii() {
            return;
        }
        let mut mixed = mixed_words(text);
        if let Some(word) = mixed.next() {
            let count = 1 + mixed.count();
            if count >= MIXED {
                signals.raise(&WORDS_MIX_SCRIPTS, format!("{count} words, such as {word}"));
            }
        }
        let unseen = unseen_kinds(text);
        if unseen.torn >= ZERO_WIDTH {
            signals.raise(&WORDS_HAVE_ZERO_WIDTH, format!("{} times", unseen.torn));
        }
        if unseen.overrides > 0 {
            signals.raise(&TEXT_TURNED_ROUND, format!("{} times", unseen.overrides));
        }
        if unseen.tags > 0 {
            signals.raise(&TEXT_HAS_TAGS, format!("{} characters", unseen.tags));
        }
        let ornaments = ornaments(text);
        if ornaments >= ORNAMENTED {
            signals.raise(&LETTERS_ORNAMENTED, format!("{ornaments} letters"));
        }
    }
}

/// The first run of single lower-case letters with one blank or dot between each: people space out
/// headings, in capitals.
fn spaced_word(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let is_gap = |one: u8, next: u8| one == next && matches!(one, b' ' | b'.');
    let mut at = 0;
    // A run has twelve bytes, so that looking at every sixth place misses none.
    while at + SPACED < bytes.len() {
        let gap_at = match bytes[at..at + SPACED] {
            [a, _, b, ..] if is_gap(a, b) => Some(at),
            [_, a, _, b, ..] if is_gap(a, b) => Some(at + 1),
            _ => None,
        };
        at += SPACED;
        let Some(gap_at) = gap_at else { continue };
        let gap = byte(gap_at);
        let mut start = gap_at + 1;
        while start >= 2 && byte(start - 1) == gap && byte(start - 2).is_ascii_lowercase() {
            start -= 2;
        }
        if start > 0 && byte(start - 1).is_ascii_alphanumeric() {
            start += 2;
        }
        let letters = (start..)
            .step_by(2)
            .take_while(|&at| byte(at).is_ascii_lowercase() && byte(at + 1) == gap)
            .count();
        if letters >= SPACED && byte(start) != byte(start + 2) {
            return text.get(start..start + 2 * letters);
        }
        // Past the whole run, so that a long one is gone through once.
        at = at.max(start + 2 * letters);
    }
    None
}

/// Ornamental Latin letters; in Japanese and Chinese text, full-width ones are as they should be.
fn ornaments(text: &str) -> usize {
    // The first byte of every one of them is this or a later one.
    if !has_byte(text, |byte| byte >= 0xef) {
        return 0;
    }
    let (mut mathematical, mut full_width, mut eastern) = (0, 0, false);
    for c in text.chars() {
        match c {
            '\u{1d400}'..='\u{1d7ff}' => mathematical += 1,
            '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => full_width += 1,
            '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => {
                eastern = true;
            }
            _ => {}
        }
    }
    if eastern { mathematical } else { mathematical + full_width }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        let raw = format!(
            "From: a@b.example\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}\n"
        );
        assert_eq!(raised::<Letters>(&raw), expect, "{text}");
    }

    #[test]
    fn honest_text_raises_nothing() {
        check("Hello, a b c of the matter. I. e. this. N E W S L E T T E R", &[]);
        check(&"a ".repeat(5000), &[]);
        check("e.g. i.e. z.B. u.s.w. d. h. x x x x x x x x", &[]);
        check("Grüße aus Köln, Привет, می\u{200c}خواهم, 👨\u{200d}👩\u{200d}👧", &[]);
        check("ＡＢＣＤＥＦＧＨＩ株式会社のお知らせ", &[]);
        check(
            "until Ju\u{200c}ly 3\u{200c}0, M\u{200c}ay 1\u{200c}5, Ju\u{200c}ne, Ju\u{200c}ly",
            &[],
        );
        check("", &[]);
    }

    #[test]
    fn disguised_words_are_told() {
        check("Your Pаypal and Аmazon", &["WORDS_MIX_SCRIPTS"]);
        check("v\u{200b}i\u{200b}a\u{200b}g\u{200b}ra", &["WORDS_HAVE_ZERO_WIDTH"]);
        check("read \u{202e}sdrawkcab", &["TEXT_TURNED_ROUND"]);
        check("Hi \u{e0049}\u{e0067}\u{e006e}", &["TEXT_HAS_TAGS"]);
        check("buy v i a g r a now", &["LETTERS_SPACED_OUT"]);
        check("buy v.i.a.g.r.a. now", &["LETTERS_SPACED_OUT"]);
        check("𝐘𝐨𝐮𝐡𝐚𝐯𝐞𝐰𝐨𝐧", &["LETTERS_ORNAMENTED"]);
    }
}
