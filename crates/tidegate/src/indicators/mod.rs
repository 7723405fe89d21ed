//! Mark certificates: fetched beside the mail, verified once, remembered.
//!
//! A message is judged by what is known when it arrives; what is missing or old is fetched for the
//! messages after it. What was fetched is verified at once and only the outcome kept, in memory and in the
//! store, so that a restart fetches nothing anew. An outcome by other roots than those of the
//! configuration does not count.
//!
//! Invariant: fetches are bounded in number, time and size, of one location there is one at a time, of one
//! host there are few in a minute, and no message waits for one.

mod address;
mod fetch;
mod hosts;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use tidegate_checks::trust::bimi::Config;
use tidegate_checks::trust::bimi::certificate::{Evidence, Failure, Roots};
use tidegate_dns::Resolver;
use tidegate_store::{Batch, Space, Store, StoreError};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use self::fetch::{FetchError, Fetcher};
use self::hosts::{Hosts, Leave};
use self::table::{Entry, Table};
use crate::knowledge::seconds;
use crate::metrics::Beside;

const SPACE: Space = Space::new("trust.bimi");
/// Fetches at a time.
const CONCURRENCY: usize = 4;
/// Fetches that are under way or wait for their turn; past these, more are left to later messages.
const MOST_FLIGHTS: usize = 64;
/// Seconds after which what could not be fetched is tried again.
const RETRY: u64 = 900;
/// Seconds after which it is tried again where there is nothing to be had.
const RETRY_REFUSED: u64 = 6 * 3_600;

/// What is known of mark certificates.
pub(crate) struct Indicators {
    at_work: ArcSwapOption<AtWork>,
    table: Mutex<Table>,
    /// Locations that are being fetched.
    flights: Mutex<HashSet<String>>,
    places: Arc<Semaphore>,
    hosts: Hosts,
    store: Option<Arc<dyn Store>>,
    counted: Beside,
}

/// One configuration.
struct AtWork {
    config: Config,
    roots: Roots,
    digest: [u8; 32],
    fetcher: Fetcher,
}

/// An entry in the store, under the digest of its location.
#[derive(Serialize, Deserialize)]
struct Kept {
    location: String,
    /// Of the roots by which it was verified.
    roots: [u8; 32],
    entry: Entry,
}

impl Indicators {
    /// Over `store`, where there is one. Fetches nothing before it is configured.
    pub(crate) fn new(store: Option<Arc<dyn Store>>, counted: Beside) -> Arc<Self> {
        Arc::new(Self {
            at_work: ArcSwapOption::empty(),
            table: Mutex::default(),
            flights: Mutex::default(),
            places: Arc::new(Semaphore::new(CONCURRENCY)),
            hosts: Hosts::default(),
            store,
            counted,
        })
    }

    /// Goes on by a configuration, and reads what was verified by the same roots before. Blocks on the
    /// disk. Says whether marks can be looked at.
    pub(crate) fn configure(&self, config: &Config, roots: &Roots, resolver: &Resolver) -> bool {
        let fetcher =
            config.enabled.then(|| Fetcher::new(config, resolver.clone(), self.hosts.clone()));
        match fetcher.transpose() {
            Ok(Some(fetcher)) => {
                self.put_to_work(config, roots, fetcher);
                return true;
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(
                    "no mark certificate can be fetched, and no mark is known: {error}"
                );
            }
        }
        self.at_work.store(None);
        false
    }

    fn put_to_work(&self, config: &Config, roots: &Roots, fetcher: Fetcher) {
        let digest = roots.digest();
        let same = self.at_work.load().as_ref().is_some_and(|old| old.digest == digest);
        let (config, roots) = (config.clone(), roots.clone());
        let at_work = Arc::new(AtWork { config, roots, digest, fetcher });
        if !same {
            // Whatever is fetched meanwhile by the old roots is not kept.
            self.at_work.store(None);
            *self.table() = self.read(&at_work).unwrap_or_else(|error| {
                tracing::warn!("what was known of mark certificates can't be read: {error}");
                Table::default()
            });
        }
        self.at_work.store(Some(at_work));
    }

    /// What the store has that counts.
    fn read(&self, at_work: &AtWork) -> Result<Table, StoreError> {
        let mut table = Table::default();
        let Some(store) = &self.store else { return Ok(table) };
        let (now, most) = (seconds(), at_work.config.max_entries);
        store.snapshot()?.scan(SPACE, b"", b"", &mut |_, value| {
            match serde_json::from_slice::<Kept>(value) {
                Ok(kept) if kept.roots == at_work.digest && now < kept.entry.forget => {
                    table.put(kept.location, kept.entry, now, most);
                }
                // Of other roots, of another version, or too old: it expires.
                _ => {}
            }
            ControlFlow::Continue(())
        })?;
        Ok(table)
    }

    /// Fetches `location` beside, unless that is done already or too much is.
    fn fetch_beside(self: &Arc<Self>, at_work: Arc<AtWork>, location: &str) {
        let Ok(runtime) = Handle::try_current() else { return };
        let flight;
        {
            let mut flights = self.flights();
            if flights.contains(location) {
                return;
            }
            // What is no location needs no leave: it is refused before anybody is asked.
            let host = fetch::host(location).unwrap_or_default();
            let room = flights.len() < MOST_FLIGHTS;
            let leave = if room { self.hosts.leave(&host, seconds()) } else { None };
            let Some(leave) = leave else {
                self.counted.mark_fetched("left_out");
                return;
            };
            flights.insert(location.to_owned());
            let location = location.to_owned();
            flight = Flight { indicators: Arc::clone(self), location, _leave: leave };
        }
        runtime.spawn(async move { flight.run(&at_work).await });
    }

    /// Keeps what came of a fetch, if the roots are still the same.
    fn keep(&self, at_work: &AtWork, location: &str, fetched: Result<Evidence, FetchError>) {
        let current = self.at_work.load();
        if current.as_ref().is_none_or(|current| current.digest != at_work.digest) {
            return;
        }
        let (now, config) = (seconds(), &at_work.config);
        let mut table = self.table();
        let known = table.get(location, now).cloned();
        let entry = entry(fetched, known, config, now);
        let gone = table.put(location.to_owned(), entry.clone(), now, config.max_entries);
        drop(table);
        if let Err(error) = self.write(at_work, location, entry, &gone) {
            tracing::warn!(location, "what a mark certificate says is not kept: {error}");
        }
    }

    fn write(
        &self,
        at_work: &AtWork,
        location: &str,
        entry: Entry,
        gone: &[String],
    ) -> Result<(), StoreError> {
        let Some(store) = &self.store else { return Ok(()) };
        let mut batch = Batch::new();
        for location in gone {
            batch.remove(SPACE, &key(location));
        }
        let (forget, roots) = (entry.forget, at_work.digest);
        let kept = Kept { location: location.to_owned(), roots, entry };
        if let Ok(value) = serde_json::to_vec(&kept) {
            batch.put_until(SPACE, &key(location), value, forget);
        }
        // Without expectations there is nothing to conflict with.
        let _ = store.write(&batch)?;
        Ok(())
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flights(&self) -> MutexGuard<'_, HashSet<String>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(location: &str) -> Vec<u8> {
    digest(&SHA256, location.as_bytes()).as_ref().to_vec()
}

/// What is known after a fetch, with what was known before it.
fn entry(
    fetched: Result<Evidence, FetchError>,
    known: Option<Entry>,
    config: &Config,
    now: u64,
) -> Entry {
    let refresh = u64::from(config.refresh_hours) * 3_600;
    let keep = refresh + u64::from(config.keep_days) * 86_400;
    let (evidence, retry) = match fetched {
        Ok(evidence) => return Entry { evidence, refresh: now + refresh, forget: now + keep },
        Err(FetchError::Unreachable(_)) => (Evidence::Unknown, RETRY),
        Err(FetchError::Refused(why)) => {
            let reason = format!("the certificate can't be had: {why}");
            (Evidence::Fails(Failure { denied: false, reason }), RETRY_REFUSED)
        }
    };
    match known {
        // What was verified goes on to serve, for its time.
        Some(known) if matches!(known.evidence, Evidence::Holds(_)) => {
            Entry { refresh: now + retry, ..known }
        }
        _ => Entry { evidence, refresh: now + retry, forget: now + 2 * retry },
    }
}

/// A fetch under way; ended, however that comes about, the location may be fetched again.
struct Flight {
    indicators: Arc<Indicators>,
    location: String,
    _leave: Leave,
}

impl Flight {
    async fn run(self, at_work: &Arc<AtWork>) {
        let places = Arc::clone(&self.indicators.places);
        let Ok(_place) = places.acquire_owned().await else { return };
        let fetched = at_work.fetcher.fetch(&self.location).await;
        match &fetched {
            Ok(_) => tracing::debug!(location = self.location, "a mark certificate was fetched"),
            Err(why) => tracing::info!(location = self.location, "no mark certificate: {why}"),
        }
        let at_work = Arc::clone(at_work);
        // Signatures and the disk are not for this thread.
        let kept = tokio::task::spawn_blocking(move || {
            let now = i64::try_from(seconds()).unwrap_or(i64::MAX);
            let verified = fetched.map(|pem| at_work.roots.verify(&pem, now));
            self.indicators.counted.mark_fetched(match &verified {
                Ok(Evidence::Holds(_)) => "holds",
                Ok(_) => "fails",
                Err(FetchError::Refused(_)) => "refused",
                Err(FetchError::Unreachable(_)) => "unreachable",
            });
            self.indicators.keep(&at_work, &self.location, verified);
        });
        if let Err(failed) = kept.await {
            tracing::error!("a mark certificate could not be verified: {failed}");
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.indicators.flights().remove(&self.location);
    }
}

/// As the engine asks.
pub(crate) struct Known(pub(crate) Arc<Indicators>);

impl tidegate_engine::Indicators for Known {
    fn evidence(&self, location: &str, now: i64) -> Evidence {
        let Some(at_work) = self.0.at_work.load_full() else { return Evidence::Unknown };
        if at_work.roots.is_empty() {
            // Whatever was fetched could not be verified.
            let reason = "no root of marks is trusted here".to_owned();
            return Evidence::Fails(Failure { denied: false, reason });
        }
        let now = u64::try_from(now).unwrap_or(0);
        let known = self.0.table().get(location, now).cloned();
        if known.as_ref().is_none_or(|entry| entry.refresh <= now) {
            self.0.fetch_beside(at_work, location);
        }
        known.map_or(Evidence::Unknown, |entry| entry.evidence)
    }
}
