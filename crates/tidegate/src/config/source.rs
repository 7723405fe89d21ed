//! Where a configuration is written: files, the defaults built in, the environment.
//!
//! Invariant: everything read keeps its place, so that whatever is found wrong with it later can be
//! told with file, line and column.

use std::fmt;
use std::path::{Path, PathBuf};

/// A piece of configuration, as text.
#[derive(Debug)]
pub(crate) struct Source {
    kind: Kind,
    text: String,
}

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Part of the program; the name is that of the file it was made from.
    BuiltIn(&'static str),
    /// A file, by the name it was given.
    File(PathBuf),
    /// An environment variable, by its name.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
}

/// A point in one of the [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The number of the source.
    pub(crate) source: usize,
    /// The byte at which it begins.
    pub(crate) offset: usize,
}

/// A point in a source, in words: `tidegate.toml:3:1`. Ordered by source, line and column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    rank: usize,
    line: usize,
    column: usize,
    name: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => write!(f, "{}", self.name),
            (line, column) => write!(f, "{}:{line}:{column}", self.name),
        }
    }
}

impl Place {
    /// A file as a whole.
    pub(crate) fn whole(path: &Path) -> Self {
        Self { rank: 0, line: 0, column: 0, name: path.display().to_string() }
    }

    /// Whether the other is on the same line of the same file.
    pub(crate) fn is_on_line_of(&self, other: &Self) -> bool {
        (self.rank, self.line, &self.name) == (other.rank, other.line, &other.name)
    }

    /// A line and a column, from 1, of a file that is read elsewhere.
    pub(crate) fn at(name: String, line: usize, column: usize) -> Self {
        // Behind everything that is in the sources.
        Self { rank: usize::MAX, line, column, name }
    }
}

/// Every source of one configuration, in the order in which they were read.
#[derive(Debug, Default)]
pub(crate) struct Sources(Vec<Source>);

impl Sources {
    /// Adds a text; its number.
    pub(crate) fn add(&mut self, kind: Kind, text: String) -> usize {
        self.0.push(Source { kind, text });
        self.0.len() - 1
    }

    /// Where the text of that number comes from.
    pub(crate) fn kind(&self, source: usize) -> Option<&Kind> {
        self.0.get(source).map(|source| &source.kind)
    }

    /// The files among them.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().filter_map(|source| match &source.kind {
            Kind::File(path) => Some(path.as_path()),
            _ => None,
        })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether an operator wrote it, not the program's authors.
    pub(crate) fn is_written_by_operator(&self, origin: Origin) -> bool {
        !matches!(self.kind(origin.source), Some(Kind::BuiltIn(_)) | None)
    }

    /// The folder to which paths in that source are relative.
    pub(crate) fn folder(&self, source: usize) -> &Path {
        match self.kind(source) {
            Some(Kind::File(path)) => path.parent().unwrap_or(Path::new("")),
            _ => Path::new(""),
        }
    }

    /// The place of a point, in words.
    pub(crate) fn place(&self, origin: Origin) -> Place {
        let rank = origin.source;
        let Some(source) = self.0.get(origin.source) else {
            return Place { rank, line: 0, column: 0, name: "configuration".to_owned() };
        };
        let name = match &source.kind {
            Kind::BuiltIn(name) => format!("built-in {name}"),
            Kind::File(path) => path.display().to_string(),
            Kind::Environment(name) => {
                let name = format!("environment variable {name}");
                return Place { rank, line: 0, column: 0, name };
            }
            Kind::Flag(name) => {
                return Place { rank, line: 0, column: 0, name: (*name).to_owned() };
            }
        };
        let before = source.text.get(..origin.offset).unwrap_or(&source.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Place { rank, line, column: before[line_start..].chars().count() + 1, name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let mut sources = Sources::default();
        let source = sources.add(Kind::File("a.toml".into()), "é = 1\nlonger = 2\n".to_owned());
        let at = |offset| sources.place(Origin { source, offset }).to_string();
        assert_eq!(at(0), "a.toml:1:1");
        assert_eq!(at(3), "a.toml:1:3");
        assert_eq!(at(7), "a.toml:2:1");
        assert_eq!(at(999), "a.toml:3:1");
    }
}
