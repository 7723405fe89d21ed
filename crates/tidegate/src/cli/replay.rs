//! `tidegate replay`: judges a message of the journal again, by what was recorded of it.
//!
//! Invariant: without `--dns live` nothing is asked of the network; the message comes out as it did, or
//! what differs is told, and what changed since.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;
use tidegate_bayes::Lessons;
use tidegate_dns::{Written, probe};
use tidegate_engine::{Again, Engine, Judged, Recording, Statistics};

use super::journal::words;
use super::{Global, against};
use crate::compare::Difference;
use crate::config::Loaded;
use crate::journal::{self, Read, Record, Versions};
use crate::{json, knowledge, reload};

#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// The record: the name that 'journal list' shows, or the queue id
    #[arg(required_unless_present_any = ["against", "journal"], conflicts_with_all = ["against", "journal"])]
    id: Option<String>,
    /// Whose answers count: those that were recorded, or what DNS says now
    #[arg(long, value_enum, default_value = "recorded", conflicts_with_all = ["against", "journal"])]
    dns: Dns,
    /// A configuration to compare with the one in force, on many messages
    #[arg(long, value_name = "FILE")]
    pub(super) against: Option<PathBuf>,
    /// The messages: a file with a line each, 'ham PATH', 'spam PATH' or a path
    #[arg(long, value_name = "FILE", requires = "against")]
    pub(super) index: Option<PathBuf>,
    /// The messages: all that the journal has; without --against, each is judged again as one ID is
    #[arg(long, conflicts_with = "index")]
    pub(super) journal: bool,
    /// Print JSON: an object a message, one a line
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Dns {
    Recorded,
    Live,
}

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    if flags.against.is_some() {
        return against::run(global, flags);
    }
    let loaded = match global.load(flags.dns == Dns::Recorded) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let folder = journal::folder(&knowledge::folder(&loaded.settings));
    let judge = Judge::new(loaded)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let Some(id) = &flags.id else {
        let read = Read::all(&folder).with_context(|| folder.display().to_string())?;
        return runtime.block_on(judge.all(read, flags.json));
    };
    let (replay, raw) = Replay::new(&judge, journal::find(&folder, id)?)?;
    let Some(raw) = raw else {
        replay.tell_without_message(flags.json)?;
        return Ok(ExitCode::FAILURE);
    };
    runtime.block_on(async {
        match flags.dns {
            Dns::Recorded => replay.recorded(&raw, flags.json).await,
            Dns::Live => replay.live(&raw, flags.json).await,
        }
    })
}

/// What judges again.
struct Judge {
    engine: Arc<Engine>,
    lessons: Option<Arc<Lessons>>,
    /// Why what was learned here is not known.
    unknown: Option<String>,
    versions: Versions,
}

impl Judge {
    fn new(loaded: Loaded) -> anyhow::Result<Self> {
        let Loaded { settings, mut parts, digests, .. } = loaded;
        let (lessons, unknown) = match settings.statistics.enabled {
            true => {
                let (lessons, why) = knowledge::borrow(&settings)?;
                (Some(lessons), why)
            }
            false => (None, None),
        };
        let versions = reload::versions(digests, lessons.as_deref());
        parts.statistics = lessons.clone().map(Statistics::new);
        parts.records = true;
        Ok(Self { engine: Arc::new(Engine::new(parts)), lessons, unknown, versions })
    }

    /// Judges every record again, and tells those that come out otherwise.
    async fn all(&self, mut read: Read, as_json: bool) -> anyhow::Result<ExitCode> {
        let (mut same, mut other, mut not_kept) = (0_u64, 0_u64, 0_u64);
        for record in read.by_ref() {
            let (replay, raw) = Replay::new(self, record?)?;
            let Some(raw) = raw else {
                not_kept += 1;
                continue;
            };
            let again = Again::exactly(Arc::clone(&replay.recording));
            let judged = replay.judge(&raw, again).await;
            match json::verdict(&replay.record.id, &judged)? == replay.record.verdict {
                true => same += 1,
                false => {
                    other += 1;
                    replay.recorded(&raw, as_json).await?;
                }
            }
        }
        let damaged = read.damaged;
        match as_json {
            true => println!(
                "{}",
                serde_json::json!({"same": same, "other": other, "not_kept": not_kept, "damaged": damaged})
            ),
            false => println!(
                "{same} the same, {other} not; {not_kept} messages not kept, {damaged} records damaged"
            ),
        }
        Ok(code(other == 0))
    }
}

/// A record, and what judges it again.
struct Replay<'j> {
    engine: &'j Arc<Engine>,
    lessons: Option<&'j Lessons>,
    unknown: Option<&'j str>,
    record: Record,
    recording: Arc<Recording>,
    changed: Vec<String>,
}

/// What came of it, for a program.
#[derive(Serialize)]
struct Told<'t> {
    id: &'t str,
    same: bool,
    recorded: Value,
    replayed: Value,
    /// What has changed since, in words.
    changed: &'t [String],
    /// How it comes out by what statistics know now, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    today: Option<Value>,
}

impl<'j> Replay<'j> {
    /// With the message, where it is kept.
    fn new(judge: &'j Judge, mut record: Record) -> anyhow::Result<(Self, Option<Vec<u8>>)> {
        let raw = record.message.take();
        let lessons = judge.lessons.as_deref();
        if let (Some(lessons), [only]) = (lessons, &record.envelope().recipients[..]) {
            lessons.prepare(only.as_str(), knowledge::seconds())?;
        }
        let recording = record
            .recording()
            .context("the record has answers of a sort that this version doesn't know")?;
        let changed = changed(&record.versions, &judge.versions);
        let (engine, unknown) = (&judge.engine, judge.unknown.as_deref());
        Ok((Self { engine, lessons, unknown, record, recording, changed }, raw))
    }

    async fn judge(&self, raw: &[u8], again: Again) -> Judged {
        self.engine.judge_again(self.record.envelope(), raw, self.record.now, again).await
    }

    async fn recorded(&self, raw: &[u8], as_json: bool) -> anyhow::Result<ExitCode> {
        let again = Again::exactly(Arc::clone(&self.recording));
        let judged = self.judge(raw, again.clone()).await;
        let replayed = json::verdict(&self.record.id, &judged)?;
        let same = replayed == self.record.verdict;
        let today = match self.unknown {
            None => {
                let today = self.judge(raw, Again { recorded_estimate: false, ..again }).await;
                let estimate = today.recording.as_ref().and_then(|it| it.estimate);
                (estimate != self.recording.estimate).then_some(today)
            }
            Some(_) => None,
        };
        let recorded: Value = serde_json::from_str(&self.record.verdict)?;
        let replayed: Value = serde_json::from_str(&replayed)?;
        if as_json {
            let today = today.map(|today| json::verdict(&self.record.id, &today)).transpose()?;
            let told = Told {
                id: &self.record.id,
                same,
                recorded,
                replayed,
                changed: &self.changed,
                today: today.map(|today| serde_json::from_str(&today)).transpose()?,
            };
            println!("{}", serde_json::to_string(&told)?);
            return Ok(code(same));
        }
        let id = &self.record.id;
        if same {
            println!("{id}: the same: {}", short(&judged));
        } else {
            println!("{id}: not the same");
            for line in differing(&recorded, &replayed) {
                println!("  {line}");
            }
            self.tell_changes();
        }
        if self.record.left_out > 0 {
            println!(
                "  {} recipients who are not filtered are not in the record",
                self.record.left_out
            );
        }
        match (&today, self.unknown) {
            (Some(today), _) => {
                println!("  the statistics have learned since; with today's: {}", short(today));
            }
            (None, Some(why)) => eprintln!("tidegate: {why}; the recorded estimate was used"),
            (None, None) => {}
        }
        Ok(code(same))
    }

    /// Asks everything again, so that what differs is DNS alone.
    async fn live(&self, raw: &[u8], as_json: bool) -> anyhow::Result<ExitCode> {
        let parts = self.engine.parts();
        for zone in parts.lists.zones().chain(parts.trust.zones()) {
            if self.recording.set_aside.contains(zone.name()) {
                probe(&parts.resolver, zone).await;
            }
        }
        let before = self.judge(raw, Again::exactly(Arc::clone(&self.recording))).await;
        let recording = Recording {
            estimate: self.recording.estimate,
            damped: Arc::clone(&self.recording.damped),
            decided: self.recording.decided.clone(),
            mark: self.recording.mark.clone(),
            pressure: self.recording.pressure,
            ..Recording::default()
        };
        let again = Again { further: true, ..Again::exactly(Arc::new(recording)) };
        let after = self.judge(raw, again).await;
        let answers = self.other_answers(after.recording.as_deref());
        let difference = Difference::between(&before, &after);
        if as_json {
            let told = serde_json::json!({
                "id": self.record.id, "difference": difference, "answers": answers,
            });
            println!("{told}");
            return Ok(ExitCode::SUCCESS);
        }
        let id = &self.record.id;
        if answers.is_empty() {
            println!("{id}: DNS says the same: {}", short(&after));
            return Ok(ExitCode::SUCCESS);
        }
        match difference.signals.is_empty() && !difference.is_another_outcome() {
            true => println!("{id}: the same verdict by other answers: {}", short(&after)),
            false => print!("{id}:\n{}", difference.explain("then", "now")),
        }
        for Other { question, then, now } in &answers {
            println!("  {question}\n    then  {then}\n    now   {now}");
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Questions with another answer than then.
    fn other_answers(&self, live: Option<&Recording>) -> Vec<Other> {
        let (then, live) = (&self.recording.answers, live.map(|it| &it.answers));
        let asked = then.iter().chain(live.into_iter().flat_map(|it| it.iter()));
        let mut other: Vec<Other> = asked
            .filter_map(|(question, _)| {
                let was = then.get(question);
                let is = live.filter(|it| it.contains(question)).map(|it| it.get(question));
                (Some(was) != is).then(|| Other {
                    question: question.to_string(),
                    then: words(&Written::from(was)),
                    now: is.map_or("not asked".to_owned(), |is| words(&Written::from(is))),
                })
            })
            .collect();
        other.sort();
        other.dedup();
        other
    }

    fn tell_changes(&self) {
        for change in &self.changed {
            println!("  {change}");
        }
    }

    /// What can be said of a message of which only the record is there.
    fn tell_without_message(&self, as_json: bool) -> anyhow::Result<()> {
        let id = &self.record.id;
        let recorded: Value = serde_json::from_str(&self.record.verdict)?;
        if as_json {
            let told = serde_json::json!({
                "id": id, "same": Value::Null, "recorded": recorded, "kept": self.record.kept(),
            });
            println!("{told}");
            return Ok(());
        }
        println!(
            "{id}: the message is not kept ([journal] keep = \"{}\"), so its verdict can't be made again",
            self.record.kept()
        );
        println!(
            "  recorded: {}, {} points",
            recorded["verdict"].as_str().unwrap_or("?"),
            recorded["score"]
        );
        match self.record.learnable() {
            Ok(learnable) => {
                if let (Some(then), Some(lessons)) = (self.recording.estimate, self.lessons) {
                    let user = match &self.record.envelope().recipients[..] {
                        [only] => Some(only.as_str().to_owned()),
                        _ => None,
                    };
                    let now = lessons.estimate(&learnable.features, user.as_deref());
                    println!(
                        "  statistics: {:.1} % spam then, {:.1} % now",
                        then.probability * 100.0,
                        now.probability * 100.0
                    );
                    if let Some(why) = self.unknown {
                        eprintln!("tidegate: {why}");
                    }
                }
                println!("  it can be learned: tidegate learn spam|ham --id {id}");
            }
            Err(why) => println!("  it can't be learned: {why}"),
        }
        Ok(())
    }
}

/// A question with another answer than then.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Other {
    question: String,
    then: String,
    now: String,
}

fn code(same: bool) -> ExitCode {
    if same { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn short(judged: &Judged) -> String {
    format!("{}, {:.2} points", judged.decision.verdict, judged.decision.score)
}

/// What judges otherwise than then, in words.
fn changed(then: &Versions, now: &Versions) -> Vec<String> {
    let versions = [
        ("the program has changed", &then.program, &now.program),
        ("the configuration has changed", &then.configuration, &now.configuration),
        ("the rules have changed", &then.rules, &now.rules),
        ("the model has changed", &then.model, &now.model),
    ];
    let changed = versions.into_iter().filter(|(_, then, now)| then != now);
    changed.map(|(what, then, now)| format!("{what} since: {then} then, {now} now")).collect()
}

/// What differs in two verdicts, a line each.
fn differing(recorded: &Value, replayed: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let (Some(then), Some(now)) = (recorded.as_object(), replayed.as_object()) else {
        return lines;
    };
    let keys = then.keys().chain(now.keys().filter(|key| !then.contains_key(*key)));
    for key in keys.filter(|key| *key != "signals" && then.get(*key) != now.get(*key)) {
        lines.push(format!("{key}: {} → {}", shown(then.get(key)), shown(now.get(key))));
    }
    let signals = |verdict: &Value| -> Vec<Value> {
        verdict["signals"].as_array().cloned().unwrap_or_default()
    };
    let (then, now) = (signals(recorded), signals(replayed));
    let named = |all: &[Value], name: &Value| all.iter().find(|it| it["name"] == *name).cloned();
    let names = then.iter().chain(now.iter().filter(|it| named(&then, &it["name"]).is_none()));
    for name in names.map(|it| &it["name"]) {
        let (was, is) = (named(&then, name), named(&now, name));
        if was != is {
            let name = name.as_str().unwrap_or_default();
            lines.push(format!("{name}: {} → {}", points(was.as_ref()), points(is.as_ref())));
        }
    }
    if lines.is_empty() {
        lines.push("the order of the signals".to_owned());
    }
    lines
}

fn shown(value: Option<&Value>) -> String {
    value.map_or("–".to_owned(), Value::to_string)
}

fn points(signal: Option<&Value>) -> String {
    let Some(signal) = signal else { return "not raised".to_owned() };
    let detail = signal["detail"].as_str().unwrap_or_default();
    format!("{:+.2} ({detail})", signal["score"].as_f64().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_by_key_and_by_signal() {
        let then = serde_json::json!({"verdict": "accept", "score": 1.0, "signals": [
            {"name": "A", "score": 1.0, "detail": "x"}, {"name": "B", "score": 0.0, "detail": ""}]});
        let now = serde_json::json!({"verdict": "accept", "score": 2.0, "partial": "dns:1/2", "signals": [
            {"name": "A", "score": 2.0, "detail": "x"}, {"name": "C", "score": 0.5, "detail": ""}]});
        assert_eq!(
            differing(&then, &now),
            [
                "score: 1.0 → 2.0",
                "partial: – → \"dns:1/2\"",
                "A: +1.00 (x) → +2.00 (x)",
                "B: +0.00 () → not raised",
                "C: not raised → +0.50 ()",
            ]
        );
    }
}
