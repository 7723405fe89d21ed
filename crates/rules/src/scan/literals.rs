//! Which patterns the literals of some places stand for.
//!
//! Invariant: every literal of every pattern that looks at one of these places is a needle, and each
//! pattern is among those that the needle stands for.

use std::collections::HashMap;

use super::Sort;
use crate::needles::Needles;
use crate::pattern::{Alternative, Pattern};
use crate::place::Place;

/// The literals of the patterns of some places. What is looked at of each that is met lies close
/// together: the caches hold little of all this when a message comes.
#[derive(Debug)]
pub(super) struct Literals {
    pub(super) needles: Needles,
    /// By needle; one more, whose beginning is the end of the last one's.
    pub(super) uses: Vec<Use>,
    pub(super) owners: Vec<Owner>,
}

/// Which alternatives of patterns a literal stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    /// In which of the first 63 places one of them looks; the last bit is for all others.
    pub(super) places: u64,
    /// Where they begin in [`Literals::owners`].
    pub(super) begin: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    pub(super) slot: u32,
    pub(super) pattern: u32,
    /// 0: a match is near the literal; else which of the others it is.
    pub(super) role: u8,
    /// The same as of its [`super::Slot`].
    pub(super) all: u8,
    /// Whether a match begins where the literal does.
    pub(super) is_start: bool,
}

impl Literals {
    pub(super) fn of(
        sort: Sort,
        members: &[(Place, Vec<usize>)],
        patterns: &[Pattern],
        slots_of: &[u32],
    ) -> Self {
        let mut numbers: HashMap<&[u8], usize> = HashMap::new();
        // By needle, in which places it is looked for, and for whom.
        let mut by_needle: Vec<(u64, Vec<Owner>)> = Vec::new();
        let mut words: Vec<&[u8]> = Vec::new();
        let mut places = vec![0_u64; patterns.len()];
        for (number, (_, members)) in
            members.iter().enumerate().filter(|(_, (place, _))| Sort::of(place) == sort)
        {
            members.iter().for_each(|&member| places[member] |= place_bit(number));
        }
        let looking = patterns.iter().enumerate().filter(|(number, _)| places[*number] != 0);
        let alternatives = looking.flat_map(|(number, pattern)| {
            (slots_of[number]..)
                .zip(&pattern.alternatives)
                .map(move |(slot, one)| (number, slot, one))
        });
        for (pattern, slot, alternative) in alternatives {
            let Alternative::Literals(required) = alternative else { continue };
            let all = all_of(required.also.len());
            let sets = std::iter::once(&required.near).chain(&required.also);
            for (role, set) in (0..).zip(sets) {
                for literal in &set.literals {
                    let needle = *numbers.entry(literal).or_insert_with(|| {
                        words.push(literal);
                        by_needle.push((0, Vec::new()));
                        words.len() - 1
                    });
                    let is_start = set.reach.is_nothing();
                    let pattern = pattern as u32;
                    by_needle[needle].0 |= places[pattern as usize];
                    by_needle[needle].1.push(Owner { slot, pattern, role, all, is_start });
                }
            }
        }
        let (mut uses, mut owners) = (Vec::with_capacity(by_needle.len() + 1), Vec::new());
        for (places, of_one) in by_needle {
            uses.push(Use { places, begin: owners.len() as u32 });
            owners.extend(of_one);
        }
        uses.push(Use { places: 0, begin: owners.len() as u32 });
        Self { needles: Needles::new(words.into_iter()), uses, owners }
    }

    pub(super) fn owners_of(&self, needle: u32) -> &[Owner] {
        let [one, next] = [needle, needle + 1].map(|at| self.uses[at as usize].begin as usize);
        &self.owners[one..next]
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.needles.memory_usage() + size_of_val(&self.uses[..]) + size_of_val(&self.owners[..])
    }
}

/// A bit for each set of literals: the one near a match, and so many others.
pub(super) fn all_of(others: usize) -> u8 {
    u8::MAX >> (7 - others)
}

pub(super) fn place_bit(number: usize) -> u64 {
    1 << number.min(63)
}
