//! The quarantine as written in the configuration: `[quarantine]`.
//!
//! Invariant: settings that [`Config::mistakes`] finds nothing wrong with can be worked with, given that
//! what they name can be reached.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;

/// `[quarantine]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether anything is held.
    pub enabled: bool,
    /// Where messages are kept: `file:/FOLDER` or `s3://BUCKET/PREFIX`; none: a folder in that of the
    /// store.
    pub url: Option<String>,
    /// Bytes of all messages.
    pub max_bytes: u64,
    /// Messages.
    pub max_messages: u64,
    /// Days that an entry is kept, where its recipient has no wish.
    pub keep_days: u32,
    /// Hours within which nothing is let go to make room.
    pub keep_at_least_hours: u32,
    /// Who is given released mail, by SMTP: `HOST:PORT`, `smtp://HOST:PORT` or `smtps://HOST:PORT`.
    pub release_to: String,
    /// Milliseconds that one delivery to it may take.
    pub release_timeout_ms: u64,
    /// Mails that list what is held.
    pub digest: DigestConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            url: None,
            max_bytes: 10 << 30,
            max_messages: 200_000,
            keep_days: 30,
            keep_at_least_hours: 24,
            release_to: "127.0.0.1:25".to_owned(),
            release_timeout_ms: 10_000,
            digest: DigestConfig::default(),
        }
    }
}

/// `[quarantine.digest]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DigestConfig {
    /// Whether digests are sent.
    pub enabled: bool,
    /// Of whom they come.
    pub from: Option<String>,
    /// Where the user pages are reached, before `/q/…`; none: a digest has no links.
    pub public_url: Option<String>,
}

/// A setting that can't be worked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The key below `[quarantine]`.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

impl Config {
    /// Everything that is wrong.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Invalid> {
        let mut found = Vec::new();
        let mut say = |key, problem: String, remedy: &str| {
            found.push(Invalid { key, problem, remedy: remedy.to_owned() });
        };
        if let Some(url) = &self.url
            && let Err(problem) = crate::kind_of(url)
        {
            say(
                "url",
                problem,
                "write \"file:/var/lib/tidegate/quarantine\" or \"s3://bucket/prefix\"",
            );
        }
        for (key, is_zero, remedy) in [
            ("max_bytes", self.max_bytes == 0, "max_bytes = 10737418240"),
            ("max_messages", self.max_messages == 0, "max_messages = 200000"),
            ("keep_days", self.keep_days == 0, "keep_days = 30"),
            ("release_timeout_ms", self.release_timeout_ms == 0, "release_timeout_ms = 10000"),
        ] {
            if is_zero {
                let remedy =
                    format!("write for example {remedy}, or enabled = false to hold nothing");
                say(key, format!("'{key}' must be at least 1"), &remedy);
            }
        }
        if u64::from(self.keep_at_least_hours) * HOUR > u64::from(self.keep_days) * DAY {
            let problem = format!(
                "'keep_at_least_hours' ({}) is more than the {} days of 'keep_days'",
                self.keep_at_least_hours, self.keep_days
            );
            say("keep_at_least_hours", problem, "write for example keep_at_least_hours = 24");
        }
        if let Err(problem) = self.release_to.parse::<Destination>() {
            say(
                "release_to",
                problem,
                "write the host and port of your MTA, as in \"127.0.0.1:25\"",
            );
        }
        self.digest.mistakes(&mut say);
        found
    }

    /// Until when an entry is kept that is held at `now`, in seconds since 1970, for `days`; none: as
    /// configured.
    #[must_use]
    pub fn keep_until(&self, now: u64, days: Option<u32>) -> u64 {
        now + u64::from(days.unwrap_or(self.keep_days).max(1)) * DAY
    }

    /// Seconds within which nothing is let go to make room.
    pub(crate) fn keep_at_least(&self) -> u64 {
        u64::from(self.keep_at_least_hours) * HOUR
    }

    pub(crate) const fn release_timeout(&self) -> Duration {
        Duration::from_millis(self.release_timeout_ms)
    }
}

impl DigestConfig {
    fn mistakes(&self, say: &mut dyn FnMut(&'static str, String, &str)) {
        match &self.from {
            None if self.enabled => {
                let problem = "digests are to be sent, and of nobody".to_owned();
                say("digest.from", problem, "write for example from = \"postmaster@example.org\"");
            }
            Some(from) if !is_address(from) => {
                let problem = format!("\"{}\" is no address", from.escape_debug());
                say("digest.from", problem, "write for example from = \"postmaster@example.org\"");
            }
            _ => {}
        }
        if let Some(url) = &self.public_url {
            let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            let is_sound = host.is_some_and(|host| {
                !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
            });
            if !is_sound {
                let problem = format!("\"{}\" is no address of a page", url.escape_debug());
                say("digest.public_url", problem, "write for example \"https://mail.example.org\"");
            }
        }
    }
}

fn is_address(text: &str) -> bool {
    let is_sound = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>,;:\"()".contains(&byte))
    };
    text.rsplit_once('@').is_some_and(|(local, domain)| is_sound(local) && is_sound(domain))
}

/// Who takes mail of us by SMTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// A name or an address, the latter without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether the connection begins with TLS (RFC 8314, section 3.3).
    pub tls: bool,
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (tls, rest) = match text.split_once("://") {
            Some(("smtp", rest)) => (false, rest),
            Some(("smtps", rest)) => (true, rest),
            Some((scheme, _)) => {
                return Err(format!("'{scheme}://' is neither smtp:// nor smtps://"));
            }
            None => (false, text),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port))
                if !host.ends_with(':') && (!host.contains(':') || host.ends_with(']')) =>
            {
                let port = port.parse().map_err(|_| format!("'{port}' is no port"))?;
                (host, port)
            }
            _ => (rest, if tls { 465 } else { 25 }),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(is_host) || port == 0 {
            return Err(format!("\"{}\" names no host and port", text.escape_debug()));
        }
        Ok(Self { host: host.to_owned(), port, tls })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(Config::default().mistakes(), []);
    }

    #[test]
    fn a_destination_is_a_host_and_a_port() {
        let read = |text: &str| text.parse().map(|to: Destination| (to.host, to.port, to.tls));
        assert_eq!(read("127.0.0.1:2525"), Ok(("127.0.0.1".to_owned(), 2525, false)));
        assert_eq!(read("smtp://mx.example.org"), Ok(("mx.example.org".to_owned(), 25, false)));
        assert_eq!(read("smtps://mx.example.org/"), Ok(("mx.example.org".to_owned(), 465, true)));
        assert_eq!(read("smtp://[::1]:25"), Ok(("::1".to_owned(), 25, false)));
        for bad in ["", ":25", "http://x", "host:port", "a b:25", "host:0", "smtp://user@host"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_mistake_is_told_with_its_key() {
        let config = Config {
            url: Some("ftp://x".to_owned()),
            max_bytes: 0,
            keep_days: 1,
            keep_at_least_hours: 25,
            release_to: "nowhere at all".to_owned(),
            digest: DigestConfig {
                enabled: true,
                public_url: Some("example.org".to_owned()),
                from: None,
            },
            ..Config::default()
        };
        let keys: Vec<&str> = config.mistakes().iter().map(|invalid| invalid.key).collect();
        let expect = [
            "url",
            "max_bytes",
            "keep_at_least_hours",
            "release_to",
            "digest.from",
            "digest.public_url",
        ];
        assert_eq!(keys, expect);
    }
}
