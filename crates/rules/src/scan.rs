//! One place's patterns, searched for together.
//!
//! A text is folded once and run through one Aho–Corasick automaton that holds the literals of all
//! patterns of its place; those without a literal share one automaton. Only what these point at is
//! then searched for by its own expression.
//!
//! Invariant: a scan finds a pattern exactly when the pattern's expression matches the text, as far
//! as [`LONGEST_TEXT`] and the message's budget reach.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use regex_automata::meta::{Cache, Regex};
use regex_automata::{Input, PatternSet};

use crate::literals::Folded;
use crate::pattern::{self, Pattern, PatternCache};
use crate::place::Place;

/// What stands behind this many bytes of a text is not looked at.
pub(crate) const LONGEST_TEXT: usize = 256 << 10;
/// Bytes that the expressions of all candidates may read in one message.
const BUDGET: usize = 64 << 20;
/// Places of literals that are remembered of one text; of a text with more, all of it is searched.
const MOST_HITS: usize = 1 << 16;
/// Evidence shows this many characters of what matched.
const LONGEST_QUOTE: usize = 60;
/// Caches are dropped when they outgrow this, and built again by need.
const LARGEST_CACHES: usize = 64 << 20;

/// All patterns that look at one place.
#[derive(Debug)]
pub(crate) struct Scanner {
    pub(crate) place: Place,
    literals: Option<AhoCorasick>,
    /// Which patterns a literal stands for, by the literal's number.
    owners: Vec<Vec<Owner>>,
    /// Patterns without a literal, by their number in `shared`, when that could be built.
    rest: Vec<usize>,
    shared: Option<Regex>,
}

#[derive(Debug)]
struct Owner {
    pattern: usize,
    /// Whether a match is looked for where the literal is; else it only has to be somewhere.
    is_place: bool,
}

impl Scanner {
    /// Joins `members`, numbers of `patterns`.
    pub(crate) fn new(place: Place, members: &[usize], patterns: &[Pattern]) -> Self {
        let mut numbers: HashMap<&[u8], usize> = HashMap::new();
        let (mut words, mut owners, mut rest, mut hirs) = (vec![], vec![], vec![], vec![]);
        for &member in members {
            let Some(required) = &patterns[member].required else {
                rest.push(member);
                hirs.extend(patterns[member].shared.as_ref());
                continue;
            };
            let places = required.literals.iter().map(|literal| (literal, true));
            for (literal, is_place) in places.chain(required.also.iter().map(|one| (one, false))) {
                let number = *numbers.entry(literal).or_insert_with(|| {
                    words.push(literal);
                    owners.push(Vec::new());
                    words.len() - 1
                });
                owners[number].push(Owner { pattern: member, is_place });
            }
        }
        // Neither can fail but for size; without them each pattern is a candidate in each text.
        let literals = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&words).ok();
        if literals.is_none() {
            rest = members.to_vec();
        }
        let worth_sharing = rest.len() > 1 && rest.len() == hirs.len();
        let shared = worth_sharing.then(|| pattern::share(&hirs)).flatten();
        Self { place, literals: literals.filter(|_| !words.is_empty()), owners, rest, shared }
    }

    pub(crate) fn literal_count(&self) -> usize {
        self.owners.len()
    }

    pub(crate) fn memory_usage(&self) -> usize {
        self.literals.as_ref().map_or(0, AhoCorasick::memory_usage)
            + self.shared.as_ref().map_or(0, Regex::memory_usage)
    }

    /// Looks for every pattern that isn't found yet in one text of this place. `number`: which of
    /// the scanners this is.
    pub(crate) fn scan(
        &self,
        number: usize,
        text: &[u8],
        patterns: &[Pattern],
        scratch: &mut Scratch,
    ) {
        let text = &text[..text.len().min(LONGEST_TEXT)];
        let mut squeezed = std::mem::take(&mut scratch.squeezed);
        let text = if self.place.is_prose() {
            squeezed.clear();
            squeeze(text, &mut squeezed);
            &squeezed[..]
        } else {
            text
        };
        self.nominate(number, text, patterns, scratch);
        for candidate in 0..scratch.candidates.len() {
            let candidate = scratch.candidates[candidate];
            scratch.confirm(candidate, &patterns[candidate], number, text);
        }
        scratch.squeezed = squeezed;
    }

    /// Collects the patterns that may match `text`.
    fn nominate(&self, number: usize, text: &[u8], patterns: &[Pattern], scratch: &mut Scratch) {
        scratch.begin_text();
        if let Some(literals) = &self.literals {
            let mut folded = std::mem::take(&mut scratch.folded);
            folded.set(text);
            for found in literals.find_overlapping_iter(&folded.text) {
                for &Owner { pattern, is_place } in &self.owners[found.pattern().as_usize()] {
                    let Some(nomination) = scratch.nominate(pattern) else { continue };
                    if is_place {
                        let at = patterns[pattern].hit(&folded.source, found.range());
                        scratch.hit(pattern, at);
                    } else {
                        nomination.has_other = true;
                    }
                }
            }
            scratch.folded = folded;
        }
        let Some(shared) = &self.shared else {
            self.rest.iter().for_each(|&pattern| scratch.nominate_anyway(pattern));
            return;
        };
        let (mut cache, mut matched) = scratch.shared[number]
            .take()
            .unwrap_or_else(|| (shared.create_cache(), PatternSet::new(shared.pattern_len())));
        matched.clear();
        shared.which_overlapping_matches_with(&mut cache, &Input::new(text), &mut matched);
        matched.iter().for_each(|one| scratch.nominate_anyway(self.rest[one.as_usize()]));
        scratch.shared[number] = Some((cache, matched));
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
    quotes: String,
    squeezed: Vec<u8>,
    folded: Folded,
    /// Counts texts, so that marks of earlier ones need no clearing.
    text: u64,
    /// By pattern.
    nominated: Vec<Nomination>,
    candidates: Vec<usize>,
    /// Where literals were found: the source's byte, and the pattern's hit before.
    hits: Vec<(u32, Option<u32>)>,
    /// The hits of one pattern, from left to right.
    hits_of_one: Vec<u32>,
    caches: Vec<Option<Box<PatternCache>>>,
    caches_size: usize,
    /// By scanner.
    shared: Vec<Option<(Cache, PatternSet)>>,
    budget: usize,
}

/// Why a pattern may match a text.
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
    pub(crate) fn begin(&mut self, patterns: usize, scanners: usize, rules: usize, signals: usize) {
        self.found.clear();
        self.found.resize(patterns, None);
        self.held.clear();
        self.held.resize(rules, false);
        self.stated.clear();
        self.stated.resize(signals, false);
        self.nominated.resize(patterns, Nomination::default());
        self.shared.resize_with(scanners, || None);
        self.quotes.clear();
        self.budget = BUDGET;
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

    /// Notes that `pattern` may match this text, unless it is found already.
    fn nominate(&mut self, pattern: usize) -> Option<&mut Nomination> {
        if self.found[pattern].is_some() {
            return None;
        }
        let nomination = &mut self.nominated[pattern];
        if nomination.text != self.text {
            *nomination = Nomination { text: self.text, ..Nomination::default() };
            self.candidates.push(pattern);
        }
        Some(nomination)
    }

    /// Nominates a pattern whose literals, if it has any, were not looked for.
    fn nominate_anyway(&mut self, pattern: usize) {
        if let Some(nomination) = self.nominate(pattern) {
            (nomination.has_place, nomination.has_other) = (true, true);
        }
    }

    fn hit(&mut self, pattern: usize, at: u32) {
        let nomination = &mut self.nominated[pattern];
        nomination.has_place = true;
        if self.hits.len() < MOST_HITS {
            self.hits.push((at, nomination.last_hit));
            nomination.last_hit = Some(self.hits.len() as u32 - 1);
        }
    }

    fn confirm(&mut self, number: usize, pattern: &Pattern, scanner: usize, text: &[u8]) {
        let nomination = self.nominated[number];
        if let Some(required) = &pattern.required
            && !(nomination.has_place && (nomination.has_other || required.also.is_empty()))
        {
            return;
        }
        self.hits_of_one.clear();
        let mut hit = nomination.last_hit;
        while let Some((at, before)) = hit.and_then(|hit| self.hits.get(hit as usize)) {
            self.hits_of_one.push(*at);
            hit = *before;
        }
        self.hits_of_one.reverse();
        self.hits_of_one.dedup();
        let is_complete = self.hits.len() < MOST_HITS && !self.hits_of_one.is_empty();
        let hits = is_complete.then_some(&self.hits_of_one[..]);
        let cache = self.caches[number].get_or_insert_with(|| Box::new(pattern.cache()));
        let before = cache.memory_usage();
        let found = pattern.find(cache, text, hits, &mut self.budget);
        self.caches_size += cache.memory_usage().saturating_sub(before);
        let Some(found) = found else { return };
        let start = self.quotes.len();
        quote(&text[found], &mut self.quotes);
        self.found[number] = Some(Finding { scanner, quote: start..self.quotes.len() });
    }
}

/// Appends `text` with each run of white space as one space, so that a line's end in the middle of
/// a phrase hides nothing.
pub(crate) fn squeeze(text: &[u8], out: &mut Vec<u8>) {
    let mut space = false;
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_whitespace() {
                space = true;
                continue;
            }
            if std::mem::take(&mut space) && !out.is_empty() {
                out.push(b' ');
            }
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        if std::mem::take(&mut space) {
            out.push(b' ');
        }
        out.extend_from_slice(chunk.invalid());
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
