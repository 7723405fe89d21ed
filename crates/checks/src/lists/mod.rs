//! DNS lists: what operators publish of addresses and domains (RFC 5782).
//!
//! Zones are data of the configuration; [`Lists`] is the one check that reads them all. Each subject
//! is looked up as soon as SMTP has told it, so that the answers are there at the end.
//!
//! Invariant: of one subject a zone says one thing, the weightiest; a zone that refuses, is lost or
//! lists the world says nothing.

mod config;
mod subjects;
mod well_known;

use std::sync::Arc;

use tidegate_dns::{Answers, Listing, Name, Question, Side, Zone};
use tidegate_signal::{SignalDef, Signals};

pub use config::{ListsConfig, ZoneSettings};
pub(crate) use subjects::Subject;
pub use subjects::SubjectKind;

use crate::{AnyCheck, Known, Questions, Stage};

/// All list zones that are switched on.
#[derive(Default)]
pub struct Lists {
    zones: Vec<ListZone>,
}

/// A zone, what is looked up in it, and what is said of what is found.
struct ListZone {
    zone: Arc<Zone>,
    subjects: Vec<SubjectKind>,
    /// By the index of the zone's codes.
    signals: Vec<Arc<SignalDef>>,
}

/// A subject that a zone lists.
struct Hit<'l> {
    zone: &'l ListZone,
    kind: SubjectKind,
    subject: Subject,
    signal: &'l Arc<SignalDef>,
    code: String,
}

/// The subjects of each kind, found once for all zones.
#[derive(Default)]
struct Found(Vec<(SubjectKind, Vec<Subject>)>);

impl Found {
    fn subjects(&mut self, kind: SubjectKind, known: &Known<'_>) -> &[Subject] {
        let place = self.0.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
            self.0.push((kind, kind.subjects(known)));
            self.0.len() - 1
        });
        &self.0[place].1
    }
}

impl Lists {
    /// The zones, for whoever proves now and then that they are sound.
    pub fn zones(&self) -> impl Iterator<Item = &Arc<Zone>> {
        self.zones.iter().map(|listed| &listed.zone)
    }

    /// The names of zones that have been found not to be believed.
    #[must_use]
    pub fn set_aside(&self) -> Vec<Name> {
        let aside = self.zones.iter().filter(|listed| !listed.zone.usable());
        aside.map(|listed| listed.zone.name().clone()).collect()
    }

    /// Everything the zones can say.
    pub fn raises(&self) -> impl Iterator<Item = &Arc<SignalDef>> {
        self.zones.iter().flat_map(|listed| &listed.signals)
    }

    fn hits<'l>(&'l self, known: &Known<'_>, answers: &Answers) -> Vec<Hit<'l>> {
        // Most often no zone has found anything: then nothing need be asked of the answers by name.
        let addresses = answers.iter().filter_map(|(question, answer)| match question {
            Question::A(name) if !answer.ipv4().is_empty() => Some(name),
            _ => None,
        });
        let addresses: Vec<&Name> = addresses.collect();
        let lists = |zone: &Zone| addresses.iter().any(|name| name.is_below(zone.name()));
        let usable = self.zones.iter().filter(|it| lists(&it.zone) && it.zone.usable());
        let mut found = Found::default();
        let mut hits = Vec::new();
        for zone in usable {
            for &kind in &zone.subjects {
                for subject in found.subjects(kind, known) {
                    if let Some((signal, code)) = zone.look(subject, answers) {
                        hits.push(Hit { zone, kind, subject: subject.clone(), signal, code });
                    }
                }
            }
        }
        hits
    }
}

impl ListZone {
    /// The weightiest thing it says of `subject`, with the answer that says it.
    fn look(&self, subject: &Subject, answers: &Answers) -> Option<(&Arc<SignalDef>, String)> {
        let question = self.zone.question(&subject.as_dns())?;
        let answer = answers.get(&question);
        let Listing::Listed(codes) = self.zone.read(answer) else { return None };
        let signals = codes.iter().filter_map(|code| self.signals.get(*code));
        let weightiest = signals.max_by(|a, b| a.score.abs().total_cmp(&b.score.abs()))?;
        let codes: Vec<String> = answer.ipv4().iter().map(ToString::to_string).collect();
        Some((weightiest, codes.join(" ")))
    }
}

impl AnyCheck for Lists {
    fn key(&self) -> &'static str {
        "lists"
    }

    fn cost(&self) -> crate::Cost {
        crate::Cost::Network
    }

    fn ask(&self, stage: Stage, known: &Known<'_>, questions: &mut Questions) {
        let mut found = Found::default();
        for zone in self.zones.iter().filter(|listed| listed.zone.usable()) {
            for kind in zone.subjects.iter().filter(|kind| kind.stage() == stage) {
                for subject in found.subjects(*kind, known) {
                    if let Some(question) = zone.zone.question(&subject.as_dns()) {
                        questions.ask(question);
                    }
                }
            }
        }
    }

    fn judge(&self, known: &Known<'_>, answers: &Answers, signals: &mut Signals) {
        let hits = self.hits(known, answers);
        for hit in hits.iter().filter(|hit| !is_contradicted(hit, &hits)) {
            let (zone, subject, code) = (hit.zone.zone.name(), &hit.subject, &hit.code);
            let evidence = match hit.kind.word() {
                "" => format!("{subject} in {zone}: {code}"),
                place => format!("{subject} ({place}) in {zone}: {code}"),
            };
            signals.raise(hit.signal, evidence);
        }
    }
}

/// Whether an operator speaks both for and against one subject: then its answers are not to be had
/// by this resolver, whatever they look like.
fn is_contradicted(hit: &Hit<'_>, hits: &[Hit<'_>]) -> bool {
    let says = |hit: &Hit<'_>| hit.zone.zone.side();
    hits.iter().any(|other| {
        other.zone.zone.operator() == hit.zone.zone.operator()
            && other.subject == hit.subject
            && matches!(
                (says(hit), says(other)),
                (Side::Block, Side::Allow) | (Side::Allow, Side::Block)
            )
    })
}
