//! What can be asked, as data: it can be listed, counted, recorded, and asked once.
//!
//! Invariant: equal questions have equal answers, so a question is the key of its answer.

use std::fmt;
use std::net::IpAddr;

use crate::reverse;
use crate::{Name, NameError};

/// A question to DNS.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Question {
    /// IPv4 addresses of a host, or a list's word on a subject.
    A(Name),
    /// IPv6 addresses of a host.
    Aaaa(Name),
    /// Mail exchangers of a domain (RFC 5321, section 5.1).
    Mx(Name),
    /// Texts: SPF, DKIM, DMARC and the like.
    Txt(Name),
    /// Names of an address (RFC 1035, section 3.5; RFC 3596, section 2.5).
    Ptr(IpAddr),
}

impl Question {
    /// The name that is looked up: for an address the one under `in-addr.arpa` or `ip6.arpa`.
    ///
    /// # Errors
    /// Never for a question of names; and the reversed form of an address is a name as well.
    pub fn name(&self) -> Result<Name, NameError> {
        match self {
            Self::A(name) | Self::Aaaa(name) | Self::Mx(name) | Self::Txt(name) => Ok(name.clone()),
            Self::Ptr(address) => Name::try_from(reverse::arpa(*address).as_str()),
        }
    }

    /// The record type's name.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::A(_) => "A",
            Self::Aaaa(_) => "AAAA",
            Self::Mx(_) => "MX",
            Self::Txt(_) => "TXT",
            Self::Ptr(_) => "PTR",
        }
    }
}

/// As people write it: `MX example.com`, `PTR 192.0.2.1`.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind())?;
        match self {
            Self::A(name) | Self::Aaaa(name) | Self::Mx(name) | Self::Txt(name) => name.fmt(f),
            Self::Ptr(address) => address.fmt(f),
        }
    }
}
