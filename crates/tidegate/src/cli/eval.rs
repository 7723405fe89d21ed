//! `tidegate eval`: measures the configuration on messages that are sorted already.
//!
//! Invariant: the network is not asked, so that a measurement can be repeated.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use futures_util::StreamExt;
use tidegate_bayes::{Class, Estimate, Lesson, Lessons, Model, evaluate, plot};
use tidegate_checks::table::CHECKS;
use tidegate_engine::{Engine, Judged, Statistics};
use tidegate_mail::Envelope;
use tidegate_signal::{Catalogue, SignalDef};

use super::batch::{self, Job, Said};
use super::progress::Progress;
use super::ranking::Ranking;
use super::{Global, held_out};
use crate::config::Settings;
use crate::{control, knowledge};

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
    /// Judge each message, then learn it, in the order of the index (the TREC procedure), beginning with the model
    #[arg(long)]
    online: bool,
    /// Train on N-1 of N parts of the index, judge the other one, and so on for each
    #[arg(long, value_name = "N", conflicts_with = "online")]
    folds: Option<NonZeroUsize>,
    /// Train on all top folders of the paths but one, judge that one, and so on for each
    #[arg(long, conflicts_with_all = ["online", "folds"])]
    leave_out: bool,
    /// The model to begin with in place of the one that comes with the program; 'none' knows nothing
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Draw the curve and the reliability of probabilities there, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
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
    let mut parts = loaded.parts;
    let lessons = flags.lessons(&loaded.settings)?;
    parts.statistics = lessons.map(|lessons| Statistics::new(lessons).explaining().keeping());
    let engine = Arc::new(Engine::new(parts));
    let mut measured = Measured::new(flags, &engine)?;
    let jobs = batch::listed(&flags.index)?;
    let longest = control::LONGEST_MESSAGE;
    if flags.folds.is_some() || flags.leave_out {
        held_out::measure(
            &loaded.settings,
            &engine,
            jobs,
            flags.folds,
            |job, judged, estimate| measured.add(job, judged, estimate),
        )?;
        measured.print(flags)?;
        return Ok(ExitCode::SUCCESS);
    }
    let progress = Progress::of(batch::listed(&flags.index)?.count());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let unread = runtime.block_on(async {
        let said = Said::Inferred(Envelope::default());
        // One at a time where each is to know the ones before.
        let side_by_side = if flags.online { 1 } else { batch::side_by_side() };
        let mut judged = pin!(batch::judge(Arc::clone(&engine), jobs, said, longest, side_by_side));
        let mut unread = 0;
        while let Some((job, outcome)) = judged.next().await {
            progress.one();
            match outcome {
                Ok(judged) => {
                    let estimate = estimate(&engine, &judged);
                    measured.add(&job, &judged, estimate)?;
                    if flags.online {
                        learn(&engine, &job, &judged)?;
                    }
                }
                Err(error) => {
                    eprintln!("tidegate: {}: {error}", job.name);
                    unread += 1;
                }
            }
        }
        anyhow::Ok(unread)
    })?;
    measured.print(flags)?;
    if unread > 0 {
        eprintln!("tidegate: {unread} messages could not be read and are not in the measure");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

impl Flags {
    /// What is known to begin with.
    fn lessons(&self, settings: &Settings) -> anyhow::Result<Option<Arc<Lessons>>> {
        if !settings.statistics.enabled {
            return Ok(None);
        }
        Ok(Some(match &self.model {
            Some(none) if none.as_os_str() == "none" => {
                knowledge::over(Arc::new(Model::untrained()), settings)?
            }
            Some(file) => knowledge::over(knowledge::model_in(file)?, settings)?,
            // A measure must not teach the store.
            None if self.online => knowledge::alone(settings)?,
            None => {
                let (lessons, why) = knowledge::borrow(settings)?;
                if let Some(why) = why {
                    eprintln!("tidegate: {why}");
                }
                lessons
            }
        }))
    }
}

fn estimate(engine: &Engine, judged: &Judged) -> Option<Estimate> {
    let lessons = engine.parts().statistics.as_ref()?.lessons();
    Some(lessons.estimate(&judged.learnable.as_ref()?.features, None))
}

fn learn(engine: &Engine, job: &Job, judged: &Judged) -> anyhow::Result<()> {
    let (Some(statistics), Some(learnable), Some(spam)) =
        (&engine.parts().statistics, &judged.learnable, job.spam)
    else {
        return Ok(());
    };
    let class = if spam { Class::Spam } else { Class::Ham };
    statistics.lessons().teach(&Lesson {
        id: learnable.id,
        features: &learnable.features,
        class: Some(class),
        user: None,
        now: knowledge::seconds(),
    })?;
    Ok(())
}

/// What was found so far.
struct Measured {
    whole: Ranking,
    folders: BTreeMap<String, Ranking>,
    signals: BTreeMap<String, Hits>,
    scores: Option<BufWriter<File>>,
    log_odds: evaluate::Ranking,
    probabilities: evaluate::Ranking,
}

/// Samples that intervals are estimated by.
const SAMPLES: u32 = 1_000;

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
        tidegate_bayes::signals::ALL.iter().for_each(|def| drop(catalogue.add(*def)));
        parts.trust.raises().for_each(|def| drop(catalogue.add(def)));
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
            log_odds: evaluate::Ranking::default(),
            probabilities: evaluate::Ranking::default(),
        })
    }

    fn add(
        &mut self,
        job: &Job,
        judged: &Judged,
        estimate: Option<Estimate>,
    ) -> anyhow::Result<()> {
        let spam = job.spam.with_context(|| {
            format!("{}: write 'ham' or 'spam' before each path of the index", job.name)
        })?;
        let (score, verdict) = (judged.decision.score, judged.decision.verdict);
        if let Some(estimate) = estimate {
            self.log_odds.add(estimate.log_odds, spam);
            self.probabilities.add(estimate.probability, spam);
        }
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
        if let Some(file) = &flags.plot {
            let title = flags.index.display().to_string();
            let svg = plot::svg(&title, &self.log_odds, &self.probabilities);
            std::fs::write(file, svg).with_context(|| file.display().to_string())?;
            self.print_statistics(&mut out)?;
        }
        writeln!(out, "{}", self.whole)?;
        Ok(())
    }

    /// The statistics alone: how well they tell apart, and how far to be believed.
    fn print_statistics(&self, out: &mut impl Write) -> std::io::Result<()> {
        for (what, ranking) in [("statistics", &self.log_odds), ("score", &self.whole.scores)] {
            let area = ranking.bootstrap(SAMPLES, evaluate::Ranking::area_above);
            let evaluate::Interval { value, low, high } = area;
            writeln!(out, "{what}: 1-ROCA% {value:.4}, 95 % interval {low:.4} to {high:.4}")?;
        }
        for bin in self.probabilities.reliability(10) {
            let evaluate::Bin { messages, expected, observed } = bin;
            writeln!(
                out,
                "  {messages:>6} messages expected {expected:.3} observed {observed:.3}"
            )?;
        }
        Ok(())
    }
}
