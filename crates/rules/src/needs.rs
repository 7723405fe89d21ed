//! What a text must have for an alternative of a pattern to match in it: so many bytes, and of some
//! sets of bytes one each.
//!
//! Invariant: what a match can do without is never asked for.

use memchr::{memchr, memchr2, memchr3};
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::ahead::{ByteSet, first_bytes};
use crate::char_set::CharSet;
use crate::machine::Text;

/// What an alternative can't match without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// The bytes of its shortest match.
    pub(crate) shortest: usize,
    /// The rarest first.
    sets: Vec<ByteSet>,
    /// The rarest of them that has up to three bytes; these are looked for in long texts.
    few: Vec<u8>,
}

/// So many sets are asked for.
const MOST_SETS: usize = 4;
/// A set as common as this is met by nearly every text.
const COMMON: u32 = 50;
/// Of a text of up to so many bytes it is known which ones it has; a longer one has most of them.
pub(crate) const SHORT: usize = 256;

impl Needs {
    pub(crate) fn of(alternative: &Hir) -> Self {
        let mut sets = sets(alternative);
        sets.sort_by_key(|&set| commonness(set));
        sets.dedup();
        sets.retain(|&set| commonness(set) < COMMON);
        sets.truncate(MOST_SETS);
        let shortest = alternative.properties().minimum_len().unwrap_or(0);
        Self { shortest, few: few(&sets), sets }
    }

    /// Leaves what both alternatives need, unless one of them needs a rare byte that the other
    /// doesn't; whether it did.
    pub(crate) fn join(&mut self, other: &Self) -> bool {
        let is_joined = self.few == other.few;
        if is_joined {
            self.shortest = self.shortest.min(other.shortest);
            self.sets = either(&[std::mem::take(&mut self.sets), other.sets.clone()]);
        }
        is_joined
    }

    pub(crate) fn are_met_by(&self, text: Text<'_>) -> bool {
        if text.bytes.len() > SHORT {
            return is_in(text.bytes, &self.few);
        }
        self.shortest <= text.bytes.len() && self.sets.iter().all(|set| set.meets(text.has))
    }
}

/// Up to three bytes, none of them common.
fn few(sets: &[ByteSet]) -> Vec<u8> {
    let bytes = |set: &ByteSet| {
        let mut bytes = Vec::new();
        set.each(|byte| bytes.push(byte));
        bytes
    };
    let is_rare =
        |byte: &u8| !byte.is_ascii() || (byte.is_ascii_punctuation() && !b".,-'/:".contains(byte));
    sets.iter().map(bytes).find(|few| few.len() <= 3 && few.iter().all(is_rare)).unwrap_or_default()
}

/// Whether one of up to three bytes, if any are asked for, is in `text`.
fn is_in(text: &[u8], few: &[u8]) -> bool {
    let found = match *few {
        [] => return true,
        [one] => memchr(one, text),
        [one, two] => memchr2(one, two, text),
        [one, two, three, ..] => memchr3(one, two, three, text),
    };
    found.is_some()
}

fn sets(pattern: &Hir) -> Vec<ByteSet> {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Bytes(_)) => Vec::new(),
        HirKind::Literal(literal) => literal.0.iter().map(|&byte| ByteSet::one(byte)).collect(),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.iter().map(|range| (range.start(), range.end()));
            vec![first_bytes(&CharSet::of(ranges))]
        }
        HirKind::Capture(group) => sets(&group.sub),
        HirKind::Repetition(repeat) if repeat.min > 0 => sets(&repeat.sub),
        HirKind::Repetition(_) => Vec::new(),
        HirKind::Concat(parts) => parts.iter().flat_map(sets).collect(),
        HirKind::Alternation(parts) => either(&parts.iter().map(sets).collect::<Vec<_>>()),
    }
}

/// What all of several alternatives need: one of what each has rarest.
fn either(all: &[Vec<ByteSet>]) -> Vec<ByteSet> {
    let rarest = all.iter().map(|sets| sets.iter().min_by_key(|&&set| commonness(set)));
    let joined = rarest.collect::<Option<Vec<_>>>().map(|sets| {
        let mut joined = ByteSet::default();
        sets.into_iter().for_each(|&set| joined.join(set));
        joined
    });
    joined.into_iter().collect()
}

/// Roughly how many of a hundred bytes of addresses and names are in `set`.
fn commonness(set: ByteSet) -> u32 {
    let mut sum = 0;
    set.each(|byte| {
        sum += match byte {
            b'a'..=b'z' | b'.' | b'/' | b':' | b'-' | b' ' => 30,
            b'0'..=b'9' => 10,
            b'A'..=b'Z' => 4,
            _ if byte.is_ascii() => 6,
            _ => 0,
        };
    });
    sum / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_without_what_is_needed_is_told() {
        for (pattern, text, expect) in [
            (r"^https?://[^#]+#.*@", "http://a.example/?b@c", false),
            (r"^https?://[^#]+#.*@", "http://a.example/#b@c", true),
            (r"[0-9]{3}%", "12%", false),
            (r"(?:[0-9]{3}|x%)", "abc", false),
            (r"(?:[0-9]{3}|x%)", "x%z", true),
            (r"(?i)k#", "\u{212a}#", true),
            (r"é?[0-9]*a", "xa", true),
        ] {
            let needs = Needs::of(&regex_syntax::parse(pattern).unwrap());
            assert_eq!(needs.are_met_by(Text::new(text.as_bytes())), expect, "{pattern} in {text}");
        }
    }
}
