//! Where patterns without a literal may begin, for all of them in one pass over a text.
//!
//! Invariant: wherever such a pattern matches, its beginning is shown.

use crate::ahead::LEAD;
use crate::pattern::Pattern;

/// Up to 64 patterns.
#[derive(Debug)]
pub(crate) struct Leads {
    /// Their numbers.
    patterns: Vec<usize>,
    /// By place from the beginning and by byte: in which patterns it may stand there.
    may: [Box<[u64; 256]>; LEAD],
}

impl Leads {
    /// Puts `members`, numbers of `patterns`, into groups.
    pub(crate) fn new(members: &[usize], patterns: &[Pattern]) -> Vec<Self> {
        members.chunks(64).map(|members| Self::of(members, patterns)).collect()
    }

    fn of(members: &[usize], patterns: &[Pattern]) -> Self {
        let mut may = [(); LEAD].map(|()| Box::new([0; 256]));
        for (bit, &member) in members.iter().enumerate() {
            let lead = patterns[member].lead();
            for (place, may) in may.iter_mut().enumerate() {
                for (byte, may) in (0_u8..=255).zip(may.iter_mut()) {
                    *may |= u64::from(lead.is_none_or(|lead| lead[place].has(byte))) << bit;
                }
            }
        }
        Self { patterns: members.to_vec(), may }
    }

    /// Shows each pattern, by its number, and where it may begin, from left to right. Beginning and
    /// end of the text are always shown.
    pub(crate) fn find(&self, text: &[u8], mut show: impl FnMut(usize, usize)) {
        let mut show_all = |mut bits: u64, at: usize| {
            while bits != 0 {
                show(self.patterns[bits.trailing_zeros() as usize], at);
                bits &= bits - 1;
            }
        };
        let all = u64::MAX >> (64 - self.patterns.len());
        let known = text.len().saturating_sub(LEAD - 1);
        if known > 0 {
            show_all(all, 0);
        }
        for (at, first) in text.array_windows::<LEAD>().enumerate().skip(1) {
            let may = |place: usize| self.may[place][usize::from(first[place])];
            let bits = (0..LEAD).fold(all, |bits, place| bits & may(place));
            if bits != 0 {
                show_all(bits, at);
            }
        }
        (known..=text.len()).for_each(|at| show_all(all, at));
    }
}
