//! The hosts that links lead to: bare or disguised addresses, odd ports, names made to be mistaken
//! for others (RFC 3986, section 3.2; RFC 5890).
//!
//! Invariant: hosts of a private network, and those that members of a list write about, raise
//! nothing.

use std::borrow::Cow;
use std::net::IpAddr;

use tidegate_dns::Answers;
use tidegate_mail::{Link, LinkKind, registered_domain};
use tidegate_signal::{Family, SignalDef, Signals};

use super::brands::imitated_by;
use crate::bulk::precedence::of_a_list;
use crate::content::script::mixed_words;
use crate::{Check, Known};

/// `http://192.0.2.1/`.
pub static LINK_TO_BARE_ADDRESS: SignalDef = SignalDef::new(
    "LINK_TO_BARE_ADDRESS",
    Family::Links,
    1.5,
    "A link leads to a bare address instead of a host",
);
/// `http://3221225985/`, `http://0xC0.0.2.1/`.
pub static LINK_TO_DISGUISED_ADDRESS: SignalDef = SignalDef::new(
    "LINK_TO_DISGUISED_ADDRESS",
    Family::Links,
    2.5,
    "A link leads to an address written so that nobody recognises it",
);
/// A port of no web server.
pub static LINK_TO_ODD_PORT: SignalDef =
    SignalDef::new("LINK_TO_ODD_PORT", Family::Links, 0.8, "A link leads to an unusual port");
/// `http://bank.example@elsewhere.example/`.
pub static LINK_HAS_USER_NAME: SignalDef = SignalDef::new(
    "LINK_HAS_USER_NAME",
    Family::Links,
    1.5,
    "A link has a user name before its host, which can be taken for the host",
);
/// Latin and other letters in one label.
pub static LINK_HOST_MIXES_SCRIPTS: SignalDef = SignalDef::new(
    "LINK_HOST_MIXES_SCRIPTS",
    Family::Links,
    2.0,
    "A link's host is written in letters of several scripts that look the same",
);
/// `paypa1.example`.
pub static LINK_HOST_IMITATES: SignalDef = SignalDef::new(
    "LINK_HOST_IMITATES",
    Family::Links,
    2.5,
    "A link's host can be mistaken for a well-known name",
);
/// `a.b.c.d.e.f.example.org`.
pub static LINK_HOST_MANY_LABELS: SignalDef = SignalDef::new(
    "LINK_HOST_MANY_LABELS",
    Family::Links,
    0.4,
    "A link's host has very many parts",
);
/// A label of letters and digits by turns.
pub static LINK_HOST_RANDOM: SignalDef = SignalDef::new(
    "LINK_HOST_RANDOM",
    Family::Links,
    0.5,
    "A link's domain is a run of letters and digits that nobody could say",
);
/// `https://a.example/?url=http://b.example/`.
pub static LINK_CARRIES_LINK: SignalDef = SignalDef::new(
    "LINK_CARRIES_LINK",
    Family::Links,
    0.0,
    "A link has another link in it, to be led on to",
);

/// Looks at the hosts of links.
#[derive(Default)]
pub struct Host;

/// More links than this are not looked at.
const MOST_LINKS: usize = 500;
const MANY_LABELS: usize = 6;

impl Check for Host {
    const KEY: &'static str = "links.host";
    const RAISES: &'static [&'static SignalDef] = &[
        &LINK_TO_BARE_ADDRESS,
        &LINK_TO_DISGUISED_ADDRESS,
        &LINK_TO_ODD_PORT,
        &LINK_HAS_USER_NAME,
        &LINK_HOST_MIXES_SCRIPTS,
        &LINK_HOST_IMITATES,
        &LINK_HOST_MANY_LABELS,
        &LINK_HOST_RANDOM,
        &LINK_CARRIES_LINK,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        if of_a_list(message) {
            return;
        }
        let mut last = None;
        for link in message.links().iter().take(MOST_LINKS) {
            if link.kind == LinkKind::Image {
                continue;
            }
            judge_address(link, signals);
            judge_path(link, signals);
            // Links to one host stand together.
            if let Some(host) = link.host.as_deref()
                && last != Some(host)
            {
                judge_name(host, signals);
                last = Some(host);
            }
        }
    }
}

fn judge_address(link: &Link, signals: &mut Signals) {
    let Some(host) = link.host.as_deref() else { return };
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) if is_private(address) => return,
        Ok(_) if link.kind == LinkKind::Obfuscated => {
            signals.raise(&LINK_TO_DISGUISED_ADDRESS, link.url.as_str());
        }
        Ok(_) => signals.raise(&LINK_TO_BARE_ADDRESS, link.url.as_str()),
        Err(_) if is_number(host) => {
            signals.raise(&LINK_TO_DISGUISED_ADDRESS, link.url.as_str());
        }
        Err(_) => {}
    }
    if let Some(port) = link.port.filter(|port| !matches!(port, 80 | 443 | 8000 | 8080 | 8443)) {
        signals.raise(&LINK_TO_ODD_PORT, format!("{host}:{port}"));
    }
    if link.user_info {
        signals.raise(&LINK_HAS_USER_NAME, link.url.as_str());
    }
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Whether every part is a number in some base, so that a browser takes it for an address.
fn is_number(host: &str) -> bool {
    host.split('.').all(|part| match part.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()),
    })
}

fn judge_name(host: &str, signals: &mut Signals) {
    let labels = host.split('.').count();
    if labels >= MANY_LABELS {
        signals.raise(&LINK_HOST_MANY_LABELS, host);
    }
    let shown: Cow<'_, str> = if host.contains("xn--") {
        Cow::Owned(idna::domain_to_unicode(host).0)
    } else {
        Cow::Borrowed(host)
    };
    if mixed_words(&shown).next().is_some() {
        signals.raise(&LINK_HOST_MIXES_SCRIPTS, &*shown);
    }
    let Some(domain) = registered_domain(&shown) else { return };
    if let Some(brand) = imitated_by(domain) {
        signals.raise(&LINK_HOST_IMITATES, format!("{domain} looks like {brand}"));
    }
    if domain.split('.').next().is_some_and(is_random) {
        signals.raise(&LINK_HOST_RANDOM, domain);
    }
}

/// Letters and digits that change places three times and more, or five consonants and more on end
/// without a hyphen or a vowel nearby.
fn is_random(label: &str) -> bool {
    if label.len() < 8 || !label.is_ascii() || label.contains('-') || label.contains("xxx") {
        return false;
    }
    let bytes = label.as_bytes();
    let turns = bytes
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()))
        .count();
    let consonant = |b: &u8| b.is_ascii_alphabetic() && !b"aeiouy".contains(b);
    let longest = bytes.split(|b| !consonant(b)).map(<[u8]>::len).max().unwrap_or(0);
    turns >= 4 || longest >= 7
}

/// A link inside the query or path of another, to a host of another owner.
fn judge_path(link: &Link, signals: &mut Signals) {
    let Some(rest) = link.url.get("https://".len()..) else { return };
    // Most links have none of the two.
    if memchr::memchr2(b':', b'%', rest.as_bytes()).is_none() {
        return;
    }
    let inner = [
        "http://",
        "https://",
        "http%3a%2f%2f",
        "https%3a%2f%2f",
        "http%3A%2F%2F",
        "https%3A%2F%2F",
    ]
    .iter()
    .find_map(|scheme| rest.find(scheme).map(|at| at + scheme.len()));
    let Some(inner) = inner.and_then(|at| rest.get(at..)) else { return };
    let host = inner.split(['/', '?', '&', '#', '%', ':']).next().unwrap_or_default();
    let host = host.to_ascii_lowercase();
    if let Some(domain) = registered_domain(&host)
        && link.domain.as_deref().is_some_and(|outer| outer != domain)
    {
        signals.raise(&LINK_CARRIES_LINK, link.url.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(href: &str, expect: &[&str]) {
        let raw = format!(
            "From: a@b.example\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\
             <p>Hello, see <a href=\"{href}\">this</a></p>\n"
        );
        assert_eq!(raised::<Host>(&raw), expect, "{href}");
    }

    #[test]
    fn honest_hosts_raise_nothing() {
        check("https://www.example.net/a?b=c", &[]);
        check("http://www.example.net:8080/", &[]);
        check("http://192.168.1.1/", &[]);
        check("https://www.münchen.de/", &[]);
        check("https://xn--mnchen-3ya.de/", &[]);
        check("https://www.paypal.com/", &[]);
        check("https://strengths.example.org/", &[]);
        check("https://web.archive.org/web/2020/https://archive.org/", &[]);
    }

    #[test]
    fn addresses_are_told() {
        check("http://203.0.113.7/x", &["LINK_TO_BARE_ADDRESS"]);
        check("http://3405803783/x", &["LINK_TO_DISGUISED_ADDRESS"]);
        check("http://www.example.net:4711/", &["LINK_TO_ODD_PORT"]);
        check("http://www.paypal.com@example.net/", &["LINK_HAS_USER_NAME"]);
    }

    #[test]
    fn names_made_to_be_mistaken_are_told() {
        check("https://www.paypa1.com/", &["LINK_HOST_IMITATES"]);
        check("https://xn--pypl-53dc.com/", &["LINK_HOST_MIXES_SCRIPTS", "LINK_HOST_IMITATES"]);
        check("https://a.b.c.d.example.net/", &["LINK_HOST_MANY_LABELS"]);
        check("https://x7k2m9q4w1.com/", &["LINK_HOST_RANDOM"]);
    }

    #[test]
    fn a_link_within_a_link_is_told() {
        check("https://a.example.net/?url=https://b.example.com/", &["LINK_CARRIES_LINK"]);
        check("https://a.example.net/?url=https%3A%2F%2Fb.example.com%2F", &["LINK_CARRIES_LINK"]);
        check("https://a.example.net/?url=https://b.example.net/", &[]);
    }
}
