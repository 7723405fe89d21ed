//! `[pages]`
//!
//! Invariant: pages that are reached from outside by plain HTTP are warned of, never refused: a proxy in
//! front may speak TLS for them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::Deserialize;

/// `[pages]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Whether pages and API are served.
    pub(crate) enabled: bool,
    /// Where.
    pub(crate) listen: SocketAddr,
    /// How browsers reach them, for links in mail.
    pub(crate) public_url: String,
    /// Domains whose addresses may sign in; none: all that mail was held for.
    pub(crate) domains: Vec<String>,
    /// Addresses that see everybody's.
    pub(crate) admins: Vec<String>,
    /// Hours that a session lasts.
    pub(crate) session_hours: u32,
    /// Whether the client's address is the last that X-Forwarded-For names.
    pub(crate) behind_proxy: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: false,
            listen: (IpAddr::V4(Ipv4Addr::LOCALHOST), 8897).into(),
            public_url: "http://127.0.0.1:8897".to_owned(),
            domains: Vec::new(),
            admins: Vec::new(),
            session_hours: 12,
            behind_proxy: false,
        }
    }
}

impl Config {
    /// How long a session lasts.
    pub(crate) fn session_seconds(&self) -> u64 {
        u64::from(self.session_hours) * 3_600
    }

    /// Whether browsers come by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// The origin of the pages, as browsers name it in `Origin` (RFC 6454, section 6.1).
    pub(crate) fn origin(&self) -> &str {
        let after = self.public_url.find("://").map_or(0, |at| at + 3);
        let end = self.public_url[after..].find('/').map_or(self.public_url.len(), |at| after + at);
        &self.public_url[..end]
    }

    /// `path` below the public address.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.trim_end_matches('/'))
    }

    /// Everything that is wrong, each with the key that is.
    pub(crate) fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if !self.public_url.starts_with("http://") && !self.is_secure() {
            let what = format!("'{}' is no address of a page", self.public_url);
            found.push(("public_url", format!("{what}; write \"https://HOST\"")));
        } else if self.link("") != self.origin() {
            let what = format!("'{}' has a path, and the pages need a host", self.public_url);
            found.push(("public_url", format!("{what} of their own; write \"{}\"", self.origin())));
        }
        if !(1..=720).contains(&self.session_hours) {
            found.push(("session_hours", "a session lasts 1 to 720 hours".to_owned()));
        }
        for odd in self.domains.iter().filter(|domain| domain.contains('@')) {
            let bare = odd.rsplit('@').next().unwrap_or_default();
            found.push(("domains", format!("'{odd}' is no domain; write \"{bare}\"")));
        }
        for odd in self.admins.iter().filter(|admin| !admin.contains('@')) {
            found.push(("admins", format!("'{odd}' is no address")));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_the_public_address_without_its_path() {
        let config = |url: &str| Config { public_url: url.into(), ..Config::default() };
        assert_eq!(config("https://mail.example.org/spam/").origin(), "https://mail.example.org");
        assert_eq!(config("http://127.0.0.1:8897").origin(), "http://127.0.0.1:8897");
        assert_eq!(config("https://a.example/").link("/held"), "https://a.example/held");
    }

    #[test]
    fn everything_that_cannot_be_is_told_by_its_key() {
        let config = Config {
            admins: vec!["postmaster".into()],
            public_url: "mail.example.org".into(),
            domains: vec!["@example.org".into()],
            session_hours: 0,
            ..Config::default()
        };
        let (keys, problems): (Vec<_>, Vec<_>) = config.mistakes().into_iter().unzip();
        assert_eq!(keys, ["public_url", "session_hours", "domains", "admins"]);
        assert!(problems[2].contains("write \"example.org\""), "{problems:?}");
        let of_url = |url: &str| Config { public_url: url.into(), ..Config::default() }.mistakes();
        let told = of_url("https://example.org/spam");
        assert!(told[0].1.contains("write \"https://example.org\""), "{told:?}");
        assert_eq!(of_url("https://example.org/"), []);
        assert_eq!(Config::default().mistakes(), []);
    }
}
