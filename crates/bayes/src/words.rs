//! Text to words, in one pass and without a copy.
//!
//! A word is a run of letters and digits; case, accents and apostrophes are lost. Numbers longer than
//! two digits count by their length only: years, prices and identifiers come anew with each message.
//! What was written so that filters do not read it (`v1agra`, `V I A G R A`, `vіagra` with a Cyrillic
//! letter) is read as a person does, and the disguise itself is told.
//!
//! Invariant: the hash of a word depends on its letters only, never on where it stands.

mod reading;

use crate::fold::{Seen, see};
use crate::hash::Hasher;
use reading::Reading;

/// A way of disguising words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disguise {
    /// Letters of two alphabets in one word, or letters drawn by other characters.
    LookAlike,
    /// Characters that take no space, within a word.
    Hidden,
    /// Digits and signs in place of letters.
    Leet,
    /// Letters one by one.
    Spaced,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Letters, or letters and digits.
    Word,
    /// Digits only, or an identifier of letters and digits.
    Number,
    /// A sign that says something: $, %, !, a picture.
    Sign,
    /// One character of a script that puts no spaces between words.
    Dense,
    /// A word that was read through its disguise, besides the token as written.
    Unmasked(Disguise),
}

/// A word as it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) hash: u64,
    /// Where it stands in the text, in bytes.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) form: Form,
    /// Three capitals or more, and nothing else.
    pub(crate) caps: bool,
}

/// Longest word that counts as one, in bytes; longer ones count by their length.
const LONGEST: usize = 24;

/// Single letters in a row that make a spaced-out word.
const SPACED: usize = 4;

const SEPARATOR: u8 = 0;
const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const SIGN: u8 = 3;
const HIGH: u8 = 4;

/// The class of each byte.
const CLASS: [u8; 256] = {
    let mut class = [SEPARATOR; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        class[byte] = if b.is_ascii_alphabetic() {
            LETTER
        } else if b.is_ascii_digit() {
            DIGIT
        } else if matches!(b, b'$' | b'%' | b'!') {
            SIGN
        } else if b >= 0x80 {
            HIGH
        } else {
            SEPARATOR
        };
        byte += 1;
    }
    class
};

#[inline]
fn class(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).map_or(SEPARATOR, |byte| CLASS[*byte as usize])
}

/// Calls `on` with each token of `text`, in order, until it returns false.
pub(crate) fn walk(text: &str, mut on: impl FnMut(Token) -> bool) {
    let bytes = text.as_bytes();
    let mut spaced = Spaced::default();
    let mut at = 0;
    while at < bytes.len() {
        let token = match class(bytes, at) {
            SEPARATOR => {
                at += 1;
                continue;
            }
            SIGN => sign(bytes, &mut at),
            LETTER | DIGIT => {
                if let (Some(token), false) = (plain_word(bytes, at), spaced.follows()) {
                    at = token.end;
                    if !on(token) {
                        return;
                    }
                    continue;
                }
                let word = Reading::read(text, at);
                at = word.end;
                if !spaced.follow(bytes, &word, &mut on) || !word.tell(bytes, &mut on) {
                    return;
                }
                continue;
            }
            _ => {
                let Some(c) = text[at..].chars().next() else { return };
                let start = at;
                let form = match see(c) {
                    Seen::Latin(_) | Seen::Fancy(_) | Seen::Letter(..) => {
                        let word = Reading::read(text, at);
                        at = word.end;
                        if !spaced.follow(bytes, &word, &mut on) || !word.tell(bytes, &mut on) {
                            return;
                        }
                        continue;
                    }
                    Seen::Dense(_) => Form::Dense,
                    Seen::Picture(_) | Seen::Money(_) => Form::Sign,
                    Seen::Nothing | Seen::Other => {
                        at += c.len_utf8();
                        continue;
                    }
                };
                at += c.len_utf8();
                let hash = Hasher::new().char(c).finish();
                Token { hash, start, end: at, form, caps: false }
            }
        };
        if !on(token) {
            return;
        }
    }
    spaced.end(&mut on);
}

/// A word of nothing but letters of ASCII, as most are: read as [`Reading`] would, which can do more.
/// `None` where it is needed.
#[inline]
fn plain_word(bytes: &[u8], start: usize) -> Option<Token> {
    let (mut end, mut written) = (start, Hasher::new());
    for byte in &bytes[start..] {
        let lower = byte | 0x20;
        if !lower.is_ascii_lowercase() {
            break;
        }
        written = written.byte(lower);
        end += 1;
    }
    let letters = end - start;
    let goes_on = class(bytes, end) != SEPARATOR || bytes.get(end) == Some(&b'\'');
    if goes_on || !(2..=LONGEST).contains(&letters) {
        return None;
    }
    let caps = letters > 2 && bytes[start..end].iter().all(u8::is_ascii_uppercase);
    Some(Token { hash: written.finish(), start, end, form: Form::Word, caps })
}

/// One sign, or several of the same in a row.
fn sign(bytes: &[u8], at: &mut usize) -> Token {
    let (start, byte) = (*at, bytes[*at]);
    while bytes.get(*at) == Some(&byte) {
        *at += 1;
    }
    let hasher = Hasher::new().byte(byte);
    let hash = if *at - start > 1 { hasher.byte(byte) } else { hasher }.finish();
    Token { hash, start, end: *at, form: Form::Sign, caps: false }
}

/// Watches for letters that stand one by one.
#[derive(Default)]
struct Spaced {
    letters: usize,
    read: Option<Hasher>,
    start: usize,
    end: usize,
}

impl Spaced {
    /// Whether the word before was a single letter.
    const fn follows(&self) -> bool {
        self.read.is_some()
    }

    fn follow(&mut self, bytes: &[u8], word: &Reading, on: &mut impl FnMut(Token) -> bool) -> bool {
        let single = word.letters + word.digits == 1;
        let near = word.start == self.end + 1 && bytes.get(self.end).is_some_and(|b| *b != b'\n');
        if let (true, true, Some(read)) = (single, near, self.read) {
            self.read = Some(read.bytes_caseless(&bytes[word.start..word.end]));
            self.letters += 1;
            self.end = word.end;
            return true;
        }
        let going_on = if self.read.is_some() { self.end(on) } else { true };
        if single {
            let read = Hasher::new().bytes_caseless(&bytes[word.start..word.end]);
            *self = Self { letters: 1, read: Some(read), start: word.start, end: word.end };
        }
        going_on
    }

    fn end(&mut self, on: &mut impl FnMut(Token) -> bool) -> bool {
        let Some(read) = self.read.take() else { return true };
        let form = Form::Unmasked(Disguise::Spaced);
        self.letters < SPACED
            || on(Token {
                hash: read.finish(),
                start: self.start,
                end: self.end,
                form,
                caps: false,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        walk(text, |token| {
            tokens.push(token);
            true
        });
        tokens
    }

    fn forms(text: &str) -> Vec<(&str, Form)> {
        tokens(text).iter().map(|token| (&text[token.start..token.end], token.form)).collect()
    }

    #[test]
    fn words_are_read_without_case_accents_and_apostrophes() {
        let plain = tokens("cafe dont");
        let written = tokens("CAFÉ — «don't»");
        assert_eq!(written.len(), 2);
        assert!(plain.iter().zip(&written).all(|(a, b)| a.hash == b.hash));
        assert!(written[0].caps && !written[1].caps);
    }

    #[test]
    fn numbers_count_by_their_length() {
        let of = |text: &str| tokens(text)[0].hash;
        assert_eq!(of("2002"), of("2026"));
        assert_ne!(of("20"), of("21"));
        assert_eq!(of("a8f9e7c1d2b3"), of("0f9e8d7c6b5a"));
    }

    #[test]
    fn a_disguise_is_seen_through_and_told() {
        let viagra = tokens("viagra")[0].hash;
        for (text, disguise) in [
            ("v1agra", Disguise::Leet),
            ("V!AGRA", Disguise::Leet),
            ("vi\u{200b}agra", Disguise::Hidden),
            ("vіаgrа", Disguise::LookAlike),
            ("𝓿𝓲𝓪𝓰𝓻𝓪", Disguise::LookAlike),
            ("V I A G R A", Disguise::Spaced),
            ("v.i.a.g.r.a", Disguise::Spaced),
        ] {
            let found = tokens(text);
            let unmasked = found.iter().find(|token| token.form == Form::Unmasked(disguise));
            assert_eq!(unmasked.map(|token| token.hash), Some(viagra), "{text}: {found:?}");
        }
    }

    #[test]
    fn honest_words_wear_no_disguise() {
        for text in ["виагра привет", "mp3 and h264", "a b c", "Ελληνικά", "naïve", "2nd 3D x86"]
        {
            assert!(
                tokens(text).iter().all(|token| !matches!(token.form, Form::Unmasked(_))),
                "{text}: {:?}",
                forms(text)
            );
        }
    }

    #[test]
    fn signs_and_scripts_without_spaces_are_tokens() {
        assert_eq!(
            forms("$99!!! 中文 50%"),
            [
                ("$", Form::Sign),
                ("99", Form::Number),
                ("!!!", Form::Sign),
                ("中", Form::Dense),
                ("文", Form::Dense),
                ("50", Form::Number),
                ("%", Form::Sign)
            ]
        );
    }

    #[test]
    fn every_token_lies_on_characters() {
        for text in ["é€𝐯x\u{200b}中1", "\u{200b}a\u{300}", "İSTANBUL ß", "a'", "'a", "$", "x!y"]
        {
            for token in tokens(text) {
                assert!(text.get(token.start..token.end).is_some_and(|word| !word.is_empty()));
            }
        }
    }
}
