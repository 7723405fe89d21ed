//! Clients that show tokens which are none, and are no longer listened to for a while.
//!
//! No token can be guessed; this bounds what guessing costs, and makes it seen in the log.
//!
//! Invariant: who has shown no wrong token is never kept out, however many others have.

use std::net::IpAddr;

use super::counts::Counts;
use crate::network::network;

/// Wrong tokens of one client within that many seconds.
const MOST: u32 = 20;
pub(crate) const SECONDS: u64 = 15 * 60;

/// How often each has failed.
#[derive(Debug)]
pub(crate) struct Failures(Counts<IpAddr>);

impl Default for Failures {
    fn default() -> Self {
        Self(Counts::within(SECONDS))
    }
}

impl Failures {
    /// Whether what this client shows is looked at.
    pub(crate) fn bar(&self, client: IpAddr, now: u64) -> bool {
        self.0.times(&network(client), now) >= MOST
    }

    /// Counts a wrong one; whether it was the last that is looked at.
    pub(crate) fn count(&self, client: IpAddr, now: u64) -> bool {
        self.0.count(network(client), now) == Some(MOST)
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
        for n in 0..20_010_u32 {
            failures.count(std::net::Ipv4Addr::from(n).into(), NOW);
        }
        assert!(!failures.bar("203.0.113.9".parse().unwrap(), NOW));
    }
}
