//! What one judgement at a time needs: the text as it is searched, what was found in it, and the
//! buffers and caches that are kept between messages.
//!
//! Invariant: nothing of one message is told of the next.

use std::ops::Range;

use super::{MOST_HITS, ROLES, Scanners, Slot, Sort};
use crate::automaton;
use crate::bits::Bits;
use crate::extent::Extent;
use crate::fold::{Folded, squeeze};
use crate::machine::Text;
use crate::needles::{Needles, PADDING};
use crate::number::Counted;
use crate::pattern::Means;

/// Bytes that the expressions of all candidates may read in one message.
const BUDGET: usize = 64 << 20;
/// Evidence shows this many characters of what matched.
const LONGEST_QUOTE: usize = 60;
/// Caches are dropped when they outgrow this, and built again by need.
const LARGEST_CACHES: usize = 16 << 20;

/// A text as it is searched, and the literals in it.
#[derive(Debug, Default)]
pub(super) struct View {
    /// Where the text was, and how long: what stays in its place within a message, such as the
    /// body, is not read twice.
    pub(super) of: Option<(usize, usize)>,
    pub(super) squeezed: Vec<u8>,
    pub(super) folded: Folded,
    /// For [`Needles::find`].
    passed: Vec<u32>,
    /// The needles in it, and the last [`Self::found`] of each.
    pub(super) needles: Vec<(u32, u32)>,
    /// Where in the folded text needles begin, and the one found before of the same needle.
    pub(super) found: Vec<(u32, u32)>,
}

/// None of [`View::found`] or [`Scratch::hits`], and the most of them.
const NONE: u32 = u32::MAX;

/// Where something was found of an alternative.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hit {
    /// Wherever a needle is: by the last [`View::found`] of it, and which of its bytes counts.
    Literal { last: u32, within: u32 },
    /// Where an alternative without a literal may begin.
    Lead { at: u32 },
}

impl View {
    /// `last`: of each needle nothing; left so.
    pub(super) fn set(
        &mut self,
        text: &[u8],
        is_prose: bool,
        needles: &Needles,
        last: &mut Vec<u32>,
    ) {
        if is_prose {
            self.squeezed.clear();
            squeeze(text, &mut self.squeezed);
            self.folded.set_squeezed(&self.squeezed);
        } else {
            self.folded.set(text);
        }
        self.found.clear();
        self.folded.text.extend_from_slice(&PADDING);
        self.needles.clear();
        last.resize(needles.len(), NONE);
        needles.find(&self.folded.text, &mut self.passed, |needle, at| {
            let last = &mut last[needle as usize];
            if *last == NONE {
                self.needles.push((needle, NONE));
            }
            // Of more, it is enough to know that there are.
            if self.found.len() < MOST_HITS {
                self.found.push((at as u32, *last));
                *last = self.found.len() as u32 - 1;
            }
        });
        for (needle, found) in &mut self.needles {
            *found = std::mem::replace(&mut last[*needle as usize], NONE);
        }
    }
}

/// What a pattern was found as.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// The scanner that found it.
    pub(crate) scanner: usize,
    /// Where in [`Scratch::quotes`] the evidence stands.
    pub(super) quote: Range<usize>,
}

/// Buffers and caches of one judgement at a time, kept between messages.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// By pattern.
    pub(crate) found: Vec<Option<Finding>>,
    /// The patterns that were found: to be asked for, and one after the other.
    pub(super) is_found: Bits,
    pub(crate) found_any: Vec<usize>,
    /// The rules that may hold.
    pub(crate) open: Bits,
    /// The rules that do.
    pub(crate) held: Bits,
    /// The signals of checks that were raised and that some expression names.
    pub(crate) stated: Bits,
    pub(crate) counted: Counted,
    pub(super) quotes: String,
    /// The last text that was searched through: of which place, how long, and itself.
    pub(super) last: Option<(usize, usize)>,
    pub(super) last_text: Vec<u8>,
    /// The last text, and the last of those that may come again.
    pub(super) views: [View; 2],
    /// By sort of place and by needle; for [`View::set`].
    pub(super) last_found: [Vec<u32>; Sort::COUNT],
    /// Counts texts, so that marks of earlier ones need no clearing.
    pub(super) text: u32,
    /// By alternative.
    pub(super) nominated: Vec<Nomination>,
    /// By pattern, the last text that it was a candidate in.
    pub(super) candidate_in: Vec<u32>,
    pub(super) candidates: Vec<usize>,
    /// Of alternatives that have all of their literals: where, and the same one's hit before.
    pub(super) hits: Vec<(Hit, u32)>,
    /// Those of one alternative, from left to right: near a match, and others.
    pub(super) hits_of_one: [Vec<u32>; 2],
    /// Where matches of one pattern may begin: from the first to the last byte.
    pub(super) spans: Vec<(u32, u32)>,
    pub(super) caches: Vec<Option<Box<automaton::Cache>>>,
    pub(super) caches_size: usize,
    pub(super) means: Means,
}

/// Why an alternative may match a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nomination {
    /// The text, by its count; of another, nothing here counts.
    pub(super) text: u32,
    /// Of which of its sets a literal was found; a bit each.
    pub(super) seen: u8,
    /// By set, the last of its hits, when they are remembered.
    pub(super) last_hit: [u32; ROLES],
}

impl Scratch {
    /// Forgets the last message.
    pub(crate) fn begin(&mut self, scanners: &Scanners, rules: usize, signals: usize) {
        let patterns = scanners.pattern_count();
        self.found.resize(patterns, None);
        self.found_any.drain(..).for_each(|pattern| self.found[pattern] = None);
        self.is_found.clear(patterns);
        self.held.clear(rules);
        self.stated.clear(signals);
        self.nominated.resize(scanners.slot_count(), Nomination::NONE);
        self.candidate_in.resize(patterns, 0);
        self.counted = Counted::default();
        self.quotes.clear();
        self.means.budget = BUDGET;
        self.last = None;
        self.views.iter_mut().for_each(|view| view.of = None);
        if self.caches_size > LARGEST_CACHES {
            self.caches.clear();
            self.caches_size = 0;
        }
        self.caches.resize_with(patterns, || None);
    }

    /// What was found, for a person.
    pub(crate) fn quote(&self, finding: &Finding) -> &str {
        &self.quotes[finding.quote.clone()]
    }

    pub(super) fn begin_text(&mut self) {
        self.text = self.text.checked_add(1).unwrap_or_else(|| {
            // Begun anew, marks of long ago would count.
            self.nominated.fill(Nomination::NONE);
            self.candidate_in.fill(0);
            1
        });
        self.candidates.clear();
        self.hits.clear();
    }

    /// Notes that a literal of an alternative of `pattern` is in this text, unless one is found
    /// already. With the last literal of all that it needs, the pattern becomes a candidate.
    pub(super) fn nominate(&mut self, pattern: usize, slot: u32, role: u8, all: u8) -> bool {
        if self.is_found.has(pattern) {
            return false;
        }
        let nomination = &mut self.nominated[slot as usize];
        if nomination.text != self.text {
            *nomination = Nomination { text: self.text, ..Nomination::NONE };
        }
        nomination.seen |= 1 << role;
        if nomination.seen == all
            && std::mem::replace(&mut self.candidate_in[pattern], self.text) != self.text
        {
            self.candidates.push(pattern);
        }
        true
    }

    /// Remembers where a literal of an alternative is, if that has all that it needs.
    pub(super) fn hit(&mut self, slot: u32, role: u8, all: u8, hit: Hit) {
        let nomination = &mut self.nominated[slot as usize];
        if nomination.is_met(self.text, all) && self.hits.len() < MOST_HITS {
            let last = &mut nomination.last_hit[usize::from(role)];
            self.hits.push((hit, *last));
            *last = self.hits.len() as u32 - 1;
        }
    }

    /// Adds where matches of an alternative may begin; whether it may match at all.
    pub(super) fn locate(&mut self, number: u32, slot: &Slot, text: Text<'_>, view: &View) -> bool {
        let nomination = self.nominated[number as usize];
        if !nomination.is_met(self.text, slot.all) || !slot.needs.are_met_by(text) {
            return false;
        }
        let [near, other] = &mut self.hits_of_one;
        let width = if text.is_ascii { 1 } else { char::MAX_LEN_UTF8 };
        gather(&self.hits, nomination.last_hit[0], view, near);
        for (also, last) in slot.also.iter().zip(&nomination.last_hit[1..]) {
            gather(&self.hits, *last, view, other);
            keep_near(near, other, &slot.reach, also, width);
        }
        if slot.is_anchored {
            let begins = near.first().is_some_and(|&last| match slot.reach.is_nothing() {
                true => last == 0,
                // Whether what is without end reaches so far is told sooner by an attempt.
                false if !slot.reach.is_bounded() => true,
                false => slot.reach.back_from(text, last as usize, 0) == 0,
            });
            self.spans.extend(begins.then_some((0, 0)));
            return true;
        }
        let mut floor = 0;
        for &last in near.iter() {
            let first = match slot.reach.is_nothing() {
                true => last,
                // What reaches to before the last hit is reached from that one.
                false => slot.reach.back_from(text, last as usize, floor) as u32,
            };
            self.spans.push((first, last));
            floor = last as usize;
        }
        true
    }
}

impl Nomination {
    const NONE: Self = Self { text: 0, seen: 0, last_hit: [NONE; ROLES] };

    /// Whether a literal of `all` sets is in this text.
    fn is_met(&self, text: u32, all: u8) -> bool {
        self.text == text && self.seen == all
    }
}

/// Collects a list of hits, from left to right.
fn gather(hits: &[(Hit, u32)], last: u32, view: &View, into: &mut Vec<u32>) {
    into.clear();
    let mut next = last;
    while let Some((hit, before)) = hits.get(next as usize) {
        match *hit {
            Hit::Lead { at } => into.push(at),
            Hit::Literal { last, within } => {
                let mut next = last;
                while let Some(&(at, before)) = view.found.get(next as usize) {
                    into.push(view.folded.source((at + within) as usize) as u32);
                    next = before;
                }
            }
        }
        next = *before;
    }
    // Nearly in order already, from the last to the first.
    into.reverse();
    into.sort_unstable();
}

/// Leaves those hits of `near` that have one of `also` where a match would have it. `width`: the
/// most bytes that a character takes.
fn keep_near(near: &mut Vec<u32>, also: &[u32], reach: &Extent, also_reach: &Extent, width: usize) {
    // A match may begin so far before the hit, and so far before the other literal.
    let bytes = |extent: &Extent| match extent.is_bounded() {
        true => extent.chars.saturating_mul(width),
        false => usize::MAX,
    };
    let (back, far) = (bytes(reach).saturating_sub(1), bytes(also_reach));
    let mut next = 0;
    near.retain(|&hit| {
        let begin = (hit as usize).saturating_sub(back);
        while also.get(next).is_some_and(|&other| (other as usize) < begin) {
            next += 1;
        }
        also.get(next)
            .is_some_and(|&other| (other as usize) < (hit as usize).saturating_add(far.max(1)))
    });
}

/// Appends the beginning of what matched, on one line.
pub(super) fn quote(matched: &[u8], out: &mut String) {
    let shown = &matched[..matched.len().min(4 * LONGEST_QUOTE)];
    let mut left = LONGEST_QUOTE;
    for word in String::from_utf8_lossy(shown).split_whitespace() {
        if left < LONGEST_QUOTE {
            out.push(' ');
            left = left.saturating_sub(1);
        }
        for c in word.chars() {
            if left == 0 {
                out.push('…');
                return;
            }
            out.push(c);
            left -= 1;
        }
    }
}
