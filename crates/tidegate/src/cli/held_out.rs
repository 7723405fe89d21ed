//! Measuring a model on mail that it hasn't seen, rules and statistics together.
//!
//! Checks and rules judge each message once; then, for each part of the index, a model is trained on
//! the others, and says its part on this one.
//!
//! Invariant: no message is judged by a model that was trained on it; parts follow from the paths alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;

use anyhow::Context;
use futures_util::StreamExt;
use tidegate_bayes::{Estimate, Example, Lessons, evaluate, signals as bands, train};
use tidegate_engine::{Engine, Judged};
use tidegate_mail::Envelope;

use super::batch::{self, Job, Said};
use super::progress::Progress;
use super::train::source_of;
use crate::config::Settings;
use crate::{control, knowledge};

/// Decides the order by which messages fall into parts.
const SEED: &str = "1";

/// Judges every message of `jobs` by models trained without its part: one of `folds`, or its top
/// folder.
pub(super) fn measure(
    settings: &Settings,
    engine: &Arc<Engine>,
    jobs: impl Iterator<Item = io::Result<Job>>,
    folds: Option<NonZeroUsize>,
    mut tell: impl FnMut(&Job, &Judged, Option<Estimate>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut all = judged_without(engine, jobs)?;
    let parts = parts(all.iter().map(|(job, _)| job.name.as_str()), folds);
    let progress = Progress::of(parts.len());
    for members in parts.values() {
        let held: HashSet<usize> = members.iter().copied().collect();
        let others: Vec<usize> = (0..all.len()).filter(|at| !held.contains(at)).collect();
        let lessons = trained(settings, &all, &others)?;
        for &member in members {
            let (job, judged) = &mut all[member];
            let estimate = ask(&lessons, engine, judged);
            if estimate.is_some() {
                judged.decision = engine.parts().policy.decide(&judged.signals);
            }
            tell(job, judged, estimate)?;
        }
        progress.one();
    }
    Ok(())
}

/// What is known of the messages `teachers` alone.
pub(super) fn trained(
    settings: &Settings,
    all: &[(Job, Judged)],
    teachers: &[usize],
) -> anyhow::Result<Arc<Lessons>> {
    let examples: Vec<Example> =
        teachers.iter().map(|&at| example(&all[at].0, &all[at].1)).collect::<Result<_, _>>()?;
    knowledge::over(Arc::new(train(&examples)), settings)
}

/// Lets statistics say their part of a message of which they have not spoken.
pub(super) fn ask(lessons: &Lessons, engine: &Engine, judged: &mut Judged) -> Option<Estimate> {
    let estimate = lessons.estimate(&judged.learnable.as_ref()?.features, None);
    bands::raise(&estimate, "", &mut judged.signals);
    judged.signals.weigh(&engine.parts().scores);
    Some(estimate)
}

/// What checks and rules say; the engine's own model has no say.
pub(super) fn judged_without(
    engine: &Arc<Engine>,
    jobs: impl Iterator<Item = io::Result<Job>>,
) -> anyhow::Result<Vec<(Job, Judged)>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let said = Said::Inferred(Envelope::default());
        let judged = batch::judge(
            Arc::clone(engine),
            jobs,
            said,
            control::LONGEST_MESSAGE,
            batch::side_by_side(),
        );
        let mut judged = pin!(judged);
        let mut all = Vec::new();
        while let Some((job, outcome)) = judged.next().await {
            let mut judged = outcome.with_context(|| job.name.clone())?;
            judged.signals.retain(|signal| !bands::ALL.iter().any(|def| def.name == signal.name()));
            all.push((job, judged));
        }
        Ok(all)
    })
}

/// The messages of each part, by their numbers in `paths`.
pub(super) fn parts<'p>(
    paths: impl Iterator<Item = &'p str>,
    folds: Option<NonZeroUsize>,
) -> BTreeMap<String, Vec<usize>> {
    let paths: Vec<&str> = paths.collect();
    let mut order: Vec<usize> = (0..paths.len()).collect();
    order.sort_by_key(|&at| (evaluate::shuffle_key(SEED, paths[at]), at));
    let places: HashMap<usize, usize> =
        order.iter().enumerate().map(|(place, &at)| (at, place)).collect();
    let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, path) in paths.iter().enumerate() {
        let part = match folds {
            Some(folds) => format!("{:04}", places[&at] % folds.get()),
            None => source_of(path).to_owned(),
        };
        parts.entry(part).or_default().push(at);
    }
    parts
}

fn example(job: &Job, judged: &Judged) -> anyhow::Result<Example> {
    let spam = job.spam.with_context(|| {
        format!("{}: write 'ham' or 'spam' before each path of the index", job.name)
    })?;
    let features = judged.learnable.as_ref().map(|it| it.features.clone()).unwrap_or_default();
    Ok(Example { features, spam, source: source_of(&job.name).to_owned() })
}
