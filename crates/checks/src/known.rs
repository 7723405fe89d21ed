//! What is known of a message and of the site that receives it.
//!
//! Invariant: what is known grows by a stage and never shrinks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;
use tidegate_mail::{Envelope, Message};

use crate::authentication::Authentication;
use crate::bulk::probability::Bulk;
use crate::trust::Trust;

/// Everything known so far.
#[derive(Clone, Copy)]
pub struct Known<'m> {
    /// What SMTP has said so far.
    pub envelope: &'m Envelope,
    /// From [`Stage::Headers`](crate::Stage::Headers) on; until the message has ended, without a body.
    pub message: Option<&'m Message<'m>>,
    /// From [`Stage::Authenticated`](crate::Stage::Authenticated) on.
    pub authentication: Option<&'m Authentication>,
    /// Who vouches for it; known when [`judge`](crate::Check::judge) is called.
    pub trust: Option<&'m Trust>,
    /// How likely it is one of many; known when [`judge`](crate::Check::judge) is called.
    pub bulk: Option<&'m Bulk<'m>>,
    /// The receiving site.
    pub site: &'m Site,
    /// When the message arrived, in seconds since 1970, UTC.
    pub now: i64,
}

impl Known<'_> {
    /// The client, when what its address and name tell may be held against it: not an
    /// authenticated user, not this site's own networks, not a loopback or private address.
    #[must_use]
    pub fn stranger(&self) -> Option<IpAddr> {
        let client = self.envelope.client?;
        let ours = self.envelope.authenticated.is_some()
            || self.envelope.is_local()
            || self.site.trusts(client);
        (!ours).then_some(client)
    }
}

/// The receiving site, as configured.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// The authserv-id of our Authentication-Results (RFC 8601, section 2.5).
    pub id: String,
    /// Networks of our own and of relays whose Received fields are believed.
    pub trusted: Vec<Network>,
}

impl Site {
    /// Whether `address` is in a trusted network.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

/// An address block, such as `192.0.2.0/24` or `2001:db8::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    base: u128,
    mask: u128,
}

impl Network {
    /// Whether `address` is in the block; IPv4 addresses mapped into IPv6 count as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        widened(address) & self.mask == self.base
    }
}

/// IPv4 as `::ffff:a.b.c.d`, so that one comparison serves both.
fn widened(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// Text that is no address block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseNetworkError(String);

impl fmt::Display for ParseNetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is no network; write an address or a block such as 192.0.2.0/24", self.0)
    }
}

impl std::error::Error for ParseNetworkError {}

impl FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseNetworkError(text.to_owned());
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().map_err(|_| error())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(bits);
        if length > bits {
            return Err(error());
        }
        let mask = u128::MAX.checked_shl(bits - length).unwrap_or(0);
        Ok(Self { base: widened(address) & mask, mask })
    }
}

impl TryFrom<String> for Network {
    type Error = ParseNetworkError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(network: &str, address: &str, expect: bool) {
        let network: Network = network.parse().unwrap();
        assert_eq!(network.contains(address.parse().unwrap()), expect);
    }

    #[test]
    fn blocks_hold_the_addresses_below_them() {
        check("192.0.2.0/24", "192.0.2.255", true);
        check("192.0.2.0/24", "192.0.3.0", false);
        check("192.0.2.7", "192.0.2.7", true);
        check("192.0.2.7", "::ffff:192.0.2.7", true);
        check("192.0.2.7", "192.0.2.8", false);
        check("2001:db8::/32", "2001:db8:1::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("::/0", "2001:db8::1", true);
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for bad in ["", "192.0.2.0/33", "192.0.2/24", "example.org", "::/129", "1.2.3.4/x"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
