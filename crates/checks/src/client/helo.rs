//! Whether the client's HELO can be its name (RFC 5321, sections 2.3.5 and 4.1.1.1).
//!
//! Invariant: one HELO raises one of these signals, the most telling one.

use std::net::IpAddr;

use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::authentication::AuthResult;
use crate::{Check, Known, Stage};

/// An address without brackets.
pub static HELO_BARE_IP: SignalDef = SignalDef::new(
    "HELO_BARE_IP",
    Family::Client,
    2.0,
    "The client presents itself with a bare address, which no mail server does",
);
/// `[192.0.2.1]` from somewhere else.
pub static HELO_WRONG_ADDRESS: SignalDef = SignalDef::new(
    "HELO_WRONG_ADDRESS",
    Family::Client,
    1.5,
    "The client presents itself with an address that isn't its own",
);
/// `localhost`, `localhost.localdomain`, `127.0.0.1`.
pub static HELO_LOCALHOST: SignalDef = SignalDef::new(
    "HELO_LOCALHOST",
    Family::Client,
    1.2,
    "The client presents itself as localhost",
);
/// The receiver's own name, or a recipient's domain.
pub static HELO_IS_OURS: SignalDef = SignalDef::new(
    "HELO_IS_OURS",
    Family::Client,
    1.5,
    "The client presents itself with a name of the receiving site",
);
/// `gmail.com` from elsewhere.
pub static HELO_FORGED_PROVIDER: SignalDef = SignalDef::new(
    "HELO_FORGED_PROVIDER",
    Family::Client,
    2.0,
    "The client presents itself as a large provider, which it is not",
);
/// Names that programs for sending spam have built in.
pub static HELO_WORD: SignalDef = SignalDef::new(
    "HELO_WORD",
    Family::Client,
    1.5,
    "The client presents itself with a word that programs for sending spam use",
);
/// Characters that no host name has.
pub static HELO_INVALID: SignalDef = SignalDef::new(
    "HELO_INVALID",
    Family::Client,
    0.8,
    "The client presents itself with what can't be a host name",
);
/// No dot.
pub static HELO_NOT_QUALIFIED: SignalDef = SignalDef::new(
    "HELO_NOT_QUALIFIED",
    Family::Client,
    0.6,
    "The client presents itself without a domain",
);

/// Looks at the HELO.
#[derive(Default)]
pub struct Helo;

impl Check for Helo {
    const KEY: &'static str = "client.helo";
    const STAGE: Stage = Stage::Helo;
    const RAISES: &'static [&'static SignalDef] = &[
        &HELO_BARE_IP,
        &HELO_WRONG_ADDRESS,
        &HELO_LOCALHOST,
        &HELO_IS_OURS,
        &HELO_FORGED_PROVIDER,
        &HELO_WORD,
        &HELO_INVALID,
        &HELO_NOT_QUALIFIED,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let (Some(client), Some(helo)) = (known.stranger(), &known.envelope.helo) else { return };
        let name = helo.trim().trim_end_matches('.').to_ascii_lowercase();
        if let Some(def) = judge_name(&name, client, known) {
            signals.raise(def, helo.as_str());
        }
    }
}

fn judge_name(name: &str, client: IpAddr, known: &Known<'_>) -> Option<&'static SignalDef> {
    if name.is_empty() {
        return None;
    }
    if let Some(literal) = name.strip_prefix('[') {
        return judge_literal(literal, client);
    }
    if let Ok(address) = name.parse::<IpAddr>() {
        return Some(if address.is_loopback() { &HELO_LOCALHOST } else { &HELO_BARE_IP });
    }
    if name == "localhost" || name.starts_with("localhost.") {
        return Some(&HELO_LOCALHOST);
    }
    if is_ours(name, known) {
        return Some(&HELO_IS_OURS);
    }
    if WORDS.contains(&name) {
        return Some(&HELO_WORD);
    }
    if provider(name).is_some_and(|domain| is_elsewhere(domain, known)) {
        return Some(&HELO_FORGED_PROVIDER);
    }
    if !is_host_name(name) {
        return Some(&HELO_INVALID);
    }
    (!name.contains('.')).then_some(&HELO_NOT_QUALIFIED)
}

fn judge_literal(literal: &str, client: IpAddr) -> Option<&'static SignalDef> {
    let literal = literal.trim_end_matches(']');
    let address = literal.strip_prefix("ipv6:").unwrap_or(literal).parse::<IpAddr>();
    match address {
        Ok(address) if address.to_canonical() == client.to_canonical() => None,
        Ok(_) => Some(&HELO_WRONG_ADDRESS),
        Err(_) => Some(&HELO_INVALID),
    }
}

/// The receiving host, or the very domain of a recipient.
fn is_ours(name: &str, known: &Known<'_>) -> bool {
    let receiver = known.envelope.receiver.as_deref();
    let same = |ours: &str| !ours.is_empty() && ours.eq_ignore_ascii_case(name);
    same(&known.site.id)
        || receiver.is_some_and(same)
        || known.envelope.recipients.iter().filter_map(|to| to.domain()).any(same)
}

/// Names that no mail server of a site has.
const WORDS: [&str; 8] =
    ["user", "friend", "admin", "ylmf-pc", "win-pc", "pc", "computer", "server"];

/// Providers that spam programs claim to be. Their servers have names below these domains, or
/// below those beside them.
const PROVIDERS: [(&str, &[&str]); 10] = [
    ("gmail.com", &["google.com", "googlemail.com"]),
    ("google.com", &["googlemail.com", "gmail.com", "1e100.net"]),
    ("hotmail.com", &["outlook.com", "microsoft.com", "live.com"]),
    ("outlook.com", &["hotmail.com", "microsoft.com", "office365.com"]),
    ("live.com", &["hotmail.com", "outlook.com", "microsoft.com"]),
    ("microsoft.com", &["outlook.com", "hotmail.com"]),
    ("yahoo.com", &["yahoo.net", "yahoodns.net", "yahoo.co.jp"]),
    ("aol.com", &["yahoo.com", "aol.net"]),
    ("icloud.com", &["apple.com", "me.com"]),
    ("paypal.com", &["paypal.co.uk"]),
];

fn provider(name: &str) -> Option<&'static str> {
    let domain = tidegate_mail::registered_domain(name)?;
    PROVIDERS.iter().map(|(provider, _)| *provider).find(|provider| *provider == domain)
}

/// Whether the client's proven name is outside the provider's, or it has proven to have none. Where
/// nothing is known of the name, nothing is said.
fn is_elsewhere(domain: &str, known: &Known<'_>) -> bool {
    let iprev = known.authentication.map(|found| &found.iprev);
    let proven = known
        .envelope
        .client_name
        .as_deref()
        .or_else(|| iprev.filter(|iprev| iprev.result == AuthResult::Pass)?.name.as_deref());
    match proven.map(tidegate_mail::registered_domain) {
        Some(theirs) => !theirs.is_some_and(|theirs| {
            theirs == domain
                || PROVIDERS.iter().any(|(name, also)| *name == domain && also.contains(&theirs))
        }),
        None => iprev.is_some_and(|iprev| iprev.result == AuthResult::Fail),
    }
}

/// Labels of letters, digits and hyphens.
fn is_host_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
        })
}

#[cfg(test)]
mod tests {
    use tidegate_mail::{Address, Envelope};

    use super::*;
    use crate::Site;

    #[track_caller]
    fn check(helo: &str, client_name: Option<&str>, expect: Option<&SignalDef>) {
        let envelope = Envelope {
            client: Some(IpAddr::from([8, 8, 4, 4])),
            client_name: client_name.map(str::to_owned),
            recipients: vec![Address::new("someone@site.example")],
            helo: Some(helo.to_owned()),
            ..Envelope::default()
        };
        let site = Site { id: "mx.site.example".to_owned(), trusted: Vec::new() };
        let known = Known {
            envelope: &envelope,
            message: None,
            authentication: None,
            trust: None,
            bulk: None,
            site: &site,
            now: 0,
        };
        let mut signals = Signals::new();
        Check::judge(&Helo, &known, &Answers::default(), &mut signals);
        let names: Vec<_> = signals.iter().map(tidegate_signal::Signal::name).collect();
        let expect: Vec<_> = expect.iter().map(|def| &*def.name).collect();
        assert_eq!(names, expect, "{helo}");
    }

    #[test]
    fn what_can_be_a_name_is_told_from_what_cannot() {
        check("mail.example.org", None, None);
        check("mail.example.org.", None, None);
        check("[8.8.4.4]", None, None);
        check("[8.8.8.8]", None, Some(&HELO_WRONG_ADDRESS));
        check("[hello]", None, Some(&HELO_INVALID));
        check("8.8.4.4", None, Some(&HELO_BARE_IP));
        check("127.0.0.1", None, Some(&HELO_LOCALHOST));
        check("localhost.localdomain", None, Some(&HELO_LOCALHOST));
        check("mx.site.example", None, Some(&HELO_IS_OURS));
        check("SITE.example", None, Some(&HELO_IS_OURS));
        check("ylmf-pc", None, Some(&HELO_WORD));
        check("exchange", None, Some(&HELO_NOT_QUALIFIED));
        check("my_host.example.org", None, Some(&HELO_INVALID));
        check("", None, None);
    }

    #[test]
    fn a_provider_is_known_by_its_reverse_name() {
        check("gmail.com", Some("mail-sor-f41.google.com"), None);
        check("mail.yahoo.com", Some("dsl.example.net"), Some(&HELO_FORGED_PROVIDER));
        check("gmail.com", None, None);
    }
}
