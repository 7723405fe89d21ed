//! Reading the journal, while a daemon writes it or not.
//!
//! Invariant: what is damaged is left out and counted; nothing here changes a file.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use super::frame::{self, Frame, Next};
use super::segments::{self, Segment};
use super::{Record, id};

/// Why there is no such record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFound {
    #[error("the journal can't be read: {0}")]
    Io(#[from] io::Error),
    #[error("the journal has no record '{0}': it was never written, or is gone by age or size")]
    Absent(String),
    #[error("the record of '{0}' is damaged, or was written by a later version")]
    Unreadable(String),
}

/// The records of a journal, the oldest first.
pub(crate) struct Read {
    segments: std::vec::IntoIter<Segment>,
    open: Option<BufReader<File>>,
    /// Frames that are not as they were written, so far.
    pub(crate) damaged: usize,
}

impl Read {
    /// All records of `folder`.
    ///
    /// # Errors
    /// When the folder can't be listed.
    pub(crate) fn all(folder: &Path) -> io::Result<Self> {
        Ok(Self::of(segments::list(folder)?))
    }

    fn of(segments: Vec<Segment>) -> Self {
        Self { segments: segments.into_iter(), open: None, damaged: 0 }
    }

    fn frame(&mut self) -> io::Result<Option<Frame>> {
        loop {
            let Some(file) = &mut self.open else {
                let Some(segment) = self.segments.next() else { return Ok(None) };
                match File::open(&segment.path).map(BufReader::new) {
                    Ok(mut file) => self.open = frame::is_segment(&mut file)?.then_some(file),
                    // It was the oldest, and has gone meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
                continue;
            };
            match frame::next(file)? {
                Next::Frame(frame) => return Ok(Some(frame)),
                Next::Damaged => self.damaged += 1,
                Next::End => self.open = None,
            }
        }
    }
}

impl Iterator for Read {
    type Item = io::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.frame() {
                Ok(None) => return None,
                Ok(Some(frame)) => match frame.body().and_then(Record::read) {
                    Some(record) => return Some(Ok(record)),
                    None => self.damaged += 1,
                },
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The record of that id, or the newest of a message that the MTA called so.
///
/// # Errors
/// When there is none, or it can't be read.
pub(crate) fn find(folder: &Path, wanted: &str) -> Result<Record, NotFound> {
    let mut segments = segments::list(folder)?;
    if let Some(day) = id::day(wanted) {
        segments.retain(|segment| segment.name.starts_with(day));
    }
    let word = id::word(wanted);
    for segment in segments.into_iter().rev() {
        let mut read = Read::of(vec![segment]);
        let mut newest = None;
        while let Some(frame) = read.frame()? {
            if frame.id == wanted || id::reference(&frame.id) == word {
                newest = Some(frame);
            }
        }
        if let Some(frame) = newest {
            let record = frame.body().and_then(Record::read);
            return record.ok_or_else(|| NotFound::Unreadable(wanted.to_owned()));
        }
    }
    Err(NotFound::Absent(wanted.to_owned()))
}
