//! Taking a person out of the journal.
//!
//! A segment that is about the person is written anew beside the old one, and put in its place when it is
//! durable. Frames that can't be read are left out of it: whom they name is not known, and nobody can use
//! them.
//!
//! Invariant: at every moment the folder has each segment once, whole, before or after; nothing is written
//! to a segment that the daemon writes to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::frame::{self, Next};
use super::person::Cut;
use super::segments::{self, Segment};
use super::{Journal, Record};
use crate::privacy::Whom;

/// What the name of a segment ends with that is not yet in its place.
const BESIDE: &str = "erasing";

/// What was taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Erased {
    /// Records that are gone.
    pub(crate) records: usize,
    /// Records of messages to others, which go on without the person.
    pub(crate) cut: usize,
    /// Frames that could not be read, which are gone as well.
    pub(crate) unreadable: usize,
}

impl Erased {
    const fn is_nothing(self) -> bool {
        self.records + self.cut + self.unreadable == 0
    }
}

/// Takes a person out of all records in `folder`, which `journal` writes, where one is written. Blocks.
///
/// # Errors
/// When a segment can't be read or written; those before it are done.
pub(crate) fn erase(folder: &Path, journal: Option<&Journal>, whom: &Whom) -> io::Result<Erased> {
    let segments = match journal.and_then(Journal::close_segment) {
        Some(closed) => closed?,
        None => segments::list(folder)?,
    };
    left_behind(folder)?;
    let mut erased = Erased::default();
    for segment in segments {
        let found = pass(&segment, whom, &mut |_, _| Ok(()))?;
        if found.is_nothing() {
            continue;
        }
        anew(&segment, whom)?;
        erased.records += found.records;
        erased.cut += found.cut;
        erased.unreadable += found.unreadable;
    }
    if !erased.is_nothing() {
        File::open(folder)?.sync_all()?;
    }
    Ok(erased)
}

/// Removes what an erasure left that a crash ended.
fn left_behind(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == BESIDE) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn anew(segment: &Segment, whom: &Whom) -> io::Result<()> {
    let beside = segment.path.with_extension(BESIDE);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let mut out = BufWriter::new(file);
    out.write_all(frame::MAGIC)?;
    pass(segment, whom, &mut |id, body| out.write_all(&frame::encode(id, &body)?))?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(beside, &segment.path)
}

/// Reads a segment, and gives what is left of it to `keep`.
fn pass(
    segment: &Segment,
    whom: &Whom,
    keep: &mut dyn FnMut(&str, frame::Body) -> io::Result<()>,
) -> io::Result<Erased> {
    let mut erased = Erased::default();
    let mut file = match File::open(&segment.path).map(BufReader::new) {
        // It was the oldest, and has gone meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(erased),
        file => file?,
    };
    if !frame::is_segment(&mut file)? {
        return Ok(erased);
    }
    loop {
        let frame = match frame::next(&mut file)? {
            Next::Frame(frame) => frame,
            Next::Damaged => {
                erased.unreadable += 1;
                continue;
            }
            Next::End => return Ok(erased),
        };
        let id = frame.id.clone();
        let Some(body) = frame.body() else {
            erased.unreadable += 1;
            continue;
        };
        let Some(record) = Record::read(body.clone()) else {
            // Of a later version: what it says can be searched all the same.
            match whom.is_named_in(&body.head) {
                true => erased.records += 1,
                false => keep(&id, body)?,
            }
            continue;
        };
        match record.without(whom) {
            Cut::Untouched => keep(&id, body)?,
            Cut::Gone => erased.records += 1,
            Cut::Without(record) => {
                erased.cut += 1;
                keep(&id, record.body()?)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prometheus::Registry;
    use tidegate_policy::Book;

    use super::super::{Config, Keep, Read, folder as journal_folder};
    use super::*;
    use crate::beside::tests::seen;
    use crate::metrics::Beside;

    const NOW: i64 = 1_795_661_479;
    const BERT: &str = "bert@example.test";
    const CARLA: &str = "carla@example.test";

    fn texts(folder: &Path) -> Vec<String> {
        Read::all(folder).unwrap().map(|it| serde_json::to_string(&it.unwrap()).unwrap()).collect()
    }

    #[tokio::test]
    async fn a_person_goes_and_others_stay_while_the_journal_is_written() {
        let (dir, registry) = (tempfile::tempdir().unwrap(), Registry::new());
        let folder = journal_folder(dir.path());
        let config = Config { enabled: true, keep: Keep::Message, ..Config::default() };
        let counts = Beside::new(&registry).unwrap();
        let journal = Journal::start(config, folder.clone(), &counts).unwrap();
        let keep = async |second, recipients: &[&str]| {
            journal.keep_record(Arc::new(seen(100, NOW + second, recipients, &[]).await));
        };
        keep(0, &[BERT]).await;
        keep(1, &[BERT, CARLA]).await;
        keep(2, &[CARLA]).await;
        let whom = Whom::new("Bert@example.test", &Book::default());
        let erased = erase(&folder, Some(&journal), &whom).unwrap();
        assert_eq!(erased, Erased { records: 1, cut: 1, unreadable: 0 });
        keep(3, &[CARLA]).await;
        journal.end();
        let left = texts(&folder);
        assert_eq!(left.len(), 3, "{left:?}");
        assert!(
            left.iter().all(|text| text.contains(CARLA) && !text.contains("bert@")),
            "{left:?}"
        );
        assert_eq!(erase(&folder, None, &whom).unwrap(), Erased::default(), "a second time");

        let anna = Whom::new("anna@shop.example", &Book::default());
        // What was cut short, and what a crash left.
        let torn = segments::list(&folder).unwrap().remove(0).path;
        fs::write(torn.with_extension(BESIDE), "anna@shop.example").unwrap();
        assert_eq!(erase(&folder, None, &anna).unwrap().records, 3);
        assert!(texts(&folder).is_empty());
        assert!(segments::list(&folder).unwrap().len() == fs::read_dir(&folder).unwrap().count());
    }

    #[tokio::test]
    async fn what_can_not_be_read_goes_with_it() {
        let (dir, registry) = (tempfile::tempdir().unwrap(), Registry::new());
        let folder = journal_folder(dir.path());
        let counts = Beside::new(&registry).unwrap();
        let config = Config { enabled: true, ..Config::default() };
        let journal = Journal::start(config, folder.clone(), &counts).unwrap();
        for second in 0..2 {
            journal.keep_record(Arc::new(seen(100, NOW + second, &[CARLA], &[]).await));
        }
        journal.end();
        let path = segments::list(&folder).unwrap().remove(0).path;
        let mut bytes = fs::read(&path).unwrap();
        bytes[40] ^= 1;
        fs::write(&path, bytes).unwrap();
        let whom = Whom::new(BERT, &Book::default());
        assert_eq!(erase(&folder, None, &whom).unwrap().unreadable, 1);
        assert_eq!(texts(&folder).len(), 1);
    }
}
