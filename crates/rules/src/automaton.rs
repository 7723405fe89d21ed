//! The way to search for a pattern that takes time linear in the text, whatever they are.
//!
//! It is built when a program first takes too long on a text, which most never do: building all of
//! them would take seconds and hundreds of megabytes.
//!
//! Invariant: what was not refused when the pattern was compiled can be built later on.

use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::meta::{self, BuildError, Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Class, Hir, HirKind, Look, LookSet, Repetition};
use regex_syntax::utf8::Utf8Sequences;

/// A pattern's expression, and what searches for it once that was needed.
#[derive(Debug)]
pub(crate) struct Automaton {
    expression: String,
    /// `None` inside when it can't be built.
    built: OnceLock<Option<Box<Built>>>,
}

#[derive(Debug)]
struct Built {
    exact: Regex,
    /// The pattern without its word boundaries, when it has any. Unicode word boundaries keep the
    /// fast automata from being used on text that isn't ASCII; this copy finds the few spots where
    /// the slow one has to look.
    relaxed: Option<Regex>,
}

/// What searches need, kept between messages.
#[derive(Debug)]
pub(crate) struct Cache {
    exact: meta::Cache,
    relaxed: Option<meta::Cache>,
}

impl Cache {
    /// Bytes on the heap.
    pub(crate) fn memory_usage(&self) -> usize {
        self.exact.memory_usage() + self.relaxed.as_ref().map_or(0, meta::Cache::memory_usage)
    }
}

/// A pattern may take this much memory; `\w{1,200}` would not.
const LARGEST: usize = 4 << 20;
/// What the lazily built states of one pattern may grow to.
const LARGEST_CACHE: usize = 1 << 20;
/// Spots that the relaxed copy finds and the exact one refuses, before the exact one takes over.
const SPOTS: usize = 32;
/// Roughly how many times longer a byte takes without a deterministic automaton.
const SLOWER: usize = 16;

impl Automaton {
    /// Builds one `now` or when it is needed.
    ///
    /// # Errors
    /// Why it can't be built.
    pub(crate) fn new(expression: &str, hir: &Hir, now: bool) -> Result<Self, String> {
        let built = OnceLock::new();
        if now || size(hir) > LARGEST {
            let one = Built::new(hir).map_err(|error| match error.size_limit() {
                Some(_) => format!("the pattern needs more than {} MiB", LARGEST >> 20),
                None => format!("the pattern can't be compiled: {error}"),
            })?;
            // Of a large one, it was enough to know.
            if now {
                let _ = built.set(Some(Box::new(one)));
            }
        }
        Ok(Self { expression: expression.to_owned(), built })
    }

    /// The first match in `text`. What is searched is taken from `budget`, in bytes; without enough
    /// of it there is no match.
    pub(crate) fn find(
        &self,
        text: &[u8],
        cache: &mut Option<Box<Cache>>,
        budget: &mut usize,
    ) -> Option<Range<usize>> {
        let built = self.built.get_or_init(|| {
            let hir = syntax::parse(&self.expression).ok()?;
            Built::new(&hir).ok().map(Box::new)
        });
        let built = built.as_ref()?;
        built.find(text, cache.get_or_insert_with(|| Box::new(built.cache())), budget)
    }
}

impl Built {
    fn new(hir: &Hir) -> Result<Self, Box<BuildError>> {
        let words = hir.properties().look_set().contains_word_unicode();
        let relaxed = if words { Some(build(&relax(hir))?) } else { None };
        Ok(Self { exact: build(hir)?, relaxed })
    }

    fn cache(&self) -> Cache {
        Cache {
            exact: self.exact.create_cache(),
            relaxed: self.relaxed.as_ref().map(Regex::create_cache),
        }
    }

    fn find(&self, text: &[u8], cache: &mut Cache, budget: &mut usize) -> Option<Range<usize>> {
        let mut start = 0;
        if let (Some(relaxed), Some(scratch), false) =
            (&self.relaxed, &mut cache.relaxed, text.is_ascii())
        {
            // Every match begins where the relaxed copy has one; there, the exact one need not
            // look further than the match goes.
            for _ in 0..SPOTS {
                spend(budget, text.len() - start)?;
                let spot = relaxed.search_with(scratch, &Input::new(text).range(start..))?.start();
                let input = Input::new(text).range(spot..).anchored(Anchored::Yes);
                if let Some(found) = self.exact.search_with(&mut cache.exact, &input) {
                    return Some(found.range());
                }
                start = spot + 1;
                if start > text.len() {
                    return None;
                }
            }
            // The slow automaton reads everything that is left.
            spend(budget, SLOWER * (text.len() - start))?;
        }
        spend(budget, text.len() - start)?;
        let found = self.exact.search_with(&mut cache.exact, &Input::new(text).range(start..));
        found.map(|found| found.range())
    }
}

fn spend(budget: &mut usize, bytes: usize) -> Option<()> {
    *budget = budget.checked_sub(bytes)?;
    Some(())
}

fn build(hir: &Hir) -> Result<Regex, Box<BuildError>> {
    let config = Config::new()
        .nfa_size_limit(Some(LARGEST))
        .hybrid_cache_capacity(LARGEST_CACHE)
        .which_captures(regex_automata::nfa::thompson::WhichCaptures::Implicit)
        .utf8_empty(false);
    Regex::builder().configure(config).build_from_hir(hir).map_err(Box::new)
}

/// At least what the automaton's states take, without building them.
fn size(hir: &Hir) -> usize {
    /// Of a state with one way on, and of one more way.
    const STATE: usize = 48;
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => STATE,
        HirKind::Literal(literal) => STATE * literal.0.len(),
        HirKind::Class(Class::Bytes(class)) => STATE + STATE * class.ranges().len(),
        HirKind::Class(Class::Unicode(class)) => {
            let sequences =
                class.iter().flat_map(|range| Utf8Sequences::new(range.start(), range.end()));
            STATE * sequences.map(|sequence| 1 + sequence.len()).sum::<usize>()
        }
        HirKind::Repetition(repeat) => {
            let copies = repeat.max.unwrap_or(repeat.min.saturating_add(1)).max(1);
            size(&repeat.sub).saturating_add(STATE).saturating_mul(copies as usize)
        }
        HirKind::Capture(group) => size(&group.sub).saturating_add(2 * STATE),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            let parts = parts.iter().map(|part| STATE.saturating_add(size(part)));
            parts.fold(STATE, usize::saturating_add)
        }
    }
}

/// `hir` without its Unicode word boundaries: it matches wherever `hir` does, and more.
fn relax(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Look(look) if is_word_unicode(*look) => Hir::empty(),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
        HirKind::Repetition(repeat) => {
            Hir::repetition(Repetition { sub: Box::new(relax(&repeat.sub)), ..repeat.clone() })
        }
        HirKind::Capture(group) => relax(&group.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(relax).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(relax).collect()),
    }
}

fn is_word_unicode(look: Look) -> bool {
    LookSet::singleton(look).contains_word_unicode()
}
