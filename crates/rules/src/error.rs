//! A mistake in a rule file: where it is, what is wrong, and what to write instead.
//!
//! Invariant: a mistake names its rule wherever it stands in one, and never only says "invalid".

use std::fmt;
use std::ops::Range;

use tidegate_signal::nearest;

/// One mistake in a rule file. Displays as `file:line:column: what; remedy`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {what}; {remedy}")]
#[non_exhaustive]
pub struct RuleError {
    /// The file's name, as it was handed in.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Characters of the line, counted from 1.
    pub column: usize,
    /// What is wrong, with the rule's name.
    pub what: String,
    /// What to write instead.
    pub remedy: String,
}

/// Collects the mistakes of all files, so that an admin sees every one of them at once.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    pub(crate) all: Vec<RuleError>,
}

impl Mistakes {
    /// Notes a mistake at `span`, a range of bytes of `text`.
    pub(crate) fn at(
        &mut self,
        origin: Origin<'_>,
        span: &Range<usize>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let Position { file, line, column } = Position::of(origin, span);
        self.all.push(RuleError { file, line, column, what: what.into(), remedy: remedy.into() });
    }
}

/// Where something stands in a file, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Position {
    pub(crate) fn of(origin: Origin<'_>, span: &Range<usize>) -> Self {
        let (line, column) = origin.position(span.start);
        Self { file: origin.file.to_owned(), line, column }
    }
}

/// A rule file as a place where a mistake can be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'f> {
    pub(crate) file: &'f str,
    pub(crate) text: &'f str,
}

impl Origin<'_> {
    /// Line and column, from 1, of the byte at `offset`.
    pub(crate) fn position(self, offset: usize) -> (usize, usize) {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        (line, 1 + String::from_utf8_lossy(&before[line_start..]).chars().count())
    }
}

/// `did you mean X?` when a candidate is near, else the whole list, for a word that is none of them.
pub(crate) fn suggest<'a>(word: &str, candidates: impl Iterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(word, candidates.clone()) {
        return format!("did you mean '{near}'?");
    }
    struct List<I>(I);
    impl<'a, I: Iterator<Item = &'a str> + Clone> fmt::Display for List<I> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for (index, word) in self.0.clone().enumerate() {
                write!(f, "{}{word}", if index == 0 { "" } else { ", " })?;
            }
            Ok(())
        }
    }
    format!("write one of: {}", List(candidates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_lines_and_characters_from_one() {
        let origin = Origin { file: "a.toml", text: "ab\nßc\n" };
        for (offset, expect) in [(0, (1, 1)), (2, (1, 3)), (3, (2, 1)), (5, (2, 2)), (99, (3, 1))] {
            assert_eq!(origin.position(offset), expect, "{offset}");
        }
    }

    #[test]
    fn a_mistake_reads_as_one_line() {
        let mut mistakes = Mistakes::default();
        let origin = Origin { file: "a.toml", text: "x\ny" };
        mistakes.at(
            origin,
            &(2..3),
            "'y' is no key",
            suggest("sezs", ["says", "score"].into_iter()),
        );
        assert_eq!(
            mistakes.all[0].to_string(),
            "a.toml:2:1: 'y' is no key; write one of: says, score"
        );
    }
}
