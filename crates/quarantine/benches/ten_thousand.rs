//! Ten thousand held messages of one user, in the store and the folder that a service has: what listing,
//! showing, releasing and expiring them takes. Prints figures; judges none.
//!
//! `cargo bench -p tidegate-quarantine --bench ten_thousand`. The folder is made below `TMPDIR`.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

#[path = "../tests/parts/mod.rs"]
mod parts;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{StreamExt, iter};
use parts::{DAY, Manner, Mta, NOW, RAW, hold};
use tidegate_quarantine::{Config, Filter, Quarantine};
use tidegate_store::Embedded;

const MESSAGES: u64 = 10_000;
const BERT: &str = "bert@example.test";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let dir = tempfile::tempdir().unwrap();
    let mta = Mta::start(Manner::Takes).await;
    let open = |config: Config| {
        let store = Arc::new(Embedded::open(dir.path()).unwrap().store);
        Quarantine::open(store, dir.path(), config, "mx.example.test").unwrap()
    };
    let quarantine = open(mta.config());

    let began = Instant::now();
    let filling = iter(0..MESSAGES).map(|nth| {
        let quarantine = &quarantine;
        async move {
            let raw = RAW.replace("Great offer", &format!("Offer {nth}"));
            hold(quarantine, &raw, &[BERT], NOW + nth).await.unwrap()
        }
    });
    filling.buffer_unordered(16).for_each(|_| async {}).await;
    println!("hold, 16 at a time     {:?} each", began.elapsed() / MESSAGES as u32);
    let mut times = Vec::new();
    for nth in 0..50 {
        let raw = RAW.replace("Great offer", &format!("Single {nth}"));
        let began = Instant::now();
        hold(&quarantine, &raw, &["carl@example.test"], NOW + nth).await.unwrap();
        times.push(began.elapsed());
    }
    told("hold, one at a time", times);

    let bert = Filter { owner: Some(BERT.to_owned()), ..Filter::default() };
    let page = quarantine.list(&bert).await.unwrap();
    let deep = Filter { after: quarantine_at(&quarantine, &bert, 9).await, ..bert.clone() };
    let search = Filter { search: Some("offer 123".to_owned()), ..bert.clone() };
    let nothing = Filter { search: Some("not there at all".to_owned()), ..bert.clone() };
    let everybody = Filter::default();
    let all = Filter { search: Some("not there at all".to_owned()), ..Filter::default() };
    for (what, filter) in [
        ("list, first page", &bert),
        ("list, after 9,000", &deep),
        ("list, everybody's", &everybody),
        ("search, first page", &search),
        ("search, nothing found", &nothing),
        ("search all, nothing", &all),
    ] {
        let mut times = Vec::new();
        for _ in 0..50 {
            let began = Instant::now();
            quarantine.list(filter).await.unwrap();
            times.push(began.elapsed());
        }
        told(what, times);
    }
    let mut times = Vec::new();
    for entry in &page.entries {
        let began = Instant::now();
        quarantine.show(&entry.id).await.unwrap();
        times.push(began.elapsed());
    }
    told("show", times);
    let mut times = Vec::new();
    for entry in &page.entries {
        let began = Instant::now();
        quarantine.release(&entry.id, "bench", NOW).await.unwrap();
        times.push(began.elapsed());
    }
    told("release", times);

    drop(quarantine);
    let began = Instant::now();
    let quarantine = open(Config { max_messages: 9_000, ..mta.config() });
    println!("open                   {:?}", began.elapsed());
    let began = Instant::now();
    println!(
        "recover, nothing to do {:?} {:?}",
        quarantine.recover().await.unwrap(),
        began.elapsed()
    );
    let began = Instant::now();
    let gone = quarantine.expire(NOW + 2 * DAY).await.unwrap();
    let there_is = quarantine.counted();
    println!(
        "expire to 9,000        {gone} went in {:?}, {} stay",
        began.elapsed(),
        there_is.messages
    );
}

/// The id at the end of the page of a thousand with that number.
async fn quarantine_at(
    quarantine: &Quarantine,
    of: &Filter,
    pages: usize,
) -> Option<tidegate_quarantine::EntryId> {
    let mut filter = Filter { limit: Some(1_000), ..of.clone() };
    for _ in 0..pages {
        filter.after = quarantine.list(&filter).await.unwrap().next;
    }
    filter.after
}

fn told(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let (middle, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{what:<22} median {middle:?}, worst {worst:?}");
}
