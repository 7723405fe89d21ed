//! The patterns of all places, searched for together.
//!
//! A text is folded once and looked through once for the literals of all patterns, and once for the
//! first bytes of those of its place that have no literal. Only where these point is a pattern then
//! searched for by its own expression.
//!
//! Invariant: a scan finds a pattern exactly when the pattern's expression matches the text, as far
//! as [`LONGEST_TEXT`] and the message's budget reach.

mod literals;
mod scratch;

use crate::automaton;
use crate::bits::Bits;
use crate::extent::Extent;
use crate::lead::{Lead, Leads, Member};
use crate::literals::MOST_ALSO;
use crate::machine::Text;
use crate::needs::Needs;
use crate::pattern::{Alternative, Pattern, Starts};
use crate::place::{Kind, Place};

use self::literals::{Literals, Owner, all_of, place_bit};
pub(crate) use self::scratch::{Finding, Scratch};
use self::scratch::{Hit, View, quote};

/// What stands behind this many bytes of a text is not looked at.
pub(crate) const LONGEST_TEXT: usize = 256 << 10;
/// Places of literals that are remembered of one text; of a text with more, all of it is searched.
pub(crate) const MOST_HITS: usize = 1 << 16;
/// A text of up to so many bytes is kept until the next one.
const LONGEST_LAST: usize = 256;

/// All patterns, and where each of them looks.
#[derive(Debug)]
pub(crate) struct Scanners {
    pub(crate) places: Vec<Scanner>,
    patterns: Vec<Pattern>,
    slots: Vec<Slot>,
    /// Where the slots of each pattern begin; the next one's beginning is their end.
    slots_of: Vec<u32>,
    /// By [`Sort`].
    literals: [Literals; Sort::COUNT],
    /// Alternatives without a literal.
    leads: Vec<Leads>,
}

/// All patterns that look at one place.
#[derive(Debug)]
pub(crate) struct Scanner {
    pub(crate) place: Place,
    sort: Sort,
    /// The patterns.
    members: Bits,
    /// By group of [`Scanners::leads`], which of them look here.
    leads: Vec<u64>,
}

/// Places whose texts are much alike. Each sort has literals of its own: most of those that are
/// rare in prose are rare in addresses, and many of those that aren't are in every HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Prose,
    Source,
    Field,
}

/// An alternative of a pattern: what to make of its hits.
#[derive(Debug)]
struct Slot {
    /// From where a match begins to where the literal ends; nothing when a match begins where the
    /// literal does.
    reach: Extent,
    /// The same of each of the other literals that a match must have.
    also: Vec<Extent>,
    /// A bit for each set of literals.
    all: u8,
    /// What else every match has.
    needs: Needs,
    /// Whether a match begins only where the text does.
    is_anchored: bool,
}

/// What one alternative has been found of: literals near a match, and others.
const ROLES: usize = 1 + MOST_ALSO;

impl Sort {
    const COUNT: usize = 3;
    const ALL: [Self; Self::COUNT] = [Self::Prose, Self::Source, Self::Field];

    fn of(place: &Place) -> Self {
        match place {
            Place::Named(Kind::Html | Kind::Raw | Kind::Headers) => Self::Source,
            _ if place.is_prose() => Self::Prose,
            _ => Self::Field,
        }
    }
}

impl Scanners {
    /// Joins `patterns`. `members`: which of them look at each place.
    pub(crate) fn new(members: Vec<(Place, Vec<usize>)>, patterns: Vec<Pattern>) -> Self {
        let (mut slots, mut slots_of) = (Vec::new(), vec![0]);
        for pattern in &patterns {
            slots.extend(pattern.alternatives.iter().map(Slot::new));
            slots_of.push(slots.len() as u32);
        }
        let literals = Sort::ALL.map(|sort| Literals::of(sort, &members, &patterns, &slots_of));
        let leads = leads(&patterns, &slots_of);
        let places = members.into_iter().map(|(place, members)| {
            let members = Bits::new(patterns.len(), members);
            let of = |group: &Leads| {
                let looks = |pattern| u64::from(members.has(pattern));
                (0..).zip(group.patterns()).fold(0, |of, (bit, one)| of | looks(one) << bit)
            };
            let leads = leads.iter().map(of).collect();
            Scanner { sort: Sort::of(&place), place, members, leads }
        });
        Self { places: places.collect(), patterns, slots, slots_of, literals, leads }
    }

    pub(crate) fn pattern_count(&self) -> usize {
        self.patterns.len()
    }

    pub(crate) fn literal_count(&self) -> usize {
        self.literals.iter().map(|literals| literals.needles.len()).sum()
    }

    pub(crate) fn memory_usage(&self) -> usize {
        self.literals.iter().map(Literals::memory_usage).sum::<usize>()
            + self.patterns.iter().map(Pattern::memory_usage).sum::<usize>()
    }

    /// Looks for every pattern that isn't found yet in one text of a place. `number`: which one.
    pub(crate) fn scan(&self, number: usize, text: &[u8], scratch: &mut Scratch) {
        let Some(scanner) = self.places.get(number) else { return };
        let text = &text[..text.len().min(LONGEST_TEXT)];
        // Links often lead to the same host, one after the other.
        if scratch.last == Some((number, text.len())) && scratch.last_text == text {
            return;
        }
        scratch.last = None;
        if text.len() <= LONGEST_LAST {
            scratch.last = Some((number, text.len()));
            scratch.last_text.clear();
            scratch.last_text.extend_from_slice(text);
        }
        // The visible text is the plain one where there is no HTML, and other texts come between.
        let kept = usize::from(matches!(scanner.place, Place::Named(Kind::Body | Kind::Plain)));
        let mut view = std::mem::take(&mut scratch.views[kept]);
        let of = (text.as_ptr().addr(), text.len());
        if kept == 0 || view.of != Some(of) {
            let sort = scanner.sort as usize;
            let last = &mut scratch.last_found[sort];
            view.set(text, scanner.place.is_prose(), &self.literals[sort].needles, last);
            view.of = Some(of);
        }
        scratch.begin_text();
        self.nominate(number, scanner, &view, scratch);
        if !scratch.candidates.is_empty() || scanner.leads.iter().any(|&of| of != 0) {
            let text = Text::new(if scanner.place.is_prose() { &view.squeezed } else { text });
            for (leads, &of) in self.leads.iter().zip(&scanner.leads) {
                leads.find(of, text, |Member { slot, pattern }, at| {
                    if scratch.nominate(pattern, slot, 0, 1) {
                        scratch.hit(slot, 0, 1, Hit::Lead { at: at as u32 });
                    }
                });
            }
            for candidate in 0..scratch.candidates.len() {
                self.confirm(scratch.candidates[candidate], number, text, &view, scratch);
            }
        }
        scratch.views[kept] = view;
    }

    /// Collects the patterns of whose literals a text has enough.
    fn nominate(&self, number: usize, scanner: &Scanner, view: &View, scratch: &mut Scratch) {
        let bit = place_bit(number);
        let literals = &self.literals[scanner.sort as usize];
        let uses = |needle: u32| literals.uses[needle as usize].places & bit != 0;
        let here = view.needles.iter().filter(|one| uses(one.0));
        // Which alternatives have all of their literals is known first: most lack one.
        for &(needle, _) in here.clone() {
            for &Owner { slot, pattern, role, all, .. } in literals.owners_of(needle) {
                let pattern = pattern as usize;
                if scanner.members.has(pattern) {
                    scratch.nominate(pattern, slot, role, all);
                }
            }
        }
        if !scratch.candidates.is_empty() {
            for &(needle, last) in here {
                for &Owner { slot, role, all, is_start, .. } in literals.owners_of(needle) {
                    let length = || literals.needles.length(needle) as u32;
                    let within = if is_start { 0 } else { length() - 1 };
                    scratch.hit(slot, role, all, Hit::Literal { last, within });
                }
            }
        }
    }

    /// Searches for a candidate where its literals were found.
    fn confirm(
        &self,
        number: usize,
        scanner: usize,
        text: Text<'_>,
        view: &View,
        scratch: &mut Scratch,
    ) {
        let mut may_match = false;
        scratch.spans.clear();
        for slot in self.slots_of[number]..self.slots_of[number + 1] {
            may_match |= scratch.locate(slot, &self.slots[slot as usize], text, view);
        }
        let is_complete = scratch.hits.len() < MOST_HITS && view.found.len() < MOST_HITS;
        if !may_match || (is_complete && scratch.spans.is_empty()) {
            return;
        }
        scratch.spans.sort_unstable();
        let starts = if is_complete { Starts::In(&scratch.spans) } else { Starts::Anywhere };
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
        scratch.found_any.push(number);
        scratch.is_found.insert(number);
        scratch.found[number] = Some(Finding { scanner, quote: start..scratch.quotes.len() });
    }

    fn slot_count(&self) -> usize {
        self.slots.len()
    }
}

impl Slot {
    fn new(alternative: &Alternative) -> Self {
        match alternative {
            Alternative::Literals(required) => Self {
                reach: required.near.reach,
                also: required.also.iter().map(|set| set.reach).collect(),
                all: all_of(required.also.len()),
                needs: required.needs.clone(),
                is_anchored: required.is_anchored,
            },
            // What these need is asked for before they are looked for.
            Alternative::Lead(_) => Self {
                reach: Extent::default(),
                also: Vec::new(),
                all: 1,
                needs: Needs::default(),
                is_anchored: false,
            },
        }
    }
}

/// All alternatives without a literal.
fn leads(patterns: &[Pattern], slots_of: &[u32]) -> Vec<Leads> {
    let of = |(pattern, slot): (usize, &u32)| {
        let alternatives = (*slot..).zip(&patterns[pattern].alternatives);
        alternatives.filter_map(move |(slot, alternative)| match alternative {
            Alternative::Lead(lead) => Some((Member { slot, pattern }, lead)),
            Alternative::Literals(_) => None,
        })
    };
    let leads: Vec<(Member, &Lead)> =
        slots_of.iter().enumerate().take(patterns.len()).flat_map(of).collect();
    Leads::new(&leads)
}
