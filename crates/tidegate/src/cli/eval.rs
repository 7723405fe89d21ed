//! `tidegate eval`: measures the configuration on messages that are sorted already.
//!
//! Invariant: the network is not asked, so that a measurement can be repeated.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use futures_util::StreamExt;
use tidegate_checks::table::CHECKS;
use tidegate_engine::{Engine, Judged};
use tidegate_mail::Envelope;
use tidegate_signal::{Catalogue, SignalDef};

use super::Global;
use super::batch::{self, Job, Said};
use super::ranking::Ranking;

#[derive(Debug, Args)]
#[command(after_help = MEASURES)]
pub(crate) struct Flags {
    /// A file with a line a message: 'ham PATH' or 'spam PATH'
    #[arg(long, value_name = "FILE")]
    index: PathBuf,
    /// Write a line a message there: class, score and path
    #[arg(long, value_name = "FILE")]
    scores: Option<PathBuf>,
    /// Measure each top folder of the paths as well
    #[arg(long)]
    by_folder: bool,
    /// Show how often each signal was raised
    #[arg(long)]
    signals: bool,
}

/// What the words of the result mean.
const MEASURES: &str = "\
The network is not asked. The last line measures all messages:
  1-ROCA%        of all pairs of a ham and a spam, those in which the ham has more points, in percent
  sm%@hm<=0.1%   spam missed, in percent, at the threshold that 0.1 % of ham reaches
  hm%@tag        ham at or over the tag threshold, in percent
  sm%@tag        spam under it, in percent";

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    let loaded = match global.load(true) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let limits = loaded.settings.milter.limits().session;
    let longest = (limits.header_octets + limits.body_octets) as u64;
    let engine = Arc::new(Engine::new(loaded.parts));
    let (mut measured, mut unread) = (Measured::new(flags, &engine)?, 0);
    let jobs = batch::listed(&flags.index)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let said = Said::Inferred(Envelope::default());
        let mut judged = pin!(batch::judge(engine, jobs, said, longest));
        while let Some((job, outcome)) = judged.next().await {
            match outcome {
                Ok(judged) => measured.add(&job, &judged)?,
                Err(error) => {
                    eprintln!("tidegate: {}: {error}", job.name);
                    unread += 1;
                }
            }
        }
        measured.print(flags)
    })?;
    if unread > 0 {
        eprintln!("tidegate: {unread} messages could not be read and are not in the measure");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// What was found so far.
struct Measured {
    whole: Ranking,
    folders: BTreeMap<String, Ranking>,
    signals: BTreeMap<String, Hits>,
    scores: Option<BufWriter<File>>,
}

/// How often a signal was raised.
struct Hits {
    score: f32,
    ham: usize,
    spam: usize,
}

impl Measured {
    fn new(flags: &Flags, engine: &Engine) -> anyhow::Result<Self> {
        let mut catalogue = Catalogue::default();
        let parts = engine.parts();
        // What has a name twice was refused when the configuration was built.
        let defs = CHECKS.iter().flat_map(|entry| entry.raises.iter().copied());
        defs.for_each(|def| drop(catalogue.add(def)));
        parts.lists.raises().chain(parts.rules.defs()).for_each(|def| drop(catalogue.add(def)));
        let never =
            |def: &SignalDef| (def.name.to_string(), Hits { score: def.score, ham: 0, spam: 0 });
        let scores = flags.scores.as_ref().map(|path| {
            File::create(path).map(BufWriter::new).with_context(|| path.display().to_string())
        });
        Ok(Self {
            whole: Ranking::default(),
            folders: BTreeMap::new(),
            signals: catalogue.iter().map(never).collect(),
            scores: scores.transpose()?,
        })
    }

    fn add(&mut self, job: &Job, judged: &Judged) -> anyhow::Result<()> {
        let spam = job.spam.with_context(|| {
            format!("{}: write 'ham' or 'spam' before each path of the index", job.name)
        })?;
        let (score, verdict) = (judged.decision.score, judged.decision.verdict);
        self.whole.add(spam, score, verdict);
        let folder = job.name.split_once('/').map_or("", |(folder, _)| folder);
        self.folders.entry(folder.to_owned()).or_default().add(spam, score, verdict);
        for signal in judged.signals.iter() {
            if let Some(hits) = self.signals.get_mut(signal.name()) {
                hits.score = signal.score();
                *(if spam { &mut hits.spam } else { &mut hits.ham }) += 1;
            }
        }
        if let Some(scores) = &mut self.scores {
            let class = if spam { "spam" } else { "ham" };
            writeln!(scores, "{class} {score:.2} {}", job.name)?;
        }
        Ok(())
    }

    fn print(mut self, flags: &Flags) -> anyhow::Result<()> {
        if let Some(mut scores) = self.scores.take() {
            scores.flush()?;
        }
        let mut out = std::io::stdout().lock();
        if flags.signals {
            let mut rows: Vec<_> = self.signals.iter().collect();
            rows.sort_by_key(|(name, hits)| (std::cmp::Reverse(hits.ham + hits.spam), *name));
            writeln!(out, "{:<36} {:>7} {:>7} {:>7}", "signal", "score", "ham", "spam")?;
            for (name, Hits { score, ham, spam }) in rows {
                writeln!(out, "{name:<36} {score:>7.2} {ham:>7} {spam:>7}")?;
            }
        }
        if flags.by_folder {
            for (folder, ranking) in &self.folders {
                writeln!(out, "{folder}: {ranking}")?;
            }
        }
        writeln!(out, "{}", self.whole)?;
        Ok(())
    }
}
