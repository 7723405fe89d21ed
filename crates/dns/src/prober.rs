//! Probes lists at start and from time to time, as long as it lives.
//!
//! Invariant: a list that is set aside is probed on, so that it comes back by itself.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinSet};

use crate::{Health, Resolver, Zone, probe};

/// Time between two probes of all zones, give or take a quarter.
pub const PROBE_INTERVAL: Duration = Duration::from_secs(1_800);

/// A task that proves zones sound; it ends when this is dropped.
#[derive(Debug)]
pub struct Prober(Option<AbortHandle>);

impl Prober {
    /// Probes `zones` now, and every [`PROBE_INTERVAL`]. Does nothing without a Tokio runtime, and with
    /// a resolver that is offline.
    #[must_use = "it ends when it is dropped"]
    pub fn start(resolver: Resolver, zones: Vec<Arc<Zone>>) -> Self {
        Self::every(PROBE_INTERVAL, resolver, zones)
    }

    /// The same with another time between two probes.
    #[must_use = "it ends when it is dropped"]
    pub fn every(interval: Duration, resolver: Resolver, zones: Vec<Arc<Zone>>) -> Self {
        let task = |runtime: Handle| runtime.spawn(run(interval, resolver, zones)).abort_handle();
        Self(Handle::try_current().ok().map(task))
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

async fn run(interval: Duration, resolver: Resolver, zones: Vec<Arc<Zone>>) {
    if resolver.is_offline() {
        return;
    }
    loop {
        let mut probes = JoinSet::new();
        for zone in &zones {
            let (resolver, zone) = (resolver.clone(), Arc::clone(zone));
            probes.spawn(async move { probe(&resolver, &zone).await });
        }
        while probes.join_next().await.is_some() {}
        resolver.doubt(all_denied(&zones));
        tokio::time::sleep(jittered(interval)).await;
    }
}

/// Whether no list of several operators has its own test point: then it isn't the lists that fail.
fn all_denied(zones: &[Arc<Zone>]) -> bool {
    let mut operators: Vec<&str> = zones.iter().map(|zone| zone.operator()).collect();
    operators.sort_unstable();
    operators.dedup();
    operators.len() >= 3 && zones.iter().all(|zone| zone.health() == Health::ListsNothing)
}

/// Within a quarter of `interval`, so that many servers don't ask in step.
fn jittered(interval: Duration) -> Duration {
    let random = RandomState::new().hash_one(0u8) % 1_000;
    // 750 to 1,249 thousandths.
    interval.mul_f64((750 + random / 2) as f64 / 1_000.0)
}
