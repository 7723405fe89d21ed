//! Whether a file is as it was written, which is asked each time it is opened.
//!
//! redb checks nothing when it opens a file: a page that was garbled is found by whoever needs what is on it, by a
//! panic, an error or a wrong answer. So its own check is asked for, which proves the checksum of each page; then
//! each entry is read, as a page that was garbled while the file was open may have been written on since, under a
//! checksum that fits. 100,000 entries, 37 MB, cost 0.2 s, or 0.7 s where they come from a slow disk; time grows as
//! the file does.
//!
//! Invariant: what the disk fails to give is no damage.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition, TableHandle,
};

use crate::StoreError;
use crate::embedded::EXPIRY;
use crate::record::verified;

/// Memory for pages of the file, in bytes.
const CACHE_BYTES: usize = 16 << 20;

/// The database of a file, made where it is missing. The inner error tells damage.
///
/// # Errors
/// When another process has it, or the disk does not give or take it.
pub(crate) fn open_sound(path: &Path) -> Result<Result<Database, String>, StoreError> {
    let opened = catch_unwind(|| {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
        builder.create(path)
    });
    let database = match opened {
        Ok(Ok(database)) => database,
        Ok(Err(DatabaseError::DatabaseAlreadyOpen)) => {
            return Err(StoreError::InUse(path.to_owned()));
        }
        Ok(Err(error)) => return damage(path, error.into()).map(Err),
        Err(_) => return Ok(Err(no_sense())),
    };
    let why = match catch_unwind(AssertUnwindSafe(|| not_as_written(&database))) {
        Ok(Ok(0)) => return Ok(Ok(database)),
        Ok(Ok(entries)) => format!("{entries} entries are not as they were written"),
        Ok(Err(error)) => damage(path, error)?,
        Err(_) => no_sense(),
    };
    close(Some(database));
    Ok(Err(why))
}

fn no_sense() -> String {
    "its pages make no sense".to_owned()
}

/// In words, where an error tells damage.
///
/// # Errors
/// When it tells of the disk.
fn damage(path: &Path, error: redb::Error) -> Result<String, StoreError> {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    match error {
        redb::Error::Io(source) if !matches!(source.kind(), InvalidData | UnexpectedEof) => {
            Err(StoreError::Open { path: path.to_owned(), source })
        }
        error @ redb::Error::PreviousIo => Err(StoreError::Disk(error.to_string())),
        error => Ok(error.to_string()),
    }
}

/// Closes a database. That writes, and stumbles over pages that make no sense: they are found when it is opened next.
pub(crate) fn close(database: Option<Database>) {
    let _ = catch_unwind(AssertUnwindSafe(move || drop(database)));
}

/// Reads all that there is; how many entries are not as they were written.
fn not_as_written(database: &Database) -> Result<usize, redb::Error> {
    let mut damaged = 0;
    for table in tables(database)? {
        // The keys of expiry have no values, and no checksums.
        let is_sound = |key: &[u8], value: &[u8]| {
            table == EXPIRY.name() || verified(&table, key, value).is_some()
        };
        each_entry(database, &table, |key, value| damaged += usize::from(!is_sound(key, value)))?;
    }
    Ok(damaged)
}

/// The names of the tables.
pub(crate) fn tables(database: &Database) -> Result<Vec<String>, redb::Error> {
    let reading = database.begin_read()?;
    Ok(reading.list_tables()?.map(|table| table.name().to_owned()).collect())
}

/// Visits the entries of a table, as they lie in the file, up to where it can't be read.
pub(crate) fn each_entry(
    database: &Database,
    table: &str,
    mut visit: impl FnMut(&[u8], &[u8]),
) -> Result<(), redb::Error> {
    let reading = database.begin_read()?;
    let entries = reading.open_table(TableDefinition::<&[u8], &[u8]>::new(table))?;
    for entry in entries.iter()? {
        let (key, value) = entry?;
        visit(key.value(), value.value());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_disk_does_not_give_is_no_damage() {
        let path = Path::new("tidegate.redb");
        let told = |kind: io::ErrorKind| damage(path, redb::Error::Io(kind.into()));
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::PermissionDenied] {
            assert!(matches!(told(kind), Err(StoreError::Open { .. })), "{kind}");
        }
        let failed_before = damage(path, redb::Error::PreviousIo);
        assert!(matches!(failed_before, Err(StoreError::Disk(_))));
        // Cut short.
        assert!(told(io::ErrorKind::UnexpectedEof).is_ok());
        assert!(damage(path, redb::Error::Corrupted("page 7".to_owned())).is_ok());
    }
}
