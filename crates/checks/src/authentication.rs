//! What SPF, DKIM, DMARC, ARC and the reverse name say of a message, as plain values.
//!
//! Checks, rules, the policy and the `Authentication-Results` field all read these; how they are
//! found is [`crate::auth::authenticate`]'s matter.
//!
//! Invariant: what could not be looked up is `TempError`, never `Fail`.

use std::net::IpAddr;

use tidegate_mail::{Address, Message};

use crate::trust::bimi::Bimi;

/// A result as RFC 8601, section 2.7, names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthResult {
    /// Nothing to verify.
    #[default]
    None,
    /// Verified.
    Pass,
    /// Verified to be wrong.
    Fail,
    /// SPF `~all`.
    SoftFail,
    /// SPF `?all`; DKIM: a signature that can't be used, such as one with a weak key.
    Neutral,
    /// DMARC: would apply, but the policy says nothing (RFC 8601 `policy`).
    Policy,
    /// The answer did not come; a later try may succeed.
    TempError,
    /// The published record or the signature is broken.
    PermError,
}

impl AuthResult {
    /// The keyword of RFC 8601.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::Neutral => "neutral",
            Self::Policy => "policy",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

/// Everything verified about who sent a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authentication {
    /// Whether the reverse name resolves back to the client (RFC 8601, section 2.7.3).
    pub iprev: Iprev,
    /// SPF of the envelope sender (RFC 7208); of the HELO name when the sender is null.
    pub spf: Spf,
    /// Each DKIM signature looked at, in the order of the fields (RFC 6376).
    pub dkim: Vec<Dkim>,
    /// DMARC of the From domain (RFC 7489).
    pub dmarc: Dmarc,
    /// The ARC chain (RFC 8617).
    pub arc: Arc,
    /// The mark of the author's domain, where marks are looked at.
    pub bimi: Bimi,
}

impl Authentication {
    /// Whether SPF or DKIM proved that `domain`, or its organisational domain, sent this message.
    #[must_use]
    pub fn proves(&self, domain: &str) -> bool {
        let same = |proved: &str| {
            proved.eq_ignore_ascii_case(domain)
                || matches!(
                    (tidegate_mail::registered_domain(proved), tidegate_mail::registered_domain(domain)),
                    (Some(a), Some(b)) if a.eq_ignore_ascii_case(b)
                )
        };
        (self.spf.result == AuthResult::Pass && !self.spf.allows_all && same(&self.spf.domain))
            || self.dkim.iter().any(|d| d.result == AuthResult::Pass && same(&d.domain))
    }

    /// The author whom the From field names, where it names one only and it is proved that his domain
    /// sent this message: by DMARC, or by SPF or DKIM of that domain. A signature that leaves room for
    /// text below it proves nothing of what a reader sees.
    #[must_use]
    pub fn proved_author<'m>(&self, message: &'m Message<'_>) -> Option<&'m Address> {
        let [author] = message.from() else { return None };
        if message.count("From") != 1 {
            return None;
        }
        let domain = author.address.domain()?;
        let whole = || {
            let dkim = self.dkim.iter().filter(|signature| !signature.partial_body).cloned();
            Self { dkim: dkim.collect(), spf: self.spf.clone(), ..Self::default() }
        };
        let passed = self.dmarc.result == AuthResult::Pass && self.dmarc.domain == domain;
        let is_partial = self.dkim.iter().any(|signature| signature.partial_body);
        let proved = match is_partial {
            // DMARC may rest on the very signature that leaves room.
            true => whole().proves(domain),
            false => passed || self.proves(domain),
        };
        proved.then_some(&author.address)
    }
}

/// Reverse-name check of the client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Iprev {
    /// `Fail`: no name, or names that don't lead back.
    pub result: AuthResult,
    /// The client.
    pub client: Option<IpAddr>,
    /// The name that leads back, or the first that doesn't.
    pub name: Option<String>,
}

/// SPF.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spf {
    /// The result of `check_host()`.
    pub result: AuthResult,
    /// The domain that was checked, lower case.
    pub domain: String,
    /// Whether it is the HELO name's, since the sender is null.
    pub of_helo: bool,
    /// The record lets everyone pass, so that passing proves nothing.
    pub allows_all: bool,
    /// The domain's own words for a failure (`exp=`), or what is broken.
    pub reason: String,
}

/// One DKIM signature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dkim {
    /// Of verification.
    pub result: AuthResult,
    /// `d=`, lower case.
    pub domain: String,
    /// Of `i=`, in lower case; `d=` where that is not given.
    pub identity: String,
    /// `s=`.
    pub selector: String,
    /// The first bytes of `b=`, which tell signatures of one domain apart (RFC 6008).
    pub b: String,
    /// `a=`, such as `rsa-sha256`.
    pub algorithm: &'static str,
    /// Names of the header fields covered (`h=`).
    pub covers: Vec<String>,
    /// `l=` is set: text may have been added below what was signed.
    pub partial_body: bool,
    /// Why it did not pass, in words.
    pub reason: String,
}

/// What the owner of a domain asks for mail that fails DMARC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DmarcPolicy {
    /// `p=none`, or none that can be read.
    #[default]
    None,
    /// `p=quarantine`.
    Quarantine,
    /// `p=reject`.
    Reject,
}

/// DMARC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dmarc {
    /// `None` when no record is published.
    pub result: AuthResult,
    /// The From domain, lower case.
    pub domain: String,
    /// What the owner asks for.
    pub policy: DmarcPolicy,
    /// Whether the domain and its organisational domain ask to set aside or to reject all mail that
    /// fails, that of subdomains too: no `p=none`, no `sp=none`, no part by `pct=`, no test.
    pub enforced: bool,
    /// Why it failed, in words.
    pub reason: String,
}

/// ARC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arc {
    /// Of the whole chain.
    pub result: AuthResult,
    /// `d=` of the newest seal, lower case.
    pub sealer: Option<String>,
    /// How many sets the chain has.
    pub sets: u32,
    /// Whether the oldest set says that the message passed DMARC, or DKIM and SPF, when it came in.
    pub passed_before: bool,
    /// Why the chain doesn't hold, in words.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_mail::Bounds;

    fn passing(domain: &str, partial_body: bool) -> Authentication {
        let dkim = Dkim {
            result: AuthResult::Pass,
            domain: domain.to_owned(),
            partial_body,
            ..Dkim::default()
        };
        let dmarc = Dmarc {
            result: AuthResult::Pass,
            domain: "shop.example".to_owned(),
            ..Dmarc::default()
        };
        Authentication { dkim: vec![dkim], dmarc, ..Authentication::default() }
    }

    #[track_caller]
    fn check(authentication: &Authentication, from: &str, proved: bool) {
        let raw = format!("{from}\r\n\r\n");
        let message = Message::parse(raw.as_bytes(), &Bounds::default());
        assert_eq!(authentication.proved_author(&message).is_some(), proved, "{from}");
    }

    #[test]
    fn one_author_of_a_proved_domain_is_proved() {
        let shop = passing("shop.example", false);
        check(&shop, "From: Bert <bert@shop.example>", true);
        check(&shop, "From: bert@mail.shop.example", true);
        check(&shop, "From: bert@other.example", false);
        check(&shop, "From: bert@shop.example, eve@shop.example", false);
        check(&shop, "From: bert@shop.example\r\nFrom: eve@shop.example", false);
        check(&shop, "From: Bert", false);
        check(&Authentication::default(), "From: bert@shop.example", false);
        check(&passing("other.example", false), "From: bert@shop.example", true);
    }

    #[test]
    fn a_signature_that_leaves_room_for_more_text_proves_no_author() {
        check(&passing("shop.example", true), "From: bert@shop.example", false);
        let spf =
            Spf { result: AuthResult::Pass, domain: "shop.example".to_owned(), ..Spf::default() };
        let both = Authentication { spf, ..passing("shop.example", true) };
        check(&both, "From: bert@shop.example", true);
    }
}
