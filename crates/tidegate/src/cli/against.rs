//! `tidegate replay --against`: which messages another configuration would serve otherwise, and why.
//!
//! Invariant: the network is not asked: mail of an index is judged without it, mail of the journal by the
//! answers that were recorded. Both sides know the same, statistics included.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use futures_util::{StreamExt, stream};
use tidegate_engine::{Again, Engine, Judged, Statistics};
use tidegate_mail::Envelope;
use tidegate_policy::Verdict;

use super::Global;
use super::batch::{self, Job, Said};
use super::replay::Flags;
use crate::compare::{Difference, Matrix};
use crate::config::Settings;
use crate::control::LONGEST_MESSAGE;
use crate::journal::{self, Read, Record};
use crate::knowledge;

/// A message to be judged twice.
enum Source {
    Listed(Job),
    Recorded(Box<Record>),
}

/// Both configurations.
struct Both {
    before: Arc<Engine>,
    after: Arc<Engine>,
}

pub(super) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    let Some(other) = &flags.against else { bail!("name a configuration with --against") };
    let (present, other) = match (global.load(true), global.load_other(other, true)) {
        (Ok(present), Ok(other)) => (present, other),
        (Err(code), _) | (_, Err(code)) => return Ok(code),
    };
    let (lessons, why) = knowledge::borrow(&present.settings)?;
    if let Some(why) = why {
        eprintln!("tidegate: {why}");
    }
    let statistics = |settings: &Settings| {
        settings.statistics.enabled.then(|| Statistics::new(Arc::clone(&lessons)))
    };
    let (mut before, mut after) = (present.parts, other.parts);
    before.statistics = statistics(&present.settings);
    after.statistics = statistics(&other.settings);
    let both = Arc::new(Both {
        before: Arc::new(Engine::new(before)),
        after: Arc::new(Engine::new(after)),
    });
    let sources: Box<dyn Iterator<Item = io::Result<Source>>> = match (&flags.index, flags.journal)
    {
        (Some(index), _) => Box::new(batch::listed(index)?.map(|job| job.map(Source::Listed))),
        (None, true) => {
            let folder = journal::folder(&knowledge::folder(&present.settings));
            let read = Read::all(&folder).with_context(|| folder.display().to_string())?;
            Box::new(read.map(|record| record.map(|it| Source::Recorded(Box::new(it)))))
        }
        (None, false) => bail!("name the messages with --index FILE or --journal"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let judging = stream::iter(sources.map(|source| {
            let both = Arc::clone(&both);
            async move {
                let source = match source {
                    Ok(source) => source,
                    Err(error) => return (Named::unread("the list"), Err(error)),
                };
                let named = source.named();
                // A task of its own: it runs on any core, and a panic in it is its own.
                let judged = tokio::spawn(async move { source.judge(&both).await }).await;
                (named, judged.unwrap_or_else(|failed| Err(io::Error::other(failed))))
            }
        }));
        let mut judging = std::pin::pin!(judging.buffered(batch::side_by_side()));
        let mut found = Found::default();
        while let Some((named, outcome)) = judging.next().await {
            match found.add(&named, outcome, flags.json) {
                // Whoever read the output has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                other => other?,
            }
        }
        found.tell(flags.json)
    })
}

/// What is told of a message.
struct Named {
    name: String,
    spam: Option<bool>,
}

impl Named {
    fn unread(name: &str) -> Self {
        Self { name: name.to_owned(), spam: None }
    }
}

impl Source {
    fn named(&self) -> Named {
        match self {
            Self::Listed(job) => Named { name: job.name.clone(), spam: job.spam },
            Self::Recorded(record) => Named { name: record.id.clone(), spam: None },
        }
    }

    /// The message, judged by both; `None` when it is not kept.
    async fn judge(self, both: &Both) -> io::Result<Option<(Judged, Judged)>> {
        let Both { before, after } = both;
        match self {
            Self::Listed(job) => {
                let raw = job.read(LONGEST_MESSAGE)?;
                let (envelope, now) = Said::Inferred(Envelope::default()).envelope(&raw, before);
                let was = before.judge(envelope.clone(), &raw, now).await;
                Ok(Some((was, after.judge(envelope, &raw, now).await)))
            }
            Self::Recorded(record) => {
                let (Some(raw), Some(recording)) = (&record.message, record.recording()) else {
                    return Ok(None);
                };
                // What statistics know now, on both sides: other rules make other features.
                let again = Again {
                    recording,
                    further: false,
                    recorded_estimate: false,
                    recorded_policies: false,
                };
                let (envelope, now) = (record.envelope(), record.now);
                let was = before.judge_again(envelope.clone(), raw, now, again.clone()).await;
                Ok(Some((was, after.judge_again(envelope, raw, now, again).await)))
            }
        }
    }
}

/// What was found so far.
#[derive(Default)]
struct Found {
    verdicts: Matrix,
    /// Messages with another outcome: of ham and of spam, harder and milder.
    others: u64,
    harder: [u64; 2],
    milder: [u64; 2],
    sorted: bool,
    not_kept: u64,
    unread: u64,
}

impl Found {
    fn add(
        &mut self,
        named: &Named,
        outcome: io::Result<Option<(Judged, Judged)>>,
        json: bool,
    ) -> io::Result<()> {
        let (before, after) = match outcome {
            Ok(Some(both)) => both,
            Ok(None) => {
                self.not_kept += 1;
                return Ok(());
            }
            Err(error) => {
                self.unread += 1;
                eprintln!("tidegate: {}: {error}", named.name);
                return Ok(());
            }
        };
        let difference = Difference::between(&before, &after);
        self.verdicts.count(&difference);
        self.sorted |= named.spam.is_some();
        if !difference.is_another_outcome() {
            return Ok(());
        }
        self.others += 1;
        let (was, is): (Verdict, Verdict) = (before.decision.verdict, after.decision.verdict);
        let side = if is > was { &mut self.harder } else { &mut self.milder };
        if let Some(spam) = named.spam {
            side[usize::from(spam)] += 1;
        }
        let class = named.spam.map(|spam| if spam { "spam" } else { "ham" });
        let mut out = io::stdout().lock();
        if json {
            let told =
                serde_json::json!({"file": named.name, "class": class, "difference": difference});
            return writeln!(out, "{told}");
        }
        let class = class.map(|class| format!(" ({class})")).unwrap_or_default();
        write!(out, "{}{class}\n{}\n", named.name, difference.explain("now", "new"))
    }

    fn tell(&self, json: bool) -> anyhow::Result<ExitCode> {
        let judged = self.verdicts.messages();
        if json {
            let told = serde_json::json!({
                "messages": judged, "others": self.others, "verdicts": self.verdicts,
                "not_kept": self.not_kept, "unread": self.unread,
            });
            println!("{told}");
        } else {
            println!("{judged} messages, {} with another outcome", self.others);
            print!("{}", self.verdicts.table("now", "new"));
            if self.sorted {
                let ([hard_ham, hard_spam], [mild_ham, mild_spam]) = (self.harder, self.milder);
                println!(
                    "harder on {hard_ham} ham and {hard_spam} spam, milder on {mild_ham} ham and {mild_spam} spam"
                );
            }
            if self.not_kept > 0 {
                println!("{} records have no message and were not judged", self.not_kept);
            }
        }
        Ok(if self.unread == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
