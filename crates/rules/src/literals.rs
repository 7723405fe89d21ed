//! The literals that a pattern can't match without.
//!
//! The literals of all patterns are looked for at once; only a pattern of which one was found is
//! searched for in earnest. Both sides are [folded](crate::fold).
//!
//! Invariant: wherever a pattern matches, the folded text contains one of its folded literals.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::ahead::ByteSet;
use crate::edge::{EDGE, is_edge, settle, without_edges};
use crate::extent::Extent;
use crate::fold::{Folded, fold_char};
use crate::needs::Needs;
use crate::rarity;

/// What an alternative of a pattern can't match without.
#[derive(Debug)]
pub(crate) struct Required {
    /// Every match contains one of them; where the first of them ends tells where it may begin.
    pub(crate) near: Needed,
    /// Every match contains one of each of these as well.
    pub(crate) also: Vec<Needed>,
    /// What else every match has.
    pub(crate) needs: Needs,
    /// Whether it matches only where the text begins.
    pub(crate) is_anchored: bool,
}

/// Strings, folded, with [edges of words](crate::edge).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needed {
    pub(crate) literals: Vec<Vec<u8>>,
    /// From where a match begins to where the first of them ends; nothing when a match begins with
    /// one of them.
    pub(crate) reach: Extent,
}

/// The alternatives of `pattern`, and what each can't match without; `None` of one that can do
/// without any small set of worthwhile literals.
pub(crate) fn alternatives(pattern: &Hir) -> Vec<(&Hir, Option<Required>)> {
    alternatives_at(pattern, false)
}

/// The same, `at_edge` of a word or anywhere.
fn alternatives_at(pattern: &Hir, at_edge: bool) -> Vec<(&Hir, Option<Required>)> {
    match pattern.kind() {
        HirKind::Capture(group) => return alternatives_at(&group.sub, at_edge),
        HirKind::Alternation(parts) if inside(pattern).exact.is_none() => {
            return parts.iter().flat_map(|part| alternatives_at(part, at_edge)).collect();
        }
        // The parser puts before all alternatives what they have in common, such as `\b`.
        HirKind::Concat(parts) => {
            // What begins only where the text does is best known whole.
            let is_look = |part: &Hir| {
                part.properties().maximum_len() == Some(0)
                    && !part.properties().look_set().contains_anchor_haystack()
            };
            if let Some((last, looks)) = parts.split_last()
                && looks.iter().all(is_look)
            {
                let is_edge =
                    |part: &Hir| matches!(part.kind(), HirKind::Look(look) if is_edge(*look));
                return alternatives_at(last, at_edge || looks.iter().any(is_edge));
            }
        }
        _ => {}
    }
    vec![(pattern, required(pattern, at_edge))]
}

fn required(pattern: &Hir, at_edge: bool) -> Option<Required> {
    let mut known = inside(pattern);
    if at_edge {
        let strings = [&mut known.exact, &mut known.starts].into_iter().flatten().flatten();
        strings.for_each(|string| string.insert(0, EDGE));
    }
    // White space begins where its run does, which need not be where the match does.
    let starts = known.begin().cloned().and_then(worthwhile);
    let starts = starts.filter(|starts| !starts.iter().any(|start| start.starts_with(b" ")));
    if let (Some(exact), None) = (known.exact.take(), &starts) {
        known.needed.extend(needed(exact, known.longest));
    }
    let starts = starts.map(|literals| Needed { literals, reach: Extent::default() });
    let mut sets: Vec<Needed> = starts.into_iter().chain(known.needed).collect();
    // Where a match would begin is worth more than a rarer literal: there, a failure is quick.
    let is_start = sets.first()?.reach.is_nothing() && sets[0].frequency() < COMMON;
    let dearest = || (0..sets.len()).min_by_key(|&set| sets[set].dearness());
    let near = if is_start { 0 } else { dearest()? };
    let mut near = sets.swap_remove(near);
    let contains = |long: &[u8], short: &[u8]| long.windows(short.len()).any(|part| part == short);
    // What the nearest ones contain is there anyway; what is in every text tells nothing.
    sets.retain(|other| {
        let implied = |one: &Vec<u8>| other.literals.iter().any(|other| contains(one, other));
        other.frequency() < COMMON && !near.literals.iter().all(implied)
    });
    sets.sort_by_key(Needed::frequency);
    sets.truncate(MOST_ALSO);
    for set in sets.iter_mut().chain([&mut near]) {
        set.literals.sort();
        set.literals.dedup();
    }
    let is_anchored = pattern.properties().look_set_prefix().contains(Look::Start);
    Some(Required { near, also: sets, needs: Needs::of(pattern), is_anchored })
}

/// So many other sets of one alternative are looked for: to meet a second one costs more than the
/// attempts that it would spare.
pub(crate) const MOST_ALSO: usize = 1;
/// So many sets are kept to choose from.
const MOST_SETS: usize = 4;
/// A set of which one is met more often than once in a thousand bytes is of little use.
const COMMON: u64 = (1 << 63) / 1_000;
/// More strings than this for one pattern, and the automaton grows faster than it saves.
const MOST: usize = 160;
/// Longer literals are no rarer.
const LONGEST: usize = 24;
/// Shorter ones are in every text.
const SHORTEST: usize = 3;
/// A class of more characters than this is as good as any character.
const WIDEST_CLASS: u32 = 32;

/// What is known of the strings that a part of a pattern matches.
#[derive(Clone)]
struct Inside {
    /// All of them, when they are few.
    exact: Option<Vec<Vec<u8>>>,
    /// A set of which each of them begins with one, when they are too many to list.
    starts: Option<Vec<Vec<u8>>>,
    /// Sets, the rarest first: each string contains one of each.
    needed: Vec<Needed>,
    longest: Extent,
}

impl Inside {
    const ANY: Self = Self {
        exact: None,
        starts: None,
        needed: Vec::new(),
        longest: Extent { chars: usize::MAX, free: ByteSet::NONE },
    };

    fn exact(strings: Vec<Vec<u8>>) -> Self {
        Self { exact: Some(strings), ..Self::ANY }
    }

    /// A set of which each begins with one.
    fn begin(&self) -> Option<&Vec<Vec<u8>>> {
        self.exact.as_ref().or(self.starts.as_ref())
    }

    /// The rarest set of which each contains one.
    fn into_rarest(self) -> Option<Needed> {
        let exact = self.exact.and_then(|exact| needed(exact, self.longest));
        self.needed.into_iter().chain(exact).min_by_key(Needed::frequency)
    }
}

fn inside(pattern: &Hir) -> Inside {
    Inside { longest: Extent::of(pattern), ..of_kind(pattern) }
}

fn of_kind(pattern: &Hir) -> Inside {
    match pattern.kind() {
        HirKind::Look(look) if is_edge(*look) => Inside::exact(vec![vec![EDGE]]),
        HirKind::Empty | HirKind::Look(_) => Inside::exact(vec![Vec::new()]),
        HirKind::Literal(literal) => {
            let mut folded = Folded::default();
            folded.set(&literal.0);
            Inside::exact(vec![folded.text])
        }
        HirKind::Class(class) => characters(class).map_or(Inside::ANY, Inside::exact),
        HirKind::Capture(group) => inside(&group.sub),
        HirKind::Concat(parts) => concat(parts.iter().map(inside)),
        HirKind::Alternation(parts) => alternation(parts),
        HirKind::Repetition(repeat) => match (repeat.min, repeat.max) {
            (0, Some(1)) => Inside {
                exact: inside(&repeat.sub).exact.and_then(|mut strings| {
                    strings.push(Vec::new());
                    (strings.len() <= MOST).then_some(strings)
                }),
                ..Inside::ANY
            },
            (min, None) if is_space(&repeat.sub) => {
                let mut runs = vec![b" ".to_vec()];
                runs.extend((min == 0).then(Vec::new));
                Inside::exact(runs)
            }
            (0, _) => Inside::ANY,
            (min, max) => {
                // `x{3,}` begins with three of x; what follows them is no longer exact.
                let copies = usize::try_from(min).unwrap_or(LONGEST).min(LONGEST);
                // Looked into once: nested repetitions must not multiply the work.
                let mut known = concat(std::iter::repeat_n(inside(&repeat.sub), copies));
                if max != Some(min) || copies as u64 != u64::from(min) {
                    let starts = known.begin().cloned();
                    let needed = known.into_rarest().into_iter().collect();
                    known = Inside { starts, needed, ..Inside::ANY };
                }
                known
            }
        },
    }
}

/// Whether a run of it is one space once folded.
fn is_space(pattern: &Hir) -> bool {
    matches!(pattern.kind(), HirKind::Class(_) | HirKind::Literal(_))
        && inside(pattern).exact.is_some_and(|strings| strings == [b" "])
}

/// Joins what is exact into ever longer strings; where that ends, the run so far is a candidate.
fn concat(parts: impl Iterator<Item = Inside>) -> Inside {
    let mut run = vec![Vec::new()];
    let (mut sets, mut starts, mut whole): (Vec<Needed>, _, _) = (Vec::new(), None, true);
    // From the beginning to the end of the parts so far.
    let mut to = Extent::default();
    for known in parts {
        let from = to;
        to = from.and(known.longest);
        sets.extend(known.needed.iter().map(|set| set.behind(from)));
        if let Some(joined) = known.exact.as_ref().and_then(|strings| cross(&run, strings)) {
            run = joined;
            continue;
        }
        if std::mem::take(&mut whole) {
            let longer = known.begin().and_then(|begin| cross(&run, begin));
            starts = Some(longer.unwrap_or_else(|| run.clone()));
        }
        // What the run goes on with is as good as the run, and longer.
        let begin = known.starts.as_ref().and_then(|begin| cross(&run, begin));
        sets.extend(begin.and_then(|longer| needed(longer, to)));
        let next = known.exact.unwrap_or_else(|| vec![Vec::new()]);
        sets.extend(needed(std::mem::replace(&mut run, next), from));
    }
    if whole {
        return Inside { exact: Some(run), longest: to, ..Inside::ANY };
    }
    sets.extend(needed(run, to));
    sets.sort_by_key(Needed::frequency);
    sets.dedup();
    sets.truncate(MOST_SETS);
    Inside { exact: None, starts, needed: sets, longest: to }
}

fn alternation(parts: &[Hir]) -> Inside {
    let known: Vec<Inside> = parts.iter().map(inside).collect();
    let union = |sets: Option<Vec<Vec<Vec<u8>>>>| {
        sets.map(|sets| sets.concat()).filter(|strings| strings.len() <= MOST)
    };
    let exact = union(known.iter().map(|part| part.exact.clone()).collect());
    let begin = |form: fn(&Vec<Vec<u8>>) -> Vec<Vec<u8>>| {
        union(known.iter().map(|part| part.begin().map(form)).collect())
    };
    let starts = begin(Vec::clone).or_else(|| begin(|all| shorter(all)));
    let rarest: Option<Vec<Needed>> = known.into_iter().map(Inside::into_rarest).collect();
    let reach = rarest.iter().flatten().map(|set| set.reach);
    let reach = reach.fold(Extent::default(), Extent::or);
    let literals = union(rarest.map(|sets| sets.into_iter().map(|set| set.literals).collect()));
    let needed = literals.map(|literals| Needed { literals, reach }).into_iter().collect();
    Inside { exact, starts, needed, ..Inside::ANY }
}

/// Beginnings of beginnings, when there are many: fewer, and still beginnings.
fn shorter(starts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut starts = starts.to_vec();
    if starts.len() > MOST / 8 {
        starts.iter_mut().for_each(|start| start.truncate(LONGEST / 4));
        starts.sort();
        starts.dedup();
    }
    starts
}

fn characters(class: &Class) -> Option<Vec<Vec<u8>>> {
    let Class::Unicode(class) = class else { return None };
    let count = class.iter().map(|range| u32::from(range.end()) - u32::from(range.start()) + 1);
    if count.sum::<u32>() > WIDEST_CLASS {
        return None;
    }
    let all = class.iter().flat_map(|range| range.start()..=range.end());
    let mut folded: Vec<_> = all.map(|c| fold_char(c).to_string().into_bytes()).collect();
    folded.sort();
    folded.dedup();
    Some(folded)
}

fn cross(left: &[Vec<u8>], right: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    let too_long = || left.iter().chain(right).any(|string| string.len() > LONGEST);
    if left.len() * right.len() > MOST || too_long() {
        return None;
    }
    let join = |a: &[u8], b: &[u8]| {
        let again = a.ends_with(b" ") && b.starts_with(b" ");
        [a, &b[usize::from(again)..]].concat()
    };
    Some(left.iter().flat_map(|a| right.iter().map(move |b| join(a, b))).collect())
}

/// The set, cut to a useful length, unless one of its strings is found in any text.
fn worthwhile(mut strings: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    strings.iter_mut().for_each(|string| settle(string, LONGEST));
    let rare = |string: &Vec<u8>| {
        let (bare, ..) = without_edges(string);
        bare.len() >= SHORTEST && bare.iter().any(|byte| !byte.is_ascii_whitespace())
    };
    let all_rare = !strings.is_empty() && strings.len() <= MOST && strings.iter().all(rare);
    all_rare.then_some(strings)
}

fn needed(strings: Vec<Vec<u8>>, reach: Extent) -> Option<Needed> {
    worthwhile(strings).map(|literals| Needed { literals, reach })
}

impl Needed {
    /// The same, of a part that begins `from` the beginning.
    fn behind(&self, from: Extent) -> Self {
        Self { literals: self.literals.clone(), reach: from.and(self.reach) }
    }

    /// How often one of them is met in mail.
    fn frequency(&self) -> u64 {
        let each = self.literals.iter().map(|literal| rarity::frequency(literal));
        each.fold(0, u64::saturating_add)
    }

    /// What it costs to look for matches around each that is met: where one would begin, failure
    /// is quick; before others, each byte is a place to try.
    fn dearness(&self) -> u64 {
        let places = match self.reach.is_bounded() {
            true => self.reach.chars as u64,
            false => FAR,
        };
        self.frequency().saturating_mul(ONE_PLACE + places)
    }
}

/// What is found to be near by nothing but the bytes between is about so far.
const FAR: u64 = 2_000;
/// To try a place that nothing speaks against takes as long as to look at so many that something
/// does.
const ONE_PLACE: u64 = 10;

#[cfg(test)]
mod tests;
