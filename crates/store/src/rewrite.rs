//! Writing the file of a store anew, so that nothing is left in it of what was removed.
//!
//! A page that is free keeps its bytes until it is used again. Whoever removes something that nobody may
//! find any more asks for the file to be written anew; that is done when it is opened next, since it takes
//! the file alone. On the disk below, old blocks stay as long as the file system leaves them there.
//!
//! Invariant: the old file is in its place until the new one is whole and durable.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::embedded::{FILE_NAME, failed};
use crate::examine::tables;
use crate::file::{open_file, remove};
use crate::{StoreError, salvage};

/// Entries of one transaction.
const AT_A_TIME: usize = 10_000;

/// Has the store in `folder` written anew when it is opened next.
///
/// # Errors
/// When that can't be noted durably.
pub fn rewrite_at_next_open(folder: &Path) -> io::Result<()> {
    File::create(wish(&folder.join(FILE_NAME)))?.sync_all()?;
    File::open(folder)?.sync_all()
}

/// The file whose presence asks for it.
fn wish(path: &Path) -> PathBuf {
    salvage::with_ending(path, ".rewrite")
}

/// The database of a file, written anew where that was asked for.
///
/// # Errors
/// When the old file can be had no more. What else goes wrong is in the answer; the old file is used then,
/// and written anew another time.
pub(crate) fn where_asked(
    old: Database,
    path: &Path,
) -> Result<(Database, Option<StoreError>), StoreError> {
    let wish = wish(path);
    if !wish.exists() {
        return Ok((old, None));
    }
    let beside = salvage::with_ending(path, ".new");
    if let Err(error) = copied(&old, &beside) {
        let _ = fs::remove_file(&beside);
        return Ok((old, Some(error)));
    }
    let moved = fs::rename(&beside, path).and_then(|()| durable_folder(path));
    let _ = moved.and_then(|()| fs::remove_file(&wish));
    drop(old);
    Ok((open_file(path)?.map_err(failed)?, None))
}

fn copied(old: &Database, beside: &Path) -> Result<(), StoreError> {
    remove(beside).map_err(failed)?;
    let new = open_file(beside)?.map_err(failed)?;
    let reading = old.begin_read().map_err(failed)?;
    for name in tables(old).map_err(failed)? {
        let table = TableDefinition::<&[u8], &[u8]>::new(&name);
        let entries = reading.open_table(table).map_err(failed)?;
        let mut entries = entries.iter().map_err(failed)?.peekable();
        while entries.peek().is_some() {
            let writing = new.begin_write().map_err(failed)?;
            {
                let mut to = writing.open_table(table).map_err(failed)?;
                for entry in entries.by_ref().take(AT_A_TIME) {
                    let (key, value) = entry.map_err(failed)?;
                    to.insert(key.value(), value.value()).map_err(failed)?;
                }
            }
            writing.commit().map_err(failed)?;
        }
    }
    drop(new);
    File::open(beside).and_then(|file| file.sync_all()).map_err(failed)
}

pub(crate) fn durable_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Embedded, Space, Store};

    const SPACE: Space = Space::new("test");

    fn file_has(folder: &Path, word: &[u8]) -> bool {
        fs::read_dir(folder).unwrap().any(|entry| {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            bytes.windows(word.len()).any(|window| window == word)
        })
    }

    #[test]
    fn what_was_removed_is_in_no_byte_of_the_file_that_is_opened_next() {
        let dir = tempfile::tempdir().unwrap();
        let store = Embedded::open(dir.path()).unwrap().store;
        let mut batch = Batch::new();
        batch.put(SPACE, b"anna@example.org", b"secret".to_vec());
        batch.put(SPACE, b"bert", b"stays".to_vec());
        batch.put_until(SPACE, b"carl", b"for a while".to_vec(), 9);
        let _ = store.write(&batch).unwrap();
        assert!(file_has(dir.path(), b"anna@example.org"), "or this test shows nothing");
        let _ = store.write(Batch::new().remove(SPACE, b"anna@example.org")).unwrap();
        rewrite_at_next_open(dir.path()).unwrap();
        drop(store);
        let opened = Embedded::open(dir.path()).unwrap();
        assert!(opened.lost.is_none() && opened.not_rewritten.is_none());
        let store = opened.store;
        assert!(!file_has(dir.path(), b"anna@example.org") && !file_has(dir.path(), b"secret"));
        assert_eq!(store.get(SPACE, b"bert").unwrap().as_deref(), Some(&b"stays"[..]));
        assert_eq!(store.expire(10, 10).unwrap(), 1);
        let names = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(names, 1, "nothing is left beside the file");
    }

    #[test]
    fn a_file_that_can_not_be_written_anew_goes_on_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let store = Embedded::open(dir.path()).unwrap().store;
        let _ = store.write(Batch::new().put(SPACE, b"bert", b"stays".to_vec())).unwrap();
        drop(store);
        rewrite_at_next_open(dir.path()).unwrap();
        let beside = dir.path().join(format!("{FILE_NAME}.new"));
        fs::create_dir(&beside).unwrap();
        let opened = Embedded::open(dir.path()).unwrap();
        assert!(opened.not_rewritten.is_some());
        assert_eq!(opened.store.get(SPACE, b"bert").unwrap().as_deref(), Some(&b"stays"[..]));
        drop(opened);
        fs::remove_dir(&beside).unwrap();
        assert!(Embedded::open(dir.path()).unwrap().not_rewritten.is_none());
    }
}
