//! One pattern: a regular expression, or a list of words written as one.
//!
//! The syntax is that of the `regex` crate: no look-around but word boundaries, no back references,
//! so a search takes time linear in the text. Size is bounded when it is compiled.
//!
//! Invariant: [`Pattern::find`] finds what the plain regular expression would; the ways it goes (from
//! literals that were found, by its program, by an automaton) only change how long it takes.

use std::ops::Range;

use regex_automata::util::syntax;
use regex_syntax::hir::Hir;

use crate::ahead::LEAD;
use crate::automaton::{self, Automaton};
use crate::edge::is_word;
use crate::lead::Lead;
use crate::literals::{self, Required};
use crate::machine::{self, Memory, Text, TooLong};
use crate::program::Program;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// `None` when only the automaton can search for it.
    program: Option<Program>,
    /// For texts on which the program takes too long.
    pub(crate) automaton: Automaton,
    /// What to look for before searching at all.
    pub(crate) alternatives: Vec<Alternative>,
}

/// What tells where an alternative of a pattern may match.
#[derive(Debug)]
pub(crate) enum Alternative {
    Literals(Required),
    Lead(Lead),
}

/// Where in a text a match may begin.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Starts<'h> {
    Anywhere,
    /// At one of the bytes of these, from the first to the last one; ordered by the first.
    In(&'h [(u32, u32)]),
}

/// What searches need, kept between them.
#[derive(Debug, Default)]
pub(crate) struct Means {
    pub(crate) memory: Memory,
    /// How many bytes the searches of this message may still read.
    pub(crate) budget: usize,
}

/// A program may take so many steps, and so many for each byte of a text, before the automaton is
/// asked: a step takes about as long as it does to read a few bytes.
const STEPS: usize = 4_096;
const STEPS_A_BYTE: usize = 16;

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
        let program = Program::new(&hir);
        let automaton = Automaton::new(expression, &hir, program.is_none()).map_err(too_large)?;
        let alternatives = alternatives(&hir, program.as_ref());
        Ok(Self { program, automaton, alternatives })
    }

    pub(crate) fn memory_usage(&self) -> usize {
        self.program.as_ref().map_or(0, Program::memory_usage)
    }

    /// The first match in `text`, the way the expression prefers it. What is read is taken from the
    /// budget; without enough of it there is no match.
    pub(crate) fn find(
        &self,
        text: Text<'_>,
        starts: Starts<'_>,
        cache: &mut Option<Box<automaton::Cache>>,
        means: &mut Means,
    ) -> Option<Range<usize>> {
        let steps = (STEPS + STEPS_A_BYTE * text.bytes.len()).min(means.budget);
        if let Some(program) = &self.program {
            let mut left = steps;
            let found = search(program, text, starts, &mut means.memory, &mut left);
            means.budget -= steps - left;
            if let Ok(found) = found {
                return found;
            }
        }
        self.automaton.find(text.bytes, cache, &mut means.budget)
    }
}

fn alternatives(hir: &Hir, program: Option<&Program>) -> Vec<Alternative> {
    let parts = literals::alternatives(hir);
    let is_only = parts.len() == 1;
    let mut found: Vec<Alternative> = Vec::with_capacity(parts.len());
    for (part, required) in parts {
        if let Some(required) = required {
            found.push(Alternative::Literals(required));
            continue;
        }
        let lead = match is_only {
            true => Lead::new(hir, program),
            false => Lead::new(part, Program::new(part).as_ref()),
        };
        let is_joined = found.iter_mut().any(|known| match known {
            Alternative::Lead(known) => known.join(&lead),
            Alternative::Literals(_) => false,
        });
        if !is_joined {
            found.push(Alternative::Lead(lead));
        }
    }
    found
}

fn search(
    program: &Program,
    text: Text<'_>,
    starts: Starts<'_>,
    memory: &mut Memory,
    steps: &mut usize,
) -> Result<Option<Range<usize>>, TooLong> {
    memory.begin(program);
    let everywhere = [(0, text.bytes.len() as u32)];
    let spans = match starts {
        Starts::In(spans) => spans,
        Starts::Anywhere => &everywhere,
    };
    let mut next = 0;
    for &(first, last) in spans {
        let is_point = first == last;
        next = next.max(first as usize);
        // To see that nothing begins at a place is less than a step.
        let places = (last as usize + 1).saturating_sub(next);
        *steps = steps.checked_sub(places / 4).ok_or(TooLong)?;
        while next <= last as usize {
            if is_point || may_lead(program, text.bytes, next) {
                let end = machine::match_at(program, text, next, memory, steps)?;
                if let Some(end) = end {
                    return Ok(Some(next..end));
                }
            }
            next += 1;
        }
    }
    Ok(None)
}

fn may_lead(program: &Program, text: &[u8], at: usize) -> bool {
    match text[at..].first_chunk::<LEAD>() {
        Some(first) if at > 0 => {
            (0..LEAD).all(|place| program.lead[place].has(first[place]))
                && !(program.begins_word && is_word(first[0]) && is_word(text[at - 1]))
        }
        _ => program.ahead(0).may(text, at),
    }
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

fn too_large(what: String) -> (String, String) {
    let remedy = "make its repetitions shorter, \\w to [a-z], or split it into several patterns";
    (what, remedy.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, text: &str, expect: Option<&str>) {
        let pattern = Pattern::new(expression).unwrap();
        let bytes = text.as_bytes();
        let mut means = Means { budget: usize::MAX, ..Means::default() };
        let found = pattern.find(Text::new(bytes), Starts::Anywhere, &mut None, &mut means);
        assert_eq!(found.map(|range| &text[range]), expect, "{expression} in {text}");
        let slow = pattern.automaton.find(bytes, &mut None, &mut means.budget);
        assert_eq!(slow.map(|range| &text[range]), expect, "{expression} in {text}");
    }

    #[test]
    fn a_word_boundary_is_the_same_beside_letters_of_any_script() {
        check(r"\bno\b", "know, no", Some("no"));
        check(r"\bno\b", "élno noé éno", None);
        check(r"\bno\b", &format!("{} é no", "nono ".repeat(50)), Some("no"));
        check(r"(?i)\bпривет\b", "Ну, ПРИВЕТ!", Some("ПРИВЕТ"));
    }

    #[test]
    fn a_repetition_gives_back_what_the_rest_needs_and_nothing_else() {
        check("[^/]+/[a-z]", "//ab/c", Some("ab/c"));
        check("[0-9]{1,3}[.]x", "12345.x", Some("345.x"));
        check("[a-z]+ab", "ababx", Some("abab"));
        check("[a-zé]+[ê]", "éaéê", Some("éaéê"));
        check("a+$", "aab aa", Some("aa"));
        check("x[^é]*$", "xé xà", Some("xà"));
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
    fn what_seems_larger_than_any_number_is_built_or_refused() {
        // Each doubles what the one before seems to take, and comes to nothing.
        let deep = format!("[^c-e]{}x", "+".repeat(80));
        check(&deep, "abc fgx", Some(" fgx"));
        let (what, _) = Pattern::new("(?:x{4294967295,})?y").unwrap_err();
        assert!(what.contains("MiB"), "{what}");
    }

    #[test]
    fn a_spent_budget_finds_nothing() {
        let pattern = Pattern::new("b+").unwrap();
        let mut means = Means { budget: 5, ..Means::default() };
        let mut find = |text: &str| {
            pattern.find(Text::new(text.as_bytes()), Starts::Anywhere, &mut None, &mut means)
        };
        assert_eq!(find("aab"), Some(2..3));
        assert_eq!(find("b"), Some(0..1));
        assert_eq!(find("b"), None);
    }
}
