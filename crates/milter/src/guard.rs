//! A filter whose panics stay with the message that caused them.
//!
//! Invariant: after a panic the broken filter is never called again; a fresh one is told client and
//! greeting, and serves from the next message on.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use crate::counters::Counters;
use crate::envelope::Envelope;
use crate::filter::Filter;

/// Makes filters, and watches over the one in use.
pub(crate) struct Guarded<'a, F, M> {
    make: &'a M,
    filter: F,
    broken: bool,
    counters: &'a Counters,
}

impl<'a, F: Filter, M: Fn() -> F> Guarded<'a, F, M> {
    pub(crate) fn new(make: &'a M, filter: F, counters: &'a Counters) -> Self {
        Self { make, filter, broken: false, counters }
    }

    /// Runs one step; `None` if it panicked, or one before it did in the same transaction.
    ///
    /// A panic may leave the filter half changed. That is why it is not used again, and what makes
    /// it safe to say that unwinding cannot be observed.
    pub(crate) async fn run<'f, T, U>(&'f mut self, step: impl FnOnce(&'f mut F) -> U) -> Option<T>
    where
        U: Future<Output = T> + 'f,
    {
        if self.broken {
            return None;
        }
        let Self { filter, broken, counters, .. } = self;
        // The call itself is inside: a filter may panic before it returns its future.
        let ran = AssertUnwindSafe(async move { step(filter).await }).catch_unwind().await;
        if ran.is_err() {
            tracing::error!("the filter panicked; its message is answered by on_failure");
            counters.failure();
            *broken = true;
        }
        ran.ok()
    }

    /// Puts a fresh filter in the place of this one, for another client.
    pub(crate) fn replace(&mut self) {
        self.filter = (self.make)();
        self.broken = false;
    }

    /// Puts a fresh filter in the place of a broken one, between messages.
    pub(crate) async fn renew(&mut self, envelope: &Envelope) {
        if !self.broken {
            return;
        }
        self.replace();
        self.run(|filter| filter.connect(envelope)).await;
        if envelope.helo().is_some() {
            self.run(|filter| filter.helo(envelope)).await;
        }
    }
}
