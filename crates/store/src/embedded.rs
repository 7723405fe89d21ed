//! The store in one file, over redb: a tree of pages, each transaction whole or not there.
//!
//! Every value carries a checksum of its own: redb proves its pages only when it is opened, and what a
//! disk garbles must not be taken for counts. redb may panic on a page that makes no sense; that
//! ends as an error (see `file.rs`), and is found when the file is opened next (see `examine.rs`).
//!
//! Invariant: one process holds the file; a value is returned as it was written, or not at all.

use std::fs::{self, TryLockError};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use redb::{
    ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction,
};

use crate::batch::Change;
use crate::file::{DatabaseFile, open_file};
use crate::record::{expires, unwrap, wrap};
use crate::rewrite;
use crate::salvage::{self, Lost};
use crate::{Batch, Snapshot, Space, Store, StoreError, Visit, Written};

/// The file within the folder of the store.
pub const FILE_NAME: &str = "tidegate.redb";

pub(crate) type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// When entries expire: time, space and key, in this order.
pub(crate) const EXPIRY: Table = TableDefinition::new("expiry");

/// A store in a file.
pub struct Embedded {
    pub(crate) file: DatabaseFile,
}

/// A store that was opened, and what of it could not be read.
pub struct Opened {
    /// The store.
    pub store: Embedded,
    /// What was lost, if the file was damaged: to be told to the operator.
    pub lost: Option<Lost>,
    /// Why it was not written anew, where that was asked for ([`crate::rewrite_at_next_open`]).
    pub not_rewritten: Option<StoreError>,
}

impl Embedded {
    /// Opens the store in `folder`, which is made where it is missing. All of its file is read; one that is damaged
    /// is set aside, and what is sound in it goes on in a new one. One that is to be written anew is.
    ///
    /// # Errors
    /// When another process has the file, or the disk fails, or has no room to set a damaged one right.
    pub fn open(folder: &Path) -> Result<Opened, StoreError> {
        let path = folder.join(FILE_NAME);
        let fail = |source| StoreError::Open { path: path.clone(), source };
        if !folder.exists() {
            fs::create_dir_all(folder).map_err(fail)?;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(fail)?;
        }
        let (database, lost, not_rewritten) = match open_file(&path)? {
            Ok(database) => {
                let (database, not_rewritten) = rewrite::where_asked(database, &path)?;
                (database, None, not_rewritten)
            }
            Err(why) => {
                let (database, lost) = salvage::salvaged(&path, why)?;
                (database, Some(lost), None)
            }
        };
        keep_to_owner(&path);
        let store = Self { file: DatabaseFile::new(path, database) };
        Ok(Opened { store, lost, not_rewritten })
    }

    /// Whether another process has the store in `folder`.
    #[must_use]
    pub fn is_in_use(folder: &Path) -> bool {
        // The lock that whoever has the file holds on all of it.
        let file = fs::File::open(folder.join(FILE_NAME));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Writes entries of a space as another file held them.
    pub(crate) fn restore(
        &self,
        space: &str,
        entries: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<(), StoreError> {
        self.file.with(|database| {
            let transaction = database.begin_write().map_err(told)?;
            {
                let name = TableDefinition::<&[u8], &[u8]>::new(space);
                let mut table = transaction.open_table(name).map_err(told)?;
                let mut expiry = transaction.open_table(EXPIRY).map_err(told)?;
                for (key, wrapped) in entries {
                    table.insert(key.as_slice(), wrapped.as_slice()).map_err(told)?;
                    let expires = expires(space, key, wrapped);
                    if expires != 0 {
                        let index = index_key(expires, space, key);
                        expiry.insert(index.as_slice(), &[][..]).map_err(told)?;
                    }
                }
            }
            transaction.commit().map_err(told)
        })
    }
}

/// What is kept of mail and people, and the keys, are for the user that runs the program. On a file system
/// without modes it can't be helped.
pub(crate) fn keep_to_owner(path: &Path) {
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o600));
}

impl Store for Embedded {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.snapshot()?.get(space, key)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        let file = &self.file;
        let (transaction, opened) = file.with(|database| {
            let transaction = database.begin_read().map_err(told)?;
            Ok((transaction, file.opened()))
        })?;
        Ok(Box::new(View { file, transaction, opened }))
    }

    fn write(&self, batch: &Batch) -> Result<Written, StoreError> {
        self.file.with(|database| {
            let mut transaction = database.begin_write().map_err(told)?;
            // Without this, redb opens a file that was not closed only where every page is sound: none is salvaged.
            transaction.set_quick_repair(true);
            for expected in &batch.expectations {
                let table = transaction.open_table(table(expected.space)).map_err(told)?;
                let found = table.get(expected.key.as_slice()).map_err(told)?;
                let found = found
                    .as_ref()
                    .map(|found| unwrap(expected.space, &expected.key, found.value()));
                if found.transpose()?.map(|(_, value)| value) != expected.value.as_deref() {
                    return Ok(Written::Conflict);
                }
            }
            for change in &batch.changes {
                apply(&transaction, change)?;
            }
            transaction.commit().map_err(told)?;
            Ok(Written::Done)
        })
    }

    fn expire(&self, now: u64, most: usize) -> Result<usize, StoreError> {
        self.file.with(|database| {
            let mut transaction = database.begin_write().map_err(told)?;
            transaction.set_quick_repair(true);
            let due = due(&transaction, now, most)?;
            for (index_key, space, key) in &due {
                let name: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new(space);
                transaction.open_table(name).map_err(told)?.remove(&key[..]).map_err(told)?;
                let mut expiry = transaction.open_table(EXPIRY).map_err(told)?;
                expiry.remove(&index_key[..]).map_err(told)?;
            }
            if due.is_empty() {
                transaction.abort().map_err(told)?;
            } else {
                transaction.commit().map_err(told)?;
            }
            Ok(due.len())
        })
    }
}

/// Index key, space and key of an entry that is due.
type Due = (Vec<u8>, String, Vec<u8>);

/// The entries that are due, the oldest first.
fn due(transaction: &WriteTransaction, now: u64, most: usize) -> Result<Vec<Due>, StoreError> {
    let expiry = transaction.open_table(EXPIRY).map_err(told)?;
    let end = now.saturating_add(1).to_be_bytes();
    let mut due = Vec::new();
    for entry in expiry.range::<&[u8]>(..&end[..]).map_err(told)?.take(most) {
        let index_key = entry.map_err(told)?.0.value().to_vec();
        let rest = index_key.get(8..).unwrap_or_default();
        let split = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
        let space = String::from_utf8_lossy(&rest[..split]).into_owned();
        let key = rest.get(split + 1..).unwrap_or_default().to_vec();
        due.push((index_key, space, key));
    }
    Ok(due)
}

/// Makes one change, and keeps the index of expiry true.
fn apply(transaction: &WriteTransaction, change: &Change) -> Result<(), StoreError> {
    let mut entries = transaction.open_table(table(change.space)).map_err(told)?;
    let key = change.key.as_slice();
    let old = match &change.value {
        Some(value) => {
            entries.insert(key, wrap(change.space.name(), key, value, change.expires).as_slice())
        }
        None => entries.remove(key),
    };
    let old = old.map_err(told)?.map_or(0, |old| expires(change.space.name(), key, old.value()));
    if old == 0 && change.expires == 0 {
        return Ok(());
    }
    let mut expiry = transaction.open_table(EXPIRY).map_err(told)?;
    if old != 0 {
        expiry.remove(index_key(old, change.space.name(), key).as_slice()).map_err(told)?;
    }
    if change.expires != 0 && change.value.is_some() {
        expiry
            .insert(index_key(change.expires, change.space.name(), key).as_slice(), &[][..])
            .map_err(told)?;
    }
    Ok(())
}

fn index_key(expires: u64, space: &str, key: &[u8]) -> Vec<u8> {
    [&expires.to_be_bytes()[..], space.as_bytes(), &[0], key].concat()
}

struct View<'s> {
    file: &'s DatabaseFile,
    transaction: ReadTransaction,
    /// Of which of the databases.
    opened: u64,
}

impl Snapshot for View<'_> {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.file.guard(self.opened, || {
            let entries = match self.transaction.open_table(table(space)) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(None),
                entries => entries.map_err(told)?,
            };
            let Some(found) = ReadableTable::get(&entries, key).map_err(told)? else {
                return Ok(None);
            };
            unwrap(space, key, found.value()).map(|(_, value)| Some(value.to_vec()))
        })
    }

    fn scan(
        &self,
        space: Space,
        prefix: &[u8],
        from: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<usize, StoreError> {
        let mut damaged = 0;
        self.file.guard(self.opened, || {
            let entries = match self.transaction.open_table(table(space)) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(()),
                entries => entries.map_err(told)?,
            };
            let range = ReadableTable::range::<&[u8]>(&entries, from.max(prefix)..);
            for entry in range.map_err(told)? {
                let (key, value) = entry.map_err(told)?;
                if !key.value().starts_with(prefix) {
                    break;
                }
                match unwrap(space, key.value(), value.value()) {
                    Ok((_, value)) => {
                        if let ControlFlow::Break(()) = visit(key.value(), value) {
                            break;
                        }
                    }
                    Err(_) => damaged += 1,
                }
            }
            Ok(())
        })?;
        Ok(damaged)
    }
}

fn table(space: Space) -> Table {
    TableDefinition::new(space.name())
}

/// What redb tells: of a disk that fails, or of anything else.
fn told(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        error @ (redb::Error::Io(_) | redb::Error::PreviousIo) => {
            StoreError::Disk(error.to_string())
        }
        error @ redb::Error::Corrupted(_) => StoreError::damage(error),
        error => failed(error),
    }
}

pub(crate) fn failed(error: impl std::fmt::Display) -> StoreError {
    StoreError::Failed(error.to_string())
}
