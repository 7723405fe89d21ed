//! A word read with all that may be in it: accents, apostrophes, disguises.
//!
//! Invariant: the hash of a word depends on its letters only, never on where it stands.

use super::{DIGIT, Disguise, Form, HIGH, LETTER, LONGEST, SIGN, Token, class};
use crate::fold::{Seen, leet, see};
use crate::hash::{self, Hasher};

/// A word while it is read.
pub(super) struct Reading {
    pub(super) start: usize,
    pub(super) end: usize,
    /// As written, case and accents aside.
    written: Hasher,
    /// Look-alikes read as Latin, and signs not at all; `None` while that is what is written.
    looks: Option<Hasher>,
    pub(super) letters: usize,
    pub(super) digits: usize,
    capitals: usize,
    /// Letters of the Latin alphabet; of others that look like one of it; of others that don't.
    latin: usize,
    alike: usize,
    foreign: usize,
    fancy: bool,
    hidden: bool,
    signs: bool,
}

impl Reading {
    pub(super) fn read(text: &str, start: usize) -> Self {
        let bytes = text.as_bytes();
        let mut word = Self {
            start,
            end: start,
            written: Hasher::new(),
            looks: None,
            letters: 0,
            digits: 0,
            capitals: 0,
            latin: 0,
            alike: 0,
            foreign: 0,
            fancy: false,
            hidden: false,
            signs: false,
        };
        let mut at = start;
        loop {
            match class(bytes, at) {
                LETTER => {
                    word.latin(bytes[at].to_ascii_lowercase(), bytes[at].is_ascii_uppercase())
                }
                DIGIT => word.digit(bytes[at]),
                HIGH => {
                    let Some(c) = text[at..].chars().next() else { break };
                    if !word.beyond(c) {
                        break;
                    }
                    at += c.len_utf8() - 1;
                }
                SIGN if bytes[at] != b'%' && word.between_letters(bytes, at) => {
                    word.signs = true;
                    word.looks.get_or_insert(word.written);
                    word.written = word.written.byte(bytes[at]);
                }
                _ if bytes.get(at) == Some(&b'\'') && class(bytes, at + 1) == LETTER => {}
                _ => break,
            }
            at += 1;
        }
        word.end = at;
        word
    }

    fn latin(&mut self, lower: u8, capital: bool) {
        self.letters += 1;
        self.latin += 1;
        self.capitals += usize::from(capital);
        self.byte(lower);
    }

    fn digit(&mut self, byte: u8) {
        self.digits += 1;
        self.byte(byte);
    }

    /// Takes what looks as it is written.
    fn byte(&mut self, byte: u8) {
        self.written = self.written.byte(byte);
        self.looks = self.looks.map(|looks| looks.byte(byte));
    }

    /// Takes a character beyond ASCII; false where it ends the word.
    fn beyond(&mut self, c: char) -> bool {
        match see(c) {
            Seen::Latin(lower) => self.latin(lower, c.is_uppercase()),
            Seen::Fancy(byte) if byte.is_ascii_digit() => {
                self.fancy = true;
                self.digit(byte);
            }
            Seen::Fancy(byte) => {
                self.fancy = true;
                self.latin(byte, false);
            }
            Seen::Letter(c, look) => {
                self.letters += 1;
                let looks = self.looks.unwrap_or(self.written);
                self.written = self.written.char(c);
                match look {
                    Some(byte) => {
                        self.alike += 1;
                        self.looks = Some(looks.byte(byte));
                    }
                    None => {
                        self.foreign += 1;
                        self.looks = Some(looks.char(c));
                    }
                }
            }
            Seen::Nothing => self.hidden |= self.latin > 0,
            _ => return false,
        }
        true
    }

    fn between_letters(&self, bytes: &[u8], at: usize) -> bool {
        self.letters > 0 && class(bytes, at - 1) == LETTER && class(bytes, at + 1) == LETTER
    }

    /// Hands on the word as written, and as read through a disguise.
    pub(super) fn tell(&self, bytes: &[u8], on: &mut impl FnMut(Token) -> bool) -> bool {
        let long = self.end - self.start > 4 * LONGEST || self.letters + self.digits > LONGEST;
        let (form, hash) = if self.letters == 0 {
            (Form::Number, self.number(bytes))
        } else if self.digits > 3 || (self.digits > 0 && self.letters + self.digits > 12) || long {
            (Form::Number, hash::of(&[b'*', (self.letters + self.digits).min(64) as u8 / 8]))
        } else {
            (Form::Word, self.written.finish())
        };
        let caps = self.capitals > 2 && self.capitals == self.letters;
        let token = Token { hash, start: self.start, end: self.end, form, caps };
        if form != Form::Word {
            return on(token);
        }
        match self.unmasked(bytes) {
            // Letters for show are the same word: nothing is left to tell of them as written.
            Some((disguise, hash)) => {
                (hash == token.hash || on(token))
                    && on(Token { hash, form: Form::Unmasked(disguise), ..token })
            }
            None => on(token),
        }
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        if self.digits > 2 {
            hash::of(&[b'#', self.digits.min(12) as u8])
        } else {
            hash::of(&bytes[self.start..self.end])
        }
    }

    fn unmasked(&self, bytes: &[u8]) -> Option<(Disguise, u64)> {
        let looks = || self.looks.unwrap_or(self.written).finish();
        if self.alike > 0 && self.latin > 0 && self.foreign == 0 {
            return Some((Disguise::LookAlike, looks()));
        }
        if self.fancy {
            return Some((Disguise::LookAlike, looks()));
        }
        if self.hidden {
            return Some((Disguise::Hidden, looks()));
        }
        if !self.signs && self.digits == 0 {
            return None;
        }
        let word = &bytes[self.start..self.end];
        let masked = self.signs || self.digits <= 3;
        let framed = word.first().is_some_and(u8::is_ascii_alphabetic)
            && word.last().is_some_and(u8::is_ascii_alphabetic);
        if !masked || !framed || self.letters < self.digits + 2 || !word.is_ascii() {
            return None;
        }
        let mut read = Hasher::new();
        for byte in word {
            read = read.byte(match byte {
                b'!' => b'i',
                letter if letter.is_ascii_alphabetic() => letter.to_ascii_lowercase(),
                other => leet(*other)?,
            });
        }
        Some((Disguise::Leet, read.finish()))
    }
}
