//! How far a match reaches, and what is in it.
//!
//! Invariant: bounds are never too small, sets of bytes never too small.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::ahead::ByteSet;
use crate::machine::Text;

/// How many characters something takes: up to so many, and any number of some bytes besides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) chars: usize,
    /// What is repeated without end consists of these.
    pub(crate) free: ByteSet,
}

impl Extent {
    /// Of what `pattern` matches.
    pub(crate) fn of(pattern: &Hir) -> Self {
        match pattern.kind() {
            HirKind::Empty | HirKind::Look(_) => Self::default(),
            HirKind::Literal(literal) => {
                let chars = literal.0.iter().filter(|&&byte| !goes_on(byte)).count();
                Self { chars, ..Self::default() }
            }
            HirKind::Class(_) => Self { chars: 1, ..Self::default() },
            HirKind::Capture(group) => Self::of(&group.sub),
            HirKind::Repetition(repeat) => match repeat.max {
                Some(max) => {
                    let one = Self::of(&repeat.sub);
                    Self { chars: one.chars.saturating_mul(max as usize), ..one }
                }
                None => {
                    let mut free = ByteSet::default();
                    add_bytes(&repeat.sub, &mut free);
                    Self { chars: 0, free }
                }
            },
            HirKind::Concat(parts) => {
                parts.iter().fold(Self::default(), |all, part| all.and(Self::of(part)))
            }
            HirKind::Alternation(parts) => {
                parts.iter().fold(Self::default(), |all, part| all.or(Self::of(part)))
            }
        }
    }

    /// Of one behind the other.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.free.join(other.free);
        Self { chars: self.chars.saturating_add(other.chars), ..self }
    }

    /// Of either.
    pub(crate) fn or(mut self, other: Self) -> Self {
        self.free.join(other.free);
        Self { chars: self.chars.max(other.chars), ..self }
    }

    /// Whether it is no byte at all.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nothing in it is repeated without end.
    pub(crate) fn is_bounded(&self) -> bool {
        self.free == ByteSet::NONE
    }

    /// The first byte from which it may reach to the one at `last`, not before `floor`.
    pub(crate) fn back_from(&self, text: Text<'_>, last: usize, floor: usize) -> usize {
        if text.is_ascii && self.is_bounded() {
            return (last + 1).saturating_sub(self.chars).max(floor).min(last);
        }
        let text = text.bytes;
        let (mut left, mut from) = (self.chars, last + 1);
        while from > floor {
            // A character is counted where it begins.
            if text.get(from - 1).is_none_or(|&byte| !self.free.has(byte) && !goes_on(byte)) {
                match left.checked_sub(1) {
                    Some(less) => left = less,
                    None => break,
                }
            }
            from -= 1;
        }
        from.min(last)
    }
}

/// Whether a byte is in a character of UTF-8, but doesn't begin it.
fn goes_on(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Adds every byte that a match may have.
fn add_bytes(pattern: &Hir, bytes: &mut ByteSet) {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => literal.0.iter().for_each(|&byte| bytes.add(byte)),
        HirKind::Class(Class::Bytes(class)) => {
            class.iter().for_each(|range| (range.start()..=range.end()).for_each(|b| bytes.add(b)));
        }
        HirKind::Class(Class::Unicode(class)) => {
            for range in class.iter() {
                let (start, end) = (u32::from(range.start()), u32::from(range.end()));
                (start..=end.min(0x7f)).for_each(|byte| bytes.add(byte as u8));
            }
            if class.iter().last().is_some_and(|range| !range.end().is_ascii()) {
                (0x80..=0xff).for_each(|byte| bytes.add(byte));
            }
        }
        HirKind::Repetition(repeat) => add_bytes(&repeat.sub, bytes),
        HirKind::Capture(group) => add_bytes(&group.sub, bytes),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| add_bytes(part, bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expect: usize) {
        let extent = Extent::of(&regex_syntax::parse(pattern).unwrap());
        assert_eq!(
            extent.back_from(Text::new(text.as_bytes()), text.len() - 1, 0),
            expect,
            "{pattern}"
        );
    }

    #[test]
    fn it_goes_back_as_far_as_a_match_may() {
        check("abc", "xxxabc", 3);
        check("[0-9]+abc", "x 123abc", 2);
        check("(?:[0-9]+ ){0,2}pill", "7 8, 25 100 200 pill", 8);
        check("(?:[0-9]+ )*pill", "7 8, 25 100 200 pill", 4);
        check(".*pill", "7 8, 25 100 200 pill", 0);
        check(".{2}é", "123456é", 4);
        check(".{2}a", "éèêa", 1);
    }
}
