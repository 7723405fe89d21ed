//! Clients that show tokens which are none, and are no longer listened to for a while.
//!
//! No token can be guessed; this bounds what guessing costs, and makes it seen in the log.
//!
//! Invariant: who has shown no wrong token is never kept out, however many others have.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Wrong tokens of one client within that many seconds.
const MOST: u32 = 20;
pub(crate) const SECONDS: u64 = 15 * 60;
/// Clients that are counted at a time; those that come past it are not.
const MOST_COUNTED: usize = 20_000;

/// How often each has failed.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<HashMap<String, Counted>>);

#[derive(Debug, Clone, Copy)]
struct Counted {
    since: u64,
    times: u32,
}

impl Failures {
    /// Whether what this client shows is looked at.
    pub(crate) fn bar(&self, client: IpAddr, now: u64) -> bool {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counted.get(&network(client));
        counted.is_some_and(|it| it.times >= MOST && now < it.since.saturating_add(SECONDS))
    }

    /// Counts a wrong one; whether it was the last that is looked at.
    pub(crate) fn count(&self, client: IpAddr, now: u64) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let who = network(client);
        if counted.len() >= MOST_COUNTED {
            counted.retain(|_, it| now < it.since.saturating_add(SECONDS));
        }
        if counted.len() >= MOST_COUNTED && !counted.contains_key(&who) {
            return false;
        }
        let of_client = counted.entry(who).or_insert(Counted { since: now, times: 0 });
        if now >= of_client.since.saturating_add(SECONDS) {
            *of_client = Counted { since: now, times: 0 };
        }
        of_client.times = of_client.times.saturating_add(1);
        of_client.times == MOST
    }
}

/// Whom a client's address stands for. A client by IPv6 is its network: it has as many addresses as it
/// likes.
pub(super) fn network(client: IpAddr) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:x?}", &address.segments()[..4]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn who_guesses_is_not_listened_to_for_a_while_and_others_are() {
        let failures = Failures::default();
        let (guest, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert!((1..MOST).all(|_| !failures.count(guest, NOW)));
        assert!(!failures.bar(guest, NOW));
        assert!(failures.count(guest, NOW), "told once");
        assert!(!failures.count(guest, NOW));
        assert!(failures.bar(guest, NOW + SECONDS - 1));
        assert!(!failures.bar(other, NOW));
        assert!(!failures.bar(guest, NOW + SECONDS));
        assert!(!failures.count(guest, NOW + SECONDS), "it begins anew");
        assert!(!failures.bar(guest, NOW + SECONDS));
    }

    #[test]
    fn a_flood_of_clients_keeps_nobody_out() {
        let failures = Failures::default();
        for n in 0..MOST_COUNTED as u32 + 10 {
            failures.count(std::net::Ipv4Addr::from(n).into(), NOW);
        }
        assert!(failures.0.lock().unwrap().len() <= MOST_COUNTED);
        assert!(!failures.bar("203.0.113.9".parse().unwrap(), NOW));
    }
}
