//! The Authentication-Results field: ours as it is added, and those of others as they came in
//! (RFC 8601).
//!
//! Invariant: what strangers chose is quoted, so that no name they pick can add a result.

use std::fmt::Write;

use tidegate_mail::Message;

use crate::authentication::{AuthResult, Authentication, DmarcPolicy};
use crate::trust::Trust;
use crate::trust::bimi::Bimi;

/// Bytes of one value that a stranger chose; domain names have 253 at most.
const LONGEST_VALUE: usize = 255;

/// The value of our field, folded with `\n` and a tab.
#[must_use]
pub fn format(id: &str, authentication: &Authentication, trust: &Trust) -> String {
    let mut value = token(id);
    let before = value.len();
    let Authentication { iprev, spf, dkim, dmarc, arc, bimi } = authentication;

    if let Some(client) = iprev.client {
        method(&mut value, "iprev", iprev.result.as_str(), "");
        property(&mut value, "policy.iprev", &client.to_string());
        if let Some(name) = &iprev.name {
            let _ = write!(value, " ({})", comment(name));
        }
    }
    if !spf.domain.is_empty() {
        method(&mut value, "spf", spf.result.as_str(), &spf.reason);
        property(&mut value, if spf.of_helo { "smtp.helo" } else { "smtp.mailfrom" }, &spf.domain);
    }
    for signature in dkim {
        method(&mut value, "dkim", signature.result.as_str(), &signature.reason);
        let properties = [
            ("header.d", signature.domain.as_str()),
            ("header.s", &signature.selector),
            ("header.a", signature.algorithm),
            ("header.b", &signature.b),
        ];
        for (name, text) in properties.into_iter().filter(|(_, text)| !text.is_empty()) {
            property(&mut value, name, text);
        }
    }
    if !dmarc.domain.is_empty() {
        method(&mut value, "dmarc", dmarc.result.as_str(), &dmarc.reason);
        property(&mut value, "header.from", &dmarc.domain);
        if dmarc.result != AuthResult::None {
            property(&mut value, "policy.dmarc", policy(dmarc.policy));
        }
    }
    if arc.result != AuthResult::None {
        method(&mut value, "arc", arc.result.as_str(), &arc.reason);
        if let Some(sealer) = &arc.sealer {
            property(&mut value, "header.d", sealer);
        }
    }
    if !bimi.domain.is_empty() {
        brand(&mut value, bimi);
    }
    for told in trust.marks.iter().filter_map(|found| found.told.as_ref()) {
        method(&mut value, told.method, told.result, &told.reason);
        told.properties.iter().for_each(|(name, text)| property(&mut value, name, text));
    }
    if value.len() == before {
        value.push_str("; none");
    }
    value
}

/// The mark of the author's domain (draft-brand-indicators-for-message-identification, section 7.7).
/// The indicator's digest is left out: it goes with a BIMI-Indicator field, which is not added here.
fn brand(value: &mut String, bimi: &Bimi) {
    method(value, "bimi", bimi.result.as_str(), &bimi.detail);
    property(value, "header.d", &bimi.domain);
    property(value, "header.selector", &bimi.selector);
    let Some(claim) = &bimi.claim else { return };
    let authority = bimi.authority.map_or("none", |holds| if holds { "pass" } else { "fail" });
    property(value, "policy.authority", authority);
    let locations =
        [("policy.authority-uri", &claim.authority), ("policy.indicator-uri", &claim.indicator)];
    for (name, location) in locations {
        location.iter().for_each(|location| property(value, name, location));
    }
}

/// Which Authentication-Results fields of `message`, counted from 1 at the top, claim to be ours.
#[must_use]
pub fn forged(message: &Message<'_>, id: &str) -> Vec<u32> {
    (1..)
        .zip(message.fields_named("Authentication-Results"))
        .filter(|(_, field)| claims(field.value, id))
        .map(|(nth, _)| nth)
        .collect()
}

/// Whether the field's authserv-id is `id`, comments, quotes and letter case aside.
fn claims(value: &[u8], id: &str) -> bool {
    let bare = bare(value);
    let theirs = bare.split(';').next().unwrap_or_default();
    // A version number may follow (section 2.2).
    let theirs = theirs.split_ascii_whitespace().next().unwrap_or_default();
    theirs.trim_matches('"').trim_end_matches('.').eq_ignore_ascii_case(id.trim_end_matches('.'))
}

/// Whether an ARC-Authentication-Results value tells of a proven author: DMARC passed, or SPF and
/// DKIM both did.
pub(super) fn tells_of_pass(value: &[u8]) -> bool {
    let bare = bare(value).to_ascii_lowercase();
    let passed = |method: &str| {
        bare.split(';').any(|result| {
            let word = result.trim_start().strip_prefix(method);
            let word = word.and_then(|rest| rest.trim_start().strip_prefix('='));
            word.is_some_and(|rest| rest.split_ascii_whitespace().next() == Some("pass"))
        })
    };
    passed("dmarc") || passed("spf") && passed("dkim")
}

/// The value without its comments (RFC 5322, section 3.2.2); what is quoted stays as it is, but for
/// semicolons, which would look like the end of a result.
fn bare(value: &[u8]) -> String {
    let mut text = Vec::with_capacity(value.len());
    let (mut depth, mut quoted, mut escaped) = (0u32, false, false);
    for &byte in value {
        if std::mem::take(&mut escaped) {
            if depth == 0 {
                text.push(byte);
            }
            continue;
        }
        match byte {
            b'\\' if quoted || depth > 0 => escaped = true,
            b'"' if depth == 0 => {
                quoted = !quoted;
                text.push(byte);
            }
            b';' if quoted => text.push(b','),
            _ if quoted => text.push(byte),
            b'(' => depth += 1,
            b')' if depth > 0 => {
                depth -= 1;
                text.push(b' ');
            }
            _ if depth == 0 => text.push(byte),
            _ => {}
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn method(value: &mut String, name: &str, result: &str, reason: &str) {
    let _ = write!(value, ";\n\t{name}={result}");
    if !reason.is_empty() {
        let _ = write!(value, " reason={}", quoted(reason));
    }
}

fn property(value: &mut String, name: &str, text: &str) {
    let _ = write!(value, "\n\t {name}={}", token(text));
}

const fn policy(policy: DmarcPolicy) -> &'static str {
    match policy {
        DmarcPolicy::None => "none",
        DmarcPolicy::Quarantine => "quarantine",
        DmarcPolicy::Reject => "reject",
    }
}

/// As it is where a token or a domain name may stand, quoted otherwise.
fn token(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+');
    if !text.is_empty() && text.len() <= LONGEST_VALUE && text.bytes().all(plain) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars().map(printable).take(LONGEST_VALUE) {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

fn comment(text: &str) -> String {
    let safe = |c| if matches!(c, '(' | ')' | '\\') { '?' } else { printable(c) };
    text.chars().map(safe).take(LONGEST_VALUE).collect()
}

/// Header fields are ASCII, and a line end would begin another field.
const fn printable(c: char) -> char {
    if matches!(c, ' '..='~') { c } else { '?' }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tidegate_mail::Bounds;

    use super::*;
    use crate::authentication::{Arc, Dkim, Dmarc, Iprev, Spf};
    use crate::trust::bimi::BimiResult;
    use crate::trust::bimi::record::Claim;

    #[test]
    fn all_results_are_told_in_one_field() {
        let authentication = Authentication {
            iprev: Iprev {
                result: AuthResult::Pass,
                client: Some(IpAddr::from([192, 0, 2, 1])),
                name: Some("mail.example.org".to_owned()),
            },
            spf: Spf {
                result: AuthResult::SoftFail,
                domain: "example.org".to_owned(),
                ..Spf::default()
            },
            dkim: vec![Dkim {
                result: AuthResult::Fail,
                domain: "example.org".to_owned(),
                selector: "s1".to_owned(),
                b: "ab/d+fgh".to_owned(),
                algorithm: "rsa-sha256",
                reason: "the body was changed".to_owned(),
                ..Dkim::default()
            }],
            dmarc: Dmarc {
                result: AuthResult::Fail,
                domain: "example.org".to_owned(),
                policy: DmarcPolicy::Reject,
                ..Dmarc::default()
            },
            arc: Arc {
                result: AuthResult::Pass,
                sealer: Some("relay.example".to_owned()),
                ..Arc::default()
            },
            bimi: Bimi {
                result: BimiResult::Pass,
                domain: "example.org".to_owned(),
                selector: "default".to_owned(),
                claim: Some(Claim {
                    indicator: None,
                    authority: Some("https://example.org/vmc.pem".to_owned()),
                }),
                authority: Some(true),
                detail: "VMC of Shop Inc by Marks Authority".to_owned(),
                ..Bimi::default()
            },
        };
        let expect = "mx.site.example;\n\tiprev=pass\n\t policy.iprev=192.0.2.1 (mail.example.org);\n\t\
            spf=softfail\n\t smtp.mailfrom=example.org;\n\t\
            dkim=fail reason=\"the body was changed\"\n\t header.d=example.org\n\t header.s=s1\n\t \
            header.a=rsa-sha256\n\t header.b=\"ab/d+fgh\";\n\t\
            dmarc=fail\n\t header.from=example.org\n\t policy.dmarc=reject;\n\t\
            arc=pass\n\t header.d=relay.example;\n\t\
            bimi=pass reason=\"VMC of Shop Inc by Marks Authority\"\n\t header.d=example.org\n\t \
            header.selector=default\n\t policy.authority=pass\n\t \
            policy.authority-uri=\"https://example.org/vmc.pem\"";
        assert_eq!(format("mx.site.example", &authentication, &Trust::default()), expect);
        assert_eq!(
            format("mx.site.example", &Authentication::default(), &Trust::default()),
            "mx.site.example; none"
        );
    }

    #[test]
    fn no_name_can_add_a_result() {
        let authentication = Authentication {
            spf: Spf {
                result: AuthResult::Fail,
                domain: "evil.example; dmarc=pass header.from=bank.example".to_owned(),
                reason: "\"; dkim=pass\r\nX: y".to_owned(),
                ..Spf::default()
            },
            iprev: Iprev {
                result: AuthResult::Fail,
                client: Some(IpAddr::from([192, 0, 2, 1])),
                name: Some("a) ; dmarc=pass (".to_owned()),
            },
            ..Authentication::default()
        };
        let value = format("mx", &authentication, &Trust::default());
        let bare = bare(value.as_bytes());
        let methods: Vec<_> =
            bare.split(';').skip(1).map(|it| it.trim().split('=').next().unwrap()).collect();
        assert_eq!(methods, ["iprev", "spf"], "{value}");
        assert!(!value.contains('\r') && !value.contains("\nX"), "{value}");
    }

    #[test]
    fn fields_that_claim_to_be_ours_are_found() {
        let ours = [
            "mx.site.example; spf=pass",
            "MX.Site.Example. 1; spf=pass",
            "(hi;) \"mx.site.example\" ; none",
            "mx.site.example",
            "\r\n mx.site.example\r\n ;none",
        ];
        let theirs = [
            "mx.other.example; spf=pass",
            "xmx.site.example; none",
            "(mx.site.example) b; none",
            "",
        ];
        let raw: String = ours
            .iter()
            .chain(&theirs)
            .fold(String::new(), |raw, value| raw + "Authentication-Results: " + value + "\r\n");
        let raw = raw + "\r\nbody";
        let message = Message::parse(raw.as_bytes(), &Bounds::default());
        assert_eq!(forged(&message, "mx.site.example"), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_pass_is_read_from_results_alone() {
        for told in ["i=1; mx; dmarc=pass", "i=1;mx;spf=pass x=y;\r\n DKIM = pass"] {
            assert!(tells_of_pass(told.as_bytes()), "{told}");
        }
        for not in [
            "i=1; mx; dmarc=fail",
            "i=1; mx; spf=pass; dkim=none",
            "i=1; mx (; dmarc=pass); none",
            "i=1; mx; spf=fail reason=\"; dmarc=pass\"",
            "i=1; mx; dmarc=passable",
        ] {
            assert!(!tells_of_pass(not.as_bytes()), "{not}");
        }
    }
}
