//! Whom an address stands for, where clients are counted or take turns.
//!
//! Invariant: one customer is one client, however many addresses it has.

use std::net::{IpAddr, Ipv6Addr};

/// The address itself, or in IPv6 its /64, of which one customer commonly has all.
pub(crate) fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}
