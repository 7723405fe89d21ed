//! `[dns]` as written.
//!
//! Invariant: every number has a bound that holds, whatever is written; see [`Config::bounded`].

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Deserializer};

const DNS_PORT: u16 = 53;

/// `[dns]`
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Resolvers to ask, as `"127.0.0.1"` or `"127.0.0.1:53"`; none: those of `/etc/resolv.conf`.
    #[serde(deserialize_with = "servers")]
    pub servers: Vec<SocketAddr>,
    /// Milliseconds that a message waits for all its answers together.
    pub deadline_ms: u64,
    /// Milliseconds until a try is given up.
    pub timeout_ms: u64,
    /// Tries in all, 1 to 5.
    pub attempts: u32,
    /// Answers kept at most.
    pub cache_entries: usize,
    /// Longest time an answer with records is kept, in seconds.
    pub cache_max_ttl_s: u32,
    /// Longest time an answer without records is kept, in seconds.
    pub negative_ttl_s: u32,
    /// Most questions that wait for servers at a time.
    pub max_in_flight: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            deadline_ms: 2_000,
            // Behind the deadline of a message, so that a slow answer serves the next one.
            timeout_ms: 2_500,
            attempts: 2,
            cache_entries: 200_000,
            cache_max_ttl_s: 3_600,
            negative_ttl_s: 600,
            max_in_flight: 512,
        }
    }
}

impl Config {
    /// The same with every number moved into its bounds.
    #[must_use]
    pub(crate) fn bounded(&self) -> Self {
        Self {
            servers: self.servers.clone(),
            deadline_ms: self.deadline_ms,
            timeout_ms: self.timeout_ms.clamp(50, 30_000),
            attempts: self.attempts.clamp(1, 5),
            cache_entries: self.cache_entries.clamp(16, 10_000_000),
            cache_max_ttl_s: self.cache_max_ttl_s.clamp(1, 86_400),
            negative_ttl_s: self.negative_ttl_s.clamp(1, 86_400),
            max_in_flight: self.max_in_flight.clamp(1, 16_384),
        }
    }
}

/// Why there is no resolver.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// None is written, and the system names none.
    #[error("no resolver is named, and the system's can't be read: {0}")]
    System(String),
    /// The resolver could not be made.
    #[error("the resolver could not be made: {0}")]
    Build(String),
}

fn servers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SocketAddr>, D::Error> {
    let written = Vec::<String>::deserialize(from)?;
    written.iter().map(|text| server(text).map_err(serde::de::Error::custom)).collect()
}

fn server(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, DNS_PORT));
    }
    text.parse().map_err(|_| {
        format!("{text:?} is no resolver's address; write one as \"127.0.0.1:53\" or \"[::1]:53\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_address_with_or_without_a_port() {
        let config: Config =
            toml::from_str(r#"servers = ["127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:5353"]"#)
                .unwrap();
        let text: Vec<String> = config.servers.iter().map(ToString::to_string).collect();
        assert_eq!(text, ["127.0.0.1:53", "127.0.0.1:5353", "[::1]:53", "[::1]:5353"]);
        let error = toml::from_str::<Config>(r#"servers = ["dns.example"]"#).unwrap_err();
        assert!(error.to_string().contains("is no resolver's address"), "{error}");
        assert!(toml::from_str::<Config>("deadline = 3").is_err(), "unknown keys are mistakes");
    }
}
