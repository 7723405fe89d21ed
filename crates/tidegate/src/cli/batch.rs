//! Many messages judged side by side, told in the order in which they were named.
//!
//! Invariant: memory is bounded by the number of cores, not by the number of messages.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use futures_util::{Stream, StreamExt, stream};
use tidegate_engine::{Engine, Judged};
use tidegate_mail::{Envelope, Message};

use crate::steady::now;

/// A message to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    /// As it was named.
    pub(crate) name: String,
    /// What is read.
    pub(crate) input: Input,
    /// Whether it is spam, where that was said.
    pub(crate) spam: Option<bool>,
}

/// Where a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    Standard,
    File(PathBuf),
}

impl Job {
    /// A file as the command line names it; `-` is standard input.
    pub(crate) fn named(name: &str) -> Self {
        let input = if name == "-" { Input::Standard } else { Input::File(name.into()) };
        Self { name: name.to_owned(), input, spam: None }
    }

    /// A line of a list or an index: a path, with `ham` or `spam` before it or not. Paths are
    /// relative to the list's folder, or else to where the program was started.
    fn listed(line: &str, folder: &Path) -> Self {
        let (spam, name) = match line.split_once(' ') {
            Some(("ham", name)) => (Some(false), name.trim()),
            Some(("spam", name)) => (Some(true), name.trim()),
            _ => (None, line),
        };
        let beside = folder.join(name);
        let path = if beside.exists() { beside } else { name.into() };
        Self { name: name.to_owned(), input: Input::File(path), spam }
    }

    /// Reads no more than `most` bytes: as much as a milter session would keep.
    pub(crate) fn read(&self, most: u64) -> io::Result<Vec<u8>> {
        let mut raw = Vec::new();
        match &self.input {
            Input::Standard => io::stdin().lock().take(most).read_to_end(&mut raw)?,
            Input::File(path) => File::open(path)?.take(most).read_to_end(&mut raw)?,
        };
        Ok(raw)
    }
}

/// The messages that a list names, read as they are needed.
///
/// # Errors
/// When the list can't be opened. Of a list that breaks off, the rest is missing, with its error.
pub(crate) fn listed(list: &Path) -> anyhow::Result<impl Iterator<Item = io::Result<Job>> + use<>> {
    let file = File::open(list).with_context(|| format!("the list {}", list.display()))?;
    let folder = list.parent().map(Path::to_owned).unwrap_or_default();
    Ok(BufReader::new(file).lines().filter_map(move |line| match line {
        Ok(line) if line.trim().is_empty() => None,
        Ok(line) => Some(Ok(Job::listed(line.trim_end(), &folder))),
        Err(error) => Some(Err(error)),
    }))
}

/// What SMTP would have said of the messages.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// This, and now.
    Given(Envelope),
    /// What each message's own header says; the recipients are these where any are given.
    Inferred(Envelope),
}

impl Said {
    /// The envelope, and when it was said, in seconds since 1970: recorded mail is judged as of its
    /// arrival, so that it is not found late, nor its signatures expired.
    pub(crate) fn envelope(&self, raw: &[u8], engine: &Engine) -> (Envelope, i64) {
        match self {
            Self::Given(envelope) => (envelope.clone(), now()),
            Self::Inferred(given) => {
                let header = Message::parse(header_section(raw), &engine.parts().bounds);
                let mut envelope = Envelope::infer(&header);
                if !given.recipients.is_empty() {
                    envelope.recipients.clone_from(&given.recipients);
                }
                let arrived = header.received().iter().find_map(|hop| hop.date);
                (envelope, arrived.map_or_else(now, |arrived| arrived.min(now())))
            }
        }
    }
}

/// Judges `jobs`, so many at a time, and yields the results in their order.
pub(crate) fn judge(
    engine: Arc<Engine>,
    jobs: impl Iterator<Item = io::Result<Job>>,
    said: Said,
    longest: u64,
    side_by_side: usize,
) -> impl Stream<Item = (Job, io::Result<Judged>)> {
    let judging = jobs.map(move |job| {
        let (engine, said) = (Arc::clone(&engine), said.clone());
        async move {
            let job = match job {
                Ok(job) => job,
                Err(error) => return (Job::named("the list"), Err(error)),
            };
            let name = job.clone();
            // A task of its own: it runs on any core, and a panic in it is its own.
            let judged = tokio::spawn(async move {
                let raw = job.read(longest)?;
                let (envelope, now) = said.envelope(&raw, &engine);
                Ok(engine.judge(envelope, &raw, now).await)
            });
            (name, judged.await.unwrap_or_else(|failed| Err(io::Error::other(failed))))
        }
    });
    stream::iter(judging).buffered(side_by_side)
}

/// As many as keep all cores busy.
pub(crate) fn side_by_side() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from) * 4
}

/// The header section with its empty line; all of a message that has no other part.
fn header_section(raw: &[u8]) -> &[u8] {
    let mut at = 0;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            break;
        }
    }
    &raw[..at]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_list_may_say_what_it_is() {
        let job = Job::listed("spam inbox/a b.eml", Path::new("/nowhere"));
        assert_eq!((job.name.as_str(), job.spam), ("inbox/a b.eml", Some(true)));
        let job = Job::listed("spammy.eml", Path::new("/nowhere"));
        assert_eq!((job.name.as_str(), job.spam), ("spammy.eml", None));
    }

    #[test]
    fn a_header_section_ends_with_its_empty_line() {
        assert_eq!(header_section(b"A: 1\r\n\r\nbody\r\n\r\n"), b"A: 1\r\n\r\n");
        assert_eq!(header_section(b"A: 1\n\nbody"), b"A: 1\n\n");
        assert_eq!(header_section(b"A: 1"), b"A: 1");
    }
}
