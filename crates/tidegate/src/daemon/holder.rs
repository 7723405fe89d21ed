//! What the daemon asks of whoever holds messages and sends copies: the quarantine.
//!
//! Invariant: what is reported as held is durable, and what is reported as sent was taken over by the
//! next server.

use futures_util::future::BoxFuture;
use tidegate_engine::{Judged, Recipient};
use tidegate_quarantine::{CopyNote, EntryId, Notices};

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
    /// What the client wants to be told of their deliveries.
    pub(crate) notices: Notices,
}

/// A message of which copies are about to be sent.
pub(crate) struct Copying<'c> {
    /// As it came.
    pub(crate) raw: &'c [u8],
    /// The envelope's sender; empty: the null sender.
    pub(crate) sender: &'c str,
    /// The MTA's name for it.
    pub(crate) reference: &'c str,
    /// How many recipients get a copy.
    pub(crate) recipients: usize,
}

/// What is to be settled once the MTA is answered.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unsettled {
    /// What was held.
    pub(crate) entries: Vec<EntryId>,
    /// What was copied.
    pub(crate) copies: Vec<CopyNote>,
}

/// Holds messages and sends copies.
pub(crate) trait Holder: Send + Sync {
    /// Holds a message; returns when it is durable, with an entry for each recipient.
    fn hold<'h>(&'h self, holding: &'h Holding<'h>) -> BoxFuture<'h, anyhow::Result<Vec<EntryId>>>;

    /// Notes durably that copies are about to be sent, so that a crash before the MTA is answered is known
    /// to have them sent twice; `None`, told in the log, where that failed.
    fn copying<'h>(&'h self, copying: &'h Copying<'h>) -> BoxFuture<'h, Option<CopyNote>>;

    /// Notes that the MTA has been told: the message won't be sent again.
    fn confirm<'h>(&'h self, unsettled: &'h Unsettled) -> BoxFuture<'h, ()>;

    /// Sends a copy, marked so that it isn't filtered again; returns when the next server has taken
    /// it for all recipients.
    fn inject<'h>(&'h self, copy: &'h Copy<'h>) -> BoxFuture<'h, anyhow::Result<()>>;
}
