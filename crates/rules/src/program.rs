//! A regular expression as a program that tries its alternatives in order.
//!
//! Searches begin where a literal was found, so almost every attempt ends within a few characters;
//! an automaton would spend more on building its states than on reading. A repetition of one
//! character, such as the gap `.{0,160}` between two words, is one instruction and not 160 copies.
//!
//! Invariant: a program matches what the expression matches and prefers what it prefers: of
//! alternatives the first, of repetitions the longer one, or the shorter one where the expression
//! says so.

use regex_automata::util::look::Look;
use regex_syntax::hir::{self, Class, Hir, HirKind, Repetition};

use crate::ahead::{self, Ahead, ByteSet};
use crate::char_set::{CharSet, caseless_letter};
use crate::edge::is_edge;

/// One step. What follows it is the next one, unless said otherwise.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// These bytes of [`Program::bytes`].
    Bytes {
        from: u32,
        to: u32,
    },
    /// The same, ASCII letters in any case: `k` and `s` have a third one that isn't ASCII.
    Caseless {
        from: u32,
        to: u32,
    },
    /// One character of this of [`Program::classes`].
    One {
        class: u32,
    },
    /// So many characters of a class, at most `max`. `tried` numbers the repetitions.
    Many {
        class: u32,
        min: u32,
        max: u32,
        greedy: bool,
        /// Whether what follows may begin with what it reads, so that less of it may match.
        gives_back: bool,
        tried: u32,
    },
    /// A condition on where this is.
    Look(Look),
    /// First this step, then that one.
    Either {
        first: u32,
        second: u32,
    },
    /// This of [`Program::choices`].
    Choice(u32),
    Goto(u32),
    Match,
}

/// Alternatives, by the byte that comes next.
#[derive(Debug)]
pub(crate) struct Choice {
    /// Of each byte, which of `groups` may match; the last one is for the end of the text.
    pub(crate) group: Box<[u8; 257]>,
    /// Where the alternatives of each group begin in `steps`, and at last their end.
    pub(crate) groups: Box<[u32]>,
    pub(crate) steps: Box<[u32]>,
}

#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) steps: Vec<Step>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) classes: Vec<CharSet>,
    pub(crate) choices: Vec<Choice>,
    /// By step, which of `sets` may come next.
    pub(crate) ahead: Vec<u16>,
    pub(crate) sets: Vec<Ahead>,
    /// How many of the steps are [`Step::Many`].
    pub(crate) repetitions: u32,
    /// What a match begins with, other than at the text's beginning: the sets of its first bytes.
    pub(crate) lead: [ByteSet; ahead::LEAD],
    /// Whether no letter or digit may stand before a match that begins with one.
    pub(crate) begins_word: bool,
}

/// A program of more steps is worth nothing: an automaton goes through it better.
const MOST_STEPS: usize = 20_000;
/// From so many alternatives on, the next byte tells which to try.
const MANY: usize = 4;

impl Program {
    /// `None` when it would be too long, and of an expression that may repeat nothing without end,
    /// which an attempt would never come out of.
    pub(crate) fn new(expression: &Hir) -> Option<Self> {
        let mut builder = Builder::default();
        builder.add(expression)?;
        builder.program.steps.push(Step::Match);
        let Builder { mut program, branches, .. } = builder;
        ahead::look(&mut program, &branches);
        program.begins_word = match expression.kind() {
            HirKind::Concat(parts) => {
                matches!(parts.first().map(Hir::kind), Some(HirKind::Look(look)) if is_edge(*look))
            }
            _ => false,
        };
        Some(program)
    }

    /// What may come next at `step`.
    pub(crate) fn ahead(&self, step: u32) -> &Ahead {
        &self.sets[usize::from(self.ahead[step as usize])]
    }

    /// Bytes on the heap, roughly.
    pub(crate) fn memory_usage(&self) -> usize {
        let ranges = self.classes.iter().map(|class| size_of_val(&*class.ranges)).sum::<usize>();
        let choices = self.choices.iter();
        let choices = choices.map(|choice| 257 + 4 * (choice.groups.len() + choice.steps.len()));
        self.steps.len() * (size_of::<Step>() + 2)
            + self.bytes.len()
            + ranges
            + choices.sum::<usize>()
            + self.sets.len() * size_of::<Ahead>()
    }
}

#[derive(Default)]
struct Builder {
    program: Program,
    /// The alternatives of each of the choices.
    branches: Vec<Vec<u32>>,
    /// Something goes to this step, so that the one before must not be made longer.
    entered: usize,
}

impl Builder {
    fn add(&mut self, expression: &Hir) -> Option<()> {
        if self.program.steps.len() > MOST_STEPS {
            return None;
        }
        match expression.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => self.add_bytes(&literal.0, false),
            HirKind::Class(class) => match caseless_letter(class) {
                Some(letter) => self.add_bytes(&[letter], true),
                None => {
                    let class = self.class(class)?;
                    self.program.steps.push(Step::One { class });
                }
            },
            HirKind::Look(look) => self.program.steps.push(Step::Look(look_of(*look))),
            HirKind::Repetition(repetition) => self.add_repetition(repetition)?,
            HirKind::Capture(group) => self.add(&group.sub)?,
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.add(part))?,
            HirKind::Alternation(parts) if parts.len() < MANY => self.add_either(parts)?,
            HirKind::Alternation(parts) => {
                let choice = self.branches.len();
                self.program.steps.push(Step::Choice(choice as u32));
                self.branches.push(Vec::new());
                let mut ends = Vec::with_capacity(parts.len());
                for part in parts {
                    let begin = self.enter();
                    self.branches[choice].push(begin);
                    self.add(part)?;
                    ends.push(self.reserve());
                }
                self.end(&ends);
            }
        }
        Some(())
    }

    fn add_either(&mut self, parts: &[Hir]) -> Option<()> {
        let mut ends = Vec::with_capacity(parts.len());
        for (number, part) in parts.iter().enumerate() {
            if number + 1 == parts.len() {
                self.add(part)?;
                break;
            }
            let fork = self.reserve();
            self.add(part)?;
            ends.push(self.reserve());
            let second = self.enter();
            self.program.steps[fork] = Step::Either { first: fork as u32 + 1, second };
        }
        self.end(&ends);
        Some(())
    }

    fn add_repetition(&mut self, repetition: &Repetition) -> Option<()> {
        let Repetition { min, max, greedy, ref sub } = *repetition;
        if let Some(class) = self.single(sub)? {
            let tried = self.program.repetitions;
            self.program.repetitions += 1;
            let max = max.unwrap_or(u32::MAX);
            self.program.steps.push(Step::Many {
                class,
                min,
                max,
                greedy,
                gives_back: true,
                tried,
            });
            return Some(());
        }
        let fork = |next: usize, out: u32| {
            let next = next as u32;
            let (first, second) = if greedy { (next, out) } else { (out, next) };
            Step::Either { first, second }
        };
        let Some(max) = max else {
            if sub.properties().minimum_len().unwrap_or(0) == 0 {
                return None;
            }
            for _ in 1..min {
                self.add(sub)?;
            }
            if min == 0 {
                let head = self.enter() as usize;
                self.reserve();
                self.add(sub)?;
                self.program.steps.push(Step::Goto(head as u32));
                let out = self.enter();
                self.program.steps[head] = fork(head + 1, out);
            } else {
                let head = self.enter() as usize;
                self.add(sub)?;
                let tail = self.reserve();
                let out = self.enter();
                self.program.steps[tail] = fork(head, out);
            }
            return Some(());
        };
        for _ in 0..min {
            self.add(sub)?;
        }
        let mut forks = Vec::new();
        for _ in min..max {
            forks.push(self.reserve());
            self.add(sub)?;
        }
        let out = self.enter();
        for at in forks {
            self.program.steps[at] = fork(at + 1, out);
        }
        Some(())
    }

    /// The class, when `expression` is one character.
    fn single(&mut self, expression: &Hir) -> Option<Option<u32>> {
        match expression.kind() {
            HirKind::Class(class) => self.class(class).map(Some),
            HirKind::Capture(group) => self.single(&group.sub),
            HirKind::Literal(literal) => {
                let mut chars = str::from_utf8(&literal.0).ok()?.chars();
                let (first, second) = (chars.next(), chars.next());
                let only = first.filter(|_| second.is_none());
                Some(only.map(|c| self.set(CharSet::of([(c, c)].into_iter()))))
            }
            _ => Some(None),
        }
    }

    /// Patterns match characters: a class of bytes is one of ASCII.
    fn class(&mut self, class: &Class) -> Option<u32> {
        let set = match class {
            Class::Unicode(class) => {
                CharSet::of(class.iter().map(|range| (range.start(), range.end())))
            }
            Class::Bytes(class) if class.is_ascii() => {
                let ranges = class.iter();
                CharSet::of(ranges.map(|range| (range.start().into(), range.end().into())))
            }
            Class::Bytes(_) => return None,
        };
        Some(self.set(set))
    }

    fn set(&mut self, set: CharSet) -> u32 {
        let known = self.program.classes.iter().position(|known| *known == set);
        let number = known.unwrap_or_else(|| {
            self.program.classes.push(set);
            self.program.classes.len() - 1
        });
        number as u32
    }

    /// Adds bytes to the step before where that is of their kind. Bytes that are no letters are of
    /// both kinds.
    fn add_bytes(&mut self, bytes: &[u8], caseless: bool) {
        let Program { steps, bytes: pool, .. } = &mut self.program;
        let is_open = self.entered != steps.len();
        let without_case = !bytes.iter().any(u8::is_ascii_alphabetic);
        pool.extend_from_slice(bytes);
        let end = pool.len() as u32;
        match steps.last_mut().filter(|_| is_open) {
            Some(Step::Caseless { to, .. }) if caseless || without_case => *to = end,
            Some(Step::Bytes { to, .. }) if !caseless => *to = end,
            _ => {
                let from = end - bytes.len() as u32;
                let step = if caseless {
                    Step::Caseless { from, to: end }
                } else {
                    Step::Bytes { from, to: end }
                };
                steps.push(step);
            }
        }
    }

    /// A step to be written later.
    fn reserve(&mut self) -> usize {
        self.program.steps.push(Step::Match);
        self.program.steps.len() - 1
    }

    /// The number of the next step, which something goes to.
    fn enter(&mut self) -> u32 {
        self.entered = self.program.steps.len();
        self.entered as u32
    }

    /// Makes `steps` go on here.
    fn end(&mut self, steps: &[usize]) {
        let here = self.enter();
        for &step in steps {
            self.program.steps[step] = Step::Goto(here);
        }
    }
}

fn look_of(look: hir::Look) -> Look {
    match look {
        hir::Look::Start => Look::Start,
        hir::Look::End => Look::End,
        hir::Look::StartLF => Look::StartLF,
        hir::Look::EndLF => Look::EndLF,
        hir::Look::StartCRLF => Look::StartCRLF,
        hir::Look::EndCRLF => Look::EndCRLF,
        hir::Look::WordAscii => Look::WordAscii,
        hir::Look::WordAsciiNegate => Look::WordAsciiNegate,
        hir::Look::WordUnicode => Look::WordUnicode,
        hir::Look::WordUnicodeNegate => Look::WordUnicodeNegate,
        hir::Look::WordStartAscii => Look::WordStartAscii,
        hir::Look::WordEndAscii => Look::WordEndAscii,
        hir::Look::WordStartUnicode => Look::WordStartUnicode,
        hir::Look::WordEndUnicode => Look::WordEndUnicode,
        hir::Look::WordStartHalfAscii => Look::WordStartHalfAscii,
        hir::Look::WordEndHalfAscii => Look::WordEndHalfAscii,
        hir::Look::WordStartHalfUnicode => Look::WordStartHalfUnicode,
        hir::Look::WordEndHalfUnicode => Look::WordEndHalfUnicode,
    }
}
