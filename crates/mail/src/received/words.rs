//! A Received field as words, and what a word is by its letters alone.
//!
//! Invariant: one pass; nothing is copied.

use std::net::IpAddr;

use super::keywords;

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A character that stands between words.
    Separator(u8),
    Address(IpAddr),
    Number(i64),
    Month(i64),
    Mailbox,
    Domain,
    /// HELO and the like.
    Greeting,
    /// In the spelling of RFC 3848.
    Protocol(&'static str),
    TlsVersion,
    By,
    For,
    From,
    Id,
    Ident,
    Via,
    With,
    Other,
}

/// A word, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'v> {
    pub(super) kind: Kind,
    pub(super) text: &'v [u8],
    /// How deep in comments.
    pub(super) comments: u32,
    /// Whether in square brackets.
    pub(super) brackets: bool,
}

impl Word<'_> {
    const fn separator(separator: u8) -> Self {
        Self { kind: Kind::Separator(separator), text: b"", comments: 0, brackets: false }
    }
}

/// The words of a field.
#[derive(Default)]
pub(super) struct Words<'v> {
    value: &'v [u8],
    at: usize,
    ahead: Option<Word<'v>>,
    /// Ended the word before, and is the next.
    separator: Option<u8>,
    comments: u32,
    brackets: bool,
    quoted: bool,
    dated: bool,
}

/// The kinds of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Digit,
    /// `a` to `f`.
    Hex,
    /// `g` to `z`.
    Alpha,
    Dot,
    At,
    Colon,
    Plus,
    Minus,
    EightBit,
    Other,
    Separator,
    Blank,
}

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' => Class::Digit,
            b'a'..=b'f' | b'A'..=b'F' => Class::Hex,
            b'g'..=b'z' | b'G'..=b'Z' => Class::Alpha,
            b'.' => Class::Dot,
            b'@' => Class::At,
            b':' => Class::Colon,
            b'+' => Class::Plus,
            b'-' => Class::Minus,
            0x7f.. => Class::EightBit,
            b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'=' | b';' | b'/' | b'"' | b',' => {
                Class::Separator
            }
            b' ' | b'\t' | b'\r' | b'\n' => Class::Blank,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
}
static CLASSES: [Class; 256] = classes();

fn class_of(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

/// The characters of a word.
#[derive(Default)]
struct Letters {
    /// Of which classes there are any, a bit each.
    seen: u16,
    /// How many of each class.
    counts: [u16; Class::Blank as usize + 1],
}

/// Several classes, a bit each.
const fn any_of(classes: &[Class]) -> u16 {
    let mut bits = 0;
    let mut at = 0;
    while at < classes.len() {
        bits |= 1 << classes[at] as u16;
        at += 1;
    }
    bits
}

const LETTERS: u16 = any_of(&[Class::Alpha, Class::Hex]);
/// What neither addresses nor numbers have.
const NOT_OF_NUMBERS: u16 = any_of(&[Class::Alpha, Class::At, Class::Other, Class::EightBit]);
/// What an address has not before its first colon.
const NOT_OF_IPV6: u16 = NOT_OF_NUMBERS | any_of(&[Class::Dot, Class::Plus, Class::Minus]);

impl<'v> Words<'v> {
    pub(super) fn of(value: &'v [u8]) -> Self {
        Self { value, ..Self::default() }
    }

    /// The next word, when it is as `wanted`; else it stays the next.
    pub(super) fn next_if(&mut self, wanted: impl Fn(&Word<'v>) -> bool) -> Option<Word<'v>> {
        let word = self.next()?;
        if wanted(&word) {
            return Some(word);
        }
        self.ahead = Some(word);
        None
    }

    fn read(&mut self) -> Option<Word<'v>> {
        if let Some(separator) = self.separator.take() {
            return Some(Word::separator(separator));
        }
        let bytes = &self.value[self.at..];
        let is_blank = |byte: &&u8| class_of(**byte) == Class::Blank;
        self.at += bytes.iter().take_while(is_blank).count();
        let (comments, brackets, begin) = (self.comments, self.brackets, self.at);
        let mut letters = Letters::default();
        let separator = loop {
            let Some(&byte) = self.value.get(self.at) else { break None };
            match class_of(byte) {
                Class::Blank => break None,
                Class::Separator => break Some(byte),
                Class::Colon if self.dated || !letters.may_be_ipv6() => break Some(byte),
                class => letters.count(class),
            }
            self.at += 1;
        };
        let text = &self.value[begin..self.at];
        if let Some(separator) = separator {
            self.at += 1;
            self.pass(separator);
        }
        if text.is_empty() {
            return separator.map(Word::separator);
        }
        self.separator = separator;
        Some(Word { kind: letters.kind(text), text, comments, brackets })
    }

    fn pass(&mut self, separator: u8) {
        match separator {
            b'(' if !self.quoted => self.comments = self.comments.saturating_add(1),
            b')' if !self.quoted => self.comments = self.comments.saturating_sub(1),
            b'[' if !self.quoted => self.brackets = true,
            b']' if !self.quoted => self.brackets = self.comments > 1,
            b'"' => self.quoted = !self.quoted,
            b';' => self.dated |= self.comments == 0,
            _ => {}
        }
    }
}

impl<'v> Iterator for Words<'v> {
    type Item = Word<'v>;

    fn next(&mut self) -> Option<Word<'v>> {
        self.ahead.take().or_else(|| self.read())
    }
}

impl Letters {
    const fn count(&mut self, class: Class) {
        self.seen |= 1 << class as u16;
        self.counts[class as usize] += 1;
    }

    const fn of(&self, class: Class) -> u16 {
        self.counts[class as usize]
    }

    const fn has(&self, classes: u16) -> bool {
        self.seen & classes != 0
    }

    /// Whether a colon may follow in an address.
    const fn may_be_ipv6(&self) -> bool {
        !self.has(NOT_OF_IPV6) && self.of(Class::Colon) < 7
    }

    fn kind(&self, text: &[u8]) -> Kind {
        if !self.has(NOT_OF_NUMBERS) {
            let signs = self.of(Class::Plus) + self.of(Class::Minus);
            if signs == 0 && self.are_of_address() {
                let text = str::from_utf8(text).unwrap_or_default();
                return text.parse().map_or(Kind::Other, Kind::Address);
            }
            let none_else = !self.has(const { any_of(&[Class::Hex, Class::Dot, Class::Colon]) });
            if self.of(Class::Digit) > 0 && none_else && signs < 2 {
                return number(text).map_or(Kind::Other, Kind::Number);
            }
        }
        if self.of(Class::At) == 1 && self.has(LETTERS) {
            return Kind::Mailbox;
        }
        if self.has(const { any_of(&[Class::At, Class::Colon, Class::Plus]) }) {
            return Kind::Other;
        }
        if let Some(kind) = self.keyword(text) {
            return kind;
        }
        if self.of(Class::Dot) > 0 && self.has(LETTERS) && self.of(Class::Other) == 0 {
            return Kind::Domain;
        }
        Kind::Other
    }

    /// Whether there are as many of each as an IPv4 or IPv6 address may have.
    fn are_of_address(&self) -> bool {
        let [digits, hex, dots, colons] =
            [Class::Digit, Class::Hex, Class::Dot, Class::Colon].map(|class| self.of(class));
        let is_v4 = dots == 3 && (4..=12).contains(&digits);
        if colons == 0 {
            return is_v4 && hex == 0;
        }
        let is_short = (1..=32).contains(&hex) || (1..=32).contains(&digits);
        dots == 0 && colons >= 2 && is_short || is_v4 && hex == 4 && colons == 3
    }

    /// A word that has a meaning here; versions of TLS may be written with marks in them.
    fn keyword(&self, text: &[u8]) -> Option<Kind> {
        const LONGEST: usize = 11;
        let letters = [Class::Alpha, Class::Hex, Class::Digit].map(|class| self.of(class));
        let length = usize::from(letters.iter().sum::<u16>());
        let marks = self.of(Class::Dot) + self.of(Class::Other);
        let is_version = self.of(Class::Digit) == 2;
        if length > LONGEST || self.has(any_of(&[Class::EightBit])) || marks > 0 && !is_version {
            return None;
        }
        let mut lower = [0; LONGEST];
        let written = text.iter().filter(|byte| byte.is_ascii_alphanumeric());
        lower.iter_mut().zip(written).for_each(|(to, byte)| *to = byte.to_ascii_lowercase());
        let word = &lower[..length];
        match word {
            b"tls10" | b"tls11" | b"tls12" | b"tls13" => Some(Kind::TlsVersion),
            b"localesmtp" if marks == 0 => Some(Kind::Protocol("ESMTP")),
            b"localesmtps" | b"esmtptls" if marks == 0 => Some(Kind::Protocol("ESMTPS")),
            b"localbsmtp" if marks == 0 => Some(Kind::Protocol("SMTP")),
            _ if self.of(Class::Minus) > 0 => None,
            b"tlsv10" | b"tlsv11" | b"tlsv12" | b"tlsv13" => Some(Kind::TlsVersion),
            b"dtls10" | b"dtls12" | b"dtls13" => Some(Kind::TlsVersion),
            b"dtlsv10" | b"dtlsv12" | b"dtlsv13" => Some(Kind::TlsVersion),
            _ if marks > 0 => None,
            _ => keywords::plain(word),
        }
    }
}

fn number(text: &[u8]) -> Option<i64> {
    let (digits, sign) = match text {
        [b'-', digits @ ..] => (digits, -1),
        [b'+', digits @ ..] => (digits, 1),
        digits => (digits, 1),
    };
    digits.iter().try_fold(0i64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(sign * digit)
    })
}
