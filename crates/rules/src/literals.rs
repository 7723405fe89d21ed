//! The literals that a pattern can't match without.
//!
//! The literals of all patterns are looked for at once; only a pattern of which one was found is
//! searched for in earnest. Both sides are [folded](crate::fold).
//!
//! Invariant: wherever a pattern matches, the folded text contains one of its folded literals.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::ahead::ByteSet;
use crate::extent::Extent;
use crate::fold::{Folded, fold_char};

/// What a pattern, or one of its alternatives, can't match without.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Required {
    /// Folded; every match contains one of them.
    pub(crate) literals: Vec<Vec<u8>>,
    /// From where a match begins to where the first of them ends; nothing when a match begins with
    /// one of them.
    pub(crate) reach: Extent,
    /// Every match contains one of these as well; empty when nothing more is known.
    pub(crate) also: Vec<Vec<u8>>,
}

/// What each alternative of `pattern` can't match without. Empty when one of them can do without
/// any small set of worthwhile literals.
pub(crate) fn required(pattern: &Hir) -> Vec<Required> {
    let mut found = Vec::new();
    if each_alternative(pattern, &mut found).is_none() {
        found.clear();
    }
    found
}

fn each_alternative(pattern: &Hir, found: &mut Vec<Required>) -> Option<()> {
    match pattern.kind() {
        HirKind::Capture(group) => each_alternative(&group.sub, found),
        HirKind::Alternation(parts) if inside(pattern).exact.is_none() => {
            parts.iter().try_for_each(|part| each_alternative(part, found))
        }
        // The parser puts before all alternatives what they have in common, such as `\b`.
        HirKind::Concat(parts) => match parts.split_last() {
            Some((last, looks))
                if looks.iter().all(|part| part.properties().maximum_len() == Some(0)) =>
            {
                each_alternative(last, found)
            }
            _ => of_one(pattern).map(|one| found.push(one)),
        },
        _ => of_one(pattern).map(|one| found.push(one)),
    }
}

fn of_one(pattern: &Hir) -> Option<Required> {
    let known = inside(pattern);
    // Where a match would begin is worth more than a rarer literal: there, a failure is quick.
    // White space begins where its run does, which need not be where the match does.
    let starts = known.begin().cloned().and_then(worthwhile);
    let starts = starts.filter(|starts| !starts.iter().any(|start| start.starts_with(b" ")));
    let (mut literals, reach, mut also) = match starts {
        Some(starts) => {
            (starts, Extent::default(), known.later.map(|later| later.literals).unwrap_or_default())
        }
        None => {
            let Needed { literals, reach } = known.into_needed()?;
            (literals, reach, Vec::new())
        }
    };
    for set in [&mut literals, &mut also] {
        set.sort();
        set.dedup();
    }
    if literals == also {
        also.clear();
    }
    Some(Required { literals, reach, also })
}

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
    /// A set of which each of them contains one.
    needed: Option<Needed>,
    /// The same, of sets that aren't what each of them begins with.
    later: Option<Needed>,
    longest: Extent,
}

#[derive(Clone)]
struct Needed {
    literals: Vec<Vec<u8>>,
    /// From the beginning to where the first of them ends.
    reach: Extent,
}

impl Inside {
    const ANY: Self = Self {
        exact: None,
        starts: None,
        needed: None,
        later: None,
        longest: Extent { bytes: usize::MAX, free: ByteSet::NONE },
    };

    fn exact(strings: Vec<Vec<u8>>) -> Self {
        Self { exact: Some(strings), ..Self::ANY }
    }

    /// A set of which each begins with one.
    fn begin(&self) -> Option<&Vec<Vec<u8>>> {
        self.exact.as_ref().or(self.starts.as_ref())
    }

    fn into_needed(self) -> Option<Needed> {
        better(self.exact.and_then(|exact| needed(exact, self.longest)), self.needed)
    }
}

fn inside(pattern: &Hir) -> Inside {
    Inside { longest: Extent::of(pattern), ..of_kind(pattern) }
}

fn of_kind(pattern: &Hir) -> Inside {
    match pattern.kind() {
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
                    known = Inside { starts, needed: known.into_needed(), ..Inside::ANY };
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
    let (mut first, mut later, mut starts, mut whole) = (None, None, None, true);
    // From the beginning to the end of the parts so far.
    let mut to = Extent::default();
    for mut known in parts {
        let from = to;
        to = from.and(known.longest);
        if let Some(joined) = known.exact.as_ref().and_then(|strings| cross(&run, strings)) {
            run = joined;
            continue;
        }
        let inner = known.needed.take().map(|inner| inner.behind(from));
        let behind = known.later.take().map(|later| later.behind(from));
        if std::mem::take(&mut whole) {
            // What the part needs may be what it begins with, and so the whole.
            first = better(needed(run.clone(), from), inner);
            later = behind;
            let longer = known.begin().and_then(|begin| cross(&run, begin));
            starts = Some(longer.unwrap_or_else(|| run.clone()));
        } else {
            later = better(better(later, needed(run, from)), inner);
        }
        run = known.exact.unwrap_or_else(|| vec![Vec::new()]);
    }
    if whole {
        return Inside { exact: Some(run), longest: to, ..Inside::ANY };
    }
    let later = better(later, needed(run, to));
    Inside { exact: None, starts, needed: better(first, later.clone()), later, longest: to }
}

fn alternation(parts: &[Hir]) -> Inside {
    let known: Vec<Inside> = parts.iter().map(inside).collect();
    let union = |sets: Option<Vec<Vec<Vec<u8>>>>| {
        sets.map(|sets| sets.concat()).filter(|strings| strings.len() <= MOST)
    };
    let unite = |sets: Option<Vec<Needed>>| {
        let reach = sets.iter().flatten().map(|needed| needed.reach);
        let reach = reach.fold(Extent::default(), Extent::or);
        let literals = union(sets.map(|sets| sets.into_iter().map(|one| one.literals).collect()));
        literals.map(|literals| Needed { literals, reach })
    };
    Inside {
        exact: union(known.iter().map(|part| part.exact.clone()).collect()),
        starts: union(known.iter().map(|part| part.begin().map(|all| shorter(all))).collect()),
        needed: unite(known.iter().map(|part| part.clone().into_needed()).collect()),
        later: unite(known.iter().map(|part| part.later.clone()).collect()),
        ..Inside::ANY
    }
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
    let rare = |string: &Vec<u8>| {
        string.len() >= SHORTEST && string.iter().any(|byte| !byte.is_ascii_whitespace())
    };
    if strings.is_empty() || strings.len() > MOST || !strings.iter().all(rare) {
        return None;
    }
    strings.iter_mut().for_each(|string| string.truncate(LONGEST));
    Some(strings)
}

fn needed(strings: Vec<Vec<u8>>, reach: Extent) -> Option<Needed> {
    worthwhile(strings).map(|literals| Needed { literals, reach })
}

impl Needed {
    /// The same, of a part that begins `from` the beginning.
    fn behind(self, from: Extent) -> Self {
        Self { reach: from.and(self.reach), ..self }
    }
}

/// The set whose shortest string is longer; of equals, the one with fewer strings.
fn better(a: Option<Needed>, b: Option<Needed>) -> Option<Needed> {
    // Past eight bytes a literal is rare enough; then fewer are better.
    let worth = |set: &Needed| {
        let shortest = set.literals.iter().map(Vec::len).min().unwrap_or(0);
        (shortest.min(8), std::cmp::Reverse(set.literals.len()))
    };
    match (a, b) {
        (Some(a), Some(b)) => Some(if worth(&b) > worth(&a) { b } else { a }),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expect`: of each alternative.
    #[track_caller]
    fn check(pattern: &str, expect: &[&[&str]]) {
        let found: Vec<Vec<String>> = required(&regex_syntax::parse(pattern).unwrap())
            .into_iter()
            .map(|one| {
                one.literals.into_iter().map(|one| String::from_utf8(one).unwrap()).collect()
            })
            .collect();
        assert_eq!(found, expect, "{pattern}");
    }

    #[test]
    fn the_rarest_required_literals_are_found() {
        check("PayPal", &[&["paypal"]]);
        check(r"(?i)\bpaypal\b", &[&["paypal"]]);
        check(r"(?i)kiss", &[&["kiss"]]);
        check(r"(?i)verify.{0,30}\byour account", &[&["verify"]]);
        check(r"(?i)\w+ your account", &[&[" your account"]]);
        check(r"(?:see|read) .*below", &[&["read ", "see "]]);
        check(r"(?i)(?:cheap|discount)\s+meds", &[&["cheap meds", "discount meds"]]);
        check(r"act\s* now,\s*please", &[&["act now, please", "act now,please"]]);
        check(r"colou?r scheme", &[&["color scheme", "colour scheme"]]);
        check(r"(?:foo|bar)+baz", &[&["bar", "foo"]]);
        check(r"[fb]o{1,9}baz", &[&["baz"]]);
        check(r"[a-z]{2}abc", &[&["abc"]]);
        check(r"(?i)счёт", &[&["счёт"]]);
        check(r"(?i)\b(?:[0-9]+ pills|buy [a-z]+ now)", &[&[" pills"], &["buy "]]);
        check(r"x{4,}", &[&["xxxx"]]);
    }

    #[test]
    fn a_pattern_without_a_rare_literal_has_none() {
        for pattern in [r"\d+", r".*", r"(?:abc)?", r"ab", r"abc|\w+", r"[a-z]{5}", "", r"   +"] {
            check(pattern, &[]);
        }
    }

    #[test]
    fn an_inner_literal_is_not_far_from_where_a_match_begins() {
        for (pattern, expect) in [
            (r"[a-z]{1,3}million", 10),
            (r"[a-z]{2}(?:abc|abcdef)x", 9),
            (r"(?:[a-z]{4}|[0-9])(?:[a-c]{3}yes|[a-c]no-)", 10),
            (r"\w+ million", 8),
            (r"million", 0),
        ] {
            let required = required(&regex_syntax::parse(pattern).unwrap());
            assert_eq!(required[0].reach.bytes, expect, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_of_two_parts_needs_a_literal_of_each() {
        let hir = regex_syntax::parse(r"(?i)\b(?:card|account) .{0,30}\bsuspended").unwrap();
        let [Required { literals, reach, also }] = &required(&hir)[..] else { panic!() };
        assert!(reach.is_nothing());
        assert_eq!(*literals, [&b"account "[..], b"card "]);
        assert_eq!(*also, [b"suspended"]);
    }
}
