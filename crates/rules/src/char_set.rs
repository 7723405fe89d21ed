//! Sets of characters, as programs read them.
//!
//! Invariant: a set has exactly the characters of its class.

use regex_syntax::hir::Class;

/// A set of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CharSet {
    pub(crate) ascii: [u64; 2],
    /// All of those that are not ASCII.
    pub(crate) ranges: Box<[(u32, u32)]>,
    /// Whether all that are not ASCII are in it.
    pub(crate) all_wide: bool,
    pub(crate) lacks: Lacks,
}

/// Which characters a set is without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lacks {
    Nothing,
    LineEnd,
    More,
}

const ALL_BUT_LINE_END: u64 = !(1 << b'\n');

impl CharSet {
    pub(crate) fn of(ranges: impl Iterator<Item = (char, char)>) -> Self {
        let mut ascii = [0; 2];
        let mut wide = Vec::new();
        for (start, end) in ranges {
            let (start, end) = (u32::from(start), u32::from(end));
            for byte in start..=end.min(0x7f) {
                ascii[byte as usize / 64] |= 1 << (byte % 64);
            }
            if end > 0x7f {
                wide.push((start.max(0x80), end));
            }
        }
        // Between them lie the surrogates, which no text has.
        let all_wide = matches!(wide[..], [(0x80, 0x10_ffff)])
            || wide[..] == [(0x80, 0xd7ff), (0xe000, 0x10_ffff)];
        let lacks = match ascii {
            [u64::MAX, u64::MAX] if all_wide => Lacks::Nothing,
            [ALL_BUT_LINE_END, u64::MAX] if all_wide => Lacks::LineEnd,
            _ => Lacks::More,
        };
        Self { ascii, ranges: wide.into(), all_wide, lacks }
    }

    pub(crate) fn has_ascii(&self, byte: u8) -> bool {
        self.ascii[usize::from(byte & 0x7f) / 64] >> (byte % 64) & 1 == 1
    }

    /// Whether it has a character that isn't ASCII.
    pub(crate) fn has_wide(&self, c: u32) -> bool {
        self.all_wide || {
            let next = self.ranges.partition_point(|&(_, end)| end < c);
            self.ranges.get(next).is_some_and(|&(start, _)| start <= c)
        }
    }
}

/// The letter of a class of one letter's cases.
pub(crate) fn caseless_letter(class: &Class) -> Option<u8> {
    let Class::Unicode(class) = class else { return None };
    let ranges = class.ranges();
    let upper = ranges.first().map(|range| range.start())?;
    if !upper.is_ascii_uppercase() || !(2..=3).contains(&ranges.len()) {
        return None;
    }
    let third = match upper {
        'K' => Some('\u{212a}'),
        'S' => Some('\u{17f}'),
        _ => None,
    };
    let cases = [Some(upper), Some(upper.to_ascii_lowercase()), third];
    let is_same = ranges.iter().all(|range| range.start() == range.end())
        && ranges.iter().map(|range| range.start()).eq(cases.into_iter().flatten());
    is_same.then(|| upper.to_ascii_lowercase() as u8)
}
