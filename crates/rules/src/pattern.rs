//! One pattern: a regular expression, or a list of words written as one.
//!
//! The syntax is that of the `regex` crate: no look-around but word boundaries, no back references,
//! so a search takes time linear in the text. Size is bounded when it is compiled.
//!
//! Invariant: [`Pattern::find`] finds something exactly when the plain regular expression would; the
//! ways it goes (from literals that were found, over a relaxed copy) only change how long it takes.

use std::ops::Range;

use regex_automata::meta::{BuildError, Cache, Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Hir, HirKind, Look, LookSet, Repetition};

use crate::literals::{self, Required};

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    exact: Regex,
    /// The pattern without its word boundaries, when it has any. Unicode word boundaries keep the
    /// fast automata from being used on text that isn't ASCII; this copy finds the few spots where
    /// the slow one has to look.
    relaxed: Option<Regex>,
    /// What to look for in the folded text before searching at all.
    pub(crate) required: Option<Required>,
    /// The longest match, in bytes; `usize::MAX` when there is none.
    longest: usize,
    /// The expression to put into a shared automaton, when there is no literal.
    pub(crate) shared: Option<Hir>,
}

/// What searches for one pattern need, kept between messages.
#[derive(Debug)]
pub(crate) struct PatternCache {
    exact: Cache,
    relaxed: Option<Cache>,
}

impl PatternCache {
    /// Bytes on the heap.
    pub(crate) fn memory_usage(&self) -> usize {
        self.exact.memory_usage() + self.relaxed.as_ref().map_or(0, Cache::memory_usage)
    }
}

/// A pattern may take this much memory; `\w{1,200}` would not.
const LARGEST: usize = 4 << 20;
/// What the lazily built automaton of one pattern may grow to.
const LARGEST_CACHE: usize = 1 << 20;
/// The same for the automaton that the patterns of one place share.
const LARGEST_SHARED: usize = 32 << 20;
const LARGEST_SHARED_CACHE: usize = 4 << 20;
/// Spots that the relaxed copy finds and the exact one refuses, before the exact one takes over.
const SPOTS: usize = 32;

impl Pattern {
    /// Compiles a regular expression.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub(crate) fn new(expression: &str) -> Result<Self, (String, String)> {
        let hir = syntax::parse(expression).map_err(|error| unreadable(&error))?;
        if hir.properties().minimum_len() == Some(0) && hir.properties().look_set().is_empty() {
            let remedy = "let it ask for at least one character";
            return Err(("the pattern matches anything, even nothing".into(), remedy.into()));
        }
        let exact = build(&hir).map_err(|error| too_large(&error))?;
        let words = has_word_look(hir.properties().look_set());
        let loose = if words { relax(&hir) } else { hir.clone() };
        let required = literals::required(&hir);
        Ok(Self {
            exact,
            relaxed: if words {
                Some(build(&loose).map_err(|error| too_large(&error))?)
            } else {
                None
            },
            shared: required.is_none().then_some(loose),
            longest: hir.properties().maximum_len().unwrap_or(usize::MAX),
            required,
        })
    }

    pub(crate) fn cache(&self) -> PatternCache {
        PatternCache {
            exact: self.exact.create_cache(),
            relaxed: self.relaxed.as_ref().map(Regex::create_cache),
        }
    }

    /// A match in `text`. `hits`: where its literals were found, each as [`Pattern::hit`] has it;
    /// `None` when they were not looked for. What is searched is taken from `budget`, in bytes;
    /// without enough of it there is no match.
    pub(crate) fn find(
        &self,
        cache: &mut PatternCache,
        text: &[u8],
        hits: Option<&[u32]>,
        budget: &mut usize,
    ) -> Option<Range<usize>> {
        let Some(required) = &self.required else { return self.find_anywhere(cache, text, budget) };
        let Some(hits) = hits.filter(|hits| self.is_near(hits.len(), required, text.len())) else {
            return self.find_anywhere(cache, text, budget);
        };
        hits.iter().find_map(|&hit| {
            let hit = hit as usize;
            let end = hit.saturating_add(self.longest).min(text.len());
            let input = if required.at_start {
                Input::new(text).range(hit..end).anchored(Anchored::Yes)
            } else {
                Input::new(text).range((hit + 1).saturating_sub(self.longest)..end)
            };
            spend(budget, self.longest.min(text.len()) / 8 + 1)?;
            self.exact.search_with(&mut cache.exact, &input).map(|found| found.range())
        })
    }

    /// Whether looking around each hit reads less than looking everywhere. Where a match would
    /// begin, most attempts end at once; the factor only bounds the worst.
    fn is_near(&self, hits: usize, required: &Required, length: usize) -> bool {
        let factor = if required.at_start { WORTH } else { 1 };
        hits.saturating_mul(self.longest.min(length)) <= factor * length
            && (required.at_start || self.longest < length)
    }

    /// Of a literal found in a folded text: the byte of the source where a match must begin, or
    /// that a match must contain.
    pub(crate) fn hit(&self, source: &[u32], literal: Range<usize>) -> u32 {
        let at_start = self.required.as_ref().is_some_and(|required| required.at_start);
        source[if at_start { literal.start } else { literal.end - 1 }]
    }

    fn find_anywhere(
        &self,
        cache: &mut PatternCache,
        text: &[u8],
        budget: &mut usize,
    ) -> Option<Range<usize>> {
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

/// Looking at hits may read each byte this many times, at worst.
const WORTH: usize = 16;
/// Roughly how many times longer a byte takes without a deterministic automaton.
const SLOWER: usize = 16;

fn spend(budget: &mut usize, bytes: usize) -> Option<()> {
    *budget = budget.checked_sub(bytes)?;
    Some(())
}

/// The expression for any of `words`, each whole, in any case, its white space any white space.
pub(crate) fn any_word<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let each: Vec<String> = words
        .map(|word| {
            let parts: Vec<String> = word.split_whitespace().map(escape).collect();
            let edge = |c: Option<char>, mark| if c.is_some_and(is_bounded) { mark } else { "" };
            let open = edge(word.trim().chars().next(), r"\b{start-half}");
            let close = edge(word.trim().chars().next_back(), r"\b{end-half}");
            format!("{open}{}{close}", parts.join(r"\s+"))
        })
        .collect();
    format!("(?i)(?:{})", each.join("|"))
}

fn escape(word: &str) -> String {
    regex_syntax::escape(word)
}

/// Whether a word that ends in `c` ends only where no further letter follows. Scripts that write
/// words without space between them have no such ends.
fn is_bounded(c: char) -> bool {
    let unspaced = matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}');
    (c.is_alphanumeric() || c == '_') && !unspaced
}

fn build(hir: &Hir) -> Result<Regex, Box<BuildError>> {
    Regex::builder().configure(config()).build_from_hir(hir).map_err(Box::new)
}

/// One automaton that tells which of `hirs` match a text, unless it would be too large.
pub(crate) fn share(hirs: &[&Hir]) -> Option<Regex> {
    let config = config()
        .match_kind(MatchKind::All)
        .nfa_size_limit(Some(LARGEST_SHARED))
        .hybrid_cache_capacity(LARGEST_SHARED_CACHE);
    Regex::builder().configure(config).build_many_from_hir(hirs).ok()
}

fn config() -> Config {
    Config::new()
        .nfa_size_limit(Some(LARGEST))
        .hybrid_cache_capacity(LARGEST_CACHE)
        .which_captures(regex_automata::nfa::thompson::WhichCaptures::Implicit)
        .utf8_empty(false)
}

fn has_word_look(looks: LookSet) -> bool {
    looks.contains_word_unicode()
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

fn unreadable(error: &regex_syntax::Error) -> (String, String) {
    let kind = match error {
        regex_syntax::Error::Parse(error) => {
            format!("{} (character {})", error.kind(), error.span().start.column)
        }
        regex_syntax::Error::Translate(error) => {
            format!("{} (character {})", error.kind(), error.span().start.column)
        }
        other => other.to_string(),
    };
    let remedy = if kind.contains("look-around") || kind.contains("backreferences") {
        "split it into two rules and join them with 'when' and 'unless'"
    } else if kind.contains("UTF-8") {
        "leave out (?-u): patterns match characters, not bytes"
    } else {
        "write the regex in Rust's syntax between single quotes, so that \\ stays as it is"
    };
    (format!("the pattern can't be read: {kind}"), remedy.to_owned())
}

fn too_large(error: &BuildError) -> (String, String) {
    let remedy = "make its repetitions shorter, \\w to [a-z], or split it into several patterns";
    match error.size_limit() {
        Some(_) => {
            (format!("the pattern needs more than {} MiB", LARGEST >> 20), remedy.to_owned())
        }
        None => (format!("the pattern can't be compiled: {error}"), remedy.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, text: &str, expect: Option<&str>) {
        let pattern = Pattern::new(expression).unwrap();
        let found =
            pattern.find(&mut pattern.cache(), text.as_bytes(), None, &mut usize::MAX.clone());
        assert_eq!(found.map(|range| &text[range]), expect, "{expression} in {text}");
    }

    #[test]
    fn a_word_boundary_is_the_same_beside_letters_of_any_script() {
        check(r"\bno\b", "know, no", Some("no"));
        check(r"\bno\b", "élno noé éno", None);
        check(r"\bno\b", &format!("{} é no", "nono ".repeat(50)), Some("no"));
        check(r"(?i)\bпривет\b", "Ну, ПРИВЕТ!", Some("ПРИВЕТ"));
    }

    #[test]
    fn words_are_whole_and_their_space_is_any_space() {
        let words = any_word(["cheap meds", "$$$", "免费", "v1.0"].into_iter());
        for (text, expect) in [
            ("Cheap \n Meds!", Some("Cheap \n Meds")),
            ("cheap medsx", None),
            ("xcheap meds", None),
            ("a$$$b", Some("$$$")),
            ("现在免费领取", Some("免费")),
            ("v1x0", None),
        ] {
            check(&words, text, expect);
        }
    }

    #[test]
    fn what_can_not_be_compiled_comes_with_a_remedy() {
        for (expression, what, remedy) in [
            ("a(b", "unclosed group", "single quotes"),
            ("(?=a)b", "look-around", "'unless'"),
            (r"(?-u:\xff)", "UTF-8", "(?-u)"),
            (r"(\w{1,100}\s){1,100}x", "MiB", "shorter"),
            ("a*", "matches anything", "at least one"),
        ] {
            let (found, advice) = Pattern::new(expression).unwrap_err();
            assert!(
                found.contains(what) && advice.contains(remedy),
                "{expression}: {found}; {advice}"
            );
        }
    }

    #[test]
    fn a_spent_budget_finds_nothing() {
        let pattern = Pattern::new("b+").unwrap();
        let mut budget = 3;
        assert_eq!(pattern.find(&mut pattern.cache(), b"aab", None, &mut budget), Some(2..3));
        assert_eq!(pattern.find(&mut pattern.cache(), b"b", None, &mut budget), None);
    }
}
