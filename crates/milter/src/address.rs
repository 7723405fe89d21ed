//! Where a milter listens, as operators write it.
//!
//! Sendmail's forms (`inet:8895@localhost`, `local:/run/x`) and the forms one expects
//! (`inet:127.0.0.1:8895`, `inet6:[::1]:8895`, `unix:/run/x`, `fd:milter`) are read alike.
//! Invariant: an [`Address`] that was read prints as text which reads as the same address.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;

/// A place to listen at.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub enum Address {
    /// `inet:HOST:PORT`, `inet6:[HOST]:PORT`, or Sendmail's `inet:PORT@HOST`.
    Tcp {
        /// A name or an address, IPv6 without its brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// `unix:/PATH` or `local:/PATH`.
    Unix(PathBuf),
    /// `fd:NAME` or `fd:NUMBER`: a socket that the service manager passed, by the name it was
    /// given or by its place, from 0.
    Passed(String),
}

/// Why text is not a place to listen at.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum AddressError {
    /// No known word before the first colon.
    #[error("write inet:HOST:PORT, inet6:[HOST]:PORT, unix:/PATH or fd:NAME")]
    Kind,
    /// A port that is no number from 0 to 65535.
    #[error("write a port from 0 to 65535, as in inet:127.0.0.1:8895")]
    Port,
    /// A path that depends on where the program was started.
    #[error("write the whole path, as in unix:/run/milter.sock")]
    Path,
    /// `fd:` and nothing behind it.
    #[error("write the name or the number of the passed socket, as in fd:0")]
    Passed,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (kind, rest) = text.split_once(':').ok_or(AddressError::Kind)?;
        match kind {
            "inet" => tcp(rest, "0.0.0.0"),
            "inet6" => tcp(rest, "::"),
            "unix" | "local" if rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            "unix" | "local" => Err(AddressError::Path),
            "fd" if rest.is_empty() => Err(AddressError::Passed),
            "fd" => Ok(Self::Passed(rest.to_owned())),
            _ => Err(AddressError::Kind),
        }
    }
}

/// `HOST:PORT`, `PORT@HOST` or `PORT` alone, which Sendmail reads as "at every address".
fn tcp(text: &str, every: &str) -> Result<Address, AddressError> {
    let (host, port) = match (text.split_once('@'), text.rsplit_once(':')) {
        (Some((port, host)), _) | (None, Some((host, port))) => (host, port),
        (None, None) => (every, text),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host = if host.is_empty() { every } else { host }.to_owned();
    Ok(Address::Tcp { host, port: port.parse().map_err(|_| AddressError::Port)? })
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "inet6:[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "inet:{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Passed(name) => write!(f, "fd:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let address = text.parse::<Address>();
        if let Ok(address) = &address {
            assert_eq!(address.to_string().parse().as_ref(), Ok(address));
        }
        assert_eq!(address.map_or_else(|error| error.to_string(), |a| a.to_string()), expect);
    }

    #[test]
    fn addresses_are_read_in_sendmails_form_and_in_the_usual_one() {
        check("inet:127.0.0.1:8895", "inet:127.0.0.1:8895");
        check("inet:8895@localhost", "inet:localhost:8895");
        check("inet:8895", "inet:0.0.0.0:8895");
        check("inet6:8895", "inet6:[::]:8895");
        check("inet6:[::1]:8895", "inet6:[::1]:8895");
        check("inet6:8895@[::1]", "inet6:[::1]:8895");
        check("local:/run/x.sock", "unix:/run/x.sock");
        check("unix:/run/x.sock", "unix:/run/x.sock");
        check("fd:milter", "fd:milter");
    }

    #[test]
    fn a_mistake_is_told_with_what_to_write() {
        check("127.0.0.1:8895", "write inet:HOST:PORT, inet6:[HOST]:PORT, unix:/PATH or fd:NAME");
        check("/run/x", "write inet:HOST:PORT, inet6:[HOST]:PORT, unix:/PATH or fd:NAME");
        check("inet:host:99999", "write a port from 0 to 65535, as in inet:127.0.0.1:8895");
        check("unix:x.sock", "write the whole path, as in unix:/run/milter.sock");
        check("fd:", "write the name or the number of the passed socket, as in fd:0");
    }
}
