//! Resolvers that anyone may use. Most lists refuse what comes through them, since they can't tell
//! who asks, and some answer them with lies.
//!
//! Invariant: only addresses that the operator publishes for everyone.

use std::net::{IpAddr, SocketAddr};

/// The operator of one of `servers` that is public.
pub(crate) fn operator(servers: &[SocketAddr]) -> Option<&'static str> {
    let public = |address: &str| {
        let address: Option<IpAddr> = address.parse().ok();
        servers.iter().any(|server| Some(server.ip().to_canonical()) == address)
    };
    let known = PUBLIC.iter().find(|(_, addresses)| addresses.iter().any(|it| public(it)));
    known.map(|(operator, _)| *operator)
}

const PUBLIC: [(&str, &[&str]); 12] = [
    ("Google Public DNS", &["8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"]),
    (
        "Cloudflare",
        &[
            "1.1.1.1",
            "1.0.0.1",
            "1.1.1.2",
            "1.0.0.2",
            "1.1.1.3",
            "1.0.0.3",
            "2606:4700:4700::1111",
            "2606:4700:4700::1001",
        ],
    ),
    (
        "Quad9",
        &[
            "9.9.9.9",
            "149.112.112.112",
            "9.9.9.10",
            "149.112.112.10",
            "9.9.9.11",
            "149.112.112.11",
            "2620:fe::fe",
            "2620:fe::9",
        ],
    ),
    ("OpenDNS", &["208.67.222.222", "208.67.220.220", "2620:119:35::35", "2620:119:53::53"]),
    ("AdGuard DNS", &["94.140.14.14", "94.140.15.15"]),
    ("Level 3", &["4.2.2.1", "4.2.2.2", "4.2.2.3", "4.2.2.4", "4.2.2.5", "4.2.2.6"]),
    ("Verisign", &["64.6.64.6", "64.6.65.6"]),
    ("Yandex DNS", &["77.88.8.8", "77.88.8.1"]),
    ("Hurricane Electric", &["74.82.42.42", "2001:470:20::2"]),
    ("CleanBrowsing", &["185.228.168.9", "185.228.169.9"]),
    ("AliDNS", &["223.5.5.5", "223.6.6.6"]),
    ("DNSPod", &["119.29.29.29"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(servers: &[&str], expect: Option<&str>) {
        let servers: Vec<SocketAddr> = servers.iter().map(|it| it.parse().unwrap()).collect();
        assert_eq!(operator(&servers), expect);
    }

    #[test]
    fn a_public_resolver_is_noticed_among_others() {
        check(&["127.0.0.1:53", "192.0.2.53:53"], None);
        check(&["127.0.0.1:53", "8.8.8.8:53"], Some("Google Public DNS"));
        check(&["[2620:fe::fe]:53"], Some("Quad9"));
        check(&["[::ffff:1.1.1.1]:53"], Some("Cloudflare"));
    }

    #[test]
    fn the_table_holds_addresses_only() {
        for (_, known) in PUBLIC {
            assert!(known.iter().all(|address| address.parse::<IpAddr>().is_ok()), "{known:?}");
        }
    }
}
