//! The file of the store: opened, and opened again after its disk failed.
//!
//! Once a write has failed, for want of room say, redb serves nothing any more until its file is opened anew:
//! without that, a disk that was full for a minute would cost all that the store is for until the next start.
//! A page that makes no sense is another thing: the rest is read on, and the next start examines the file.
//!
//! Invariant: one database is open at a time; it is replaced only after its disk failed.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::Database;

use crate::StoreError;
use crate::examine::{close, open_sound};

/// Time between two tries to open it again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// An open file that is opened again where it failed.
pub(crate) struct DatabaseFile {
    path: PathBuf,
    /// `None`: it could not be opened again yet.
    database: RwLock<Option<Database>>,
    /// How often it was opened again.
    opened: AtomicU64,
    failed: AtomicBool,
    next: Mutex<NextTry>,
}

/// When it may be opened again, and how long the pause after that is.
struct NextTry {
    due: Instant,
    pause: Duration,
}

impl DatabaseFile {
    pub(crate) fn new(path: PathBuf, database: Database) -> Self {
        let next = Mutex::new(NextTry { due: Instant::now(), pause: FIRST_PAUSE });
        Self {
            path,
            database: RwLock::new(Some(database)),
            opened: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            next,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` on the database; a panic of redb becomes an error, and marks the file.
    ///
    /// # Errors
    /// Those of `work`, and when the file failed and can't be opened again yet.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.open_again_where_failed();
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let closed = || StoreError::Disk("its file failed, and can't be opened now".to_owned());
        let database = database.as_ref().ok_or_else(closed)?;
        self.guard(self.opened(), || work(database))
    }

    /// Which of the databases that were opened one after another is open.
    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Acquire)
    }

    /// Runs `work` on a view of the database that was `opened` then; likewise. That a view fails whose database was
    /// replaced says nothing of the one that is open now.
    ///
    /// # Errors
    /// Those of `work`.
    pub(crate) fn guard<T>(
        &self,
        opened: u64,
        work: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let done = catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|_| Err(StoreError::damage("a page makes no sense")));
        if opened != self.opened() {
            return done;
        }
        if let Err(StoreError::Disk(_)) = &done {
            self.failed.store(true, Ordering::Release);
        }
        done
    }

    /// Replaces a database that failed, if it is time. Where that can't be done, the next try is later.
    fn open_again_where_failed(&self) {
        if !self.failed.load(Ordering::Acquire) {
            return;
        }
        // Whoever finds another at it goes on with what there is.
        let Ok(mut next) = self.next.try_lock() else { return };
        if Instant::now() < next.due {
            return;
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        close(database.take());
        next.pause = match open_file(&self.path) {
            Ok(Ok(new)) => {
                *database = Some(new);
                self.opened.fetch_add(1, Ordering::AcqRel);
                self.failed.store(false, Ordering::Release);
                FIRST_PAUSE
            }
            // What is damaged is set aside at the next start, by whoever tells what was lost.
            Ok(Err(_)) | Err(_) => (next.pause * 2).min(LONGEST_PAUSE),
        };
        next.due = Instant::now() + next.pause;
    }
}

impl Drop for DatabaseFile {
    fn drop(&mut self) {
        close(self.database.get_mut().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// The database of a file, made where it is missing. The inner error tells damage.
pub(crate) fn open_file(path: &Path) -> Result<Result<Database, String>, StoreError> {
    if !path.exists() {
        make(path)?;
    }
    open_sound(path)
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the file beside its place, and puts it there when it is whole: one that was being made when the
/// machine went down is no damage, since nothing was in it.
fn make(path: &Path) -> Result<(), StoreError> {
    let fail = |source| StoreError::Open { path: path.to_owned(), source };
    let fresh = path.with_extension("new");
    if open_sound(&fresh)?.is_err() {
        fs::remove_file(&fresh).map_err(fail)?;
        open_sound(&fresh)?.map_err(|why| fail(io::Error::other(why)))?;
    }
    fs::rename(&fresh, path).map_err(fail)
}

#[cfg(test)]
mod tests {
    use crate::{Batch, Embedded, Space, Store, StoreError, Written};

    const SPACE: Space = Space::new("test");

    fn fail(store: &Embedded) {
        let failed = store.file.with(|_| Err::<(), _>(StoreError::Disk("no room".to_owned())));
        assert!(failed.is_err());
    }

    #[test]
    fn a_store_that_failed_works_again_and_has_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap().store;
        assert_eq!(store.write(Batch::new().put(SPACE, b"k", vec![1])).unwrap(), Written::Done);
        let view = store.snapshot().unwrap();
        fail(&store);
        assert_eq!(store.write(Batch::new().put(SPACE, b"l", vec![2])).unwrap(), Written::Done);
        assert_eq!(store.get(SPACE, b"k").unwrap(), Some(vec![1]));
        // What was read from the file before may be gone, and is never wrong.
        assert!(view.get(SPACE, b"k").map_or(true, |value| value == Some(vec![1])));
        drop(view);
    }

    #[test]
    fn a_store_whose_file_is_gone_fails_and_does_not_panic() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let store = Embedded::open(&state).unwrap().store;
        std::fs::remove_dir_all(&state).unwrap();
        fail(&store);
        assert!(store.write(Batch::new().put(SPACE, b"k", vec![1])).is_err());
        assert!(store.snapshot().is_err());
    }
}
