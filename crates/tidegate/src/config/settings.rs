//! The configuration as written, by section. Each crate owns the type of its own; the program's own
//! are here.
//!
//! Invariant: every key has its default and its explanation in `config/tidegate.toml`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Deserialize;
use tidegate_bayes::{AutoLearn, Limits};
use tidegate_checks::Network;
use tidegate_checks::lists::ListsConfig;
use tidegate_checks::trust::TrustConfig;

use super::mistake::{Findings, suggest};
use super::policies::PolicySettings;
use super::read::section;
use super::source::Sources;
use super::tree::{Node, Table};
use crate::pages::Config as Pages;
use crate::{journal, shadow};

/// Every section. `[checks]` and `[scores]`, whose keys are names of checks and signals, are read
/// where these are known.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    pub(crate) milter: tidegate_milter::Config,
    pub(crate) http: Http,
    pub(crate) pages: Pages,
    pub(crate) dns: tidegate_dns::Config,
    pub(crate) store: Store,
    pub(crate) verdict: tidegate_policy::Config,
    pub(crate) guard: tidegate_policy::guard::Config,
    pub(crate) correspondents: tidegate_policy::correspondents::Config,
    pub(crate) quarantine: tidegate_quarantine::Config,
    pub(crate) policy: PolicySettings,
    pub(crate) lists: ListsConfig,
    pub(crate) trust: TrustConfig,
    pub(crate) message: tidegate_mail::Bounds,
    pub(crate) network: Networks,
    pub(crate) rules: Rules,
    pub(crate) statistics: Statistics,
    pub(crate) journal: journal::Config,
    pub(crate) shadow: shadow::Config,
    pub(crate) log: Log,
}

/// The names of all sections.
pub(crate) const SECTIONS: [&str; 22] = [
    "server",
    "milter",
    "http",
    "pages",
    "dns",
    "store",
    "verdict",
    "guard",
    "correspondents",
    "quarantine",
    "policy",
    "lists",
    "trust",
    "message",
    "network",
    "rules",
    "statistics",
    "checks",
    "scores",
    "journal",
    "shadow",
    "log",
];

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Server {
    /// The authserv-id of Authentication-Results (RFC 8601, section 2.5); the host's name when none.
    pub(crate) id: Option<String>,
    /// The user that a daemon started as root becomes.
    pub(crate) user: Option<String>,
    /// The group that it becomes; that of the user when none.
    pub(crate) group: Option<String>,
    /// Whether the daemon gives up what it never needs.
    pub(crate) sandbox: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self { id: None, user: None, group: None, sandbox: true }
    }
}

/// `[http]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    /// Whether the pages are served.
    pub(crate) enabled: bool,
    /// Where.
    pub(crate) listen: SocketAddr,
}

impl Default for Http {
    fn default() -> Self {
        Self { enabled: true, listen: (IpAddr::V4(Ipv4Addr::LOCALHOST), 8896).into() }
    }
}

/// `[store]`
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Store {
    /// Where what outlives a message is kept; `/var/lib/tidegate`, or `./tidegate-state` when that
    /// may not be written. With the address of a server, machines share there what they may share.
    pub(crate) url: Option<String>,
    /// With a server: where this machine keeps what is its own; else as without a `url`.
    pub(crate) folder: Option<PathBuf>,
    /// A file of one line, the password of the server.
    pub(crate) password_file: Option<PathBuf>,
    /// Certificates (PEM) of those who may certify the server, in place of the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Longest wait for the server: to connect, and for each answer.
    pub(crate) timeout_ms: NonZeroU32,
}

impl Default for Store {
    fn default() -> Self {
        let timeout_ms = NonZeroU32::new(2_000).unwrap_or(NonZeroU32::MAX);
        Self { url: None, folder: None, password_file: None, ca_file: None, timeout_ms }
    }
}

impl Store {
    /// The address of the server, where one is to be shared.
    pub(crate) fn server(&self) -> Option<&str> {
        self.url.as_deref().filter(|url| is_server(url))
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A URL may have a password in it.
        f.debug_struct("Store").field("url", &self.url.as_deref().map(without_password)).finish()
    }
}

/// Whether `url` is the address of a server, and no folder.
pub(crate) fn is_server(url: &str) -> bool {
    url.starts_with("redis://") || url.starts_with("rediss://")
}

/// A URL as it may be shown.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((who, host)) => {
            let user = who.split(':').next().unwrap_or_default();
            let hidden = if who.contains(':') { ":…" } else { "" };
            format!("{scheme}://{user}{hidden}@{host}")
        }
        None => url.to_owned(),
    }
}

/// `[network]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Networks {
    /// Networks of our own and of relays whose Received fields are believed.
    pub(crate) trusted: Vec<Network>,
}

/// `[rules]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rules {
    /// Whether the rules that come with the program are used.
    pub(crate) builtin: bool,
    /// Rule files of the operator's.
    pub(crate) files: Vec<String>,
    /// Names of rules to leave out.
    pub(crate) disabled: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { builtin: true, files: Vec::new(), disabled: Vec::new() }
    }
}

/// `[statistics]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Statistics {
    /// Whether statistics are asked, and lessons taken.
    pub(crate) enabled: bool,
    /// Learning without a person.
    pub(crate) auto_learn: AutoLearn,
    /// Bounds of what is kept and believed.
    pub(crate) learning: Limits,
}

impl Default for Statistics {
    fn default() -> Self {
        Self { enabled: true, auto_learn: AutoLearn::default(), learning: Limits::default() }
    }
}

/// `[log]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// What is told at all.
    pub(crate) level: Level,
    /// How a line is written.
    pub(crate) format: Format,
    /// How much of an address is written.
    pub(crate) addresses: Addresses,
    /// Days that an address is written as the same name.
    pub(crate) pseudonym_days: NonZeroU32,
    /// Whether the network addresses of clients are written.
    pub(crate) clients: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: Level::default(),
            format: Format::default(),
            addresses: Addresses::default(),
            pseudonym_days: NonZeroU32::MIN.saturating_add(6),
            clients: true,
        }
    }
}

/// The least weighty thing that is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: an object a line.
    Json,
}

/// How much of a mail address is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Addresses {
    /// Nothing.
    None,
    /// What stands behind the `@`.
    Domain,
    /// A name in its place, which only the store can tell, and only for some days.
    #[default]
    Hashed,
    /// All of it.
    Full,
}

impl Settings {
    /// Reads every section of `root`; what is wrong is told, and its default used.
    pub(crate) fn read(
        root: &mut Node,
        defaults: &Node,
        sources: &Sources,
        findings: &mut Findings,
    ) -> Self {
        refuse_unknown_sections(root, defaults, sources, findings);
        macro_rules! sections {
            ($($name:ident),*) => {
                Self { $($name: section(root, stringify!($name), defaults, sources, findings)),* }
            };
        }
        sections!(
            server,
            milter,
            http,
            pages,
            dns,
            store,
            verdict,
            policy,
            guard,
            correspondents,
            quarantine,
            lists,
            trust,
            message,
            network,
            rules,
            statistics,
            journal,
            shadow,
            log
        )
    }
}

fn refuse_unknown_sections(
    root: &Node,
    defaults: &Node,
    sources: &Sources,
    findings: &mut Findings,
) {
    for (name, (origin, node)) in root.as_table().into_iter().flat_map(|table| &table.0) {
        if SECTIONS.contains(&name.as_str()) {
            continue;
        }
        let place = sources.place(*origin);
        if node.as_table().is_some() {
            let remedy = suggest(name, SECTIONS.into_iter(), "the sections are");
            findings.mistake(place, format!("there is no section [{name}]"), remedy);
            continue;
        }
        let home = SECTIONS.into_iter().find(|section| defaults.find(&[section, name]).is_some());
        let remedy = match home {
            Some(section) => format!("write it below [{section}]"),
            None => "write it below the [section] that it belongs to".to_owned(),
        };
        findings.mistake(place, format!("'{name}' stands in no section"), remedy);
    }
}

/// The table of a section, empty when there is none.
pub(crate) fn table<'n>(root: &'n Node, section: &str) -> Option<&'n Table> {
    root.find(&[section]).and_then(Node::as_table)
}
