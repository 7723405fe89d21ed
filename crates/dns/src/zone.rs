//! A list zone: the question to put to it, and what its answer says (RFC 5782).
//!
//! Invariant: only a documented code is a listing. Refusals, answers outside of 127.0.0.0/8 and
//! answers that never came list nothing.

use std::net::{IpAddr, Ipv4Addr};

use serde::Deserialize;

use crate::code::refuses_always;
use crate::health::{Health, State};
use crate::reverse::reversed;
use crate::{Answer, Code, CodeConfig, CodeError, Name, Question, Why};

/// What a zone lists.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Addresses, under their octets or nibbles in reverse.
    Ip,
    /// Domains, as they are written.
    Domain,
}

/// Whether being listed is bad or good.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Listed is bad.
    Block,
    /// Listed is good.
    Allow,
}

/// A zone as written.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ZoneConfig {
    /// Its name in DNS.
    pub zone: Name,
    /// What it lists.
    pub kind: Kind,
    /// Whether being listed is bad or good.
    pub side: Side,
    /// Who runs it; zones of one operator that contradict each other both don't count.
    #[serde(default)]
    pub operator: String,
    /// Whether it lists IPv6 addresses as well.
    #[serde(default)]
    pub ipv6: bool,
    /// What its answers mean.
    pub codes: Vec<CodeConfig>,
    /// A subject that is always listed, where the zone departs from RFC 5782, section 5:
    /// 127.0.0.2, or the domain `test`.
    #[serde(default)]
    pub listed: Option<String>,
    /// A subject that never is: 127.0.0.1, or the domain `invalid`.
    #[serde(default)]
    pub unlisted: Option<String>,
    /// The operator's terms, for people.
    #[serde(default)]
    pub note: String,
}

/// Why a zone can't be asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ZoneError {
    /// A code is wrong.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// Without codes nothing that it says would count.
    #[error("the zone has no codes, so nothing that it answers would count")]
    NoCodes,
    /// Its name leaves no room for what is looked up.
    #[error("the zone's name is too long to look anything up in it")]
    TooLong,
    /// A test point is not of the zone's kind.
    #[error("{0:?} can't be looked up in this zone")]
    TestPoint(String),
}

/// A list that can be asked, and how it fares.
#[derive(Debug)]
pub struct Zone {
    name: Name,
    kind: Kind,
    side: Side,
    operator: String,
    ipv6: bool,
    codes: Vec<Code>,
    listed: Question,
    unlisted: Vec<Question>,
    note: String,
    state: State,
}

/// What is looked up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subject<'s> {
    /// An address.
    Ip(IpAddr),
    /// A domain.
    Domain(&'s str),
}

/// What a zone says of a subject.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Listing {
    /// It is listed, by the codes at these places, in rising order.
    Listed(Vec<usize>),
    /// It is not.
    NotListed,
    /// The zone does not answer us.
    Refused,
    /// An answer that no code documents, which says nothing.
    Undocumented(Ipv4Addr),
    /// Not known.
    Unknown(Why),
}

impl Zone {
    /// Its name in DNS.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// What it lists.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether being listed is bad or good.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// Who runs it; empty when nobody said.
    #[must_use]
    pub fn operator(&self) -> &str {
        &self.operator
    }

    /// The operator's terms, for people.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// What its answers mean; [`Listing::Listed`] counts in these.
    #[must_use]
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// How it fared when it was last probed or asked.
    #[must_use]
    pub fn health(&self) -> Health {
        self.state.health()
    }

    /// Whether it is worth asking; one that lists the world, lists nothing or refuses is set aside.
    #[must_use]
    pub fn usable(&self) -> bool {
        self.health().is_usable()
    }

    /// Takes note of how it fares; tells the log when that has changed.
    pub(crate) fn fares(&self, health: Health) {
        self.state.becomes(health, self);
    }

    /// The question whether `subject` is listed; none for what this zone does not list.
    #[must_use]
    pub fn question(&self, subject: &Subject<'_>) -> Option<Question> {
        question(&self.name, self.kind, self.ipv6, subject)
    }

    /// What `answer` to [`Zone::question`] says. A refusal sets the zone aside.
    #[must_use]
    pub fn read(&self, answer: &Answer) -> Listing {
        let listing = self.listing(answer);
        if listing == Listing::Refused {
            self.fares(Health::Refuses);
        }
        listing
    }

    pub(crate) fn listing(&self, answer: &Answer) -> Listing {
        let answers = match answer {
            Answer::Unknown(why) => return Listing::Unknown(*why),
            Answer::NoData | Answer::NoSuchName => return Listing::NotListed,
            Answer::Found(_) => answer.ipv4(),
        };
        let documents = |answer: Ipv4Addr| self.codes.iter().any(|code| code.matches(answer));
        if answers.iter().any(|&answer| refuses_always(answer)) {
            return Listing::Refused;
        }
        // Whoever answers outside of 127/8 is no list (any more): a parked domain, or a resolver
        // that answers names which don't exist with its own address.
        if let Some(&foreign) = answers.iter().find(|answer| !answer.is_loopback()) {
            return Listing::Undocumented(foreign);
        }
        if answers.iter().any(|&answer| refuses_by_habit(answer) && !documents(answer)) {
            return Listing::Refused;
        }
        let matched = self.codes.iter().enumerate();
        let matched =
            matched.filter(|(_, code)| answers.iter().any(|&answer| code.matches(answer)));
        let matched: Vec<usize> = matched.map(|(place, _)| place).collect();
        match answers.first() {
            _ if !matched.is_empty() => Listing::Listed(matched),
            Some(&first) => Listing::Undocumented(first),
            None => Listing::NotListed,
        }
    }

    /// The question whose answer must be a listing.
    pub(crate) const fn listed_point(&self) -> &Question {
        &self.listed
    }

    /// Questions whose answers must not be listings.
    pub(crate) fn unlisted_points(&self) -> &[Question] {
        &self.unlisted
    }
}

/// SURBL and URIBL refuse with 127.0.0.1, DNSWL with 127.0.0.255.
fn refuses_by_habit(answer: Ipv4Addr) -> bool {
    matches!(answer.octets(), [127, 0, 0, 1 | 255])
}

impl TryFrom<ZoneConfig> for Zone {
    type Error = ZoneError;

    fn try_from(written: ZoneConfig) -> Result<Self, ZoneError> {
        let ZoneConfig { zone: name, kind, side, operator, ipv6, .. } = written;
        if written.codes.is_empty() {
            return Err(ZoneError::NoCodes);
        }
        let codes = written.codes.into_iter().map(Code::try_from).collect::<Result<_, _>>()?;
        // An IPv6 address in nibbles is the longest that is looked up.
        if name.as_str().len() > 253 - 64 {
            return Err(ZoneError::TooLong);
        }
        let ask = |point: &str| {
            let subject = match kind {
                Kind::Ip => point.parse().ok().map(Subject::Ip),
                Kind::Domain => Some(Subject::Domain(point)),
            };
            let question = subject.and_then(|it| question(&name, kind, ipv6, &it));
            question.ok_or_else(|| ZoneError::TestPoint(point.to_owned()))
        };
        let (listed, unlisted) = match kind {
            Kind::Ip => ("127.0.0.2", "127.0.0.1"),
            Kind::Domain => ("test", "invalid"),
        };
        let listed = ask(written.listed.as_deref().unwrap_or(listed))?;
        let mut never = vec![ask(written.unlisted.as_deref().unwrap_or(unlisted))?];
        if side == Side::Allow {
            for point in documentation(kind, ipv6) {
                never.push(ask(point)?);
            }
        }
        let (note, state) = (written.note, State::default());
        Ok(Self { name, kind, side, operator, ipv6, codes, listed, unlisted: never, note, state })
    }
}

/// What nobody can send mail from: an allow-list that trusts these answers "trusted" to everyone, as
/// some do to resolvers that ask too much.
const fn documentation(kind: Kind, ipv6: bool) -> &'static [&'static str] {
    match (kind, ipv6) {
        (Kind::Ip, true) => &["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"],
        (Kind::Ip, false) => &["192.0.2.1", "198.51.100.1", "203.0.113.1"],
        (Kind::Domain, _) => &["example"],
    }
}

fn question(zone: &Name, kind: Kind, ipv6: bool, subject: &Subject<'_>) -> Option<Question> {
    let name = match (kind, *subject) {
        (Kind::Ip, Subject::Ip(address)) if ipv6 || address.to_canonical().is_ipv4() => {
            Name::within(&reversed(address), zone)
        }
        // A list of domains says of every address that it is none, and some count it as misuse. One of
        // IPv6 has colons, and so is no name.
        (Kind::Domain, Subject::Domain(domain)) if domain.parse::<Ipv4Addr>().is_err() => {
            Name::within(domain, zone)
        }
        _ => return None,
    };
    name.ok().map(Question::A)
}

#[cfg(test)]
mod tests;
