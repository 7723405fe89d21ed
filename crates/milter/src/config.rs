//! The `[milter]` table, as operators write it.
//!
//! Invariant: the default is safe to run on an untouched system, and an unknown key is an error.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::address::Address;
use crate::listen::Access;
use crate::modification::{Disposition, Outcome};
use crate::server::ServerLimits;
use crate::session::SessionLimits;

/// Where and how to serve MTAs.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen; see [`Address`].
    pub listen: Vec<Address>,
    /// Permission bits of UNIX sockets, in octal: `"0660"`.
    #[serde(deserialize_with = "mode")]
    pub socket_mode: Option<u32>,
    /// Group of UNIX sockets, by name.
    pub socket_group: Option<String>,
    /// What a message gets whose filter failed.
    pub on_failure: OnFailure,
    /// Seconds between two signs of life while a message is judged; below the MTA's time-out.
    pub progress_seconds: u64,
    /// Seconds an MTA may be silent between commands. A message is told only when the client has
    /// sent all of it, so this must be above the time a slow client may take.
    pub idle_seconds: u64,
    /// Seconds an MTA may take to begin the negotiation, to send the rest of a command, or to take a reply.
    pub stall_seconds: u64,
    /// Seconds that open transactions are given when the server ends.
    pub grace_seconds: u64,
    /// Most connections at a time; as many more wait, those of each MTA by turns.
    pub connections: usize,
    /// Longest frame, in bytes; MTAs send 65536 and, by agreement, up to 1 MiB.
    pub frame_bytes: u32,
    /// Longest header kept, in bytes.
    pub header_bytes: usize,
    /// Most header fields kept.
    pub header_fields: usize,
    /// Longest body kept, in bytes.
    pub body_bytes: usize,
    /// Most recipients of one message.
    pub recipients: usize,
}

/// What becomes of a message whose filter failed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The client is asked to try again later.
    #[default]
    TempFail,
    /// The message is delivered as it is.
    Accept,
}

impl From<OnFailure> for Outcome {
    fn from(on_failure: OnFailure) -> Self {
        match on_failure {
            OnFailure::TempFail => Disposition::TempFail.into(),
            OnFailure::Accept => Disposition::Accept.into(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let SessionLimits {
            frame_octets,
            header_octets,
            header_fields,
            body_octets,
            recipients,
            ..
        } = SessionLimits::default();
        let server = ServerLimits::default();
        Self {
            listen: vec![Address::Tcp { host: "127.0.0.1".to_owned(), port: 8895 }],
            socket_mode: None,
            socket_group: None,
            on_failure: server.on_failure,
            progress_seconds: server.progress.as_secs(),
            idle_seconds: server.idle.as_secs(),
            stall_seconds: server.stall.as_secs(),
            grace_seconds: server.grace.as_secs(),
            connections: server.connections,
            frame_bytes: frame_octets,
            header_bytes: header_octets,
            header_fields,
            body_bytes: body_octets,
            recipients,
        }
    }
}

impl Config {
    /// Who may connect to UNIX sockets.
    #[must_use]
    pub fn access(&self) -> Access {
        Access { mode: self.socket_mode, group: self.socket_group.clone() }
    }

    /// The bounds of a server.
    #[must_use]
    pub fn limits(&self) -> ServerLimits {
        ServerLimits {
            session: SessionLimits {
                // Shorter frames than MTAs send would refuse ordinary mail.
                frame_octets: self.frame_bytes.max(65_536),
                header_octets: self.header_bytes,
                header_fields: self.header_fields,
                body_octets: self.body_bytes,
                recipients: self.recipients,
                ..SessionLimits::default()
            },
            connections: self.connections.max(1),
            idle: Duration::from_secs(self.idle_seconds),
            stall: Duration::from_secs(self.stall_seconds),
            progress: Duration::from_secs(self.progress_seconds.max(1)),
            grace: Duration::from_secs(self.grace_seconds),
            on_failure: self.on_failure,
        }
    }
}

fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match u32::from_str_radix(&text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(Some(mode)),
        _ => Err(de::Error::custom("write permission bits in octal, as in \"0660\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_with_its_units() {
        let text = "listen = ['unix:/run/x', 'fd:milter']\nsocket_mode = '0660'\nidle_seconds = 5\n\
                    on_failure = 'accept'";
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.listen.len(), 2);
        assert_eq!(config.access().mode, Some(0o660));
        assert_eq!(config.limits().idle, Duration::from_secs(5));
        assert_eq!(config.on_failure, OnFailure::Accept);
    }

    #[test]
    fn a_mistake_is_an_error() {
        for text in ["listn = []", "socket_mode = '0999'", "listen = ['8895']"] {
            assert!(toml::from_str::<Config>(text).is_err(), "{text}");
        }
    }
}
