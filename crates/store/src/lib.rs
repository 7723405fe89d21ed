//! What outlives a message: keys and values in spaces, written in atomic batches.
//!
//! [`Store`] is what the rest of tidegate knows. [`Embedded`] keeps it in one file beside the daemon,
//! [`Redis`] in a server that several machines share, [`Memory`] in a process that needs no more than that (tests,
//! `eval`). A batch may name what it expects to find: it is then refused where another writer was faster, which is
//! how a counter is read, changed and written back safely over any of them.
//!
//! Invariant: a batch is written whole or not at all. When [`Store::write`] has returned, it survives a crash: of
//! this machine always, of a server as far as that is set to write before it answers.

mod batch;
mod embedded;
mod error;
mod examine;
mod file;
mod memory;
mod record;
mod redis;
mod rewrite;
mod salvage;
mod secret;

use std::ops::ControlFlow;

pub use batch::{Batch, Change, Expectation, Space};
pub use embedded::{Embedded, FILE_NAME, Opened};
pub use error::StoreError;
pub use memory::Memory;
pub use redis::{Redis, RedisConfig};
pub use rewrite::rewrite_at_next_open;
pub use salvage::Lost;
pub use secret::{Secret, random};

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// All of it was written, and is durable.
    Done,
    /// An expectation did not hold: nothing was written. Read again, decide again.
    Conflict,
}

/// Called with each key and value of a scan; says whether to go on.
pub type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// Keys and values that outlive a message. Calls block on the disk or the network: not for an async thread.
pub trait Store: Send + Sync + 'static {
    /// The value of a key, as last written.
    ///
    /// # Errors
    /// When the backend cannot be read, or the value is not as it was written.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// A view to read several things by. Where the store is this process's alone, nothing changes in it any more,
    /// whatever is written meanwhile. A shared store can't promise that: each call tells what is there then, and
    /// whoever decides on several things names them as expectations.
    ///
    /// # Errors
    /// When the backend cannot be read.
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError>;

    /// Writes a batch whole or not at all, durably.
    ///
    /// # Errors
    /// When the backend cannot be written; the batch is then not written, except as [`StoreError::Away`] says.
    fn write(&self, batch: &Batch) -> Result<Written, StoreError>;

    /// Removes up to `most` entries that live no longer than `now`, in seconds since 1970, the oldest
    /// first. Returns how many it removed; `most` of them: there may be more.
    ///
    /// # Errors
    /// When the backend cannot be written.
    fn expire(&self, now: u64, most: usize) -> Result<usize, StoreError>;

    /// Whether other processes, of other machines maybe, write to it as well.
    fn is_shared(&self) -> bool {
        false
    }

    /// Whether the store can be asked, as far as is known without asking: never blocks.
    ///
    /// # Errors
    /// [`StoreError::Away`], with the reason.
    fn reachable(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// How often each of `spaces` was written, by whomever; `None`: nobody but this process writes here.
    ///
    /// # Errors
    /// When the backend cannot be read.
    fn written(&self, _spaces: &[Space]) -> Result<Option<Vec<u64>>, StoreError> {
        Ok(None)
    }
}

/// A view of a store, as [`Store::snapshot`] says.
pub trait Snapshot {
    /// The value of a key when the view was taken.
    ///
    /// # Errors
    /// When the backend cannot be read, or the value is not as it was written.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The values of several keys, at the price of one question; a value that is damaged is as good as none.
    ///
    /// # Errors
    /// When the backend cannot be read.
    fn get_many(&self, keys: &[(Space, &[u8])]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let readable = |found| match found {
            Err(StoreError::Damaged { .. }) => Ok(None),
            found => found,
        };
        keys.iter().map(|(space, key)| readable(self.get(*space, key))).collect()
    }

    /// Visits the entries of a space whose keys begin with `prefix`, from key `from` on, in order of
    /// their bytes. Values that are not as they were written are left out; the number of those is
    /// returned.
    ///
    /// # Errors
    /// When the backend cannot be read.
    fn scan(
        &self,
        space: Space,
        prefix: &[u8],
        from: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<usize, StoreError>;
}

/// The examples in the README hold.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
