//! What happened, counted.
//!
//! Invariant: each entry is counted once when it comes and once when it goes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How often each thing happened since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) held: AtomicU64,
    pub(crate) released: AtomicU64,
    pub(crate) deleted: AtomicU64,
    pub(crate) expired: AtomicU64,
    pub(crate) failed_holds: AtomicU64,
    pub(crate) failed_releases: AtomicU64,
    pub(crate) digests: AtomicU64,
}

/// What there is, and what happened since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Entries: one for each recipient of each message.
    pub entries: u64,
    /// Messages.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Entries that were held.
    pub held: u64,
    /// Entries that were released.
    pub released: u64,
    /// Entries that somebody deleted.
    pub deleted: u64,
    /// Entries that expired, or made room.
    pub expired: u64,
    /// Messages that could not be held.
    pub failed_holds: u64,
    /// Releases that failed, or whose outcome is not known.
    pub failed_releases: u64,
    /// Digests sent.
    pub digests: u64,
    /// Messages that arrived with a mark of ours that was good.
    pub marks_genuine: u64,
    /// Messages that arrived with a mark that was not.
    pub marks_void: u64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, many: usize) {
        counter.fetch_add(many as u64, Relaxed);
    }

    /// As they stand, beside what there is.
    pub(crate) fn read(&self, there_is: Counted) -> Counted {
        Counted {
            held: self.held.load(Relaxed),
            released: self.released.load(Relaxed),
            deleted: self.deleted.load(Relaxed),
            expired: self.expired.load(Relaxed),
            failed_holds: self.failed_holds.load(Relaxed),
            failed_releases: self.failed_releases.load(Relaxed),
            digests: self.digests.load(Relaxed),
            ..there_is
        }
    }
}
