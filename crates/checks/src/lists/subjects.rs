//! What of a message is looked up in lists, and when it is known.
//!
//! Invariant: of one message at most [`MOST_LINKS`] domains of links and a handful of others are
//! looked up in a zone, each once; addresses of this site and of its users never are.

use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;
use tidegate_mail::registered_domain;

use super::well_known::is_well_known;
use crate::authentication::AuthResult;
use crate::{Known, Stage};

/// Domains of links that are looked up: more than honest mail has but for a few newsletters.
const MOST_LINKS: usize = 20;
/// Domains of the other kinds, each.
const MOST_OTHERS: usize = 4;
/// Hops that are followed through relays of ours.
const MOST_HOPS: usize = 20;

/// A place in the envelope or the message that names addresses or domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectKind {
    /// The connecting host.
    Client,
    /// Behind relays of ours: the host that connected to them.
    Received,
    /// The domain of the HELO name.
    Helo,
    /// The domain of the envelope sender.
    Sender,
    /// Domains of From.
    From,
    /// Domains of Reply-To.
    Reply,
    /// Domains that links lead to.
    Links,
    /// Domains whose DKIM signature was verified.
    Dkim,
}

/// An address, or a registered domain in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    Address(IpAddr),
    Domain(String),
}

impl Subject {
    /// The address, where it is one.
    pub(crate) const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Domain(_) => None,
        }
    }

    pub(crate) fn as_dns(&self) -> tidegate_dns::Subject<'_> {
        match self {
            Self::Address(address) => tidegate_dns::Subject::Ip(*address),
            Self::Domain(domain) => tidegate_dns::Subject::Domain(domain),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Domain(domain) => domain.fmt(f),
        }
    }
}

impl SubjectKind {
    /// Whether its subjects are addresses.
    #[must_use]
    pub const fn is_address(self) -> bool {
        matches!(self, Self::Client | Self::Received)
    }

    /// When its subjects are known.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Self::Client => Stage::Connect,
            Self::Helo => Stage::Helo,
            Self::Sender => Stage::Mail,
            Self::Received | Self::From | Self::Reply => Stage::Headers,
            Self::Links => Stage::Message,
            Self::Dkim => Stage::Authenticated,
        }
    }

    /// The place, for evidence; empty where the signal says it already.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Client | Self::Received => "",
            Self::Helo => "HELO",
            Self::Sender => "sender",
            Self::From => "From",
            Self::Reply => "Reply-To",
            Self::Links => "link",
            Self::Dkim => "DKIM",
        }
    }

    pub(crate) fn subjects(self, known: &Known<'_>) -> Vec<Subject> {
        if known.envelope.authenticated.is_some() {
            return Vec::new();
        }
        let message = known.message;
        match self {
            Self::Client => known.stranger().map(address).into_iter().collect(),
            Self::Received => behind_relays(known).map(address).into_iter().collect(),
            Self::Helo => {
                let helo = known.stranger().and(known.envelope.helo.as_deref());
                domains(helo, known, MOST_OTHERS)
            }
            Self::Sender => {
                let sender = known.envelope.sender.as_ref();
                domains(sender.and_then(|sender| sender.domain()), known, MOST_OTHERS)
            }
            Self::From => {
                let from = message.iter().flat_map(|message| message.from());
                domains(from.filter_map(|from| from.address.domain()), known, MOST_OTHERS)
            }
            Self::Reply => {
                let reply = message.iter().flat_map(|message| message.reply_to());
                domains(reply.filter_map(|reply| reply.address.domain()), known, MOST_OTHERS)
            }
            Self::Links => {
                let links = message.iter().flat_map(|message| message.links());
                domains(links.filter_map(|link| link.domain.as_deref()), known, MOST_LINKS)
            }
            Self::Dkim => {
                let signatures = known.authentication.iter().flat_map(|found| &found.dkim);
                let passing = signatures.filter(|it| it.result == AuthResult::Pass);
                domains(passing.map(|it| it.domain.as_str()), known, MOST_OTHERS)
            }
        }
    }
}

fn address(address: IpAddr) -> Subject {
    Subject::Address(address.to_canonical())
}

/// The registered domains among `hosts`, each once, without those that every message names and
/// those of this site.
fn domains<'a>(
    hosts: impl IntoIterator<Item = &'a str>,
    known: &Known<'_>,
    most: usize,
) -> Vec<Subject> {
    let mut found: Vec<Subject> = Vec::new();
    let is_found = |found: &[Subject], domain: &str| {
        found.iter().any(|it| matches!(it, Subject::Domain(known) if known == domain))
    };
    for host in hosts {
        // Most links of a message lead to one domain.
        if is_found(&found, host) {
            continue;
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let Some(domain) = registered_domain(&host) else { continue };
        if is_found(&found, domain) || is_well_known(domain) || is_ours(domain, known) {
            continue;
        }
        found.push(Subject::Domain(domain.to_owned()));
        if found.len() == most {
            break;
        }
    }
    found
}

fn is_ours(domain: &str, known: &Known<'_>) -> bool {
    let recipients = known.envelope.recipients.iter().filter_map(|to| to.domain());
    let mut ours = recipients.chain([known.site.id.as_str()]);
    // The end is compared first: it is the registered domain that takes time.
    ours.any(|host| {
        let host = host.strip_suffix('.').unwrap_or(host);
        host.ends_with(domain) && registered_domain(host) == Some(domain)
    })
}

/// When a relay of ours hands the message in: the first host on its way that isn't one. Received
/// fields are believed as far down as the hosts that wrote them are ours.
fn behind_relays(known: &Known<'_>) -> Option<IpAddr> {
    let client = known.envelope.client?;
    let ours = |address| known.site.trusts(address) || is_private(address);
    if !ours(client) {
        return None;
    }
    for hop in known.message?.received().iter().take(MOST_HOPS) {
        // A user of ours who has logged in may be anywhere (RFC 3848).
        if let Some("ESMTPA" | "ESMTPSA" | "UTF8SMTPA" | "UTF8SMTPSA") = hop.with {
            return None;
        }
        let from = hop.from_ip?;
        if !ours(from) {
            return Some(from);
        }
    }
    None
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_loopback() || v6.is_unicast_link_local(),
    }
}
