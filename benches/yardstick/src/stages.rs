//! Every stage over the whole set, each in a function of its own name, for `valgrind --tool=callgrind` to count;
//! `benches/instructions` runs it and reads the counts.
//!
//! Prints what it did: messages, bytes, rounds.

use std::hint::black_box;

use tidegate_bayes::Extractor;
use yardstick::{Ready, Shipped, samples, shipped};

/// Rounds that are counted, after one that warms up: scratch has grown, and the chance in hash seeds evens out.
const ROUNDS: usize = 3;

/// A line a message: its score, and what was found.
pub(crate) fn show() -> std::io::Result<()> {
    let (engine, samples) = (shipped(), samples());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    for ready in samples.iter().map(|sample| engine.ready(sample)) {
        println!("{:6.1} {}", runtime.block_on(engine.whole(&ready)), ready.summary());
    }
    Ok(())
}

/// Runs every stage.
pub(crate) fn run() -> std::io::Result<()> {
    let (engine, samples) = (shipped(), samples());
    let messages: Vec<Ready<'_>> = samples.iter().map(|sample| engine.ready(sample)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let mut extractor = Extractor::new();
    warm_up(&engine, &messages, &runtime, &mut extractor);
    for _ in 0..ROUNDS {
        stage_headers(&engine, &messages);
        stage_parse(&engine, &messages);
        stage_authentication(&engine, &messages);
        stage_checks(&engine, &messages);
        stage_rules(&engine, &messages);
        stage_features(&engine, &messages, &mut extractor);
        stage_scorers(&engine, &messages);
        stage_whole(&engine, &messages, &runtime);
    }
    let bytes: usize = samples.iter().map(|sample| sample.raw.len()).sum();
    println!("{} {bytes} {ROUNDS}", samples.len());
    Ok(())
}

/// Microseconds of CPU that each stage takes a message, on average over the set.
pub(crate) fn times(cpu: fn() -> std::time::Duration) -> std::io::Result<()> {
    const ROUNDS: usize = 40;
    let (engine, samples) = (shipped(), samples());
    let messages: Vec<Ready<'_>> = samples.iter().map(|sample| engine.ready(sample)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let mut extractor = Extractor::new();
    warm_up(&engine, &messages, &runtime, &mut extractor);
    let told = |what: &str, run: &mut dyn FnMut()| {
        let begun = cpu();
        (0..ROUNDS).for_each(|_| run());
        let each = (cpu() - begun).as_secs_f64() * 1e6 / (ROUNDS * messages.len()) as f64;
        println!("{what:<44} {each:9.2}");
    };
    told("stage: headers", &mut || stage_headers(&engine, &messages));
    told("stage: parse", &mut || stage_parse(&engine, &messages));
    told("stage: authentication", &mut || stage_authentication(&engine, &messages));
    told("stage: checks", &mut || stage_checks(&engine, &messages));
    told("stage: rules", &mut || stage_rules(&engine, &messages));
    told("stage: features", &mut || stage_features(&engine, &messages, &mut extractor));
    told("stage: scorers", &mut || stage_scorers(&engine, &messages));
    told("stage: whole", &mut || stage_whole(&engine, &messages, &runtime));
    Ok(())
}

/// The same by another name, which is not counted.
fn warm_up(
    engine: &Shipped,
    messages: &[Ready<'_>],
    runtime: &tokio::runtime::Runtime,
    extractor: &mut Extractor,
) {
    for ready in messages {
        black_box(engine.rules(ready));
        black_box(engine.features(ready, extractor));
        black_box(runtime.block_on(engine.whole(ready)));
    }
}

#[inline(never)]
fn stage_headers(engine: &Shipped, messages: &[Ready<'_>]) {
    for ready in messages {
        black_box(engine.parse(black_box(ready.header_section())));
    }
}

#[inline(never)]
fn stage_parse(engine: &Shipped, messages: &[Ready<'_>]) {
    for ready in messages {
        black_box(engine.parse(black_box(&ready.sample().raw)));
    }
}

#[inline(never)]
fn stage_authentication(engine: &Shipped, messages: &[Ready<'_>]) {
    for ready in messages {
        black_box(engine.authentication(black_box(ready)));
    }
}

#[inline(never)]
fn stage_checks(engine: &Shipped, messages: &[Ready<'_>]) {
    for ready in messages {
        black_box(engine.checks(black_box(ready)));
    }
}

#[inline(never)]
fn stage_rules(engine: &Shipped, messages: &[Ready<'_>]) {
    for ready in messages {
        black_box(engine.rules(black_box(ready)));
    }
}

#[inline(never)]
fn stage_features(engine: &Shipped, messages: &[Ready<'_>], extractor: &mut Extractor) {
    for ready in messages {
        black_box(engine.features(black_box(ready), extractor));
    }
}

#[inline(never)]
fn stage_scorers(engine: &Shipped, messages: &[Ready<'_>]) {
    for ready in messages {
        black_box(engine.scorers(black_box(ready)));
    }
}

#[inline(never)]
fn stage_whole(engine: &Shipped, messages: &[Ready<'_>], runtime: &tokio::runtime::Runtime) {
    for ready in messages {
        black_box(runtime.block_on(engine.whole(black_box(ready))));
    }
}
