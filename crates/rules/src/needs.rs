//! What a short text must have for an alternative of a pattern to match in it: so many bytes, and
//! of some sets of bytes one each.
//!
//! Invariant: what a match can do without is never asked for.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::ahead::{ByteSet, first_bytes};
use crate::char_set::CharSet;

/// What an alternative can't match without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    shortest: usize,
    /// The rarest first.
    sets: Vec<ByteSet>,
}

/// A text, as far as [`Needs`] tell it from others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Has {
    length: usize,
    bytes: ByteSet,
}

/// So many sets are asked for.
const MOST_SETS: usize = 4;
/// A set as common as this is met by nearly every text.
const COMMON: u32 = 50;
/// The bytes of a longer text are not looked at: it has most of them.
const SHORT: usize = 256;

impl Needs {
    pub(crate) fn of(alternative: &Hir) -> Self {
        let mut sets = sets(alternative);
        sets.sort_by_key(|&set| commonness(set));
        sets.dedup();
        sets.retain(|&set| commonness(set) < COMMON);
        sets.truncate(MOST_SETS);
        Self { shortest: alternative.properties().minimum_len().unwrap_or(0), sets }
    }

    /// What both alternatives need.
    pub(crate) fn join(&mut self, other: &Self) {
        self.shortest = self.shortest.min(other.shortest);
        self.sets = either(&[std::mem::take(&mut self.sets), other.sets.clone()]);
    }

    pub(crate) fn are_met_by(&self, text: Has) -> bool {
        self.shortest <= text.length && self.sets.iter().all(|set| set.meets(text.bytes))
    }
}

impl Has {
    pub(crate) fn of(text: &[u8]) -> Self {
        let mut bytes = ByteSet::default();
        match text.len() <= SHORT {
            true => text.iter().for_each(|&byte| bytes.add(byte)),
            false => bytes = ByteSet::ALL,
        }
        Self { length: text.len(), bytes }
    }
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
            assert_eq!(needs.are_met_by(Has::of(text.as_bytes())), expect, "{pattern} in {text}");
        }
    }
}
