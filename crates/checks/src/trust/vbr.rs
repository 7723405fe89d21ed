//! Vouch By Reference (RFC 5518; results as RFC 6212 tells them).
//!
//! A message says in `VBR-Info` who it is from (`md=`), what class of mail it is (`mc=`) and who
//! vouches (`mv=`). Of those named, the certifiers that this operator trusts are asked, by the TXT
//! record `md._vouch.certifier`, which classes they vouch for.
//!
//! The questions need nothing but the header section, so they are put with it, before anything is
//! proved; what they are worth is found out when it is.
//!
//! Invariant: only certifiers of the configuration are asked, and no more than `MOST_QUESTIONS` for
//! one message, whatever it names.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidegate_dns::{Answer, Answers, Name, Question};
use tidegate_mail::Message;
use tidegate_signal::{Family, SignalDef};

use super::config::{mistaken_score, yes};
use super::proof::{Proof, covers};
use super::{
    Class, FoundMark, Kind, Mark, MarkKind, MarkResult, OptIn, TRUSTMARK_CLAIMED,
    TRUSTMARK_UNKNOWN, Told,
};
use crate::{InvalidSetting, Known, Questions, Stage};

/// A certifier vouches, and the message proves that it is of the domain vouched for.
pub static VOUCHED_BY_REFERENCE: SignalDef = SignalDef::new(
    "VOUCHED_BY_REFERENCE",
    Family::Trust,
    -1.5,
    "A certifier that this site trusts vouches for the sender (VBR)",
);
/// A certifier that the message names says otherwise.
pub static VOUCHING_DENIED: SignalDef = SignalDef::new(
    "VOUCHING_DENIED",
    Family::Trust,
    1.5,
    "The certifier whom the message names does not vouch for it (VBR)",
);

/// Fields that are read of one message.
const MOST_FIELDS: usize = 4;
/// Questions that one message may give rise to.
const MOST_QUESTIONS: usize = 4;
/// Bytes of one field.
const LONGEST_FIELD: usize = 2_000;

/// `[trust.vbr."CERTIFIER"]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertifierSettings {
    /// Whether its word counts.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Points for what it vouches for; `VOUCHED_BY_REFERENCE`'s default else.
    #[serde(default)]
    pub score: Option<f32>,
    /// How those for whom it vouches win their recipients, as its terms say.
    #[serde(default)]
    pub opt_in: OptIn,
    /// Its terms, for people.
    #[serde(default)]
    pub note: String,
}

/// The certifiers that are trusted.
pub(super) struct Vbr(Vec<Certifier>);

struct Certifier {
    name: Name,
    score: f32,
    opt_in: OptIn,
}

/// What a VBR-Info field says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    domain: String,
    class: Class,
    certifiers: Vec<String>,
}

impl Vbr {
    pub(super) fn build(
        settings: &BTreeMap<String, CertifierSettings>,
        mistakes: &mut Vec<InvalidSetting>,
    ) -> Self {
        let mut certifiers = Vec::new();
        for (name, settings) in settings {
            let mut wrong = |problem| {
                // The name has dots of its own, so that its table can be told but not a key of it.
                let key = "vbr".to_owned();
                mistakes.push(InvalidSetting { key, problem });
            };
            let score = settings.score.unwrap_or(VOUCHED_BY_REFERENCE.score);
            if let Some(problem) = mistaken_score(score) {
                wrong(format!("the score of \"{name}\": {problem}"));
            } else if score > 0.0 {
                wrong(format!("the score of \"{name}\" must be negative, since it vouches"));
            }
            if !name.contains('.') {
                wrong(format!(
                    "\"{name}\" is no certifier; write its domain in quotes, as in [trust.vbr.\"vouch.example.org\"]"
                ));
                continue;
            }
            match Name::try_from(name.as_str()) {
                Ok(name) if settings.enabled => {
                    certifiers.push(Certifier { name, score, opt_in: settings.opt_in });
                }
                Ok(_) => {}
                Err(error) => wrong(format!("\"{name}\" is no certifier: {error}")),
            }
        }
        Self(certifiers)
    }

    /// Each claim with each trusted certifier that it names, and the question to it.
    fn questions(&self, message: &Message<'_>) -> Vec<(Claim, &Certifier, Question)> {
        let mut found: Vec<(Claim, &Certifier, Question)> = Vec::new();
        if self.0.is_empty() {
            return found;
        }
        for claim in claims(message) {
            let named = |it: &&Certifier| {
                claim.certifiers.iter().any(|name| name.eq_ignore_ascii_case(it.name.as_str()))
            };
            for certifier in self.0.iter().filter(named) {
                let name = format!("{}._vouch.{}", claim.domain, certifier.name);
                let Ok(name) = Name::try_from(name.as_str()) else { continue };
                let question = Question::Txt(name);
                let seen = found.iter().any(|(_, _, asked)| *asked == question);
                if !seen && found.len() < MOST_QUESTIONS {
                    found.push((claim.clone(), certifier, question));
                }
            }
        }
        found
    }
}

impl Kind for Vbr {
    fn ask(&self, stage: Stage, known: &Known<'_>, questions: &mut Questions) {
        if let (Stage::Headers, Some(message)) = (stage, known.message) {
            let asked = self.questions(message).into_iter();
            asked.for_each(|(_, _, question)| questions.ask(question));
        }
    }

    fn find(&self, proof: &Proof<'_>, answers: &Answers, marks: &mut Vec<FoundMark>) {
        for (claim, certifier, question) in self.questions(proof.message) {
            let said = Said::of(answers.get(&question), claim.class);
            let proved = is_proved(&claim.domain, proof);
            let (result, word, says) = match said {
                Said::Vouches if proved => {
                    let says = (&VOUCHED_BY_REFERENCE, certifier.score);
                    (MarkResult::Verified, "pass", says)
                }
                Said::Vouches => (MarkResult::Claimed, "none", (&TRUSTMARK_CLAIMED, 0.0)),
                Said::Denies => {
                    let says = (&VOUCHING_DENIED, VOUCHING_DENIED.score);
                    (MarkResult::Denied, "fail", says)
                }
                Said::Nonsense => (MarkResult::None, "permerror", (&TRUSTMARK_CLAIMED, 0.0)),
                Said::Nothing => (MarkResult::Unknown, "temperror", (&TRUSTMARK_UNKNOWN, 0.0)),
            };
            let why = match said {
                Said::Vouches if !proved => proof.doubt(),
                Said::Denies => "it does not vouch for such mail of that domain",
                Said::Nonsense => "what it publishes is no vouching",
                _ => "",
            };
            let told = Told {
                method: "vbr",
                result: word,
                reason: why.to_owned(),
                properties: vec![
                    ("header.md", claim.domain.clone()),
                    ("header.mv", certifier.name.to_string()),
                ],
            };
            let mark = Mark {
                kind: MarkKind::Vbr,
                certifier: certifier.name.to_string(),
                subject: claim.domain,
                class: claim.class,
                opt_in: certifier.opt_in,
            };
            let (why, says) = (why.to_owned(), Some((says.0.into(), says.1)));
            marks.push(FoundMark { mark, result, why, says, told: Some(told) });
        }
    }
}

/// Whether the message is of `domain`: by SPF of exactly that domain, or by a signature of it that
/// covers VBR-Info (RFC 5518, section 4); and whether that domain is the author's or the list's.
fn is_proved(domain: &str, proof: &Proof<'_>) -> bool {
    let by_spf = proof.by_spf().is_some_and(|host| host.eq_ignore_ascii_case(domain));
    let signed = || {
        proof.signatures().any(|signature| {
            signature.identity.eq_ignore_ascii_case(domain) && covers(signature, "VBR-Info")
        })
    };
    (by_spf || signed()) && proof.is_of_message(domain)
}

/// What a certifier said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// It vouches for that class.
    Vouches,
    /// It does not.
    Denies,
    /// What it publishes is not what RFC 5518, section 5, describes: a wildcard, most likely.
    Nonsense,
    /// It did not answer.
    Nothing,
}

impl Said {
    fn of(answer: &Answer, class: Class) -> Self {
        if answer.is_unknown() {
            return Self::Nothing;
        }
        match answer.txt() {
            [] => Self::Denies,
            [only] => match std::str::from_utf8(only).ok().filter(|text| is_list_of_words(text)) {
                None => Self::Nonsense,
                Some(words) => {
                    let vouches =
                        |word: &str| word == Class::All.as_str() || word == class.as_str();
                    if words.split(' ').any(vouches) { Self::Vouches } else { Self::Denies }
                }
            },
            _ => Self::Nonsense,
        }
    }
}

/// `^[a-z]+( [a-z]+)*$`
fn is_list_of_words(text: &str) -> bool {
    text.split(' ').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
}

/// What the VBR-Info fields say; nothing where they contradict each other on the class of mail.
fn claims(message: &Message<'_>) -> Vec<Claim> {
    let fields = message.fields_named("VBR-Info").take(MOST_FIELDS);
    let claims: Vec<Claim> = fields.filter_map(|field| claim(field.value)).collect();
    match claims.first() {
        Some(first) if claims.iter().any(|other| other.class != first.class) => Vec::new(),
        _ => claims,
    }
}

/// Reads one field. All three elements are needed, in any order; others are left unread.
fn claim(value: &[u8]) -> Option<Claim> {
    let text = std::str::from_utf8(value.get(..LONGEST_FIELD).unwrap_or(value)).ok()?;
    let (mut domain, mut class, mut certifiers) = (None, None, None);
    for element in text.split(';') {
        let Some((name, value)) = element.split_once('=') else { continue };
        let value: String = value.split_ascii_whitespace().collect();
        let value = value.to_ascii_lowercase();
        match name.trim().to_ascii_lowercase().as_str() {
            "md" => domain = domain.or(Some(value).filter(|value| !value.is_empty())),
            "mc" => {
                class = class.or(match value.as_str() {
                    "all" => Some(Class::All),
                    "list" => Some(Class::List),
                    "transaction" => Some(Class::Transaction),
                    _ => None,
                });
            }
            "mv" => {
                let each = value.split(':').filter(|name| !name.is_empty()).map(str::to_owned);
                certifiers = certifiers.or(Some(each.collect()));
            }
            _ => {}
        }
    }
    Some(Claim { domain: domain?, class: class?, certifiers: certifiers? })
}

#[cfg(test)]
mod tests {
    use tidegate_dns::{Records, Why};

    use super::*;

    #[test]
    fn a_field_is_read_in_any_order_and_case_and_folded() {
        let read = claim(b" MV=vouch.example:\r\n other.example; md= Shop.example ; x=1; MC=List;");
        let expect = Claim {
            domain: "shop.example".to_owned(),
            class: Class::List,
            certifiers: vec!["vouch.example".to_owned(), "other.example".to_owned()],
        };
        assert_eq!(read, Some(expect));
    }

    #[test]
    fn a_field_without_all_three_claims_nothing() {
        for half in [
            "",
            "md=a.example; mc=all",
            "md=a.example; mv=b.example",
            "mc=all; mv=b",
            "md=; mc=all; mv=b",
        ] {
            assert_eq!(claim(half.as_bytes()), None, "{half}");
        }
        assert_eq!(claim(b"md=a.example; mc=spam; mv=b.example"), None);
    }

    #[track_caller]
    fn check(texts: &[&str], expect: Said) {
        let texts: Vec<Box<[u8]>> = texts.iter().map(|text| text.as_bytes().into()).collect();
        let answer = Answer::Found(Records::Txt(texts.into()));
        assert_eq!(Said::of(&answer, Class::List), expect);
    }

    #[test]
    fn an_answer_must_be_one_list_of_words() {
        check(&["all"], Said::Vouches);
        check(&["transaction list"], Said::Vouches);
        check(&["transaction"], Said::Denies);
        check(&["list", "all"], Said::Nonsense);
        check(&["v=spf1 -all"], Said::Nonsense);
        check(&["List"], Said::Nonsense);
        check(&[""], Said::Nonsense);
        assert_eq!(Said::of(&Answer::NoSuchName, Class::List), Said::Denies);
        assert_eq!(Said::of(&Answer::Unknown(Why::Late), Class::List), Said::Nothing);
    }

    #[test]
    fn a_certifier_is_named_by_its_domain() {
        let mistakes = |name: &str| {
            let text = format!("[{name}]\nscore = -1.0\n");
            let mut mistakes = Vec::new();
            Vbr::build(&toml::from_str(&text).unwrap(), &mut mistakes);
            mistakes.into_iter().map(|it| it.problem).collect::<Vec<_>>()
        };
        assert_eq!(mistakes("\"vouch.example\""), [""; 0]);
        assert!(mistakes("vouch")[0].contains("write its domain in quotes"));
    }
}
