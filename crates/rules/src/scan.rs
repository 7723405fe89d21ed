//! The patterns of all places, searched for together.
//!
//! A text is folded once and looked through once for the literals of all patterns, and once for the
//! first bytes of those of its place that have no literal. Only where these point is a pattern then
//! searched for by its own expression.
//!
//! Invariant: a scan finds a pattern exactly when the pattern's expression matches the text, as far
//! as [`LONGEST_TEXT`] and the message's budget reach.

use std::collections::HashMap;
use std::ops::Range;

use crate::automaton;
use crate::extent::Extent;
use crate::fold::{Folded, squeeze};
use crate::lead::Leads;
use crate::machine::Text;
use crate::needles::{Needles, PADDING};
use crate::number::Counted;
use crate::pattern::{Means, Pattern, Starts};
use crate::place::{Kind, Place};

/// What stands behind this many bytes of a text is not looked at.
pub(crate) const LONGEST_TEXT: usize = 256 << 10;
/// Bytes that the expressions of all candidates may read in one message.
const BUDGET: usize = 64 << 20;
/// Places of literals that are remembered of one text; of a text with more, all of it is searched.
const MOST_HITS: usize = 1 << 16;
/// Evidence shows this many characters of what matched.
const LONGEST_QUOTE: usize = 60;
/// Caches are dropped when they outgrow this, and built again by need.
const LARGEST_CACHES: usize = 16 << 20;

/// All patterns, and where each of them looks.
#[derive(Debug)]
pub(crate) struct Scanners {
    pub(crate) places: Vec<Scanner>,
    patterns: Vec<Pattern>,
    needles: Needles,
    /// By needle.
    owners: Vec<Owners>,
    slots: Vec<Slot>,
    /// Where the slots of each pattern begin; the next one's beginning is their end.
    slots_of: Vec<u32>,
}

/// An alternative of a pattern.
#[derive(Debug)]
struct Slot {
    /// From where a match begins to where the literal ends; nothing when a match begins where the
    /// literal does.
    reach: Extent,
    /// Whether another literal has to be somewhere.
    needs_other: bool,
}

/// All patterns that look at one place.
#[derive(Debug)]
pub(crate) struct Scanner {
    pub(crate) place: Place,
    /// By pattern, whether it looks here; a bit each.
    members: Vec<u64>,
    /// Those without a literal.
    leads: Vec<Leads>,
}

/// Which alternatives of patterns a literal stands for.
#[derive(Debug, Default)]
struct Owners {
    /// In which of the first 63 places one of them looks; the last bit is for all others.
    places: u64,
    owners: Vec<Owner>,
}

#[derive(Debug, Clone, Copy)]
struct Owner {
    slot: u32,
    pattern: u32,
    /// Whether a match is near the literal; else it only has to be somewhere.
    is_place: bool,
}

impl Scanners {
    /// Joins `patterns`. `members`: which of them look at each place.
    pub(crate) fn new(members: Vec<(Place, Vec<usize>)>, patterns: Vec<Pattern>) -> Self {
        let mut numbers: HashMap<&[u8], usize> = HashMap::new();
        let (mut words, mut owners): (Vec<&[u8]>, Vec<Owners>) = (Vec::new(), Vec::new());
        let mut places = vec![0_u64; patterns.len()];
        for (number, (_, members)) in members.iter().enumerate() {
            members.iter().for_each(|&member| places[member] |= place_bit(number));
        }
        let (mut slots, mut slots_of) = (Vec::new(), vec![0]);
        for (number, pattern) in patterns.iter().enumerate() {
            for required in pattern.required.iter().filter(|_| places[number] != 0) {
                let near = required.literals.iter().map(|literal| (literal, true));
                let also = required.also.iter().map(|literal| (literal, false));
                for (literal, is_place) in near.chain(also) {
                    let needle = *numbers.entry(literal).or_insert_with(|| {
                        words.push(literal);
                        owners.push(Owners::default());
                        words.len() - 1
                    });
                    let (slot, pattern) = (slots.len() as u32, number as u32);
                    owners[needle].places |= places[number];
                    owners[needle].owners.push(Owner { slot, pattern, is_place });
                }
                let needs_other = !required.also.is_empty();
                slots.push(Slot { reach: required.reach, needs_other });
            }
            if pattern.required.is_empty() {
                slots.push(Slot { reach: Extent::default(), needs_other: false });
            }
            slots_of.push(slots.len() as u32);
        }
        let needles = Needles::new(words.into_iter());
        let places = members.into_iter().map(|(place, members)| {
            let mut bits = vec![0; patterns.len().div_ceil(64)];
            members.iter().for_each(|&member| bits[member / 64] |= 1 << (member % 64));
            let is_free = |member: &usize| patterns[*member].required.is_empty();
            let free: Vec<usize> = members.into_iter().filter(is_free).collect();
            Scanner { place, members: bits, leads: Leads::new(&free, &patterns) }
        });
        Self { places: places.collect(), patterns, needles, owners, slots, slots_of }
    }

    pub(crate) fn pattern_count(&self) -> usize {
        self.patterns.len()
    }

    pub(crate) fn literal_count(&self) -> usize {
        self.needles.len()
    }

    pub(crate) fn memory_usage(&self) -> usize {
        let owners = self.owners.iter();
        let owners = owners.map(|one| size_of::<Owners>() + size_of_val(&one.owners[..]));
        self.needles.memory_usage()
            + owners.sum::<usize>()
            + self.patterns.iter().map(Pattern::memory_usage).sum::<usize>()
    }

    /// Looks for every pattern that isn't found yet in one text of a place. `number`: which one.
    pub(crate) fn scan(&self, number: usize, text: &[u8], scratch: &mut Scratch) {
        let Some(scanner) = self.places.get(number) else { return };
        let text = &text[..text.len().min(LONGEST_TEXT)];
        // The visible text is the plain one where there is no HTML, and other texts come between.
        let kept = usize::from(matches!(scanner.place, Place::Named(Kind::Body | Kind::Plain)));
        let mut view = std::mem::take(&mut scratch.views[kept]);
        let of = (text.as_ptr().addr(), text.len());
        if kept == 0 || view.of != Some(of) {
            view.set(text, scanner.place.is_prose(), &self.needles);
            view.of = Some(of);
        }
        let text = if scanner.place.is_prose() { &view.squeezed[..] } else { text };
        self.nominate(number, scanner, text, &view, scratch);
        let text = Text::new(text);
        for candidate in 0..scratch.candidates.len() {
            let candidate = scratch.candidates[candidate];
            self.confirm(candidate, number, text, scratch);
        }
        scratch.views[kept] = view;
    }

    /// Collects the patterns that may match `text`.
    fn nominate(
        &self,
        number: usize,
        scanner: &Scanner,
        text: &[u8],
        view: &View,
        scratch: &mut Scratch,
    ) {
        scratch.begin_text();
        let bit = place_bit(number);
        for &(needle, at) in &view.found {
            let Owners { places, owners } = &self.owners[needle as usize];
            if places & bit == 0 {
                continue;
            }
            for &Owner { slot, pattern, is_place } in owners {
                let pattern = pattern as usize;
                if scanner.members[pattern / 64] >> (pattern % 64) & 1 == 0 {
                    continue;
                }
                let slot = slot as usize;
                let Some(nomination) = scratch.nominate(pattern, slot) else { continue };
                if !is_place {
                    nomination.has_other = true;
                    continue;
                }
                let at = at as usize;
                let at = match self.slots[slot].reach.is_nothing() {
                    true => at,
                    false => at + self.needles.length(needle) - 1,
                };
                scratch.hit(slot, view.folded.source(at));
            }
        }
        for leads in &scanner.leads {
            leads.find(text, |pattern, at| {
                let slot = self.slots_of[pattern] as usize;
                if scratch.nominate(pattern, slot).is_some() {
                    scratch.hit(slot, at);
                }
            });
        }
    }

    /// Searches for a candidate where its literals were found.
    fn confirm(&self, number: usize, scanner: usize, text: Text<'_>, scratch: &mut Scratch) {
        let Scratch { hits, hits_of_one, spans, nominated, text: count, .. } = scratch;
        spans.clear();
        let mut may_match = false;
        let slots = self.slots_of[number] as usize..self.slots_of[number + 1] as usize;
        for slot in slots {
            let nomination = nominated[slot];
            let is_due = nomination.has_place
                && (nomination.has_other || !self.slots[slot].needs_other)
                && nomination.text == *count;
            may_match |= is_due;
            hits_of_one.clear();
            let mut hit = nomination.last_hit.filter(|_| is_due);
            while let Some((at, before)) = hit.and_then(|hit| hits.get(hit as usize)) {
                hits_of_one.push(*at);
                hit = *before;
            }
            // Nearly in order already, from the last to the first.
            hits_of_one.reverse();
            hits_of_one.sort_unstable();
            let reach = &self.slots[slot].reach;
            let mut floor = 0;
            for &last in hits_of_one.iter() {
                let first = match reach.is_nothing() {
                    true => last,
                    // What reaches to before the last hit is reached from that one.
                    false => reach.back_from(text.bytes, last as usize, floor) as u32,
                };
                spans.push((first, last));
                floor = last as usize;
            }
        }
        if !may_match {
            return;
        }
        spans.sort_unstable();
        let is_complete = hits.len() < MOST_HITS;
        let starts = if is_complete { Starts::In(spans) } else { Starts::Anywhere };
        let cache = &mut scratch.caches[number];
        let size = |cache: &Option<Box<automaton::Cache>>| {
            cache.as_ref().map_or(0, |cache| cache.memory_usage())
        };
        let before = size(cache);
        let found = self.patterns[number].find(text, starts, cache, &mut scratch.means);
        scratch.caches_size += size(cache).saturating_sub(before);
        let Some(found) = found else { return };
        let start = scratch.quotes.len();
        quote(&text.bytes[found], &mut scratch.quotes);
        scratch.found[number] = Some(Finding { scanner, quote: start..scratch.quotes.len() });
    }

    fn slot_count(&self) -> usize {
        self.slots.len()
    }
}

fn place_bit(number: usize) -> u64 {
    1 << number.min(63)
}

/// A text as it is searched, and the literals in it.
#[derive(Debug, Default)]
struct View {
    /// Where the text was, and how long: what stays in its place within a message, such as the
    /// body, is not read twice.
    of: Option<(usize, usize)>,
    squeezed: Vec<u8>,
    folded: Folded,
    /// Needles, and where in the folded text each begins.
    found: Vec<(u32, u32)>,
}

impl View {
    fn set(&mut self, text: &[u8], is_prose: bool, needles: &Needles) {
        if is_prose {
            self.squeezed.clear();
            squeeze(text, &mut self.squeezed);
            self.folded.set_squeezed(&self.squeezed);
        } else {
            self.folded.set(text);
        }
        self.found.clear();
        self.folded.text.extend_from_slice(&PADDING);
        needles.find(&self.folded.text, |needle, at| self.found.push((needle, at as u32)));
    }
}

/// What a pattern was found as.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// The scanner that found it.
    pub(crate) scanner: usize,
    /// Where in [`Scratch::quotes`] the evidence stands.
    quote: Range<usize>,
}

/// Buffers and caches of one judgement at a time, kept between messages.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// By pattern.
    pub(crate) found: Vec<Option<Finding>>,
    /// By rule.
    pub(crate) held: Vec<bool>,
    /// By signal of a check that some expression names.
    pub(crate) stated: Vec<bool>,
    pub(crate) counted: Counted,
    quotes: String,
    /// The last text, and the last of those that may come again.
    views: [View; 2],
    /// Counts texts, so that marks of earlier ones need no clearing.
    text: u64,
    /// By alternative.
    nominated: Vec<Nomination>,
    /// By pattern, the last text that it was a candidate in.
    candidate_in: Vec<u64>,
    candidates: Vec<usize>,
    /// Where literals were found, and the alternative's hit before.
    hits: Vec<(u32, Option<u32>)>,
    /// Those of one alternative, from left to right.
    hits_of_one: Vec<u32>,
    /// Where matches of one pattern may begin: from the first to the last byte.
    spans: Vec<(u32, u32)>,
    caches: Vec<Option<Box<automaton::Cache>>>,
    caches_size: usize,
    means: Means,
}

/// Why an alternative may match a text.
#[derive(Debug, Clone, Copy, Default)]
struct Nomination {
    /// The text, by its count; of another, nothing here counts.
    text: u64,
    /// A literal was found where a match may be.
    has_place: bool,
    /// One of the other literals that every match contains was found.
    has_other: bool,
    /// The last of its hits, when they are remembered.
    last_hit: Option<u32>,
}

impl Scratch {
    /// Forgets the last message.
    pub(crate) fn begin(&mut self, scanners: &Scanners, rules: usize, signals: usize) {
        let patterns = scanners.pattern_count();
        self.found.clear();
        self.found.resize(patterns, None);
        self.held.clear();
        self.held.resize(rules, false);
        self.stated.clear();
        self.stated.resize(signals, false);
        self.nominated.resize(scanners.slot_count(), Nomination::default());
        self.candidate_in.resize(patterns, 0);
        self.counted = Counted::default();
        self.quotes.clear();
        self.means.budget = BUDGET;
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

    fn begin_text(&mut self) {
        self.text += 1;
        self.candidates.clear();
        self.hits.clear();
    }

    /// Notes that an alternative of `pattern` may match this text, unless one is found already.
    fn nominate(&mut self, pattern: usize, slot: usize) -> Option<&mut Nomination> {
        if self.found[pattern].is_some() {
            return None;
        }
        let nomination = &mut self.nominated[slot];
        if nomination.text != self.text {
            *nomination = Nomination { text: self.text, ..Nomination::default() };
            if std::mem::replace(&mut self.candidate_in[pattern], self.text) != self.text {
                self.candidates.push(pattern);
            }
        }
        Some(nomination)
    }

    fn hit(&mut self, slot: usize, at: usize) {
        let nomination = &mut self.nominated[slot];
        nomination.has_place = true;
        if self.hits.len() < MOST_HITS {
            self.hits.push((at as u32, nomination.last_hit));
            nomination.last_hit = Some(self.hits.len() as u32 - 1);
        }
    }
}

/// Appends the beginning of what matched, on one line.
fn quote(matched: &[u8], out: &mut String) {
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
