//! What can go wrong with a store.
//!
//! Invariant: every error names the file or the key, and says what a person can do.

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
    /// The file fails.
    #[error("the store fails: {0}")]
    Failed(String),
}
