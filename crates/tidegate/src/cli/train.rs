//! `tidegate train`: makes a model of sorted mail, such as the one that comes with the program.
//!
//! Invariant: the same index, messages and rules give the same bytes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use tidegate_bayes::{Example, train};
use tidegate_engine::Engine;

use super::Global;
use super::batch::{self, Job};
use super::progress::Progress;
use crate::control::LONGEST_MESSAGE;

#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// A file with a line a message: 'ham PATH' or 'spam PATH'
    #[arg(long, value_name = "FILE")]
    index: PathBuf,
    /// Where the model is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    let loaded = match global.load(true) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let engine = Arc::new(Engine::new(loaded.parts));
    let jobs = batch::listed(&flags.index)?.collect::<std::io::Result<Vec<_>>>()?;
    let examples = examples(&engine, &jobs)?;
    let model = train(&examples);
    std::fs::write(&flags.out, model.bytes()).with_context(|| flags.out.display().to_string())?;
    println!("{}: {} bytes, of {} messages", flags.out.display(), model.bytes().len(), jobs.len());
    Ok(ExitCode::SUCCESS)
}

/// The messages as statistics see them, in their order, found on all cores.
pub(crate) fn examples(engine: &Engine, jobs: &[Job]) -> anyhow::Result<Vec<Example>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let progress = Progress::of(jobs.len());
    let parts: Vec<_> = std::thread::scope(|scope| {
        let work: Vec<_> = jobs
            .chunks(jobs.len().div_ceil(cores).max(1))
            .map(|jobs| {
                let progress = &progress;
                scope.spawn(move || {
                    jobs.iter().map(|job| example(engine, job, progress)).collect::<Vec<_>>()
                })
            })
            .collect();
        work.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let mut examples = Vec::with_capacity(jobs.len());
    for part in parts {
        for example in part.map_err(|_panic| anyhow::anyhow!("reading a message failed"))? {
            examples.push(example?);
        }
    }
    Ok(examples)
}

fn example(engine: &Engine, job: &Job, progress: &Progress) -> anyhow::Result<Example> {
    let spam = job.spam.with_context(|| {
        format!("{}: write 'ham' or 'spam' before each path of the index", job.name)
    })?;
    let raw = job.read(LONGEST_MESSAGE).with_context(|| job.name.clone())?;
    let features = engine.learnable(&raw).features;
    progress.one();
    Ok(Example { features, spam, source: source_of(&job.name).to_owned() })
}

/// Where a message of an index comes from: the top folder of its path.
pub(super) fn source_of(path: &str) -> &str {
    path.split_once('/').map_or("", |(folder, _)| folder)
}
