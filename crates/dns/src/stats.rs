//! What a resolver has done, in numbers.
//!
//! Invariant: each question that was asked is counted once as `cached`, `shared`, `sent` or `busy`;
//! each that was sent, once by its outcome.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::{Answer, Why};

/// Totals since the resolver was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Questions asked.
    pub asked: u64,
    /// Of these, answered from the cache.
    pub cached: u64,
    /// Of these, answered by what another asker had under way.
    pub shared: u64,
    /// Of these, turned away because too many were under way.
    pub busy: u64,
    /// Of these, put to a server.
    pub sent: u64,
    /// Outcomes of what was sent: records were found.
    pub found: u64,
    /// There was nothing: no such name, or no such records.
    pub nothing: u64,
    /// No answer came in time.
    pub late: u64,
    /// The server refused.
    pub refused: u64,
    /// The server failed, could not be reached, or said what can't be read.
    pub failed: u64,
    /// Askers whose deadline passed before their answer came.
    pub gave_up: u64,
    /// Answers in the cache now.
    pub entries: u64,
    /// Questions under way now.
    pub in_flight: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    asked: AtomicU64,
    cached: AtomicU64,
    shared: AtomicU64,
    busy: AtomicU64,
    sent: AtomicU64,
    found: AtomicU64,
    nothing: AtomicU64,
    late: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    gave_up: AtomicU64,
}

/// How a question was dealt with.
#[derive(Clone, Copy)]
pub(crate) enum Dealt {
    Cached,
    Shared,
    Busy,
    Sent,
}

impl Counters {
    pub(crate) fn asked(&self, dealt: Dealt) {
        self.asked.fetch_add(1, Relaxed);
        let counter = match dealt {
            Dealt::Cached => &self.cached,
            Dealt::Shared => &self.shared,
            Dealt::Busy => &self.busy,
            Dealt::Sent => &self.sent,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn answered(&self, answer: &Answer) {
        let counter = match answer {
            Answer::Found(_) => &self.found,
            Answer::NoData | Answer::NoSuchName => &self.nothing,
            Answer::Unknown(Why::Late) => &self.late,
            Answer::Unknown(Why::Refused) => &self.refused,
            Answer::Unknown(_) => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn gave_up(&self) {
        self.gave_up.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> Stats {
        Stats {
            asked: self.asked.load(Relaxed),
            cached: self.cached.load(Relaxed),
            shared: self.shared.load(Relaxed),
            busy: self.busy.load(Relaxed),
            sent: self.sent.load(Relaxed),
            found: self.found.load(Relaxed),
            nothing: self.nothing.load(Relaxed),
            late: self.late.load(Relaxed),
            refused: self.refused.load(Relaxed),
            failed: self.failed.load(Relaxed),
            gave_up: self.gave_up.load(Relaxed),
            entries: 0,
            in_flight: 0,
        }
    }
}
