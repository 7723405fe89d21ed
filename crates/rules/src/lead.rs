//! Where alternatives without a literal may begin, for all of them in one pass over a text.
//!
//! Invariant: wherever such an alternative matches, its beginning is shown.

use regex_syntax::hir::Hir;

use crate::ahead::{ByteSet, LEAD};
use crate::machine::Text;
use crate::needs::Needs;
use crate::program::Program;

/// What is known of an alternative without a literal.
#[derive(Debug)]
pub(crate) struct Lead {
    /// The sets of its first bytes, other than at the text's beginning.
    first: [ByteSet; LEAD],
    needs: Needs,
}

/// An alternative and its pattern, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) slot: u32,
    pub(crate) pattern: usize,
}

/// Up to 64 alternatives, of patterns of all places: so their tables stay in the nearest cache.
#[derive(Debug)]
pub(crate) struct Leads {
    members: Vec<Member>,
    /// By place from the beginning and by byte: in which alternatives it may stand there.
    may: [Box<[u64; 256]>; LEAD],
    /// By the number of bytes that are left: which of them may match in so few.
    fits: [u64; LEAD],
    /// By member.
    needs: Vec<Needs>,
}

impl Lead {
    pub(crate) fn new(alternative: &Hir, program: Option<&Program>) -> Self {
        Self {
            first: program.map_or([ByteSet::ALL; LEAD], |program| program.lead),
            needs: Needs::of(alternative),
        }
    }

    /// What both have in common, unless one of them needs what the other doesn't.
    pub(crate) fn join(&mut self, other: &Self) -> bool {
        let is_joined = self.needs.join(&other.needs);
        if is_joined {
            self.first.iter_mut().zip(&other.first).for_each(|(all, more)| all.join(*more));
        }
        is_joined
    }
}

impl Leads {
    /// Puts `members` into groups.
    pub(crate) fn new(members: &[(Member, &Lead)]) -> Vec<Self> {
        members.chunks(64).map(Self::of).collect()
    }

    fn of(members: &[(Member, &Lead)]) -> Self {
        let mut may = [(); LEAD].map(|()| Box::new([0; 256]));
        let mut fits = [0; LEAD];
        for (number, (_, lead)) in members.iter().enumerate() {
            let bit = 1 << number;
            for (set, may) in lead.first.iter().zip(&mut may) {
                set.each(|byte| may[usize::from(byte)] |= bit);
            }
            fits.iter_mut().skip(lead.needs.shortest).for_each(|fits| *fits |= bit);
        }
        let needs = members.iter().map(|(_, lead)| lead.needs.clone()).collect();
        let members = members.iter().map(|(member, _)| *member).collect();
        Self { members, may, fits, needs }
    }

    /// The patterns of the alternatives, in the order of the bits that stand for them.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = usize> {
        self.members.iter().map(|member| member.pattern)
    }

    /// Shows each of the alternatives `of` these bits, and where it may begin, from left to right.
    pub(crate) fn find(&self, of: u64, text: Text<'_>, mut show: impl FnMut(Member, usize)) {
        let mut show_all = |mut bits: u64, at: usize| {
            while bits != 0 {
                show(self.members[bits.trailing_zeros() as usize], at);
                bits &= bits - 1;
            }
        };
        let (mut all, mut open) = (0, of);
        while open != 0 {
            let number = open.trailing_zeros();
            all |= u64::from(self.needs[number as usize].are_met_by(text)) << number;
            open &= open - 1;
        }
        if all == 0 {
            return;
        }
        let text = text.bytes;
        let fits = |left: usize| self.fits.get(left).unwrap_or(&u64::MAX) & all;
        // What begins where the text does need not begin with these bytes.
        show_all(fits(text.len()), 0);
        let may = |place: usize, byte: u8| self.may[place][usize::from(byte)];
        let mut at = 1;
        // Four places at once, while there are as many; their first two bytes tell nearly all that
        // begins at none of them.
        while let Some(bytes) = text.get(at..).and_then(|rest| rest.first_chunk::<{ 2 * LEAD }>()) {
            let begins = |place: usize| may(0, bytes[place]) & may(1, bytes[place + 1]);
            if all & (begins(0) | begins(1) | begins(2) | begins(3)) != 0 {
                for place in 0..LEAD {
                    let bits = all & begins(place);
                    let rest = |bits| {
                        (2..LEAD).fold(bits, |bits, next| bits & may(next, bytes[place + next]))
                    };
                    show_all(rest(bits), at + place);
                }
            }
            at += LEAD;
        }
        for at in at..=text.len() {
            let rest = &text[at..];
            let bits = match rest.first_chunk::<LEAD>() {
                Some(first) => (0..LEAD).fold(all, |bits, place| bits & may(place, first[place])),
                None => fits(rest.len()),
            };
            show_all(bits, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_shown_and_little_else() {
        for (pattern, text, expect) in [
            ("[0-9]{3}%", "12 123% 1", &[0, 3][..]),
            ("[0-9]{3}%", "12 123 1", &[]),
            ("^[0-9]|x[0-9]$", "7 x7 x7", &[0, 4, 5, 6]),
            ("(?:^[0-9]|x[0-9])[a-z]{2}", "7 x7 x7", &[0, 4]),
            ("[0-9]+", "x7", &[0, 1]),
            ("[€$][0-9]", "a €5", &[0, 2, 3, 4]),
        ] {
            let hir = regex_syntax::parse(pattern).unwrap();
            let lead = Lead::new(&hir, Program::new(&hir).as_ref());
            let mut found = Vec::new();
            Leads::new(&[(Member { slot: 0, pattern: 0 }, &lead)])[0].find(
                1,
                Text::new(text.as_bytes()),
                |_, at| found.push(at),
            );
            assert_eq!(found, expect, "{pattern} in {text}");
        }
    }
}
