//! A text as it is searched: white space squeezed where it is prose, and letters folded.
//!
//! Both sides of a comparison are folded one character at a time, so that a class such as `[Pp]` is
//! one character and case costs nothing; a run of white space is one space, so that a phrase is one
//! literal. Nearly all mail is ASCII for long stretches, which need no decoding.
//!
//! Invariant: folding a text that is folded changes nothing, and each folded byte knows the
//! character of the source that it comes from.

/// A folded text, and where in the source each of its bytes comes from.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub(crate) text: Vec<u8>,
    /// Where the distance to the source changes.
    steps: Vec<Step>,
}

/// From the byte `at` of the folded text on, the source goes on byte by byte from `source`.
#[derive(Debug, Clone, Copy)]
struct Step {
    at: u32,
    source: u32,
}

impl Folded {
    /// Folds `text` in place of what was held: each character becomes its lower case where that is
    /// one character, and each run of white space one space. Bytes that are no UTF-8 stay.
    pub(crate) fn set(&mut self, text: &[u8]) {
        self.text.clear();
        self.steps.clear();
        self.text.reserve(text.len());
        let (mut at, mut in_space) = (0, false);
        // Letters of ASCII wait for the end, where all of them take a moment.
        each_stretch(text, |stretch| match stretch {
            Stretch::Ascii(bytes) => {
                self.push_ascii(bytes, at, &mut in_space);
                at += bytes.len();
            }
            Stretch::Char(c) => {
                let folded = fold_char(c);
                let again = std::mem::replace(&mut in_space, folded == ' ') && folded == ' ';
                if !again {
                    self.push(folded.encode_utf8(&mut [0; 4]).as_bytes(), at, c.len_utf8());
                }
                at += c.len_utf8();
            }
            Stretch::Invalid(bytes) => {
                in_space = false;
                self.push(bytes, at, bytes.len());
                at += bytes.len();
            }
        });
        self.text.make_ascii_lowercase();
    }

    /// The same for a text that was [squeezed](squeeze): of ASCII, only the letters differ.
    pub(crate) fn set_squeezed(&mut self, text: &[u8]) {
        if !text.is_ascii() {
            return self.set(text);
        }
        self.steps.clear();
        self.text.clear();
        self.text.extend_from_slice(text);
        self.text.make_ascii_lowercase();
    }

    /// Where in the source the folded byte at `at` comes from: of a run of white space, the first.
    pub(crate) fn source(&self, at: usize) -> usize {
        let steps = self.steps.partition_point(|step| step.at as usize <= at);
        match steps.checked_sub(1).and_then(|last| self.steps.get(last)) {
            Some(step) => step.source as usize + (at - step.at as usize),
            None => at,
        }
    }

    fn push_ascii(&mut self, bytes: &[u8], source: usize, in_space: &mut bool) {
        self.align(self.text.len(), source);
        let mut at = 0;
        while at < bytes.len() {
            let plain = plain_prefix(&bytes[at..], *in_space);
            if plain > 0 {
                self.text.extend_from_slice(&bytes[at..at + plain]);
                at += plain;
                *in_space = is_space(bytes[at - 1]);
            }
            let run = bytes[at..].iter().take_while(|&&byte| is_space(byte)).count();
            if run > 0 {
                if !std::mem::replace(in_space, true) {
                    self.text.push(b' ');
                }
                at += run;
                self.align(self.text.len(), source + at);
            }
        }
    }

    fn push(&mut self, bytes: &[u8], source: usize, width: usize) {
        let at = self.text.len();
        self.align(at, source);
        self.text.extend_from_slice(bytes);
        // A character that grew must not seem to come from the next one.
        (width..bytes.len()).for_each(|within| self.align(at + within, source + width - 1));
        self.align(at + bytes.len(), source + width);
    }

    /// Notes that the byte at `at` comes from `source`, unless that follows from the byte before.
    fn align(&mut self, at: usize, source: usize) {
        let (at, source) = (at as u32, source as u32);
        match self.steps.last_mut() {
            Some(last) if last.at == at => last.source = source,
            Some(last) if last.source + (at - last.at) == source => {}
            None if at == source => {}
            _ => self.steps.push(Step { at, source }),
        }
    }
}

/// Appends `text` with each run of white space as one space, so that a line's end in the middle of
/// a phrase hides nothing. White space that the text begins with is left out.
pub(crate) fn squeeze(text: &[u8], out: &mut Vec<u8>) {
    let begin = out.len();
    // Whether a space would be one too many here; and whether one was left out at the beginning.
    let (mut in_space, mut is_begun) = (true, false);
    each_stretch(text, |stretch| match stretch {
        Stretch::Ascii(bytes) => {
            is_begun = true;
            let mut at = 0;
            while at < bytes.len() {
                let plain = plain_prefix(&bytes[at..], in_space);
                if plain > 0 {
                    out.extend_from_slice(&bytes[at..at + plain]);
                    at += plain;
                    in_space = is_space(bytes[at - 1]);
                }
                let run = bytes[at..].iter().take_while(|&&byte| is_space(byte)).count();
                if run > 0 && !std::mem::replace(&mut in_space, true) {
                    out.push(b' ');
                }
                at += run;
            }
        }
        Stretch::Char(c) if c.is_whitespace() => {
            is_begun = true;
            if !std::mem::replace(&mut in_space, true) {
                out.push(b' ');
            }
        }
        Stretch::Char(c) => {
            in_space = false;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Stretch::Invalid(bytes) => {
            if std::mem::replace(&mut is_begun, true) && out.len() == begin {
                out.push(b' ');
            }
            in_space = false;
            out.extend_from_slice(bytes);
        }
    });
    if out.len() == begin && !text.is_empty() {
        out.push(b' ');
    }
}

/// A part of a text.
pub(crate) enum Stretch<'t> {
    /// One or more bytes.
    Ascii(&'t [u8]),
    /// A character that isn't ASCII.
    Char(char),
    Invalid(&'t [u8]),
}

/// Shows a text in parts, from left to right.
pub(crate) fn each_stretch<'t>(text: &'t [u8], mut show: impl FnMut(Stretch<'t>)) {
    // Whether all of it is ASCII, or else valid, is known sooner than chunk by chunk.
    if text.is_ascii() {
        return show(Stretch::Ascii(text));
    }
    if let Ok(valid) = str::from_utf8(text) {
        return each_valid_stretch(valid, &mut show);
    }
    for chunk in text.utf8_chunks() {
        each_valid_stretch(chunk.valid(), &mut show);
        if !chunk.invalid().is_empty() {
            show(Stretch::Invalid(chunk.invalid()));
        }
    }
}

fn each_valid_stretch<'t>(mut rest: &'t str, show: &mut impl FnMut(Stretch<'t>)) {
    while let Some(c) = rest.chars().next() {
        if c.is_ascii() {
            let (ascii, behind) = rest.split_at(ascii_prefix(rest.as_bytes()));
            show(Stretch::Ascii(ascii.as_bytes()));
            rest = behind;
        } else {
            show(Stretch::Char(c));
            rest = &rest[c.len_utf8()..];
        }
    }
}

fn ascii_prefix(text: &[u8]) -> usize {
    let blocks = 16 * text.chunks_exact(16).take_while(|block| block.is_ascii()).count();
    blocks + text[blocks..].iter().take_while(|byte| byte.is_ascii()).count()
}

/// How many bytes of ASCII stay as they are: up to white space that is no space, or follows other.
/// `in_space`: whether some stands before.
fn plain_prefix(text: &[u8], in_space: bool) -> usize {
    const BLOCK: usize = 64;
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    let Some(&first) = text.first() else { return 0 };
    if is_changed(if in_space { b' ' } else { b'x' }, first) {
        return 0;
    }
    let mut plain = 1;
    // Blocks of which nothing is changed.
    while let (Some(before), Some(block)) =
        (text[plain - 1..].first_chunk::<BLOCK>(), text[plain..].first_chunk::<BLOCK>())
        && !before.iter().zip(block).fold(false, |any, (&a, &b)| any | is_changed(a, b))
    {
        plain += BLOCK;
    }
    // Eight bytes at once: the first that is marked may be changed, those before it are not.
    while let Some(eight) = text[plain..].first_chunk() {
        let bytes = u64::from_le_bytes(*eight);
        let control = bytes.wrapping_sub(ONES << 5) & !bytes & HIGH;
        let other = bytes ^ ONES << 5;
        let space = other.wrapping_sub(ONES) & !other & HIGH;
        let before = u64::from(is_space(text[plain - 1])) << 7;
        let marked = control | space & (space << 8 | before);
        if marked == 0 {
            plain += 8;
            continue;
        }
        let at = plain + marked.trailing_zeros() as usize / 8;
        if is_changed(text[at - 1], text[at]) {
            return at;
        }
        plain = at + 1;
    }
    let rest = text[plain - 1..].iter().zip(&text[plain..]);
    plain + rest.take_while(|&(&before, &byte)| !is_changed(before, byte)).count()
}

fn is_changed(before: u8, byte: u8) -> bool {
    is_space(byte) & ((byte != b' ') | is_space(before))
}

/// White space as [`char::is_whitespace`] has it, of ASCII.
const fn is_space(byte: u8) -> bool {
    // Without a branch: whole blocks are looked at by it at once.
    (byte == b' ') | (byte.wrapping_sub(b'\t') < 5)
}

/// What a character is compared as.
pub(crate) fn fold_char(c: char) -> char {
    match c {
        // Lower-case letters that a pattern in any case holds equal to another one. A literal would
        // be needed for each combination of them.
        'ſ' => 's',
        'µ' => 'μ',
        'ς' => 'σ',
        'ϐ' => 'β',
        'ϑ' => 'θ',
        'ϕ' => 'φ',
        'ϖ' => 'π',
        'ϰ' => 'κ',
        'ϱ' => 'ρ',
        'ϵ' => 'ε',
        '\u{345}' | '\u{1fbe}' => 'ι',
        'ᲀ' => 'в',
        'ᲁ' => 'д',
        'ᲂ' => 'о',
        'ᲃ' => 'с',
        'ᲄ' | 'ᲅ' => 'т',
        'ᲆ' => 'ъ',
        _ if c.is_whitespace() => ' ',
        _ if c.is_ascii() => c.to_ascii_lowercase(),
        _ => {
            let mut lower = c.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(one), None) => one,
                _ => c,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_squeezed(text: &[u8], expect: &[u8]) {
        let mut out = Vec::new();
        squeeze(text, &mut out);
        assert_eq!(out, expect, "{:?}", String::from_utf8_lossy(text));
    }

    #[test]
    fn a_run_of_white_space_is_one_space() {
        for (text, expect) in [
            (&b""[..], &b""[..]),
            (b"  a\r\n b\tc \n", b"a b c "),
            (b" \n ", b" "),
            (
                b"one two  three\x01 !\x0bfour    \r\n  five six",
                b"one two three\x01 ! four five six",
            ),
            (b" \xffa", b" \xffa"),
            (b"\xffa", b"\xffa"),
            (b"a \xff b", b"a \xff b"),
            ("\u{a0}é \u{2003} é".as_bytes(), "é é".as_bytes()),
        ] {
            check_squeezed(text, expect);
        }
    }

    #[test]
    fn folding_keeps_bytes_that_are_no_text() {
        let mut folded = Folded::default();
        folded.set(b"\xffA\xc3\x89\xe2\x84\xaa\n \xc3 \xc2\xa0");
        assert_eq!(folded.text, b"\xffa\xc3\xa9k \xc3 ");
        let sources: Vec<usize> = (0..folded.text.len()).map(|at| folded.source(at)).collect();
        assert_eq!(sources, [0, 1, 2, 3, 4, 7, 9, 10]);
    }

    #[test]
    fn a_letter_that_grows_by_folding_is_followed_by_the_next() {
        let mut folded = Folded::default();
        folded.set("\u{23a}b".as_bytes());
        assert_eq!(folded.text, "\u{2c65}b".as_bytes());
        assert_eq!([0, 3].map(|at| folded.source(at)), [0, 2]);
        assert_eq!(folded.source(2), 1);
    }
}
