//! One question to the servers, over UDP and where needed TCP, by way of hickory: for what gets no plain
//! answer from a [`line`](crate::line).
//!
//! Invariant: names are asked for as they are, without search domains and hosts file; nothing is
//! cached here; what comes back is bounded in number and size.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::Name as WireName;

use crate::told::{Told, found, record_type};
use crate::{Answer, Config, ConfigError, Name, Question, Why};

const RESOLV_CONF: &str = "/etc/resolv.conf";
/// More servers than this the system's own resolver doesn't ask either (resolv.conf(5)).
const MOST_SYSTEM_SERVERS: usize = 3;

pub(crate) struct Upstream {
    hickory: TokioResolver,
}

impl Upstream {
    pub(crate) fn new(config: &Config, servers: &[SocketAddr]) -> Result<Self, ConfigError> {
        let servers = servers.iter().map(|server| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = server.port();
            }
            NameServerConfig::new(server.ip(), true, connections)
        });
        let servers = ResolverConfig::from_name_servers(servers.collect());
        let builder = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default());
        let hickory = builder.with_options(options(config)).build();
        let hickory = hickory.map_err(|error| ConfigError::Build(error.to_string()))?;
        Ok(Self { hickory })
    }

    pub(crate) async fn ask(&self, question: &Question) -> Told {
        let Ok(name) = question.name().map_err(drop).and_then(|name| on_the_wire(&name)) else {
            return Told { answer: Answer::NoSuchName, ttl: None };
        };
        match self.hickory.lookup(name, record_type(question)).await {
            Ok(lookup) => {
                let ttl = lookup.valid_until().saturating_duration_since(std::time::Instant::now());
                let wanted = record_type(question);
                let of_type =
                    lookup.answers().iter().filter(|record| record.record_type() == wanted);
                let answer = found(question, of_type.map(|record| &record.data));
                Told { answer, ttl: Some(ttl) }
            }
            Err(error) => not_found(&error),
        }
    }
}

/// The servers that the system asks (resolv.conf(5)): the local one when none is named.
pub(crate) fn system_servers() -> Result<Vec<SocketAddr>, ConfigError> {
    let text = match std::fs::read_to_string(RESOLV_CONF) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(ConfigError::System(format!("{RESOLV_CONF}: {error}"))),
    };
    Ok(named_servers(&text))
}

fn named_servers(resolv_conf: &str) -> Vec<SocketAddr> {
    let named = resolv_conf.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next().filter(|word| *word == "nameserver").and(words.next())?;
        address.split('%').next()?.parse::<IpAddr>().ok()
    });
    let mut servers: Vec<_> =
        named.take(MOST_SYSTEM_SERVERS).map(|address| SocketAddr::new(address, 53)).collect();
    if servers.is_empty() {
        servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 53));
    }
    servers
}

fn options(config: &Config) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = Duration::from_millis(config.timeout_ms);
    // hickory counts tries after the first.
    options.attempts = config.attempts.saturating_sub(1) as usize;
    options.edns0 = true;
    options.use_hosts_file = ResolveHosts::Never;
    options.cache_size = 0;
    // One server at a time: two would double what every list has to answer.
    options.num_concurrent_reqs = 1;
    options.max_active_requests = config.max_in_flight;
    options.preserve_intermediates = false;
    // The system's ports are random as well, and never those that something listens on.
    options.os_port_selection = true;
    options
}

fn on_the_wire(name: &Name) -> Result<WireName, ()> {
    let mut wire = WireName::from_labels(name.labels().map(str::as_bytes)).map_err(drop)?;
    wire.set_fqdn(true);
    Ok(wire)
}

fn not_found(error: &NetError) -> Told {
    let why = match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            let answer = match none.response_code {
                ResponseCode::NXDomain => Answer::NoSuchName,
                _ => Answer::NoData,
            };
            let ttl = none.negative_ttl.map(|seconds| Duration::from_secs(seconds.into()));
            return Told { answer, ttl };
        }
        NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => Why::Refused,
        NetError::Dns(_) => Why::ServFail,
        NetError::Timeout => Why::Late,
        NetError::Truncated => Why::Truncated,
        NetError::Busy => Why::Busy,
        NetError::Proto(_) | NetError::QueryCaseMismatch | NetError::ForeignClassRecord { .. } => {
            Why::Malformed
        }
        _ => Why::Network,
    };
    Told::unknown(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(resolv_conf: &str, expect: &[&str]) {
        let servers: Vec<String> =
            named_servers(resolv_conf).iter().map(ToString::to_string).collect();
        assert_eq!(servers, expect);
    }

    #[test]
    fn the_systems_servers_are_those_it_names_or_the_local_one() {
        check(
            "search lan\nnameserver 192.0.2.53 # first\n nameserver fe80::1%eth0\n",
            &["192.0.2.53:53", "[fe80::1]:53"],
        );
        check("#nameserver 192.0.2.1\noptions edns0\n", &["127.0.0.1:53"]);
        check(&"nameserver 192.0.2.1\n".repeat(9), &["192.0.2.1:53"; 3]);
    }
}
