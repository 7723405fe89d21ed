//! Runs a program on a text.
//!
//! Invariant: an attempt ends after the steps that it was given, with what the expression would
//! match there or with the word that it had too few.

use regex_automata::util::look::{Look, LookMatcher};

use crate::ahead::ByteSet;
use crate::char_set::{CharSet, Lacks};
use crate::needs::SHORT;
use crate::program::{Program, Step};

/// A text, and what is known of all of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'t> {
    pub(crate) bytes: &'t [u8],
    pub(crate) is_ascii: bool,
    is_one_line: bool,
    /// Its bytes, when it is short.
    pub(crate) has: ByteSet,
}

impl<'t> Text<'t> {
    pub(crate) fn new(bytes: &'t [u8]) -> Self {
        let is_one_line = memchr::memchr(b'\n', bytes).is_none();
        let mut has = ByteSet::default();
        if bytes.len() <= SHORT {
            bytes.iter().for_each(|&byte| has.add(byte));
        }
        Self { bytes, is_ascii: bytes.is_ascii(), is_one_line, has }
    }
}

/// What attempts need, kept between them.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Where to go on when an attempt fails.
    open: Vec<Open>,
    /// By repetition: ends of it from which the rest is known to fail, in this text.
    failed: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, Copy)]
enum Open {
    Step {
        step: u32,
        at: usize,
    },
    /// The next alternative of a choice is this of its steps; `end` is behind the last one.
    Choice {
        choice: u32,
        next: u32,
        end: u32,
        at: usize,
    },
    /// A repetition that has read from `from` to `at` and may give back down to `low`.
    Fewer {
        step: u32,
        low: usize,
        at: usize,
        high: usize,
    },
    /// A repetition that has read to `at` and may read `left` more.
    More {
        step: u32,
        at: usize,
        left: u32,
    },
}

/// From so many bytes on, a repetition's ends that failed are remembered.
const WIDE: usize = 4;

/// An attempt was longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Memory {
    /// Forgets what is known of another text or program.
    pub(crate) fn begin(&mut self, program: &Program) {
        self.failed.clear();
        self.failed.resize(program.repetitions as usize, (1, 0));
    }
}

/// The end of the match that begins at `at`. `steps`: how many may still be taken.
pub(crate) fn match_at(
    program: &Program,
    text: Text<'_>,
    at: usize,
    memory: &mut Memory,
    steps: &mut usize,
) -> Result<Option<usize>, TooLong> {
    memory.open.clear();
    let mut attempt = Attempt { program, text, memory };
    attempt.run(at, steps)
}

struct Attempt<'a> {
    program: &'a Program,
    text: Text<'a>,
    memory: &'a mut Memory,
}

impl Attempt<'_> {
    fn run(&mut self, at: usize, steps: &mut usize) -> Result<Option<usize>, TooLong> {
        let mut here = Some((0, at));
        loop {
            *steps = steps.checked_sub(1).ok_or(TooLong)?;
            let Some((step, at)) = here else {
                let Some(open) = self.memory.open.pop() else { return Ok(None) };
                here = self.resume(open);
                continue;
            };
            let next = step + 1;
            here = match self.program.steps[step as usize] {
                Step::Match => return Ok(Some(at)),
                Step::Bytes { from, to } => {
                    let wanted = &self.program.bytes[from as usize..to as usize];
                    self.text.bytes[at..].starts_with(wanted).then_some((next, at + wanted.len()))
                }
                Step::Caseless { from, to } => {
                    let wanted = &self.program.bytes[from as usize..to as usize];
                    self.text.caseless(wanted, at).map(|end| (next, end))
                }
                Step::One { class } => {
                    let class = &self.program.classes[class as usize];
                    self.text.one(class, at).map(|end| (next, end))
                }
                Step::Many { .. } => self.many(step, at, steps),
                Step::Look(look) => self.text.holds(look, at).then_some((next, at)),
                Step::Goto(step) => Some((step, at)),
                Step::Either { first, second } => match (self.may(first, at), self.may(second, at))
                {
                    (true, true) => {
                        self.memory.open.push(Open::Step { step: second, at });
                        Some((first, at))
                    }
                    (true, false) => Some((first, at)),
                    (false, true) => Some((second, at)),
                    (false, false) => None,
                },
                Step::Choice(number) => {
                    let choice = &self.program.choices[number as usize];
                    let byte = self.text.bytes.get(at).map_or(256, |&byte| usize::from(byte));
                    let group = usize::from(choice.group[byte]);
                    let (next, end) = (choice.groups[group], choice.groups[group + 1]);
                    self.choose(number, next, end, at)
                }
            };
        }
    }

    fn resume(&mut self, open: Open) -> Option<(u32, usize)> {
        match open {
            Open::Step { step, at } => Some((step, at)),
            Open::Choice { choice, next, end, at } => self.choose(choice, next, end, at),
            Open::Fewer { step, low, at, high } => {
                let before = (at > low).then(|| self.text.before(at));
                self.fewer(step, low, before, high)
            }
            Open::More { step, at, left } => {
                let Step::Many { class, .. } = self.program.steps[step as usize] else {
                    return None;
                };
                let end = self.text.one(&self.program.classes[class as usize], at)?;
                self.more(step, end, left - 1)
            }
        }
    }

    fn choose(&mut self, choice: u32, next: u32, end: u32, at: usize) -> Option<(u32, usize)> {
        if next == end {
            return None;
        }
        if next + 1 < end {
            self.memory.open.push(Open::Choice { choice, next: next + 1, end, at });
        }
        Some((self.program.choices[choice as usize].steps[next as usize], at))
    }

    fn many(&mut self, step: u32, at: usize, steps: &mut usize) -> Option<(u32, usize)> {
        let Step::Many { class, min, max, greedy, gives_back, .. } =
            self.program.steps[step as usize]
        else {
            return None;
        };
        let class = &self.program.classes[class as usize];
        let low = self.text.read(class, at, min).filter(|&(_, read)| read == min)?.0;
        if !greedy {
            return self.more(step, low, max - min);
        }
        let high = self.text.read(class, low, max - min)?.0;
        // Reading a character is less than a step.
        *steps = steps.saturating_sub((high - at) / 16);
        if !gives_back {
            return self.may(step + 1, high).then_some((step + 1, high));
        }
        self.fewer(step, low, Some(high), high)
    }

    /// Ends a repetition at `last` or, where the rest can't follow, as late before it as it may.
    fn fewer(
        &mut self,
        step: u32,
        low: usize,
        last: Option<usize>,
        high: usize,
    ) -> Option<(u32, usize)> {
        let Step::Many { tried, .. } = self.program.steps[step as usize] else { return None };
        let ahead = self.program.ahead(step + 1);
        let failed = &mut self.memory.failed[tried as usize];
        // Of a few ends, remembering them costs more than trying them again.
        let is_wide = high - low >= WIDE;
        let mut end = last;
        while let Some(at) = end {
            let is_known = is_wide && (failed.0..=failed.1).contains(&at);
            if !is_known && ahead.may(self.text.bytes, at) {
                if is_wide || at > low {
                    self.memory.open.push(Open::Fewer { step, low, at, high });
                }
                return Some((step + 1, at));
            }
            let begin = if is_known { failed.0 } else { at };
            end = (begin > low).then(|| self.text.before(begin));
        }
        if !is_wide {
            return None;
        }
        let touches = failed.0 <= failed.1 && failed.0 <= high + 1 && low <= failed.1 + 1;
        *failed = if touches { (failed.0.min(low), failed.1.max(high)) } else { (low, high) };
        None
    }

    fn more(&mut self, step: u32, at: usize, left: u32) -> Option<(u32, usize)> {
        if left > 0 {
            self.memory.open.push(Open::More { step, at, left });
        }
        Some((step + 1, at))
    }

    fn may(&self, step: u32, at: usize) -> bool {
        self.program.ahead(step).may(self.text.bytes, at)
    }
}

impl Text<'_> {
    /// The end of one character of `class` at `at`.
    fn one(&self, class: &CharSet, at: usize) -> Option<usize> {
        let &byte = self.bytes.get(at)?;
        if byte.is_ascii() {
            return class.has_ascii(byte).then_some(at + 1);
        }
        let (c, width) = wide(&self.bytes[at..])?;
        class.has_wide(c).then_some(at + width)
    }

    /// Reads up to `most` characters of `class`: where they end, and how many they are.
    fn read(&self, class: &CharSet, at: usize, most: u32) -> Option<(usize, u32)> {
        let mut rest = self.bytes.get(at..)?;
        let most = most as usize;
        if self.is_ascii {
            rest = &rest[..rest.len().min(most)];
            let length = match class.lacks {
                Lacks::Nothing => rest.len(),
                Lacks::LineEnd if self.is_one_line => rest.len(),
                Lacks::LineEnd => memchr::memchr(b'\n', rest).unwrap_or(rest.len()),
                Lacks::More => rest.iter().take_while(|&&byte| class.has_ascii(byte)).count(),
            };
            return Some((at + length, length as u32));
        }
        let (mut end, mut count) = (at, 0);
        while count < most
            && let Some(next) = self.one(class, end)
        {
            (end, count) = (next, count + 1);
        }
        Some((end, count as u32))
    }

    /// The end of `wanted` at `at`, in any case of its letters.
    fn caseless(&self, wanted: &[u8], at: usize) -> Option<usize> {
        let rest = self.bytes.get(at..)?;
        if rest.get(..wanted.len()).is_some_and(|found| found.eq_ignore_ascii_case(wanted)) {
            return Some(at + wanted.len());
        }
        if self.is_ascii {
            return None;
        }
        let mut end = at;
        for letter in wanted {
            let rest = &self.bytes[end..];
            end += match letter {
                b's' if rest.starts_with("\u{17f}".as_bytes()) => 2,
                b'k' if rest.starts_with("\u{212a}".as_bytes()) => 3,
                _ if rest.first()?.to_ascii_lowercase() == *letter => 1,
                _ => return None,
            };
        }
        Some(end)
    }

    /// Where the character before `at` begins; there is one.
    fn before(&self, at: usize) -> usize {
        let mut before = at.saturating_sub(1);
        while !self.is_ascii && before > 0 && self.bytes[before] & 0xc0 == 0x80 {
            before -= 1;
        }
        before
    }

    fn holds(&self, look: Look, at: usize) -> bool {
        let before = at.checked_sub(1).map(|before| self.bytes[before]);
        let behind = self.bytes.get(at).copied();
        if before.into_iter().chain(behind).all(|byte| byte.is_ascii()) {
            let is_word = |byte: Option<u8>| {
                byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            };
            let (before, behind) = (is_word(before), is_word(behind));
            match look {
                Look::WordUnicode => return before != behind,
                Look::WordUnicodeNegate => return before == behind,
                Look::WordStartUnicode => return !before && behind,
                Look::WordEndUnicode => return before && !behind,
                Look::WordStartHalfUnicode => return !before,
                Look::WordEndHalfUnicode => return !behind,
                _ => {}
            }
        }
        LookMatcher::new().matches(look, self.bytes, at)
    }
}

/// The character that isn't ASCII at the beginning of `text`, and its length.
fn wide(text: &[u8]) -> Option<(u32, usize)> {
    let width = match text.first()? {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let c = str::from_utf8(text.get(..width)?).ok()?.chars().next()?;
    Some((c.into(), width))
}

#[cfg(test)]
mod tests;
