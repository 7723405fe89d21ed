//! DMARC evaluation (RFC 7489, section 6.6): the From domain's policy, and whether what SPF and
//! DKIM proved is aligned with that domain. Organisational domains come from the public suffix list.
//!
//! Invariant: a message passes only by an identity that was verified; an aligned one that could not
//! be verified for want of an answer makes the result temporary.

use mail_auth::common::parse::TxtRecordParser;
use mail_auth::dmarc::{Alignment, Dmarc as Record, Policy};
use tidegate_dns::{Answer, Name, Question};
use tidegate_mail::{Message, registered_domain};

use super::asked::Asked;
use crate::authentication::{AuthResult, Dkim, Dmarc, DmarcPolicy, Spf};

/// The domains of the From field.
pub(super) enum Author {
    /// None that could be read.
    Nobody,
    /// The usual case; lower case.
    One(String),
    /// Several: no single policy applies. Holds the first.
    Many(String),
}

/// Reads the domains of all From fields.
pub(super) fn author(message: &Message<'_>) -> Author {
    let mut domains = message.from().iter().filter_map(|mailbox| mailbox.address.domain());
    let Some(first) = domains.next() else { return Author::Nobody };
    let several = message.count("From") > 1 || domains.any(|domain| domain != first);
    if several { Author::Many(first.to_owned()) } else { Author::One(first.to_owned()) }
}

/// Asks for the policy of the author's domain and of its organisational domain.
pub(super) fn prefetch(author: &Author, asked: &mut Asked<'_>) {
    if let Author::One(domain) = author {
        asked.txt(&format!("_dmarc.{domain}"));
        if let Some(organisation) = registered_domain(domain).filter(|name| name != domain) {
            asked.txt(&format!("_dmarc.{organisation}"));
        }
    }
}

/// Evaluates DMARC.
pub(super) fn evaluate(author: &Author, spf: &Spf, dkim: &[Dkim], asked: &mut Asked<'_>) -> Dmarc {
    let domain = match author {
        Author::Nobody => return Dmarc::default(),
        Author::Many(domain) => {
            return Dmarc {
                result: AuthResult::PermError,
                domain: domain.clone(),
                reason: "more than one author, so that no policy applies".to_owned(),
                ..Dmarc::default()
            };
        }
        Author::One(domain) => domain,
    };
    let mut dmarc = Dmarc { domain: domain.clone(), ..Dmarc::default() };
    let (record, own) = match discover(domain, asked) {
        Discovered::Nothing => return dmarc,
        Discovered::Unknown => {
            dmarc.result = AuthResult::TempError;
            return dmarc;
        }
        Discovered::Broken => {
            dmarc.result = AuthResult::PermError;
            dmarc.reason = "the DMARC record is malformed".to_owned();
            return dmarc;
        }
        Discovered::Record { record, own, .. } => (record, own),
    };
    dmarc.policy = policy(&record, own, domain, asked);
    dmarc.enforced = is_enforced(domain, asked);
    dmarc.result = aligned_result(&record, domain, spf, dkim);
    if dmarc.result == AuthResult::Fail {
        dmarc.reason = failure(spf, dkim);
    }
    dmarc
}

enum Discovered {
    Nothing,
    Unknown,
    Broken,
    Record { record: Record, own: bool, enforces: bool },
}

/// Section 6.6.3: the domain's own record, else its organisational domain's.
fn discover(domain: &str, asked: &mut Asked<'_>) -> Discovered {
    match read(asked.txt(&format!("_dmarc.{domain}"))) {
        Discovered::Nothing => {}
        found => return found,
    }
    let Some(organisation) = registered_domain(domain).filter(|name| *name != domain) else {
        return Discovered::Nothing;
    };
    match read(asked.txt(&format!("_dmarc.{organisation}"))) {
        Discovered::Record { record, enforces, .. } => {
            Discovered::Record { record, own: false, enforces }
        }
        found => found,
    }
}

fn read(answer: &Answer) -> Discovered {
    if answer.is_unknown() {
        return Discovered::Unknown;
    }
    let mut records = answer.txt().iter().filter(|text| {
        let text = text.trim_ascii_start();
        text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"v=DMARC1"))
    });
    // Several records are as good as none.
    let (Some(text), None) = (records.next(), records.next()) else { return Discovered::Nothing };
    match Record::parse(text) {
        Ok(record) if record.p == Policy::Unspecified && record.rua.is_empty() => {
            Discovered::Nothing
        }
        Ok(record) => {
            let enforces = enforces(&record, text);
            Discovered::Record { record, own: true, enforces }
        }
        Err(_) => Discovered::Broken,
    }
}

/// Whether all mail that fails is asked to be set aside or rejected, that of subdomains too.
fn enforces(record: &Record, text: &[u8]) -> bool {
    match record.p {
        _ if record.t || record.sp == Policy::None => false,
        Policy::None | Policy::Unspecified => false,
        Policy::Quarantine => percentage(text) == Some(100),
        Policy::Reject => true,
    }
}

/// The share of failing mail that the policy is asked to be applied to (`pct=`); `None` when that is no
/// number. Read here, since the newer DMARC of the parser has the tag no more.
fn percentage(text: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(text);
    let tags = text.split(';').filter_map(|tag| tag.split_once('='));
    let mut stated = tags.filter(|(name, _)| name.trim().eq_ignore_ascii_case("pct"));
    stated.next().map_or(Some(100), |(_, value)| value.trim().parse().ok())
}

/// Whether `domain` and its organisational domain enforce DMARC, as far as they publish it.
fn is_enforced(domain: &str, asked: &mut Asked<'_>) -> bool {
    let organisation = registered_domain(domain).filter(|name| *name != domain);
    let domains = std::iter::once(domain).chain(organisation);
    let mut found = domains.map(|domain| read(asked.txt(&format!("_dmarc.{domain}"))));
    found.all(|found| match found {
        Discovered::Nothing => true,
        Discovered::Record { enforces, .. } => enforces,
        Discovered::Unknown | Discovered::Broken => false,
    })
}

/// What is asked for mail from `domain`: `p`, or for a subdomain `sp`, or `np` (RFC 9091) when that
/// subdomain doesn't exist.
fn policy(record: &Record, own: bool, domain: &str, asked: &mut Asked<'_>) -> DmarcPolicy {
    let stated = if own {
        record.p
    } else if record.np != record.sp && !exists(domain, asked) {
        record.np
    } else {
        record.sp
    };
    match stated {
        Policy::None | Policy::Unspecified => DmarcPolicy::None,
        // Under test the owner asks for one step less.
        Policy::Quarantine if record.t => DmarcPolicy::None,
        Policy::Quarantine => DmarcPolicy::Quarantine,
        Policy::Reject if record.t => DmarcPolicy::Quarantine,
        Policy::Reject => DmarcPolicy::Reject,
    }
}

fn exists(domain: &str, asked: &mut Asked<'_>) -> bool {
    Name::try_from(domain)
        .is_ok_and(|name| !matches!(asked.get(&Question::A(name)), Answer::NoSuchName))
}

fn aligned_result(record: &Record, domain: &str, spf: &Spf, dkim: &[Dkim]) -> AuthResult {
    let mut late = false;
    let mut proven = |result: AuthResult, proven: &str, how: Alignment| {
        let aligned = aligned(proven, domain, how);
        late |= aligned && result == AuthResult::TempError;
        aligned && result == AuthResult::Pass
    };
    if proven(spf.result, &spf.domain, record.aspf)
        || dkim.iter().any(|signature| proven(signature.result, &signature.domain, record.adkim))
    {
        AuthResult::Pass
    } else if late {
        AuthResult::TempError
    } else {
        AuthResult::Fail
    }
}

fn aligned(proven: &str, author: &str, how: Alignment) -> bool {
    proven.eq_ignore_ascii_case(author)
        || how == Alignment::Relaxed
            && matches!(
                (registered_domain(proven), registered_domain(author)),
                (Some(a), Some(b)) if a.eq_ignore_ascii_case(b)
            )
}

fn failure(spf: &Spf, dkim: &[Dkim]) -> String {
    let mut reason = match spf.result {
        AuthResult::Pass => format!("SPF passes for {}, which is not aligned", spf.domain),
        result => format!("SPF {}", result.as_str()),
    };
    let signers = dkim.iter().filter(|signature| signature.result == AuthResult::Pass);
    let signers: Vec<&str> = signers.map(|signature| signature.domain.as_str()).collect();
    if dkim.is_empty() {
        reason.push_str(", no DKIM signature");
    } else if signers.is_empty() {
        reason.push_str(", no DKIM signature passes");
    } else {
        reason.push_str(&format!(", DKIM passes for {}, not aligned", signers.join(" ")));
    }
    reason
}
