//! Addresses that a fetch may go to: those of the public internet, found by the resolver of the
//! configuration.
//!
//! Invariant: a connection goes to an address that was looked at, and to no other: what is checked is
//! what the client is given.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tidegate_dns::{Question, Resolver};
use tokio::time::Instant;

/// How long the answers for one host may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Addresses of one host that are tried.
const MOST_ADDRESSES: usize = 8;

/// Why a host can't be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    /// No address is known.
    #[error("its host has no address, or none that is known")]
    Unknown,
    /// It is at addresses of networks that nobody else can reach.
    #[error("its host is at an address that is not public")]
    NotPublic,
}

/// Whether `address` is one that anybody on the internet can reach.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// By the registry of special addresses (RFC 6890) and the blocks for multicast and later use.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        // "This network", private, loopback.
        0 | 10 | 127 => true,
        // Carrier-grade NAT (RFC 6598).
        100 => b & 0xc0 == 64,
        // Link-local.
        169 => b == 254,
        172 => b & 0xf0 == 16,
        // Private; protocol assignments, documentation, AS112, 6to4 relays, AMT.
        192 => {
            matches!((b, c), (168, _) | (0, 0 | 2) | (31, 196) | (88, 99) | (52, 193) | (175, 48))
        }
        // Benchmarks (RFC 2544), documentation.
        198 => matches!((b, c), (18 | 19, _) | (51, 100)),
        203 => (b, c) == (0, 113),
        // Multicast, later use, broadcast.
        224.. => true,
        _ => false,
    };
    !special
}

/// Global unicast (2000::/3), but for what leads into other networks or nowhere.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let special = match (a, b) {
        // Protocol assignments, Teredo among them (RFC 2928), and documentation.
        (0x2001, 0..=0x01ff | 0x0db8) => true,
        // 6to4 leads to IPv4 addresses of any kind.
        (0x2002, _) => true,
        // Documentation (RFC 9637).
        (0x3fff, 0..=0x0fff) => true,
        _ => false,
    };
    a & 0xe000 == 0x2000 && !special
}

/// Finds addresses for the client.
pub(super) struct PublicHosts {
    pub(super) resolver: Resolver,
    pub(super) allow_private: bool,
}

impl Resolve for PublicHosts {
    fn resolve(&self, host: Name) -> Resolving {
        let (resolver, allow_private) = (self.resolver.clone(), self.allow_private);
        Box::pin(async move {
            let found = addresses(&resolver, host.as_str()).await;
            let allowed = allowed(found, allow_private)?;
            // Port 0 stands for the one of the URI.
            let sockets = allowed.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}

async fn addresses(resolver: &Resolver, host: &str) -> Vec<IpAddr> {
    let Ok(name) = tidegate_dns::Name::try_from(host) else { return Vec::new() };
    let deadline = Instant::now() + PATIENCE;
    let (v4, v6) = (Question::A(name.clone()), Question::Aaaa(name));
    let (v4, v6) = (resolver.start(v4), resolver.start(v6));
    let (v4, v6) = (v4.until(deadline).await, v6.until(deadline).await);
    let v4 = v4.ipv4().iter().copied().map(IpAddr::V4);
    v4.chain(v6.ipv6().iter().copied().map(IpAddr::V6)).collect()
}

/// A host with one address that is not public is not connected to at all: which one is tried is nothing
/// that its owner should choose.
fn allowed(found: Vec<IpAddr>, allow_private: bool) -> Result<Vec<IpAddr>, AddressError> {
    if found.is_empty() {
        return Err(AddressError::Unknown);
    }
    if !allow_private && !found.iter().copied().all(is_public) {
        return Err(AddressError::NotPublic);
    }
    Ok(found.into_iter().take(MOST_ADDRESSES).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_other_networks_are_not_public() {
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "9.9.9.9",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "203.0.112.1",
            "223.255.255.254",
            "::ffff:9.9.9.9",
            "2001:4860:4860::8888",
            "2620:fe::fe",
            "2a00:1450::1",
            "3fff:1000::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn one_private_address_among_others_is_enough_to_stay_away() {
        let of =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
        assert_eq!(allowed(of(&["9.9.9.9", "127.0.0.1"]), false), Err(AddressError::NotPublic));
        assert_eq!(allowed(of(&["127.0.0.1"]), true), Ok(of(&["127.0.0.1"])));
        assert_eq!(allowed(of(&["9.9.9.9"]), false), Ok(of(&["9.9.9.9"])));
        assert_eq!(allowed(Vec::new(), true), Err(AddressError::Unknown));
    }
}
