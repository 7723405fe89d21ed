//! Senders whom the operator has vetted, until a day on which to look again.
//!
//! Invariant: an entry counts for mail that proves to be of that sender, and not after its day.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidegate_dns::Answers;
use tidegate_mail::Address;
use tidegate_signal::{Family, SignalDef};

use super::config::{mistaken_score, yes};
use super::day::Day;
use super::proof::{Proof, is_within, list_id};
use super::{Class, FoundMark, Kind, Mark, MarkKind, MarkResult, OptIn, TRUSTMARK_CLAIMED};
use crate::InvalidSetting;

/// The operator has vetted the sender, who is proved.
pub static SENDER_VETTED: SignalDef = SignalDef::new(
    "SENDER_VETTED",
    Family::Trust,
    -3.0,
    "The operator of this site has vetted the sender, who is proved",
);
/// The day has passed.
pub static VETTING_EXPIRED: SignalDef = SignalDef::new(
    "VETTING_EXPIRED",
    Family::Trust,
    0.0,
    "The operator vetted the sender until a day that has passed",
);

/// `[trust.vetted.NAME]`: one of `domain`, `address` and `list_id`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VettedSettings {
    /// Whether it counts.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// A domain of authors, with all below it.
    #[serde(default)]
    pub domain: Option<String>,
    /// An author's address.
    #[serde(default)]
    pub address: Option<String>,
    /// A list, by what stands in the angle brackets of List-Id.
    #[serde(default)]
    pub list_id: Option<String>,
    /// The last day.
    pub until: Day,
    /// Points; `SENDER_VETTED`'s default else.
    #[serde(default)]
    pub score: Option<f32>,
    /// The mail that was vetted.
    #[serde(default)]
    pub class: Class,
    /// How the sender wins recipients, as far as the operator found out.
    #[serde(default)]
    pub opt_in: OptIn,
    /// Who vetted, and why.
    pub note: String,
}

/// All entries.
pub(super) struct Vetted(Vec<Entry>);

struct Entry {
    who: Who,
    settings: VettedSettings,
}

enum Who {
    Domain(String),
    Address(Address),
    List(String),
}

impl Vetted {
    pub(super) fn build(
        settings: &BTreeMap<String, VettedSettings>,
        mistakes: &mut Vec<InvalidSetting>,
    ) -> Self {
        let mut entries = Vec::new();
        for (name, settings) in settings {
            let mut wrong = |problem: String| {
                mistakes.push(InvalidSetting { key: format!("vetted.{name}"), problem });
            };
            if let Some(problem) = settings.score.and_then(mistaken_score) {
                wrong(format!("the score: {problem}"));
            }
            let lower = |text: &String| text.trim_end_matches('.').to_ascii_lowercase();
            let VettedSettings { domain, address, list_id, .. } = settings;
            let who = match (domain, address, list_id) {
                (Some(domain), None, None) => Who::Domain(lower(domain)),
                (None, Some(address), None) => Who::Address(Address::new(address)),
                (None, None, Some(id)) => Who::List(lower(id)),
                _ => {
                    wrong("it needs one of domain, address and list_id".to_owned());
                    continue;
                }
            };
            if settings.enabled {
                entries.push(Entry { who, settings: settings.clone() });
            }
        }
        Self(entries)
    }
}

impl Entry {
    /// The sender, where the message claims to be of them; and whether it proves it.
    fn meets(&self, proof: &Proof<'_>) -> Option<(String, bool)> {
        match &self.who {
            Who::Domain(domain) => {
                let author = proof.author().filter(|author| is_within(author, domain))?;
                Some((author.to_owned(), proof.proves_author()))
            }
            Who::Address(address) => {
                proof.author()?;
                let author = &proof.message.from().first()?.address;
                let is_it = author.as_str().eq_ignore_ascii_case(address.as_str());
                is_it.then(|| (author.as_str().to_owned(), proof.proves_author()))
            }
            Who::List(id) => {
                let claimed = list_id(proof.message).filter(|claimed| claimed == id)?;
                Some((claimed, proof.proved_list().is_some()))
            }
        }
    }
}

impl Kind for Vetted {
    fn find(&self, proof: &Proof<'_>, _: &Answers, marks: &mut Vec<FoundMark>) {
        for entry in &self.0 {
            let settings = &entry.settings;
            let Some((subject, proved)) = entry.meets(proof) else { continue };
            let score = settings.score.unwrap_or(SENDER_VETTED.score);
            let (result, says, why) = if settings.until.is_past(proof.known.now) {
                let why = format!("until {}", settings.until);
                (MarkResult::None, (&VETTING_EXPIRED, 0.0), why)
            } else if proved {
                (MarkResult::Verified, (&SENDER_VETTED, score), settings.note.clone())
            } else {
                (MarkResult::Claimed, (&TRUSTMARK_CLAIMED, 0.0), proof.doubt().to_owned())
            };
            let mark = Mark {
                kind: MarkKind::Vetted,
                certifier: "the operator".to_owned(),
                subject,
                class: settings.class,
                opt_in: settings.opt_in,
            };
            let says = Some((says.0.into(), says.1));
            marks.push(FoundMark { mark, result, why, says, told: None });
        }
    }
}
