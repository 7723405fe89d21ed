//! How often a host may be asked, so that no server is hammered: neither one that keeps the certificates of
//! many domains, nor one that somebody points many records or redirects at.
//!
//! Names of one organisation count as one host, since whoever has a domain can make up any number of them.
//!
//! Invariant: of a host, no more than [`AT_A_TIME`] fetches are under way and no more than [`A_MINUTE`]
//! requests are begun in a minute; no more hosts are remembered than a bound, past which none is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_mail::registered_domain;

/// Fetches of one host at a time.
pub(super) const AT_A_TIME: usize = 2;
/// Requests to one host in a minute, redirects among them.
pub(super) const A_MINUTE: u32 = 10;
/// Hosts that are remembered.
const MOST: usize = 1_024;

/// The hosts of the last minute.
#[derive(Clone, Default)]
pub(super) struct Hosts(Arc<Mutex<HashMap<String, Host>>>);

#[derive(Default)]
struct Host {
    under_way: usize,
    /// Of the requests counted.
    minute: u64,
    requests: u32,
}

/// Leave to fetch from a host, until it is dropped.
pub(super) struct Leave {
    hosts: Hosts,
    host: String,
}

impl Hosts {
    /// Leave to fetch from `host` at `now`, in seconds since 1970; `None`: later.
    pub(super) fn leave(&self, host: &str, now: u64) -> Option<Leave> {
        let host = organisation(host);
        let mut known = self.lock();
        let entry = of(&mut known, &host, now)?;
        if entry.under_way >= AT_A_TIME || entry.requests >= A_MINUTE {
            return None;
        }
        entry.under_way += 1;
        entry.requests += 1;
        drop(known);
        Some(Leave { hosts: self.clone(), host })
    }

    /// Whether a fetch may be led on to `host`.
    pub(super) fn may_follow(&self, host: &str, now: u64) -> bool {
        let mut known = self.lock();
        let entry = of(&mut known, &organisation(host), now);
        let Some(entry) = entry.filter(|entry| entry.requests < A_MINUTE) else { return false };
        entry.requests += 1;
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        // Numbers only, which are right after each step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a host in the minute of `now`.
fn of<'h>(known: &'h mut HashMap<String, Host>, host: &str, now: u64) -> Option<&'h mut Host> {
    let minute = now / 60;
    if !known.contains_key(host) && known.len() >= MOST {
        known.retain(|_, host| host.under_way > 0 || host.minute == minute);
        if known.len() >= MOST {
            return None;
        }
    }
    let entry = known.entry(host.to_owned()).or_default();
    if entry.minute != minute {
        (entry.minute, entry.requests) = (minute, 0);
    }
    Some(entry)
}

fn organisation(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    registered_domain(&host).map(str::to_owned).unwrap_or(host)
}

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(host) = self.hosts.lock().get_mut(&self.host) {
            host.under_way -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_asked_twice_at_a_time_and_ten_times_a_minute() {
        let hosts = Hosts::default();
        let (first, second) = (hosts.leave("a.shop.example", 60), hosts.leave("shop.example", 60));
        assert!(first.is_some() && second.is_some());
        assert!(hosts.leave("B.Shop.example", 60).is_none(), "two are under way");
        assert!(hosts.leave("other.example", 60).is_some());
        drop(first);
        let more = (0..20).filter(|_| hosts.leave("shop.example", 119).is_some()).count();
        assert_eq!(more, 8);
        assert!(!hosts.may_follow("shop.example", 119));
        drop(second);
        assert!(hosts.leave("shop.example", 119).is_none());
        assert!(hosts.leave("shop.example", 120).is_some(), "another minute");
    }

    #[test]
    fn redirects_count_for_the_host_that_they_lead_to() {
        let hosts = Hosts::default();
        let followed = (0..20).filter(|_| hosts.may_follow("shop.example", 60)).count();
        assert_eq!(followed, 10);
        assert!(hosts.leave("shop.example", 60).is_none());
    }

    #[test]
    fn no_more_hosts_are_remembered_than_the_bound() {
        let hosts = Hosts::default();
        let asked = |from: usize, now| {
            let names = (from..from + 2 * MOST).map(|n| format!("shop{n}.example"));
            names.filter(|name| hosts.leave(name, now).is_some()).count()
        };
        assert_eq!(asked(0, 60), MOST);
        assert_eq!(asked(0, 120), MOST, "those of the last minute make room");
        assert_eq!(hosts.lock().len(), MOST);
    }
}
