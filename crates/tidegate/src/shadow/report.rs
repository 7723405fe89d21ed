//! How a second configuration would have judged: counts, and the latest messages that it judged
//! otherwise.
//!
//! Invariant: a report is of one version of the second configuration, and bounded; it is replaced as a
//! whole, so that whoever reads it meanwhile reads the one before.

use std::collections::VecDeque;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::compare::{Difference, Matrix};

/// The report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The file that was judged by.
    pub(crate) config: String,
    /// What it said, to be told apart.
    pub(crate) version: String,
    /// Since when, and until when, in seconds since 1970, UTC.
    pub(crate) since: i64,
    pub(crate) until: i64,
    /// Verdicts of the configuration at work, and of this one.
    pub(crate) verdicts: Matrix,
    /// Messages with another outcome, more than are kept of them.
    pub(crate) differences: u64,
    /// The latest of these, the oldest first.
    pub(crate) latest: VecDeque<Told>,
}

/// A message with another outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// What the MTA calls it.
    pub(crate) reference: String,
    /// When it came, in seconds since 1970, UTC.
    pub(crate) time: i64,
    #[serde(flatten)]
    pub(crate) difference: Difference,
}

/// Where the report of a store is.
pub(crate) fn path(store: &Path) -> PathBuf {
    store.join("shadow.json")
}

impl Report {
    /// The report in `file` where it is of this version, else a new one.
    pub(super) fn go_on(file: &Path, version: String, config: String, now: i64) -> Self {
        let known = Self::read(file).ok().filter(|report| report.version == version);
        known.unwrap_or_else(|| Self { config, version, since: now, until: now, ..Self::default() })
    }

    /// Reads a report.
    ///
    /// # Errors
    /// When there is none, or it is not of this program.
    pub(crate) fn read(file: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(file)?)?)
    }

    /// Counts a message, and keeps it among the latest `keep` when it came out otherwise.
    pub(super) fn add(&mut self, told: Told, keep: usize, now: i64) {
        self.until = now;
        self.verdicts.count(&told.difference);
        if told.difference.is_another_outcome() {
            self.differences += 1;
            self.latest.push_back(told);
        }
        while self.latest.len() > keep {
            self.latest.pop_front();
        }
    }

    /// Writes it beside `file`, and puts it in its place.
    pub(super) fn write(&self, file: &Path) -> io::Result<()> {
        let beside = file.with_extension("new");
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut open = OpenOptions::new();
        let mut out = open.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        out.write_all(&serde_json::to_vec(self)?)?;
        fs::rename(beside, file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Side;

    fn told(reference: &str, after: &str) -> Told {
        let side = |verdict: &str| Side {
            verdict: verdict.to_owned(),
            score: 1.0,
            decisive: Vec::new(),
            recipients: Vec::new(),
        };
        let difference =
            Difference { before: side("accept"), after: side(after), signals: Vec::new() };
        Told { reference: reference.to_owned(), time: 7, difference }
    }

    #[test]
    fn a_report_keeps_the_latest_and_goes_on_while_its_configuration_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let file = path(dir.path());
        let go_on = |version: &str| Report::go_on(&file, version.to_owned(), "n".to_owned(), 5);
        let mut report = go_on("one");
        for (reference, after) in [("A", "tag"), ("B", "accept"), ("C", "reject"), ("D", "tag")] {
            report.add(told(reference, after), 2, 9);
        }
        let kept: Vec<&str> = report.latest.iter().map(|it| it.reference.as_str()).collect();
        assert_eq!((kept, report.differences, report.verdicts.messages()), (vec!["C", "D"], 3, 4));
        report.write(&file).unwrap();
        assert_eq!(go_on("one"), report);
        assert_eq!(go_on("two").verdicts.messages(), 0);
        fs::write(&file, "{").unwrap();
        assert_eq!(go_on("one").differences, 0);
    }
}
