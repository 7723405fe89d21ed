//! How many messages are judged at once, and what happens to the one too many.
//!
//! Invariant: no message waits for its turn for longer than the configuration says.

use std::time::Duration;

use tidegate_policy::Config;
use tokio::sync::{Semaphore, SemaphorePermit};

/// A place for each message that may be judged at the same time.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Semaphore,
    wait: Duration,
}

impl Gate {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            places: Semaphore::new(config.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            wait: Duration::from_millis(config.overload_wait_ms),
        }
    }

    /// A place, or `None` when none came free in time.
    pub(crate) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        // The fast way first: a timer costs more than a free place.
        if let Ok(place) = self.places.try_acquire() {
            return Some(place);
        }
        tokio::time::timeout(self.wait, self.places.acquire()).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_too_many_waits_and_is_told() {
        let config = Config { concurrency: 1, overload_wait_ms: 20, ..Config::default() };
        let gate = Gate::new(&config);
        let first = gate.enter().await;
        assert!(first.is_some());
        assert!(gate.enter().await.is_none());
        drop(first);
        assert!(gate.enter().await.is_some());
    }
}
