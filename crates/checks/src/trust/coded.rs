//! Lists in DNS that vouch by codes: a map from what they answer to levels of trust (RFC 5782; results
//! as RFC 8904 tells them).
//!
//! A list of addresses vouches for the host that connects, which the connection itself proves. A list
//! of signers vouches for the author's domain, and counts where a signature of that domain passes; it
//! is asked as soon as the header names the signer.
//!
//! Invariant: of one subject a list counts once: for what it says against it, where it does, and else
//! for the best that it says. A list that refuses, is lost or lists the world says nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use tidegate_dns::{
    Answer, Answers, CodeConfig, Kind as ZoneKind, Listing, Name, Question, Side, Why, Zone,
    ZoneConfig,
};
use tidegate_signal::{Family, SignalDef};

use super::config::{mistaken_score, yes};
use super::proof::{Proof, claimed_signers};
use super::{Class, FoundMark, Kind, Mark, MarkKind, MarkResult, OptIn, Told};
use crate::lists::{Subject, SubjectKind};
use crate::{InvalidSetting, Known, Questions, Stage};

/// Signers of one message that are looked up in a list.
const MOST_SIGNERS: usize = 4;

/// Whom a list vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vouched {
    /// The host that connects; behind relays of this site, the one that connected to them.
    Address,
    /// The author's domain, where a signature of it passes.
    Signer,
}

/// `[trust.lists.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListSettings {
    /// Whether it is asked.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Its name in DNS.
    pub zone: Name,
    /// Who runs it.
    pub certifier: String,
    /// Whom it vouches for.
    pub subject: Vouched,
    /// Whether it lists IPv6 addresses as well.
    #[serde(default)]
    pub ipv6: bool,
    /// What its answers mean.
    pub codes: Vec<LevelSettings>,
    /// A subject that is always listed, where it departs from RFC 5782, section 5.
    #[serde(default)]
    pub listed: Option<String>,
    /// A subject that never is.
    #[serde(default)]
    pub unlisted: Option<String>,
    /// Its terms, for people.
    #[serde(default)]
    pub note: String,
}

/// What an answer means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelSettings {
    /// The answers: `127.0.0.2`, a range, `*` or bits, as in `[lists]`.
    #[serde(rename = "match")]
    pub matches: String,
    /// The signal that is raised.
    pub signal: String,
    /// Its points: negative where it speaks for the sender.
    pub score: f32,
    /// What it says of the sender, to a person.
    pub says: String,
    /// The mail that it is about.
    #[serde(default)]
    pub class: Class,
    /// How the sender wins recipients.
    #[serde(default)]
    pub opt_in: OptIn,
}

/// All lists that are asked.
pub(super) struct CodedLists(Vec<List>);

struct List {
    zone: Arc<Zone>,
    certifier: String,
    subject: Vouched,
    /// By the index of the zone's codes.
    levels: Vec<Level>,
}

struct Level {
    signal: Arc<SignalDef>,
    class: Class,
    opt_in: OptIn,
}

impl CodedLists {
    pub(super) fn build(
        settings: &BTreeMap<String, ListSettings>,
        mistakes: &mut Vec<InvalidSetting>,
    ) -> Self {
        let mut lists = Vec::new();
        for (name, settings) in settings {
            let key =
                |key: &str| format!("lists.{name}{}{key}", if key.is_empty() { "" } else { "." });
            for level in &settings.codes {
                let named = SignalDef::is_valid_name(&level.signal);
                let wrong = match mistaken_score(level.score) {
                    _ if !named => Some(format!(
                        "'{}' is no name of a signal; names are like CERTIFIED_IADB",
                        level.signal
                    )),
                    wrong => wrong,
                };
                mistakes.extend(wrong.map(|problem| InvalidSetting { key: key("codes"), problem }));
            }
            match settings.build() {
                Ok(list) if settings.enabled => lists.push(list),
                Ok(_) => {}
                Err(problem) => mistakes.push(InvalidSetting { key: key(""), problem }),
            }
        }
        Self(lists)
    }

    pub(super) fn zones(&self) -> Vec<Arc<Zone>> {
        self.0.iter().map(|list| Arc::clone(&list.zone)).collect()
    }

    pub(super) fn raises(&self) -> Vec<Arc<SignalDef>> {
        let levels = self.0.iter().flat_map(|list| &list.levels);
        let mut signals: Vec<Arc<SignalDef>> = Vec::new();
        for level in levels {
            if !signals.iter().any(|known| known.name == level.signal.name) {
                signals.push(Arc::clone(&level.signal));
            }
        }
        signals
    }
}

impl ListSettings {
    fn build(&self) -> Result<List, String> {
        let code = |level: &LevelSettings| CodeConfig {
            matches: level.matches.clone(),
            signal: level.signal.clone(),
            score: level.score,
            says: level.says.clone(),
        };
        let zone = Zone::try_from(ZoneConfig {
            zone: self.zone.clone(),
            kind: match self.subject {
                Vouched::Address => ZoneKind::Ip,
                Vouched::Signer => ZoneKind::Domain,
            },
            side: Side::Allow,
            operator: self.certifier.clone(),
            ipv6: self.ipv6,
            codes: self.codes.iter().map(code).collect(),
            listed: self.listed.clone(),
            unlisted: self.unlisted.clone(),
            note: self.note.clone(),
        });
        let level = |level: &LevelSettings| Level {
            signal: Arc::new(SignalDef {
                name: level.signal.clone().into(),
                family: Family::Trust,
                score: level.score,
                says: level.says.clone().into(),
            }),
            class: level.class,
            opt_in: level.opt_in,
        };
        Ok(List {
            zone: Arc::new(zone.map_err(|error| error.to_string())?),
            certifier: self.certifier.clone(),
            subject: self.subject,
            levels: self.codes.iter().map(level).collect(),
        })
    }
}

impl List {
    fn question(&self, subject: &Subject) -> Option<Question> {
        self.zone.question(&subject.as_dns())
    }

    /// What can be asked at `stage`.
    fn subjects(&self, stage: Stage, known: &Known<'_>) -> Vec<Subject> {
        match (self.subject, stage) {
            (Vouched::Address, Stage::Connect) => SubjectKind::Client.subjects(known),
            (Vouched::Address, Stage::Headers) => SubjectKind::Received.subjects(known),
            (Vouched::Signer, Stage::Headers) => {
                claimed_signers(known, MOST_SIGNERS).into_iter().map(Subject::Domain).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The subjects that the message has proved.
    fn proved(&self, proof: &Proof<'_>) -> Vec<Subject> {
        if self.subject == Vouched::Address {
            let stages = [Stage::Connect, Stage::Headers];
            return stages.iter().flat_map(|stage| self.subjects(*stage, proof.known)).collect();
        }
        let mut signers: Vec<Subject> = Vec::new();
        for signature in proof.signatures().filter(|it| proof.is_of_author(&it.domain)) {
            let signer = Subject::Domain(signature.domain.clone());
            if !signers.contains(&signer) && signers.len() < MOST_SIGNERS {
                signers.push(signer);
            }
        }
        signers
    }

    /// The mark of `subject`, where the list has an answer that means something.
    fn mark(&self, subject: &Subject, answer: &Answer) -> Option<FoundMark> {
        let listed = match self.zone.read(answer) {
            Listing::Listed(places) => Some(places),
            Listing::Unknown(why) if !matches!(why, Why::Offline | Why::NotAsked) => None,
            _ => return None,
        };
        let codes: Vec<String> = answer.ipv4().iter().map(ToString::to_string).collect();
        let mut mark = Mark {
            kind: MarkKind::CodedList,
            certifier: self.certifier.clone(),
            subject: subject.to_string(),
            class: Class::All,
            opt_in: OptIn::Unknown,
        };
        let zone = ("dns.zone", self.zone.name().to_string());
        let told = |result, more: Option<(&'static str, String)>| Told {
            method: "dnswl",
            result,
            reason: String::new(),
            properties: [Some(zone.clone()), more].into_iter().flatten().collect(),
        };
        match listed {
            Some(places) => {
                let levels: Vec<&Level> =
                    places.iter().filter_map(|place| self.levels.get(*place)).collect();
                let opt_in = levels.iter().map(|it| it.opt_in).filter(|it| *it != OptIn::Unknown);
                mark.opt_in = opt_in.min().unwrap_or_default();
                let class = levels.iter().map(|it| it.class).find(|class| *class != Class::All);
                mark.class = class.unwrap_or_default();
                let best = weightiest(&levels)?;
                let against = best.signal.score > 0.0;
                let result = if against { MarkResult::Denied } else { MarkResult::Verified };
                let code = codes.first().cloned().map(|code| ("policy.ip", code));
                Some(FoundMark {
                    mark,
                    result,
                    why: codes.join(" "),
                    says: Some(((&best.signal).into(), best.signal.score)),
                    told: Some(told(if against { "none" } else { "pass" }, code)),
                })
            }
            None => Some(FoundMark {
                mark,
                result: MarkResult::Unknown,
                why: "no answer".to_owned(),
                says: None,
                told: Some(told("temperror", None)),
            }),
        }
    }
}

/// Of several things that a list says, the worst, or else the best.
fn weightiest<'l>(levels: &[&'l Level]) -> Option<&'l Level> {
    let worst = levels.iter().filter(|level| level.signal.score > 0.0);
    let worst = worst.max_by(|a, b| a.signal.score.total_cmp(&b.signal.score));
    let best = || levels.iter().min_by(|a, b| a.signal.score.total_cmp(&b.signal.score));
    worst.or_else(best).copied()
}

impl Kind for CodedLists {
    fn ask(&self, stage: Stage, known: &Known<'_>, questions: &mut Questions) {
        for list in self.0.iter().filter(|list| list.zone.usable()) {
            for subject in list.subjects(stage, known) {
                list.question(&subject).into_iter().for_each(|question| questions.ask(question));
            }
        }
    }

    fn find(&self, proof: &Proof<'_>, answers: &Answers, marks: &mut Vec<FoundMark>) {
        for list in self.0.iter().filter(|list| list.zone.usable()) {
            for subject in list.proved(proof) {
                let Some(question) = list.question(&subject) else { continue };
                marks.extend(list.mark(&subject, answers.get(&question)));
            }
        }
    }
}
