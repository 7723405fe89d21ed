//! What a test server serves, and how it misbehaves.
//!
//! Invariant: names are in lower case without a trailing dot, as questions have them.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, MX, PTR, SOA, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::Failure;

/// Aliases followed for one question.
const MOST_ALIASES: usize = 8;
/// Octets of one string of a TXT record.
const LONGEST_STRING: usize = 255;

#[derive(Debug)]
pub(super) struct Records {
    by_name: BTreeMap<String, Vec<(RData, u32)>>,
    behaviours: HashMap<String, Behaviour>,
    pub(super) ttl: u32,
    /// Each question, as `A example.com`.
    pub(super) asked: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Behaviour {
    pub(super) delay: Duration,
    pub(super) failure: Option<Failure>,
}

impl Default for Records {
    fn default() -> Self {
        Self { by_name: BTreeMap::new(), behaviours: HashMap::new(), ttl: 300, asked: Vec::new() }
    }
}

impl Records {
    pub(super) fn add(&mut self, name: &str, kind: &str, value: &str) -> Result<(), String> {
        let data = rdata(kind, value)?;
        self.by_name.entry(plain(name)).or_default().push((data, self.ttl));
        Ok(())
    }

    /// `name type value`, or a comment.
    pub(super) fn line(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let fields = line.split_once(char::is_whitespace).and_then(|(name, rest)| {
            let (kind, value) = rest.trim_start().split_once(char::is_whitespace)?;
            Some((name, kind, value.trim()))
        });
        let (name, kind, value) = fields.ok_or("it is not 'name type value'")?;
        self.add(name, kind, value.trim_matches('"'))
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.by_name.remove(&plain(name));
    }

    pub(super) fn behave(&mut self, name: &str) -> &mut Behaviour {
        self.behaviours.entry(plain(name)).or_default()
    }

    /// Of the longest name above `query` that has one.
    pub(super) fn behaviour(&self, query: &Query) -> Behaviour {
        let name = text(query.name());
        let found = above(&name).find_map(|name| self.behaviours.get(name));
        found.copied().unwrap_or_default()
    }

    /// Fills in what is served for `query`.
    pub(super) fn answer(&self, query: &Query, response: &mut Message) {
        let mut name = text(query.name());
        for _ in 0..MOST_ALIASES {
            let Some(records) = self.at(&name) else { break };
            let owner = wire(&name);
            let of_type = |kind| {
                let records = records.iter().filter(move |(data, _)| data.record_type() == kind);
                records.map(|(data, ttl)| Record::from_rdata(owner.clone(), *ttl, data.clone()))
            };
            response.answers.extend(of_type(query.query_type()));
            let Some(alias) = of_type(RecordType::CNAME).next() else { break };
            if let RData::CNAME(target) = &alias.data {
                name = text(target);
            }
            response.answers.push(alias);
        }
        if !response.answers.iter().any(|record| record.record_type() == query.query_type()) {
            response.metadata.response_code = match self.exists(&name) {
                true => ResponseCode::NoError,
                false => ResponseCode::NXDomain,
            };
            response.add_authority(self.soa());
        }
    }

    /// The records of `name`, or of the wildcard nearest above it.
    fn at(&self, name: &str) -> Option<&Vec<(RData, u32)>> {
        let wildcards = || above(name).skip(1).map(|zone| format!("*.{zone}"));
        self.by_name.get(name).or_else(|| wildcards().find_map(|it| self.by_name.get(&it)))
    }

    /// Whether `name` has records, or something below it has.
    fn exists(&self, name: &str) -> bool {
        let below = |it: &&String| it.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
        self.at(name).is_some() || self.by_name.keys().any(|it| below(&it))
    }

    fn soa(&self) -> Record {
        let soa = SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, self.ttl);
        Record::from_rdata(Name::root(), self.ttl, RData::SOA(soa))
    }
}

fn rdata(kind: &str, value: &str) -> Result<RData, String> {
    let address = |_| format!("{value:?} is no address");
    Ok(match kind {
        "A" => RData::A(A(value.parse::<Ipv4Addr>().map_err(address)?)),
        "AAAA" => RData::AAAA(AAAA(value.parse::<Ipv6Addr>().map_err(address)?)),
        "TXT" => RData::TXT(TXT::from_bytes(value.as_bytes().chunks(LONGEST_STRING).collect())),
        "MX" => {
            let (preference, exchange) = value.split_once(' ').ok_or("an MX has a preference")?;
            let preference = preference.parse().map_err(|_| "the preference is no number")?;
            RData::MX(MX::new(preference, wire(exchange)))
        }
        "PTR" => RData::PTR(PTR(wire(value))),
        "CNAME" => RData::CNAME(CNAME(wire(value))),
        other => return Err(format!("{other:?} is no type that is served here")),
    })
}

/// `name` itself and the names above it, up to the root.
fn above(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| match name.split_once('.') {
        Some((_, rest)) => Some(rest),
        None => (!name.is_empty()).then_some(""),
    })
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

pub(super) fn text(name: &Name) -> String {
    plain(&String::from_utf8_lossy(&name.iter().collect::<Vec<_>>().join(&b'.')))
}

/// Any labels, so that tests can serve names that are none.
fn wire(name: &str) -> Name {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut name = Name::from_labels(labels.map(str::as_bytes)).unwrap_or_else(|_| Name::root());
    name.set_fqdn(true);
    name
}
