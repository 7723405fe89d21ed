//! Brand indicators: whether a certifier that is trusted here vouches for the mark of the author's domain
//! (draft-brand-indicators-for-message-identification, draft-fetch-validation-vmc-wchuang).
//!
//! A certified mark proves who writes, not that anybody wants to read it: its worth is small. Records are
//! asked for with the keys and policies of the header section; certificates are fetched by the program,
//! beside the mail, and read here as data.
//!
//! Invariant: no certificate is asked for, and nothing is credited, before the author is proved and the
//! domain enforces DMARC; so that a copy of a record or of header fields is worth nothing.

pub mod certificate;
pub mod logotype;
pub mod record;
pub mod svg;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use tidegate_dns::{Answers, Name, Question};
use tidegate_mail::registered_domain;
use tidegate_signal::{Family, SignalDef, Signals};

use self::certificate::{Evidence, Failure};
use self::record::{Claim, DEFAULT_SELECTOR, Published};
use super::{Class, FoundMark, Mark, MarkKind, MarkResult, OptIn};
use crate::authentication::{AuthResult, Authentication};
use crate::{AnyCheck, InvalidSetting, Known, Questions, Stage};

/// A certifier stands behind the mark.
pub static BIMI_VERIFIED: SignalDef = SignalDef::new(
    "BIMI_VERIFIED",
    Family::Trust,
    -1.0,
    "A trusted certifier vouches for the mark of the author's domain",
);
/// Told for whoever wonders why no mark is recognised.
pub static BIMI_CLAIMED: SignalDef = SignalDef::new(
    "BIMI_CLAIMED",
    Family::Trust,
    0.0,
    "The author's domain claims a mark, and nothing that is known here backs it",
);
/// Somebody else's certificate, or one that does not fit what it certifies.
pub static BIMI_FALSE: SignalDef = SignalDef::new(
    "BIMI_FALSE",
    Family::Trust,
    1.0,
    "The author's domain claims a mark that was not certified for it",
);

/// Everything that is said of brand indicators.
pub const SIGNALS: [&SignalDef; 3] = [&BIMI_VERIFIED, &BIMI_CLAIMED, &BIMI_FALSE];

/// `[trust.bimi]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether records are asked for, and certificates fetched.
    pub enabled: bool,
    /// Files in PEM with the roots that mark certificates may lead to.
    pub roots: Vec<String>,
    /// Milliseconds that one fetch may take, redirects included.
    pub timeout_ms: u64,
    /// Hours after which a certificate is fetched anew.
    pub refresh_hours: u32,
    /// Days that one serves after that while it can't be fetched.
    pub keep_days: u32,
    /// Certificates that are remembered.
    pub max_entries: usize,
    /// Whether certificates may be at addresses of this machine and of private networks.
    pub allow_private: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: false,
            roots: Vec::new(),
            timeout_ms: 5_000,
            refresh_hours: 12,
            keep_days: 7,
            max_entries: 5_000,
            allow_private: false,
        }
    }
}

impl Config {
    /// Whether the numbers can be meant.
    ///
    /// # Errors
    /// The first that can't, and what to write instead.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        let (timeout, entries) = (self.timeout_ms, self.max_entries as u64);
        let (hours, days) = (self.refresh_hours.into(), self.keep_days.into());
        for (key, value, least, most) in [
            ("timeout_ms", timeout, 100, 60_000),
            ("refresh_hours", hours, 1, 720),
            ("keep_days", days, 0, 90),
            ("max_entries", entries, 1, 100_000),
        ] {
            if !(least..=most).contains(&value) {
                let problem = format!("{key} can't be {value}; write {least} to {most}");
                return Err(InvalidSetting { key: key.to_owned(), problem });
            }
        }
        Ok(())
    }
}

/// A result as the draft names it (section 7.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BimiResult {
    /// No record.
    #[default]
    None,
    /// Verified.
    Pass,
    /// Claimed, and not verified.
    Fail,
    /// Not known yet.
    TempError,
    /// The owner wants no indicator.
    Declined,
    /// Not looked at, since the author is not proved or nothing could be verified.
    Skipped,
}

impl BimiResult {
    /// The keyword.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::TempError => "temperror",
            Self::Declined => "declined",
            Self::Skipped => "skipped",
        }
    }
}

/// What was found out of the mark of a message's author.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bimi {
    /// Of the whole.
    pub result: BimiResult,
    /// The domain of the record; empty when none was looked for.
    pub domain: String,
    /// The selector of the record.
    pub selector: String,
    /// What the record claims.
    pub claim: Option<Claim>,
    /// Whether the certificate holds (`policy.authority`); `None` when it was not looked at.
    pub authority: Option<bool>,
    /// What became of the claim.
    pub mark: MarkResult,
    /// Who vouches for whom, in words, or why nobody does.
    pub detail: String,
}

impl Bimi {
    /// The mark, where a certifier stands behind it.
    pub(super) fn as_mark(&self) -> Option<FoundMark> {
        let printable = |c: char| if matches!(c, ' '..='~') && c != ';' { c } else { '?' };
        let mark = Mark {
            kind: MarkKind::Brand,
            certifier: self.detail.chars().take(LONGEST_CERTIFIER).map(printable).collect(),
            subject: self.domain.clone(),
            class: Class::All,
            opt_in: OptIn::Unknown,
        };
        let verified = self.mark == MarkResult::Verified;
        let found =
            FoundMark { mark, result: self.mark, why: String::new(), says: None, told: None };
        verified.then_some(found)
    }
}

/// Letters of who vouches that are told in a header field: names in a certificate are its owner's choice.
const LONGEST_CERTIFIER: usize = 120;

/// Where records may stand, the first that is there counts.
fn places(selector: &str, domain: &str) -> impl Iterator<Item = (Name, String)> {
    let organisation = registered_domain(domain).filter(|name| *name != domain);
    let domains = std::iter::once(domain).chain(organisation);
    domains.filter_map(move |domain| {
        let ascii = Name::try_from(domain).ok()?;
        Some((record::name(selector, ascii.as_str())?, ascii.as_str().to_owned()))
    })
}

/// The author's domain, where it is only one author.
fn author<'m>(known: &Known<'m>) -> Option<&'m str> {
    let message = known.message?;
    let [author] = message.from() else { return None };
    author.address.domain().filter(|_| message.count("From") == 1)
}

/// Puts the questions for records: those of the selector that the message names, and of the default, since
/// which of them counts is known only with its signatures.
fn ask(known: &Known<'_>, questions: &mut Questions) {
    let (Some(domain), Some(message), Some(_)) = (author(known), known.message, known.stranger())
    else {
        return;
    };
    let named = record::named_selector(message);
    let selectors = [Some(DEFAULT_SELECTOR), named.as_deref()];
    for selector in selectors.into_iter().flatten() {
        places(selector, domain).for_each(|(name, _)| questions.ask(Question::Txt(name)));
    }
}

/// The selector that counts: the one that the message names, where a passing signature of the author's
/// domain covers that.
fn selector(known: &Known<'_>, authentication: &Authentication, domain: &str) -> String {
    let covered = authentication.dkim.iter().any(|signature| {
        signature.result == AuthResult::Pass
            && registered_domain(&signature.domain) == registered_domain(domain)
            && signature.covers.iter().any(|field| field.eq_ignore_ascii_case("BIMI-Selector"))
    });
    let named = known.message.filter(|_| covered).and_then(record::named_selector);
    named.unwrap_or_else(|| DEFAULT_SELECTOR.to_owned())
}

/// Finds out of the mark of the author. `evidence` tells what is known of the certificate at a location,
/// and is asked only for a claim of an author who is proved.
#[must_use]
pub fn assess(
    known: &Known<'_>,
    authentication: &Authentication,
    answers: &Answers,
    evidence: impl FnOnce(&str) -> Evidence,
) -> Bimi {
    let (Some(domain), Some(message), Some(_)) = (author(known), known.message, known.stranger())
    else {
        return Bimi::default();
    };
    let selector = selector(known, authentication, domain);
    let mut found = Bimi { selector, domain: domain.to_owned(), ..Bimi::default() };
    let published = discover(&mut found, domain, answers);
    let end = |found, result, detail: &str| Bimi { result, detail: detail.to_owned(), ..found };
    let claim = match published {
        Published::Nothing => return found,
        Published::Declined => return end(found, BimiResult::Declined, ""),
        Published::Unknown => return end(found, BimiResult::TempError, "no answer for its record"),
        Published::Malformed(why) => return end(found, BimiResult::Fail, why),
        Published::Claim(claim) => claim,
    };
    let dmarc = &authentication.dmarc;
    if dmarc.result == AuthResult::TempError {
        return end(found, BimiResult::TempError, "DMARC is not known");
    }
    if dmarc.result != AuthResult::Pass || authentication.proved_author(message).is_none() {
        return end(found, BimiResult::Skipped, "the author is not proved");
    }
    if !dmarc.enforced {
        return end(found, BimiResult::Skipped, "the domain does not enforce DMARC");
    }
    found.mark = MarkResult::Claimed;
    found.claim = Some(claim.clone());
    let Some(location) = claim.authority else {
        return end(found, BimiResult::Skipped, "no certifier is named");
    };
    judge(found, evidence(&location), known.now)
}

/// The record that counts; notes whose it is.
fn discover(found: &mut Bimi, domain: &str, answers: &Answers) -> Published {
    for (name, domain) in places(&found.selector.clone(), domain) {
        match record::read(answers.get(&Question::Txt(name))) {
            Published::Nothing => {}
            published => {
                found.domain = domain;
                return published;
            }
        }
    }
    Published::Nothing
}

/// Compares a claim with what its certifier says.
fn judge(found: Bimi, evidence: Evidence, now: i64) -> Bimi {
    let certificate = match evidence {
        Evidence::Unknown => {
            let detail = "its certificate is not known yet".to_owned();
            let (result, mark) = (BimiResult::TempError, MarkResult::Unknown);
            return Bimi { result, mark, detail, ..found };
        }
        Evidence::Fails(Failure { denied, reason }) => {
            return failed(found, denied, reason);
        }
        Evidence::Holds(certificate) => certificate,
    };
    if !certificate.is_valid(now) {
        return failed(found, false, "the certificate has expired".to_owned());
    }
    let (kind, certifier) = (certificate.kind.as_str(), &certificate.certifier);
    if !certificate.names(&found.selector, &found.domain) {
        let theirs = certificate.names.first().map_or("", String::as_str);
        let reason = format!("the {kind} by {certifier} is for {theirs}");
        return failed(found, true, reason);
    }
    let detail = format!("{kind} of {} by {certifier}", certificate.holder);
    let (result, mark) = (BimiResult::Pass, MarkResult::Verified);
    Bimi { result, mark, detail, authority: Some(true), ..found }
}

fn failed(found: Bimi, denied: bool, detail: String) -> Bimi {
    let mark = if denied { MarkResult::Denied } else { MarkResult::Claimed };
    Bimi { result: BimiResult::Fail, mark, detail, authority: Some(false), ..found }
}

/// Asks for records, and says what was found out. Not in the table of checks, since it stands with its
/// settings in `[trust.bimi]`.
#[derive(Debug, Clone, Copy)]
pub struct Brands;

impl AnyCheck for Brands {
    fn key(&self) -> &'static str {
        "trust.bimi"
    }

    fn cost(&self) -> crate::Cost {
        crate::Cost::Network
    }

    fn ask(&self, stage: Stage, known: &Known<'_>, questions: &mut Questions) {
        if stage == Stage::Headers {
            ask(known, questions);
        }
    }

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(Authentication { bimi, .. }) = known.authentication else { return };
        let def = match bimi.mark {
            MarkResult::None => return,
            MarkResult::Verified => &BIMI_VERIFIED,
            MarkResult::Claimed | MarkResult::Unknown => &BIMI_CLAIMED,
            MarkResult::Denied => &BIMI_FALSE,
        };
        signals.raise(def, format!("{}: {}", bimi.domain, bimi.detail));
    }
}
