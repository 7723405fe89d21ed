//! Which bytes may come next at each step of a program, so that most attempts are never begun.
//!
//! Invariant: these sets may be too large, never too small.

use std::collections::HashMap;

use regex_automata::util::look::Look;

use crate::char_set::CharSet;
use crate::program::{Choice, Program, Step};

/// So many bytes from the beginning of a match are known.
pub(crate) const LEAD: usize = 4;
/// Sets of one program; one with more has the last ones in common.
const MOST_SETS: usize = u16::MAX as usize;
/// What goes on with a character that isn't ASCII.
const BEHIND: std::ops::RangeInclusive<u8> = 0x80..=0xbf;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct ByteSet([u64; 4]);

/// What may come next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ahead {
    pub(crate) bytes: ByteSet,
    /// Nothing may come: the text may end here.
    pub(crate) end: bool,
}

impl ByteSet {
    pub(crate) const NONE: Self = Self([0; 4]);
    pub(crate) const ALL: Self = Self([u64::MAX; 4]);

    pub(crate) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    pub(crate) fn add(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    pub(crate) fn one(byte: u8) -> Self {
        let mut set = Self::NONE;
        set.add(byte);
        set
    }

    /// Whether some byte is in both.
    pub(crate) fn meets(self, other: Self) -> bool {
        self.0.iter().zip(other.0).any(|(one, other)| one & other != 0)
    }

    pub(crate) fn each(self, mut show: impl FnMut(u8)) {
        for (number, mut word) in self.0.into_iter().enumerate() {
            while word != 0 {
                show((64 * number) as u8 + word.trailing_zeros() as u8);
                word &= word - 1;
            }
        }
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(all, more)| *all |= more);
    }
}

impl Ahead {
    pub(crate) const ANY: Self = Self { bytes: ByteSet::ALL, end: true };

    /// Whether it may go on at `at` of `text`.
    pub(crate) fn may(&self, text: &[u8], at: usize) -> bool {
        text.get(at).map_or(self.end, |&byte| self.bytes.has(byte))
    }

    fn join(&mut self, other: Self) {
        self.bytes.join(other.bytes);
        self.end |= other.end;
    }
}

/// Fills in what is known of what comes next. `branches`: the alternatives of each choice.
pub(crate) fn look(program: &mut Program, branches: &[Vec<u32>]) {
    let ahead = settle(program, branches);
    mark_possessive(program, &ahead);
    program.choices = branches.iter().map(|branches| choice(branches, &ahead)).collect();
    program.lead = lead(program, branches);
    let mut numbers: HashMap<Ahead, u16> = HashMap::new();
    program.sets.push(Ahead::ANY);
    program.ahead = ahead
        .into_iter()
        .map(|set| {
            *numbers.entry(set).or_insert_with(|| {
                if program.sets.len() >= MOST_SETS {
                    return 0;
                }
                program.sets.push(set);
                program.sets.len() as u16 - 1
            })
        })
        .collect();
}

/// Only steps that go back need a second round, so the last step is looked at first.
fn settle(program: &Program, branches: &[Vec<u32>]) -> Vec<Ahead> {
    let mut ahead = vec![Ahead::default(); program.steps.len()];
    loop {
        let mut is_settled = true;
        for (number, step) in program.steps.iter().enumerate().rev() {
            let next = |step: u32| ahead[step as usize];
            let mut set = Ahead::default();
            match *step {
                Step::Bytes { from, .. } => set.bytes.add(program.bytes[from as usize]),
                Step::Caseless { from, .. } => set.bytes = cases(program.bytes[from as usize]),
                Step::One { class } => set.bytes = first_bytes(&program.classes[class as usize]),
                Step::Many { class, min, max, .. } => {
                    if max > 0 {
                        set.bytes = first_bytes(&program.classes[class as usize]);
                    }
                    if min == 0 {
                        set.join(next(number as u32 + 1));
                    }
                }
                Step::Look(Look::End) => set = Ahead { end: true, ..Ahead::default() },
                Step::Look(_) => set = next(number as u32 + 1),
                Step::Either { first, second } => {
                    set = next(first);
                    set.join(next(second));
                }
                Step::Choice(choice) => {
                    branches[choice as usize].iter().for_each(|&branch| set.join(next(branch)));
                }
                Step::Goto(step) => set = next(step),
                Step::Match => set = Ahead::ANY,
            }
            if ahead[number] != set {
                ahead[number] = set;
                is_settled = false;
            }
        }
        if is_settled {
            return ahead;
        }
    }
}

/// Marks the repetitions that are followed by what they don't read: of these only the longest can
/// be followed at all.
fn mark_possessive(program: &mut Program, ahead: &[Ahead]) {
    for (step, next) in program.steps.iter_mut().zip(ahead.iter().skip(1)) {
        if let Step::Many { class, gives_back, .. } = step {
            *gives_back = next.bytes.meets(first_bytes(&program.classes[*class as usize]));
        }
    }
}

fn cases(letter: u8) -> ByteSet {
    let mut bytes = ByteSet::default();
    [letter, letter.to_ascii_uppercase()].into_iter().for_each(|case| bytes.add(case));
    // The long s and the sign of kelvin.
    match letter {
        b's' => bytes.add(0xc5),
        b'k' => bytes.add(0xe2),
        _ => {}
    }
    bytes
}

/// What the characters of `class` begin with.
pub(crate) fn first_bytes(class: &CharSet) -> ByteSet {
    let mut bytes = ByteSet([class.ascii[0], class.ascii[1], 0, 0]);
    for &(start, end) in &class.ranges {
        (first_byte(start)..=first_byte(end)).for_each(|byte| bytes.add(byte));
    }
    bytes
}

fn first_byte(c: u32) -> u8 {
    match c {
        0x80..=0x7ff => 0xc0 | (c >> 6) as u8,
        0x800..=0xffff => 0xe0 | (c >> 12) as u8,
        _ => 0xf0 | (c >> 18) as u8,
    }
}

/// The lengths, in bytes, of the characters of `class`, each as a bit.
fn widths(class: &CharSet) -> u8 {
    let ascii = u8::from(class.ascii != [0; 2]) << 1;
    let of = |c: u32| 1 << (2 + u8::from(c > 0x7ff) + u8::from(c > 0xffff));
    let between = |start: u32, end: u32| {
        let middle = if start <= 0x7ff && end > 0xffff { of(0x800) } else { 0 };
        of(start) | of(end) | middle
    };
    class.ranges.iter().fold(ascii, |all, &(start, end)| all | between(start, end))
}

/// Sorts the alternatives by the bytes that they may begin with.
fn choice(branches: &[u32], ahead: &[Ahead]) -> Choice {
    let mut by_byte: Vec<Vec<u32>> = vec![Vec::new(); 257];
    for &branch in branches {
        let Ahead { bytes, end } = &ahead[branch as usize];
        bytes.each(|byte| by_byte[usize::from(byte)].push(branch));
        by_byte[256].extend(end.then_some(branch));
    }
    let mut group = Box::new([0; 257]);
    // The first group has all of them.
    let (mut groups, mut steps) = (vec![0, branches.len() as u32], branches.to_vec());
    let mut numbers: HashMap<Vec<u32>, u8> = HashMap::new();
    for (some, group) in by_byte.into_iter().zip(group.iter_mut()) {
        let next = u8::try_from(groups.len() - 1);
        *group = match (numbers.get(&some), next) {
            (Some(&number), _) => number,
            (None, Ok(number)) => {
                steps.extend_from_slice(&some);
                groups.push(steps.len() as u32);
                numbers.insert(some, number);
                number
            }
            (None, Err(_)) => 0,
        };
    }
    Choice { group, groups: groups.into(), steps: steps.into() }
}

/// The sets of the first bytes of a match that doesn't begin where the text does.
fn lead(program: &Program, branches: &[Vec<u32>]) -> [ByteSet; LEAD] {
    let mut lead = [ByteSet::default(); LEAD];
    let mut seen = vec![0_u8; program.steps.len()];
    let mut open = vec![(0_u32, 0_usize)];
    // A byte of a step, and where to go on; repetitions are unrolled as far as the sets reach.
    while let Some((number, at)) = open.pop() {
        let seen = &mut seen[number as usize];
        if at >= LEAD || *seen >> at & 1 == 1 {
            continue;
        }
        *seen |= 1 << at;
        let next = number + 1;
        match program.steps[number as usize] {
            Step::Bytes { from, to } => {
                let bytes = &program.bytes[from as usize..to as usize];
                bytes.iter().zip(&mut lead[at..]).for_each(|(&byte, set)| set.add(byte));
                open.push((next, at + bytes.len()));
            }
            Step::Caseless { from, to } => {
                let mut ends = vec![at];
                for &letter in &program.bytes[from as usize..to as usize] {
                    let widths =
                        1 << 1 | u8::from(letter == b's') << 2 | u8::from(letter == b'k') << 3;
                    read(cases(letter), widths, &mut ends, &mut lead);
                }
                open.extend(ends.iter().map(|&end| (next, end)));
            }
            Step::One { class } => {
                let class = &program.classes[class as usize];
                let mut ends = vec![at];
                read(first_bytes(class), widths(class), &mut ends, &mut lead);
                open.extend(ends.iter().map(|&end| (next, end)));
            }
            Step::Many { class, min, max, .. } => {
                let class = &program.classes[class as usize];
                let mut ends = vec![at];
                for count in 0..=max.min(LEAD as u32) {
                    if count >= min {
                        open.extend(ends.iter().map(|&end| (next, end)));
                    }
                    if count < max {
                        read(first_bytes(class), widths(class), &mut ends, &mut lead);
                    }
                }
            }
            Step::Look(Look::Start) => {}
            // Nothing follows, and what is too short for these sets is not held to them.
            Step::Look(Look::End) => {}
            Step::Look(_) => open.push((next, at)),
            Step::Either { first, second } => open.extend([(first, at), (second, at)]),
            Step::Choice(choice) => {
                open.extend(branches[choice as usize].iter().map(|&branch| (branch, at)));
            }
            Step::Goto(step) => open.push((step, at)),
            Step::Match => lead[at..].iter_mut().for_each(|set| *set = ByteSet::ALL),
        }
    }
    lead
}

/// Reads one character that begins with one of `first` and has one of `widths`, at each of `ends`;
/// these become where it ends.
fn read(first: ByteSet, widths: u8, ends: &mut Vec<usize>, lead: &mut [ByteSet; LEAD]) {
    let mut further = Vec::new();
    for &at in ends.iter().filter(|&&at| at < LEAD) {
        lead[at].join(first);
        for width in (1..=4).filter(|width| widths >> width & 1 == 1) {
            let behind = lead.iter_mut().take(at + width).skip(at + 1);
            behind.for_each(|set| BEHIND.for_each(|byte| set.add(byte)));
            further.push(at + width);
        }
    }
    further.sort_unstable();
    further.dedup();
    *ends = further;
}
