//! What it costs to be let in: by a free place, by a place that eight threads pass on, and in a full queue.
//!
//! `cargo bench -p tidegate-milter`. A semaphore without turns is measured beside it.

#![allow(missing_docs, clippy::unwrap_used, reason = "a measurement")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_milter::gate::{Gate, Limits};
use tokio::sync::Semaphore;

const ROUNDS: u32 = 1_000_000;
const WAIT: Duration = Duration::from_secs(60);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let gate = |places| Gate::new(Limits { places, waiting: 1_024, octets: 1 << 30, wait: WAIT });
    let free = gate(256);
    let began = Instant::now();
    for _ in 0..ROUNDS {
        drop(std::hint::black_box(free.enter(7u32, 10_000).await.unwrap()));
    }
    tell("a free place", began.elapsed(), ROUNDS);

    let semaphore = Semaphore::new(256);
    let began = Instant::now();
    for _ in 0..ROUNDS {
        drop(std::hint::black_box(semaphore.try_acquire().unwrap()));
    }
    tell("a free permit of a semaphore", began.elapsed(), ROUNDS);

    for (what, places) in [("eight tasks, 256 places", 256), ("eight tasks, one place", 1)] {
        let began = Instant::now();
        let gate = gate(places);
        let tasks = (0..8u32).map(|who| {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move {
                for _ in 0..ROUNDS / 8 {
                    drop(std::hint::black_box(gate.enter(who, 10_000).await.unwrap()));
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        tell(what, began.elapsed(), ROUNDS);
    }

    let full = Gate::new(Limits { places: 1, waiting: 1_024, octets: 1 << 30, wait: WAIT });
    let _place = full.enter(0u32, 1).await.unwrap();
    let others: Vec<_> = (0..1_024u32)
        .map(|who| {
            let full = Arc::clone(&full);
            tokio::spawn(async move { drop(full.enter(who, 1).await) })
        })
        .collect();
    while full.held().waiting < 1_024 {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    for _ in 0..1_000 {
        assert!(full.enter(7, 1).await.is_err());
    }
    tell("refused by a queue of 1,024 clients", began.elapsed(), 1_000);
    others.iter().for_each(tokio::task::JoinHandle::abort);
}

fn tell(what: &str, took: Duration, rounds: u32) {
    println!("{what:<36} {:>8.0} ns", took.as_secs_f64() * 1e9 / f64::from(rounds));
}
