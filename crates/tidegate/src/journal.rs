//! The journal: what each verdict was made of, kept for a while, so that it can be looked into, made
//! again and learned from later.
//!
//! A record holds the envelope, the answers of the network, the clock, the versions of all that judged,
//! and the verdict; as configured, the message itself or its features too. Records are appended to
//! segments, files of a bounded length in the folder of the store, by a thread of their own; they are read
//! without the daemon. The layout of a segment stands in [`frame`].
//!
//! Invariant: mail never waits for the journal: what it can't take is dropped and counted. What it keeps
//! is its owner's alone to read, within `max_bytes` and `keep_days`.

mod decided;
mod erase;
mod frame;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod id;
mod person;
mod read;
mod record;
mod segments;
mod writer;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub(crate) use erase::{Erased, erase};
pub(crate) use id::time as time_of;
pub(crate) use read::{Read, find};
pub(crate) use record::{Answered, Record, Versions};
pub(crate) use writer::Journal;

/// `[journal]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Whether anything is kept.
    pub(crate) enabled: bool,
    /// How much of a message.
    pub(crate) keep: Keep,
    /// Bytes of all segments; the oldest go first.
    pub(crate) max_bytes: u64,
    /// Days after which a segment goes.
    pub(crate) keep_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { enabled: false, keep: Keep::Features, max_bytes: 1 << 30, keep_days: 30 }
    }
}

/// How much of a message is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Keep {
    /// What statistics saw of it, from which its text can't be had.
    Features,
    /// All of it.
    Message,
    /// Nothing of it: what SMTP said, the answers and the verdict.
    Envelope,
}

/// Where the journal of a store is.
pub(crate) fn folder(store: &Path) -> PathBuf {
    store.join("journal")
}
