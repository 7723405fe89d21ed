//! What can go wrong with a quarantine.
//!
//! Invariant: every error says what it means for the message: held or not, delivered or not.

use std::path::PathBuf;

use tidegate_store::StoreError;

use crate::Done;

/// A quarantine that can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL makes no sense.
    #[error("the quarantine's url: {0}")]
    Url(String),
    /// The folder can't be made.
    #[error("the quarantine's folder {}: {source}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The object store can't be reached.
    #[error("the quarantine's object store: {0}")]
    Objects(Box<object_store::Error>),
    /// The index can't be read.
    #[error("the quarantine's index: {0}")]
    Store(#[from] StoreError),
    /// The destination of releases makes no sense.
    #[error("the quarantine's release_to: {0}")]
    Destination(String),
}

impl OpenError {
    pub(crate) fn objects(error: object_store::Error) -> Self {
        Self::Objects(Box::new(error))
    }
}

/// A message that is not held: it must be delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HoldError {
    /// It is larger than all that may be held.
    #[error("the message is larger than the quarantine may be")]
    TooLarge,
    /// There is no room, and what is held is too young to go.
    #[error("the quarantine is full, and nothing in it is old enough to go")]
    Full,
    /// The object store failed.
    #[error("the message could not be stored: {0}")]
    Objects(Box<object_store::Error>),
    /// The object store takes too long.
    #[error("the message could not be stored in time")]
    Late,
    /// The index failed.
    #[error("the message could not be entered: {0}")]
    Store(#[from] StoreError),
    /// What is known of it can't be written down.
    #[error("the record of the message could not be written: {0}")]
    Record(#[from] serde_json::Error),
}

/// What is held can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such entry.
    #[error("no such message is held")]
    NotFound,
    /// There was, and it went this way.
    #[error("the message is held no more: it was {}", .0.word())]
    Gone(Done),
    /// The index knows it, and the object store doesn't.
    #[error("the message itself is missing in the object store, or damaged")]
    Missing,
    /// The object store failed.
    #[error("the message could not be read: {0}")]
    Objects(Box<object_store::Error>),
    /// The index failed.
    #[error("the index of the quarantine could not be read: {0}")]
    Store(#[from] StoreError),
}

/// An entry that was not deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeleteError {
    /// It can't be found, or not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is being released.
    #[error("the message is being released just now")]
    Busy,
}

/// An entry that was not released, or not surely.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// It can't be found, or not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Somebody else releases it.
    #[error("the message is being released just now")]
    Busy,
    /// It was not delivered and is still held, or its delivery is not known.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// A message that the MTA did not take, or not surely.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// An address that SMTP can't carry.
    #[error("\"{0}\" can't be written in SMTP")]
    Address(String),
    /// Nobody answers, or not in time. It was not delivered.
    #[error("{to} can't be reached, so nothing was delivered: {why}")]
    Unreachable {
        /// Host and port.
        to: String,
        /// What happened.
        why: String,
    },
    /// The MTA said no. It was not delivered.
    #[error("{to} refused it, so nothing was delivered: {why}")]
    Refused {
        /// Host and port.
        to: String,
        /// What it said.
        why: String,
    },
    /// All was sent and no answer came. It may have been delivered.
    #[error("{to} was given the message and did not answer: it may have been delivered ({why})")]
    Unknown {
        /// Host and port.
        to: String,
        /// What happened.
        why: String,
    },
    /// The mark could not be made.
    #[error("the message could not be marked, so nothing was delivered: {0}")]
    Mark(String),
}

impl SendError {
    /// Whether the message may have been delivered all the same.
    #[must_use]
    pub const fn may_be_delivered(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Whether it is the MTA that can't be reached, refused or did not answer; else it was never asked.
    #[must_use]
    pub const fn is_of_mta(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Refused { .. } | Self::Unknown { .. })
    }
}

/// A link that leads nowhere.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// We never made it.
    #[error("this link is not one of ours, or was cut")]
    Forged,
    /// It is too old.
    #[error("this link has expired")]
    Expired,
    /// What it leads to can't be read, or is no more.
    #[error(transparent)]
    Read(#[from] ReadError),
}
