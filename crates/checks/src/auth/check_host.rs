//! SPF evaluation, `check_host()` (RFC 7208, section 4), over records that mail-auth parses.
//!
//! Invariant: at most ten terms cause lookups and at most two of them find nothing (section 4.6.4),
//! however records include each other; so depth, time and questions are bounded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mail_auth::common::parse::TxtRecordParser;
use mail_auth::spf::{Macro, Mechanism, Qualifier, Spf as Record, Variables};
use tidegate_dns::{Answer, Name, Question, Why};

use super::asked::Asked;
use crate::authentication::{AuthResult, Spf};

/// Terms that may cause lookups (section 4.6.4).
const MOST_LOOKUPS: u8 = 10;
/// Lookups that may find nothing (section 4.6.4).
const MOST_VOID: u8 = 2;
/// Exchanges of one `mx`, names of one `ptr` (section 4.6.4).
const MOST_HOSTS: usize = 10;
/// A network wider than this is as good as everyone: the domain then vouches for nobody.
const WIDEST_NETWORK: u32 = 8;

/// Whom the record is asked about.
pub(super) struct Identity<'a> {
    /// The client, IPv4 not mapped into IPv6.
    pub(super) client: IpAddr,
    /// The domain of the sender, or the HELO name.
    pub(super) domain: &'a str,
    /// With its local part.
    pub(super) sender: &'a str,
    /// As the client said it.
    pub(super) helo: &'a str,
    /// The client's proven name, for `%{p}`.
    pub(super) name: Option<&'a str>,
    /// This host, for `%{r}` in explanations.
    pub(super) receiver: &'a str,
}

/// Runs `check_host()`. With answers missing the result is `TempError`.
pub(super) fn check_host(identity: &Identity<'_>, asked: &mut Asked<'_>) -> Spf {
    let mut run = Run { identity, asked, lookups: 0, void: 0 };
    let mut spf = Spf { domain: identity.domain.to_owned(), ..Spf::default() };
    match run.evaluate(identity.domain) {
        Ok(None) => {}
        Ok(Some(found)) => {
            spf.result = found.result;
            spf.allows_all = found.by_all && found.result == AuthResult::Pass;
            if found.result == AuthResult::Fail
                && let Some(explained) = found.explained
            {
                spf.reason = run.explanation(&explained);
            }
        }
        Err(Stop::Temporary) => spf.result = AuthResult::TempError,
        Err(Stop::Permanent(reason)) => {
            spf.result = AuthResult::PermError;
            spf.reason = reason;
        }
    }
    spf
}

/// Why an evaluation can't end in a result.
enum Stop {
    Temporary,
    Permanent(String),
}

/// What a record says.
struct Found {
    result: AuthResult,
    /// The term that matched matches everyone.
    by_all: bool,
    /// The name whose TXT explains a failure.
    explained: Option<String>,
}

struct Run<'r, 'a> {
    identity: &'r Identity<'r>,
    asked: &'r mut Asked<'a>,
    lookups: u8,
    void: u8,
}

impl<'a> Run<'_, 'a> {
    /// What the record of `domain` says; `None` when it has none. Nests by lookups alone.
    fn evaluate(&mut self, domain: &str) -> Result<Option<Found>, Stop> {
        let Some(record) = self.record(domain)? else { return Ok(None) };
        for (index, directive) in record.directives.iter().enumerate() {
            match self.matches(&directive.mechanism, domain) {
                Ok(false) => {}
                Ok(true) => {
                    return Ok(Some(Found {
                        result: result(&directive.qualifier),
                        by_all: matches_everyone(&directive.mechanism),
                        explained: record.exp.as_ref().map(|exp| self.expand(exp, domain)),
                    }));
                }
                Err(stop) => {
                    self.ask_ahead(&record, index + 1, domain);
                    return Err(stop);
                }
            }
        }
        let Some(redirect) = &record.redirect else {
            let result = AuthResult::Neutral;
            return Ok(Some(Found { result, by_all: false, explained: None }));
        };
        self.count_lookup()?;
        let target = self.expand(redirect, domain);
        match self.evaluate(&target)? {
            None => Err(Stop::Permanent(format!("redirect to {target}, which has no record"))),
            found => Ok(found),
        }
    }

    /// The one SPF record of `domain` (section 4.5).
    fn record(&mut self, domain: &str) -> Result<Option<Record>, Stop> {
        // A single label is no mail domain (section 4.3).
        if !domain.contains('.') {
            return Ok(None);
        }
        let answer = self.asked.txt(domain);
        if answer.is_unknown() {
            return Err(Stop::Temporary);
        }
        let mut records = answer.txt().iter().filter(|text| is_spf(text));
        let Some(text) = records.next() else { return Ok(None) };
        if records.next().is_some() {
            return Err(Stop::Permanent(format!("{domain} has several SPF records")));
        }
        match Record::parse(text) {
            Ok(record) if has_known_terms(text) => Ok(Some(record)),
            _ => Err(Stop::Permanent(format!("the SPF record of {domain} is malformed"))),
        }
    }

    fn matches(&mut self, mechanism: &Mechanism, domain: &str) -> Result<bool, Stop> {
        let client = self.identity.client;
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip4 { addr, mask } => Ok(in_network(client, (*addr).into(), *mask, 0)),
            Mechanism::Ip6 { addr, mask } => Ok(in_network(client, (*addr).into(), 0, *mask)),
            Mechanism::A { macro_string, ip4_mask, ip6_mask } => {
                self.count_lookup()?;
                let target = self.expand(macro_string, domain);
                self.host_matches(&target, *ip4_mask, *ip6_mask, true)
            }
            Mechanism::Mx { macro_string, ip4_mask, ip6_mask } => {
                self.count_lookup()?;
                let target = self.expand(macro_string, domain);
                self.exchange_matches(&target, *ip4_mask, *ip6_mask)
            }
            Mechanism::Include { macro_string } => {
                self.count_lookup()?;
                let target = self.expand(macro_string, domain);
                match self.evaluate(&target)? {
                    Some(found) => Ok(found.result == AuthResult::Pass),
                    None => {
                        Err(Stop::Permanent(format!("include of {target}, which has no record")))
                    }
                }
            }
            Mechanism::Exists { macro_string } => {
                self.count_lookup()?;
                let target = self.expand(macro_string, domain);
                let Ok(name) = Name::try_from(target.as_str()) else { return Ok(false) };
                Ok(!self.look(&Question::A(name), true)?.ipv4().is_empty())
            }
            Mechanism::Ptr { macro_string } => {
                self.count_lookup()?;
                let target = self.expand(macro_string, domain);
                self.reverse_matches(&target)
            }
        }
    }

    /// Whether an address of `host` is the client's, within the mask.
    fn host_matches(
        &mut self,
        host: &str,
        ip4: u32,
        ip6: u128,
        counts: bool,
    ) -> Result<bool, Stop> {
        let Ok(name) = Name::try_from(host) else { return Ok(false) };
        let client = self.identity.client;
        let answer = self.look(&addresses(client, name), counts)?;
        Ok(has_address(answer, |address| in_network(client, address, ip4, ip6)))
    }

    fn exchange_matches(&mut self, domain: &str, ip4: u32, ip6: u128) -> Result<bool, Stop> {
        let Ok(name) = Name::try_from(domain) else { return Ok(false) };
        let exchanges = self.look(&Question::Mx(name), true)?.mx();
        if exchanges.len() > MOST_HOSTS {
            return Err(Stop::Permanent(format!("mx of {domain} names more than ten hosts")));
        }
        let mut stop = None;
        for exchange in exchanges {
            // All exchanges are asked for in one round, so one that is missing doesn't end the loop.
            match self.host_matches(exchange.exchange.as_str(), ip4, ip6, false) {
                Ok(true) if stop.is_none() => return Ok(true),
                Ok(_) => {}
                Err(late) => stop = Some(late),
            }
        }
        stop.map_or(Ok(false), Err)
    }

    /// `ptr` (section 5.5). Errors of lookups mean no match.
    fn reverse_matches(&mut self, target: &str) -> Result<bool, Stop> {
        let client = self.identity.client;
        let names = self.asked.get(&Question::Ptr(client));
        if matches!(names, Answer::Unknown(Why::NotAsked)) {
            return Err(Stop::Temporary);
        }
        let below = names.names().iter().take(MOST_HOSTS).filter(|name| {
            name.as_str() == target
                || name.as_str().strip_suffix(target).is_some_and(|rest| rest.ends_with('.'))
        });
        let mut missing = false;
        for name in below {
            let answer = self.asked.get(&addresses(client, name.clone()));
            missing |= matches!(answer, Answer::Unknown(Why::NotAsked));
            if has_address(answer, |address| address == client) {
                return Ok(true);
            }
        }
        if missing { Err(Stop::Temporary) } else { Ok(false) }
    }

    fn look(&mut self, question: &Question, counts: bool) -> Result<&'a Answer, Stop> {
        let answer = self.asked.get(question);
        if answer.is_unknown() {
            return Err(Stop::Temporary);
        }
        if counts && answer.is_nothing() {
            self.void += 1;
            if self.void > MOST_VOID {
                return Err(Stop::Permanent("more than two lookups find nothing".to_owned()));
            }
        }
        Ok(answer)
    }

    fn count_lookup(&mut self) -> Result<(), Stop> {
        if self.lookups == MOST_LOOKUPS {
            return Err(Stop::Permanent("more than ten terms need lookups".to_owned()));
        }
        self.lookups += 1;
        Ok(())
    }

    /// Since this round of lookups is waited for anyway, asks for what later terms would need: the
    /// chain takes a few rounds rather than one a term. Terms with macros are left for when their
    /// turn comes; they may tell the domain's owner who writes to whom.
    fn ask_ahead(&mut self, record: &Record, from: usize, domain: &str) {
        if self.asked.complete() {
            return;
        }
        let left = usize::from(MOST_LOOKUPS - self.lookups);
        let literal = |target: &Macro| match target {
            Macro::None => Some(domain.to_owned()),
            Macro::Literal(name) => Some(String::from_utf8_lossy(name).into_owned()),
            _ => None,
        };
        let later = record.directives.iter().skip(from).filter_map(|directive| {
            let (question, target): (fn(Name) -> Question, _) = match &directive.mechanism {
                Mechanism::Include { macro_string } => (Question::Txt, literal(macro_string)),
                Mechanism::Mx { macro_string, .. } => (Question::Mx, literal(macro_string)),
                Mechanism::A { macro_string, .. } if self.identity.client.is_ipv4() => {
                    (Question::A, literal(macro_string))
                }
                Mechanism::A { macro_string, .. } => (Question::Aaaa, literal(macro_string)),
                _ => return None,
            };
            Name::try_from(target?.as_str()).ok().map(question)
        });
        let ahead: Vec<Question> = later.take(left).collect();
        for question in &ahead {
            self.asked.get(question);
        }
    }

    /// The target name of a term (section 7), without the dot at its end.
    fn expand(&self, text: &Macro, domain: &str) -> String {
        let mut name = match text {
            Macro::None => domain.to_owned(),
            Macro::Literal(literal) => String::from_utf8_lossy(literal).into_owned(),
            text => text.eval(&self.variables(domain), domain, true).into_owned(),
        };
        if name.ends_with('.') {
            name.pop();
        }
        name.make_ascii_lowercase();
        // A name too long loses labels on its left (section 7.3).
        while name.len() > 253 {
            match name.split_once('.') {
                Some((_, rest)) => name = rest.to_owned(),
                None => break,
            }
        }
        name
    }

    fn variables<'v>(&'v self, domain: &'v str) -> Variables<'v> {
        let identity = self.identity;
        let mut variables = Variables::new();
        variables.set_ip(&identity.client);
        variables.set_sender(identity.sender.as_bytes());
        variables.set_domain(domain.as_bytes());
        variables.set_helo_domain(identity.helo.as_bytes());
        variables.set_host_domain(identity.receiver.as_bytes());
        variables.set_validated_domain(identity.name.unwrap_or("unknown").as_bytes());
        variables
    }

    /// The domain's words for a failure (section 6.2); empty when there are none or they are late.
    fn explanation(&mut self, name: &str) -> String {
        let answer = self.asked.txt(name);
        let [text] = answer.txt() else { return String::new() };
        let Ok(text) = Macro::parse(text) else { return String::new() };
        let domain = self.identity.domain;
        let variables = self.variables(domain);
        let words = text.eval(&variables, domain, false);
        words.chars().filter(|c| matches!(c, ' '..='~')).take(200).collect()
    }
}

fn is_spf(text: &[u8]) -> bool {
    text.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"v=spf1"))
        && text.get(6).is_none_or(|next| *next == b' ')
}

/// Whether each term is a mechanism that exists or a modifier; of modifiers any name will do
/// (section 4.6.1). mail-auth passes over terms that it doesn't know, such as `ipv4:`.
fn has_known_terms(text: &[u8]) -> bool {
    const MECHANISMS: [&[u8]; 8] =
        [b"all", b"a", b"mx", b"ip4", b"ip6", b"include", b"exists", b"ptr"];
    let mut terms = text.split(u8::is_ascii_whitespace).skip(1).filter(|term| !term.is_empty());
    terms.all(|term| {
        let end = term.iter().position(|b| matches!(b, b':' | b'/' | b'='));
        let (name, rest) = term.split_at(end.unwrap_or(term.len()));
        let name = match name.split_first() {
            Some((b'+' | b'-' | b'~' | b'?', name)) => name,
            _ => name,
        };
        rest.first() == Some(&b'=')
            || MECHANISMS.iter().any(|known| known.eq_ignore_ascii_case(name))
    })
}

const fn result(qualifier: &Qualifier) -> AuthResult {
    match qualifier {
        Qualifier::Pass => AuthResult::Pass,
        Qualifier::Fail => AuthResult::Fail,
        Qualifier::SoftFail => AuthResult::SoftFail,
        Qualifier::Neutral => AuthResult::Neutral,
    }
}

const fn matches_everyone(mechanism: &Mechanism) -> bool {
    match mechanism {
        Mechanism::All => true,
        Mechanism::Ip4 { mask, .. } => mask.count_ones() < WIDEST_NETWORK,
        Mechanism::Ip6 { mask, .. } => mask.count_ones() < WIDEST_NETWORK,
        _ => false,
    }
}

const fn addresses(client: IpAddr, name: Name) -> Question {
    match client {
        IpAddr::V4(_) => Question::A(name),
        IpAddr::V6(_) => Question::Aaaa(name),
    }
}

fn has_address(answer: &Answer, matches: impl Fn(IpAddr) -> bool) -> bool {
    let v4 = answer.ipv4().iter().copied().map(IpAddr::from);
    let v6 = answer.ipv6().iter().copied().map(IpAddr::from);
    v4.chain(v6).any(matches)
}

fn in_network(client: IpAddr, network: IpAddr, ip4: u32, ip6: u128) -> bool {
    let masked4 = |address: Ipv4Addr| u32::from(address) & ip4;
    let masked6 = |address: Ipv6Addr| u128::from(address) & ip6;
    match (client, network) {
        (IpAddr::V4(client), IpAddr::V4(network)) => masked4(client) == masked4(network),
        (IpAddr::V6(client), IpAddr::V6(network)) => masked6(client) == masked6(network),
        _ => false,
    }
}
