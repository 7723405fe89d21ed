//! `tidegate tune`: finds thresholds and weights that keep the error on ham within a budget.
//!
//! Invariant: no message is judged by statistics that were trained on it, and nothing is written but
//! to a new file that `--out` names.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use tidegate_bayes::{Model, evaluate};
use tidegate_engine::{Engine, Judged, Statistics};
use tidegate_policy::Policy;
use tidegate_policy::bound::Share;
use tidegate_policy::tune::{Ground, Outcome, Sample, Tuned, tune};

use super::batch::{self, Job};
use super::progress::Progress;
use super::train::source_of;
use super::{Global, held_out};
use crate::config::Settings;
use crate::knowledge;

mod fragment;

#[derive(Debug, Args)]
#[command(after_help = WORDS)]
pub(crate) struct Flags {
    /// A file with a line a message: 'ham PATH' or 'spam PATH'
    #[arg(long, value_name = "FILE")]
    index: PathBuf,
    /// The share of ham that may be tagged; in place of max_ham_error of `[guard]`
    #[arg(long, value_name = "SHARE", value_parser = share)]
    budget: Vec<f64>,
    /// Write the settings found there, as TOML to be included or copied; the file must not exist
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Parts of the index: statistics judge each by what they learned of the others
    #[arg(long, value_name = "N", default_value = "10", value_parser = parts)]
    folds: NonZeroUsize,
    /// Judge by this model, which must not have been trained on the index, in place of folds;
    /// 'shipped' is the one that comes with the program, 'none' knows nothing
    #[arg(long, value_name = "FILE", conflicts_with = "folds")]
    model: Option<PathBuf>,
    /// Measure what is found too: tune on each half of the index by itself, and judge the other
    #[arg(long, conflicts_with = "model")]
    halves: bool,
}

const WORDS: &str = "\
The network is not asked. Bounds are those of Clopper and Pearson: the true share lies under them with 95 %
confidence. The search moves the tag threshold, [verdict] contradicted and the weights of statistics, headers,
content and links, and misses as little spam as the budget allows.";

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "write a share such as 0.001".to_owned())?;
    (share > 0.0 && share < 1.0)
        .then_some(share)
        .ok_or_else(|| "write a share above 0 and below 1, such as 0.001".to_owned())
}

fn parts(text: &str) -> Result<NonZeroUsize, String> {
    let parts = text.parse().ok().filter(|parts: &NonZeroUsize| parts.get() > 1);
    parts.ok_or_else(|| "write a number of parts, 2 or more".to_owned())
}

/// The messages, and which there are of them.
struct Mail<'m> {
    settings: &'m Settings,
    engine: &'m Engine,
    all: Vec<(Job, Judged)>,
}

/// Where a message stands in [`Mail::all`], and what was said of it.
type Samples = (Vec<usize>, Vec<Sample>);

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    let loaded = match global.load(true) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let budgets = match &flags.budget[..] {
        [] => vec![loaded.settings.guard.max_ham_error],
        given => given.to_vec(),
    };
    if let (Some(out), true) = (&flags.out, budgets.len() > 1) {
        bail!("{} can hold the settings of one budget only", out.display());
    }
    let mut parts = loaded.parts;
    if loaded.settings.statistics.enabled {
        // For the features; it has no say.
        parts.statistics = Some(Statistics::new(knowledge::alone(&loaded.settings)?).keeping());
    }
    let engine = Arc::new(Engine::new(parts));
    let all = held_out::judged_without(&engine, batch::listed(&flags.index)?)?;
    let mail = Mail { settings: &loaded.settings, engine: &engine, all };
    let start = &engine.parts().policy;
    let everything: Vec<usize> = (0..mail.all.len()).collect();
    let (places, samples) = match &flags.model {
        Some(file) => mail.by_model(file, &everything)?,
        None => mail.by_folds(&everything, flags.folds)?,
    };
    let mut out = std::io::stdout().lock();
    let halves = if flags.halves { Some(mail.halves(flags.folds)?) } else { None };
    for budget in budgets {
        let tuned = found(&samples, start, budget)?;
        writeln!(out, "budget {}: {}", percent(budget), ground(&tuned, &samples))?;
        mail.print(&mut out, start, &tuned.policy, &places, &samples)?;
        for (own, other) in halves.iter().flatten() {
            let tuned = found(&own.1, start, budget)?;
            let there = Outcome::of(&other.1, &tuned.policy);
            let kept = if there.ham.seen() <= budget { "kept" } else { "NOT kept" };
            let before = Outcome::of(&other.1, start);
            writeln!(
                out,
                "  tuned on {} messages: tag {:.2}; on the {} others: {} (before: {}): budget {kept}",
                own.1.len(),
                tuned.policy.thresholds.tag,
                other.1.len(),
                in_words(there),
                in_words(before),
            )?;
        }
        if let Some(file) = &flags.out {
            let text = fragment::text(&tuned, start, budget, Outcome::of(&samples, &tuned.policy));
            let new = std::fs::File::create_new(file);
            let mut new =
                new.with_context(|| format!("{}: write to a new file", file.display()))?;
            new.write_all(text.as_bytes()).with_context(|| file.display().to_string())?;
            writeln!(out, "written to {}; nothing else was changed", file.display())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn found(samples: &[Sample], start: &Policy, budget: f64) -> anyhow::Result<Tuned> {
    tune(samples, start, budget).context("it takes both ham and spam to tune")
}

impl Mail<'_> {
    /// Judges `members` in parts, each by what is learned of the other parts.
    fn by_folds(&self, members: &[usize], folds: NonZeroUsize) -> anyhow::Result<Samples> {
        if !self.settings.statistics.enabled {
            return self.judge(members, |_| None);
        }
        let paths = members.iter().map(|&at| self.all[at].0.name.as_str());
        let parts = held_out::parts(paths, Some(folds));
        let progress = Progress::of(parts.len());
        let mut found: Samples = Default::default();
        for part in parts.values() {
            let held: HashSet<usize> = part.iter().copied().collect();
            let others = (0..members.len()).filter(|at| !held.contains(at));
            let teachers: Vec<usize> = others.map(|at| members[at]).collect();
            let part: Vec<usize> = part.iter().map(|&at| members[at]).collect();
            let (places, samples) = self.taught_by(&teachers, &part)?;
            found.0.extend(places);
            found.1.extend(samples);
            progress.one();
        }
        Ok(found)
    }

    /// Judges `members` by what is learned of `teachers`.
    fn taught_by(&self, teachers: &[usize], members: &[usize]) -> anyhow::Result<Samples> {
        if !self.settings.statistics.enabled {
            return self.judge(members, |_| None);
        }
        let lessons = held_out::trained(self.settings, &self.all, teachers)?;
        self.judge(members, |judged| held_out::ask(&lessons, self.engine, judged).map(drop))
    }

    fn by_model(&self, file: &Path, members: &[usize]) -> anyhow::Result<Samples> {
        let lessons = match file.to_str() {
            Some("none") => knowledge::over(Arc::new(Model::untrained()), self.settings)?,
            Some("shipped") => knowledge::alone(self.settings)?,
            _ => knowledge::over(knowledge::model_in(file)?, self.settings)?,
        };
        self.judge(members, |judged| held_out::ask(&lessons, self.engine, judged).map(drop))
    }

    fn judge(
        &self,
        members: &[usize],
        ask: impl Fn(&mut Judged) -> Option<()>,
    ) -> anyhow::Result<Samples> {
        let mut samples = Vec::with_capacity(members.len());
        for &at in members {
            let (job, judged) = &self.all[at];
            let spam = job.spam.with_context(|| {
                format!("{}: write 'ham' or 'spam' before each path of the index", job.name)
            })?;
            let mut judged = judged.clone();
            let _ = ask(&mut judged);
            samples.push(Sample::new(spam, &judged.signals));
        }
        Ok((members.to_vec(), samples))
    }

    /// Each half by itself, and the other as whoever was taught by it sees it.
    fn halves(&self, folds: NonZeroUsize) -> anyhow::Result<[(Samples, Samples); 2]> {
        let is_first =
            |at: &usize| evaluate::shuffle_key("halves", &self.all[*at].0.name).is_multiple_of(2);
        let (one, two): (Vec<usize>, Vec<usize>) = (0..self.all.len()).partition(is_first);
        Ok([
            (self.by_folds(&one, folds)?, self.taught_by(&one, &two)?),
            (self.by_folds(&two, folds)?, self.taught_by(&two, &one)?),
        ])
    }

    /// The table of before and after, as a whole and by top folder.
    fn print(
        &self,
        out: &mut impl Write,
        before: &Policy,
        after: &Policy,
        places: &[usize],
        samples: &[Sample],
    ) -> std::io::Result<()> {
        for (word, policy) in [("before", before), ("after", after)] {
            let tag = policy.thresholds.tag;
            writeln!(
                out,
                "  {word:<6} tag {tag:>5.2}: {}",
                in_words(Outcome::of(samples, policy))
            )?;
        }
        let mut folders: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
        for (place, sample) in places.iter().zip(samples) {
            folders.entry(source_of(&self.all[*place].0.name)).or_default().push(sample);
        }
        for (folder, samples) in folders.iter().filter(|(folder, _)| !folder.is_empty()) {
            let of = |policy| Outcome::of(samples.iter().copied(), policy);
            writeln!(out, "    {folder} before: {}", in_words(of(before)))?;
            writeln!(out, "    {folder} after:  {}", in_words(of(after)))?;
        }
        Ok(())
    }
}

fn ground(tuned: &Tuned, samples: &[Sample]) -> String {
    let ham = samples.iter().filter(|sample| !sample.spam).count();
    match tuned.ground {
        Ground::Proved { allowed } => {
            format!("proved with {ham} ham, of which {allowed} may be tagged")
        }
        Ground::Extrapolated { needed } => format!(
            "can't be proved with {ham} ham; it takes {needed} without an error. \
             The threshold lies past every ham, where the tail of their scores is likely to fall under the budget"
        ),
    }
}

fn in_words(outcome: Outcome) -> String {
    let Outcome { ham, spam } = outcome;
    format!("ham error {}, spam missed {}", with_bound(ham), with_bound(spam))
}

fn with_bound(share: Share) -> String {
    let Share { errors, of } = share;
    format!("{errors}/{of} = {} (at most {})", percent(share.seen()), percent(share.upper()))
}

fn percent(share: f64) -> String {
    let digits = if share < 0.01 { 3 } else { 2 };
    format!("{:.digits$} %", share * 100.0)
}
