//! A server that several machines share: what the others write into it is put to work here.
//!
//! While it is away, mail is judged by what was read before, lessons are refused, and what waits to be written waits.
//! The log tells once that it went and once that it came.
//!
//! Invariant: nothing here keeps a message waiting.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_store::{Redis, Store, StoreError};

use crate::daemon::Daemon;
use crate::http::Status;
use crate::knowledge::seconds;

/// How often it is looked what others have written.
const ROUND: Duration = Duration::from_secs(2);
/// Rounds between removals of what has expired of this machine's own, and how much is removed at a time.
const TIDY_ROUNDS: u64 = 30;
const EXPIRED_AT_ONCE: usize = 256;

/// Follows a server.
pub(crate) struct Follower {
    server: Arc<Redis>,
    /// What this machine keeps for itself.
    own: Option<Arc<dyn Store>>,
    daemon: Arc<Daemon>,
    status: Arc<Status>,
    told: Mutex<Told>,
}

/// What the log has of it.
#[derive(Default)]
struct Told {
    /// `None`: nothing yet.
    there: Option<bool>,
    /// What could not be read the last time.
    error: String,
}

impl Follower {
    pub(crate) fn new(
        server: Arc<Redis>,
        own: Option<Arc<dyn Store>>,
        daemon: Arc<Daemon>,
        status: Arc<Status>,
    ) -> Self {
        Self { server, own, daemon, status, told: Mutex::default() }
    }

    /// Follows it until aborted.
    pub(crate) async fn follow(self) {
        let follower = Arc::new(self);
        for round in 0_u64.. {
            let this = Arc::clone(&follower);
            // A panic ends this round alone.
            let _ = tokio::task::spawn_blocking(move || this.round(round)).await;
            tokio::time::sleep(ROUND).await;
        }
    }

    fn round(&self, round: u64) {
        let reachable = self.server.reachable();
        self.tell(reachable.as_ref().err());
        if reachable.is_ok() {
            let failed = self.put_to_work().err().filter(|error| !error.is_away());
            let failed = failed.map(|error| error.to_string()).unwrap_or_default();
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.error != failed && !failed.is_empty() {
                tracing::error!("what other machines wrote can't be read: {failed}");
            }
            told.error = failed;
        }
        if round.is_multiple_of(TIDY_ROUNDS)
            && let Some(own) = &self.own
            && let Err(error) = own.expire(seconds(), EXPIRED_AT_ONCE)
        {
            tracing::warn!("what has expired is not removed: {error}");
        }
    }

    fn tell(&self, away: Option<&StoreError>) {
        self.daemon.metrics.shared_store(away.is_none());
        self.status.away(away.map(ToString::to_string));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.there.replace(away.is_none()) == Some(away.is_none()) {
            return;
        }
        match away {
            Some(error) => tracing::error!(
                "{error}; until it can, mail is judged by what is known here, and lessons are refused"
            ),
            None => {
                tracing::info!("the shared store is there");
                for doubt in self.server.doubts() {
                    tracing::warn!("the shared store: {doubt}");
                }
            }
        }
    }

    fn put_to_work(&self) -> Result<(), StoreError> {
        self.daemon.lessons().follow()?;
        self.daemon.remembered.follow()?;
        if let Some(stored) = &self.daemon.policies {
            stored.follow(&self.daemon.running().engine.parts().policies)?;
        }
        Ok(())
    }
}
