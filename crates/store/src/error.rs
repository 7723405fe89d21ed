//! What can go wrong with a store.
//!
//! Invariant: every error names the file or the key, and says what a person can do.

use std::fmt;
use std::path::PathBuf;

/// A store that cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the file.
    #[error("{} is in use by another process; ask the running daemon, or stop it", .0.display())]
    InUse(PathBuf),
    /// The folder or file cannot be made or opened.
    #[error("{}: {source}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A value is not as it was written.
    #[error("an entry of {space} is damaged and was not used")]
    Damaged {
        /// The space of the entry.
        space: &'static str,
    },
    /// The disk fails, or is full. What is asked later may succeed.
    #[error("the disk of the store fails: {0}")]
    Disk(String),
    /// The file fails, or the server refuses.
    #[error("the store fails: {0}")]
    Failed(String),
    /// The server can't be reached now, or went away in the middle: then a batch may have been written all the same,
    /// whole. What is asked later may succeed.
    #[error("the shared store can't be reached: {0}")]
    Away(String),
    /// The server's address, password or certificates can't be used.
    #[error("the shared store can't be used: {0}")]
    Unusable(String),
}

impl StoreError {
    /// Damage to the file that is found while it is open.
    pub(crate) fn damage(why: impl fmt::Display) -> Self {
        Self::Failed(format!("{why}; what is sound goes on in a new file at the next start"))
    }

    /// Whether a server can't be reached, which is told once by whoever follows it, not by each who asked.
    #[must_use]
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Away(_))
    }
}
