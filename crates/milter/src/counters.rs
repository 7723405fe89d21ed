//! What a server counts, for whoever exports it.
//!
//! Invariant: a counter only grows, but for the gauge `connections_open`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters of one server; read them with [`Counters::read`].
#[derive(Debug, Default)]
pub struct Counters {
    connections: AtomicU64,
    connections_open: AtomicU64,
    messages: AtomicU64,
    message_octets: AtomicU64,
    early_replies: AtomicU64,
    truncated: AtomicU64,
    protocol_errors: AtomicU64,
    timeouts: AtomicU64,
    failures: AtomicU64,
    turned_away: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counted {
    /// Connections accepted.
    pub connections: u64,
    /// Connections open now.
    pub connections_open: u64,
    /// Messages answered.
    pub messages: u64,
    /// Their octets, those left out by a limit counted too.
    pub message_octets: u64,
    /// Replies before the end of a message, each of which is a round trip; the negotiation is not
    /// counted.
    pub early_replies: u64,
    /// Messages of which a limit kept a part out.
    pub truncated: u64,
    /// Connections ended by bytes that are not the protocol, or commands out of order.
    pub protocol_errors: u64,
    /// Connections ended because the MTA was silent, or took no reply, for too long.
    pub timeouts: u64,
    /// Times a filter panicked, or asked for what was not agreed on.
    pub failures: u64,
    /// Connections closed without being served: too many waited, or no place came free in time.
    pub turned_away: u64,
}

impl Counters {
    /// The counters now; taken one by one, so that sums may be off by what happens meanwhile.
    #[must_use]
    pub fn read(&self) -> Counted {
        Counted {
            connections: self.connections.load(Relaxed),
            connections_open: self.connections_open.load(Relaxed),
            messages: self.messages.load(Relaxed),
            message_octets: self.message_octets.load(Relaxed),
            early_replies: self.early_replies.load(Relaxed),
            truncated: self.truncated.load(Relaxed),
            protocol_errors: self.protocol_errors.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            failures: self.failures.load(Relaxed),
            turned_away: self.turned_away.load(Relaxed),
        }
    }

    /// Counts a connection as open until the guard goes.
    pub(crate) fn connection(&self) -> OpenConnection<'_> {
        self.connections.fetch_add(1, Relaxed);
        self.connections_open.fetch_add(1, Relaxed);
        OpenConnection(self)
    }

    pub(crate) fn message(&self, octets: u64, truncated: bool) {
        self.messages.fetch_add(1, Relaxed);
        self.message_octets.fetch_add(octets, Relaxed);
        self.truncated.fetch_add(u64::from(truncated), Relaxed);
    }

    pub(crate) fn early_reply(&self) {
        self.early_replies.fetch_add(1, Relaxed);
    }

    pub(crate) fn protocol_error(&self) {
        self.protocol_errors.fetch_add(1, Relaxed);
    }

    pub(crate) fn timeout(&self) {
        self.timeouts.fetch_add(1, Relaxed);
    }

    pub(crate) fn turned_away(&self) {
        self.turned_away.fetch_add(1, Relaxed);
    }

    pub(crate) fn failure(&self) {
        self.failures.fetch_add(1, Relaxed);
    }
}

/// A connection that is counted as open.
pub(crate) struct OpenConnection<'a>(&'a Counters);

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.0.connections_open.fetch_sub(1, Relaxed);
    }
}
