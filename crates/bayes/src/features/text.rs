//! The visible text and the subject: words, and pairs of words that stand near each other.
//!
//! Pairs are orthogonal sparse bigrams (Siefkes, Assis, Chhabra, Yerazunis 2004): each word with each
//! of the few before it, the distance being part of the feature.
//!
//! Invariant: reads at most [`LONGEST_TEXT`] bytes of the text.

use tidegate_mail::Message;

use super::Sink;
use crate::hash::{self, Hasher};
use crate::kind::Kind;
use crate::words::{self, Disguise, Form, Token};

/// Bytes of the visible text that are read.
const LONGEST_TEXT: usize = 24 << 10;

/// Bytes of the text that are read in fours.
const GRAM_TEXT: usize = 1500;

/// The most words before a word that it is paired with.
const WINDOW: usize = 4;

/// How a text is read: the kinds of its words and pairs, and how many words before it a word is
/// paired with.
struct Reading {
    single: Kind,
    double: Kind,
    window: usize,
}

const SUBJECT: Reading =
    Reading { single: Kind::Subject, double: Kind::SubjectPair, window: WINDOW };

/// No pairs: measured on mail of other sources, they cost more than they tell (see README.md).
const TEXT: Reading = Reading { single: Kind::Word, double: Kind::Pair, window: 0 };

pub(super) fn walk(message: &Message<'_>, sink: &mut impl Sink) {
    let subject = without_tags(message.subject().unwrap_or(""));
    if message.subject().is_some() {
        read(subject, &SUBJECT, sink);
        read(subject, &TEXT, sink);
        measures(subject, "subject", sink);
    }
    let text = clip(without_footer(message.text()), LONGEST_TEXT);
    measures(text, "text", sink);
    grams(subject, text, sink);
    read(text, &TEXT, sink);
}

/// Four bytes in a row, letter case and the amount of white space aside. They see through what
/// words don't: endings, joined words, misspellings, and languages of which the model knows little.
fn grams(subject: &str, text: &str, sink: &mut impl Sink) {
    let mut four = 0_u32;
    let mut read = |bytes: &[u8]| {
        bytes.iter().all(|byte| {
            let byte = FOLDED[usize::from(*byte)];
            if byte == b' ' && four as u8 == b' ' {
                return true;
            }
            four = (four << 8) | u32::from(byte);
            let name = || String::from_utf8_lossy(&four.to_be_bytes()).into_owned();
            sink.add(Kind::Gram, u64::from(four), name)
        })
    };
    let head = &text.as_bytes()[..text.len().min(GRAM_TEXT)];
    let _ = read(subject.as_bytes()) && read(b"\n") && read(head);
}

/// Each byte as it is read in fours.
const FOLDED: [u8; 256] = {
    let mut folded = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        folded[byte] = if b.is_ascii_whitespace() { b' ' } else { b.to_ascii_lowercase() };
        byte += 1;
    }
    folded
};

/// Words of `text` to features.
fn read(text: &str, how: &Reading, sink: &mut impl Sink) {
    let mut before = [(0_u64, 0_usize, 0_usize); WINDOW];
    let mut dense = Dense::default();
    words::walk(text, |token| {
        let word = || text[token.start..token.end].to_owned();
        match token.form {
            Form::Dense => dense.follow(text, &token, sink),
            Form::Unmasked(disguise) => {
                let name = name_of(disguise);
                sink.add(Kind::Disguise, hash::of(name.as_bytes()), || name.to_owned())
                    && sink.add(Kind::Disguise, token.hash, word)
                    && sink.add(how.single, token.hash, word)
            }
            _ => single_and_pairs(text, &token, how, &mut before, sink),
        }
    });
}

#[inline]
fn single_and_pairs(
    text: &str,
    token: &Token,
    how: &Reading,
    before: &mut [(u64, usize, usize); WINDOW],
    sink: &mut impl Sink,
) -> bool {
    let word = || text[token.start..token.end].to_owned();
    if !sink.add(how.single, token.hash, word) {
        return false;
    }
    if token.caps && !sink.add(how.single, token.hash ^ 0xca95, word) {
        return false;
    }
    if how.window == 0 {
        return true;
    }
    for (gap, (hash, start, end)) in before.iter().enumerate().take(how.window) {
        if *hash == 0 {
            break;
        }
        let words = || {
            let between = if gap == 0 { " " } else { " … " };
            [&text[*start..*end], between, &text[token.start..token.end]].concat()
        };
        if !sink.add(how.double, hash::pair(*hash, token.hash, gap as u64), words) {
            return false;
        }
    }
    before.rotate_right(1);
    before[0] = (token.hash, token.start, token.end);
    true
}

const fn name_of(disguise: Disguise) -> &'static str {
    match disguise {
        Disguise::LookAlike => "letters that look like others",
        Disguise::Hidden => "characters of no width",
        Disguise::Leet => "digits for letters",
        Disguise::Spaced => "letters one by one",
    }
}

/// Runs of two and three characters of scripts that put no spaces between words.
#[derive(Default)]
struct Dense {
    /// Hash and place of the last two characters that stand side by side.
    before: [Option<(u64, usize)>; 2],
    end: usize,
}

impl Dense {
    fn follow(&mut self, text: &str, token: &Token, sink: &mut impl Sink) -> bool {
        if self.end != token.start {
            self.before = [None; 2];
        }
        self.end = token.end;
        let mut going = true;
        if let [Some((last, start)), _] = self.before {
            let two = hash::pair(last, token.hash, 2);
            going = sink.add(Kind::Run, two, || text[start..token.end].to_owned());
            if let (true, [_, Some((first, start))]) = (going, self.before) {
                let three = hash::pair(first, two, 3);
                going = sink.add(Kind::Run, three, || text[start..token.end].to_owned());
            }
        }
        self.before = [Some((token.hash, token.start)), self.before[0]];
        going
    }
}

/// How long the text is, and how much of it is capitals, digits and characters beyond ASCII.
fn measures(text: &str, of: &str, sink: &mut impl Sink) {
    let letters = count(text, |byte| byte.is_ascii_alphabetic());
    let capitals = count(text, |byte| byte.is_ascii_uppercase());
    let digits = count(text, |byte| byte.is_ascii_digit());
    let high = count(text, |byte| byte >= 0x80);
    let lines = count(text, |byte| byte == b'\n');
    let length = text.len();
    let tenths = |part: usize, whole: usize| (part * 10).checked_div(whole).unwrap_or(11);
    for (what, value) in [
        ("length", (usize::BITS - length.leading_zeros()) as usize),
        ("capitals", tenths(capitals, letters)),
        ("digits", tenths(digits * 4, length)),
        ("beyond ASCII", tenths(high, length)),
        ("lines", tenths(lines * 10, length)),
    ] {
        let word = Hasher::new().bytes(of.as_bytes()).bytes(what.as_bytes()).byte(value as u8);
        sink.add(Kind::Shape, word.finish(), || format!("{what} of {of} {value}"));
    }
}

/// How many bytes of a text are of a kind.
fn count(text: &str, is: impl Fn(u8) -> bool) -> usize {
    // A count of up to 255 fits a byte, and a processor adds up sixteen bytes at once.
    let few = |bytes: &[u8]| usize::from(bytes.iter().map(|byte| u8::from(is(*byte))).sum::<u8>());
    let (blocks, rest) = text.as_bytes().as_chunks::<128>();
    blocks.iter().map(|block| few(block)).sum::<usize>() + few(rest)
}

/// The subject without what lists and filters put before it: `Re: [list] [SPAM] …`.
fn without_tags(subject: &str) -> &str {
    let mut rest = subject.trim_start();
    loop {
        let after_reply = ["re:", "fwd:", "fw:", "aw:"].iter().find_map(|prefix| {
            let head = rest.get(..prefix.len())?;
            head.eq_ignore_ascii_case(prefix).then(|| rest[prefix.len()..].trim_start())
        });
        let after_tag = || {
            let (tag, after) = rest.strip_prefix('[')?.split_once(']')?;
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.#: ".contains(c);
            (tag.len() <= 40 && tag.chars().all(plain)).then(|| after.trim_start())
        };
        let after_mark = || rest.strip_prefix("*****SPAM*****").map(str::trim_start);
        match after_reply.or_else(after_tag).or_else(after_mark) {
            Some(after) => rest = after,
            None => return rest,
        }
    }
}

/// The text without what lists, providers and signatures put below a line of its own.
fn without_footer(text: &str) -> &str {
    const LONGEST_FOOTER: usize = 1200;
    let mut from = text.len().saturating_sub(LONGEST_FOOTER).max(text.len() / 3);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let mut at = from;
    for line in text[from..].split_inclusive('\n') {
        // The first line of the tail may begin in the middle of a longer one.
        if (at > from || from == 0) && (is_rule(line) || is_signature(line)) {
            return &text[..at];
        }
        at += line.len();
    }
    text
}

/// The line above a signature.
fn is_signature(line: &str) -> bool {
    line.starts_with("--") && matches!(line.trim_end_matches(['\r', '\n']), "--" | "-- ")
}

/// A line drawn across the page, as lists do above their footer.
fn is_rule(line: &str) -> bool {
    let line = line.trim_start();
    let Some(first) = line.bytes().next().filter(|byte| b"_-=*".contains(byte)) else {
        return false;
    };
    line.bytes().take_while(|byte| *byte == first).count() >= 16
}

fn clip(text: &str, longest: usize) -> &str {
    let mut end = text.len().min(longest);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_before_the_subject_are_no_words_of_the_sender() {
        for (subject, rest) in [
            ("Re: [ILUG] Re: Sun Solaris", "Sun Solaris"),
            ("[SPAM]  Disney movie", "Disney movie"),
            ("AW: Angebot", "Angebot"),
            ("Reply", "Reply"),
            ("[", "["),
            ("[お知らせ] x", "[お知らせ] x"),
        ] {
            assert_eq!(without_tags(subject), rest);
        }
    }

    #[test]
    fn a_footer_is_cut_and_a_rule_at_the_top_is_not() {
        let body = "Hello there, a line of words.\n".repeat(10);
        for footer in ["-- \nAnna\n", "_______________________________________________\nlist@x\n"] {
            assert_eq!(without_footer(&format!("{body}{footer}")), body);
        }
        let top = format!("--------------------\n{}", "buy now\n".repeat(50));
        assert_eq!(without_footer(&top), top);
        assert_eq!(without_footer(""), "");
        let _ = without_footer(&"é\n-- \n".repeat(1000));
    }
}
