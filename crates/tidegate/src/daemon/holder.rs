//! What the daemon asks of whoever holds messages and sends copies: the quarantine.
//!
//! Invariant: what is reported as held is durable, and what is reported as sent was taken over by the
//! next server.

use futures_util::future::BoxFuture;
use tidegate_engine::{Judged, Recipient};
use tidegate_quarantine::EntryId;

/// A message to be held for some of its recipients.
pub(crate) struct Holding<'h> {
    /// As it came, whole.
    pub(crate) raw: &'h [u8],
    /// Its envelope, signals and score.
    pub(crate) judged: &'h Judged,
    /// For whom, each with their reason and how long it is kept: `recipient.own.policy.keep_days`.
    pub(crate) recipients: Vec<&'h Recipient>,
    /// Whose quarantine it is in, for each of them.
    pub(crate) users: Vec<String>,
    /// Seconds since 1970.
    pub(crate) now: i64,
}

/// A copy for recipients who want another form than the message itself has.
pub(crate) struct Copy<'c> {
    /// As it is to be delivered.
    pub(crate) raw: &'c [u8],
    /// The envelope's sender; empty: the null sender.
    pub(crate) sender: &'c str,
    /// To whom alone.
    pub(crate) recipients: Vec<&'c str>,
}

/// Holds messages and sends copies.
pub(crate) trait Holder: Send + Sync {
    /// Holds a message; returns when it is durable, with an entry for each recipient.
    fn hold<'h>(&'h self, holding: &'h Holding<'h>) -> BoxFuture<'h, anyhow::Result<Vec<EntryId>>>;

    /// Notes that the MTA has been told: the message won't be sent again.
    fn confirm<'h>(&'h self, entries: &'h [EntryId]) -> BoxFuture<'h, ()>;

    /// Sends a copy, marked so that it isn't filtered again; returns when the next server has taken
    /// it for all recipients.
    fn inject<'h>(&'h self, copy: &'h Copy<'h>) -> BoxFuture<'h, anyhow::Result<()>>;
}
