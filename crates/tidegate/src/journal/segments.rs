//! The files of the journal: named by day and number, so that their names sort by age.
//!
//! Invariant: a segment is written by one process, once, from its beginning: what a crash left behind is
//! never written to again.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{frame, id};

/// What the names end with.
const ENDING: &str = ".journal";
/// Segments of one day.
const MOST_OF_A_DAY: u32 = 999_999;

/// A segment in the folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Segment {
    /// `20261126-000001`.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// All segments of `folder`, the oldest first; none where there is no folder.
///
/// # Errors
/// When the folder can't be listed.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Segment>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_suffix(ENDING)) else { continue };
        // One that has gone meanwhile was the oldest.
        let Ok(metadata) = entry.metadata() else { continue };
        found.push(Segment { name: name.to_owned(), path: entry.path(), bytes: metadata.len() });
    }
    found.sort();
    Ok(found)
}

/// Begins a segment for records of `now`, its owner's alone to read.
///
/// # Errors
/// When it can't be made.
pub(super) fn begin(folder: &Path, now: i64) -> io::Result<(File, Segment)> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    let stamp = id::stamp(now);
    let day = stamp.get(..8).unwrap_or_default();
    let numbers = list(folder)?.into_iter().filter_map(|segment| {
        segment.name.strip_prefix(day)?.strip_prefix('-')?.parse::<u32>().ok()
    });
    let mut number = numbers.max().map_or(1, |last| last.saturating_add(1));
    while number <= MOST_OF_A_DAY {
        let name = format!("{day}-{number:06}");
        let path = folder.join(format!("{name}{ENDING}"));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            // Another process began one at the same moment.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            file => {
                let mut file = file?;
                file.write_all(frame::MAGIC)?;
                File::open(folder)?.sync_all()?;
                return Ok((file, Segment { name, path, bytes: frame::MAGIC.len() as u64 }));
            }
        }
    }
    Err(io::Error::other("the day has no more numbers for segments"))
}

/// The day of a segment's name as a number that sorts, such as 20261126.
fn day_of(segment: &Segment) -> Option<u32> {
    segment.name.get(..8)?.parse().ok()
}

/// Removes what is too old or too much, the oldest first, but never the segment that `at_work` names;
/// returns the bytes that are left.
///
/// # Errors
/// When the folder can't be listed, or a segment not be removed.
pub(super) fn prune(
    folder: &Path,
    at_work: Option<&str>,
    max_bytes: u64,
    keep_days: u32,
    now: i64,
) -> io::Result<u64> {
    let oldest = now.saturating_sub(i64::from(keep_days).saturating_mul(86_400));
    let oldest = id::stamp(oldest).get(..8).and_then(|day| day.parse::<u32>().ok()).unwrap_or(0);
    let segments = list(folder)?;
    let mut bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
    for segment in segments.iter().filter(|segment| Some(segment.name.as_str()) != at_work) {
        let is_old = day_of(segment).is_some_and(|day| day < oldest);
        if is_old || bytes > max_bytes {
            match fs::remove_file(&segment.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => bytes = bytes.saturating_sub(segment.bytes),
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;
    const NOW: i64 = 1_795_661_479;

    fn names(folder: &Path) -> Vec<String> {
        list(folder).unwrap().into_iter().map(|segment| segment.name).collect()
    }

    #[test]
    fn segments_are_numbered_and_their_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("journal");
        assert!(list(&folder).unwrap().is_empty());
        begin(&folder, NOW).unwrap();
        begin(&folder, NOW + DAY).unwrap();
        let (_, third) = begin(&folder, NOW).unwrap();
        assert_eq!(names(&folder), ["20261126-000001", "20261126-000002", "20261127-000001"]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&third.path)), (0o700, 0o600));
    }

    #[test]
    fn the_oldest_go_first_and_the_one_at_work_never() {
        let dir = tempfile::tempdir().unwrap();
        for day in 0..5 {
            let (mut file, _) = begin(dir.path(), NOW + day * DAY).unwrap();
            file.write_all(&[0; 92]).unwrap();
        }
        let today = NOW + 4 * DAY;
        assert_eq!(prune(dir.path(), None, 1_000, 3, today).unwrap(), 400);
        assert_eq!(prune(dir.path(), Some("20261127-000001"), 250, 30, today).unwrap(), 200);
        assert_eq!(names(dir.path()), ["20261127-000001", "20261130-000001"]);
    }
}
