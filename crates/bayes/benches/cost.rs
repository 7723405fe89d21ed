//! What statistics cost a message: `cargo bench -p tidegate-bayes` (corpus: `TIDEGATE_CORPUS`, or
//! /tmp/corpus).
//!
//! Each message of the corpus is read once, then its features are taken and scored by both scorers,
//! five times; the quickest counts, so that the machine's other work does not. Measured with the model
//! alone, and with as much learned over it as there is room for.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_bayes::{
    Class, Example, Extractor, Lesson, LessonId, Lessons, Limits, MOST_ENTRIES, train,
};
use tidegate_mail::{Bounds, Message};
use tidegate_store::{Embedded, Memory, Store};

fn main() {
    let root = std::env::var_os("TIDEGATE_CORPUS").map_or("/tmp/corpus".into(), PathBuf::from);
    let Ok(index) = std::fs::read_to_string(root.join("index")) else {
        println!("skipped: no corpus in {}", root.display());
        return;
    };
    let messages: Vec<(bool, Vec<u8>)> = index
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(class, path)| (class == "spam", std::fs::read(root.join(path)).unwrap()))
        .collect();
    let mut extractor = Extractor::new();
    let examples: Vec<Example> = messages
        .iter()
        .map(|(spam, raw)| {
            let message = Message::parse(raw, &Bounds::default());
            let features = extractor.features(&message).to_vec();
            Example { features, spam: *spam, source: String::new() }
        })
        .collect();
    let model = Arc::new(train(&examples));
    let store = Arc::new(Memory::new());
    let (lessons, _) = Lessons::open(store, Arc::clone(&model), Limits::default(), 0).unwrap();
    measure("the model alone", &messages, &lessons);
    let folder = tempfile::tempdir().unwrap();
    fill(&folder, &examples, &model);
    let start = Instant::now();
    let store: Arc<dyn Store> = Arc::new(Embedded::open(folder.path()).unwrap().store);
    let (lessons, _) = Lessons::open(store, model, Limits::default(), 0).unwrap();
    println!("opening a store of {} features: {:.1} ms", lessons.size().2, ms(start.elapsed()));
    measure("and as much learned as there is room for", &messages, &lessons);
}

/// Teaches until the table of the site is full: the corpus, then messages of chance.
fn fill(folder: &tempfile::TempDir, examples: &[Example], model: &Arc<tidegate_bayes::Model>) {
    let store: Arc<dyn Store> = Arc::new(Embedded::open(folder.path()).unwrap().store);
    let limits = Limits { checkpoint_every: u64::MAX, ..Limits::default() };
    let (lessons, _) = Lessons::open(store, Arc::clone(model), limits, 0).unwrap();
    let mut times = Vec::new();
    let mut state = 1_u64;
    for number in 0_u64.. {
        if lessons.size().2 + 4096 > MOST_ENTRIES {
            break;
        }
        let example = examples.get(number as usize * 20);
        let chance = || {
            (0..4096)
                .map(|_| {
                    state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(number | 1);
                    state
                })
                .collect()
        };
        let features = example.map_or_else(chance, |example| example.features.clone());
        let spam = example.map_or(number % 2 == 0, |example| example.spam);
        let class = Some(if spam { Class::Spam } else { Class::Ham });
        let id = LessonId::new(u128::from(number).to_le_bytes());
        let start = Instant::now();
        lessons.teach(&Lesson { id, features: &features, class, user: None, now: 0 }).unwrap();
        if example.is_some() {
            times.push(start.elapsed());
        }
    }
    times.sort();
    println!("learning a message, on disk: {:.2} ms at the median", ms(times[times.len() / 2]));
    let start = Instant::now();
    lessons.checkpoint().unwrap();
    println!("a checkpoint of {} features: {:.1} ms", lessons.size().2, ms(start.elapsed()));
    let bytes = std::fs::metadata(folder.path().join(tidegate_store::FILE_NAME)).unwrap().len();
    println!("the store on disk: {:.1} MB", bytes as f64 / 1e6);
}

fn measure(what: &str, messages: &[(bool, Vec<u8>)], lessons: &Lessons) {
    let mut extractor = Extractor::new();
    let (mut features, mut scores, mut both) = (Vec::new(), Vec::new(), Vec::new());
    for (_, raw) in messages {
        let message = Message::parse(raw, &Bounds::default());
        // As after reading: the message is in the cache, the model may not be.
        let mut best = (Duration::MAX, Duration::MAX, Duration::MAX);
        for _ in 0..5 {
            let start = Instant::now();
            let found = extractor.features(&message);
            let middle = Instant::now();
            std::hint::black_box(lessons.estimate(found, None));
            let end = Instant::now();
            best = (best.0.min(middle - start), best.1.min(end - middle), best.2.min(end - start));
        }
        features.push(best.0);
        scores.push(best.1);
        both.push(best.2);
    }
    println!("{what}, microseconds a message at the median, of 90 and of 99 in a hundred:");
    for (name, mut times) in [("features", features), ("scorers", scores), ("together", both)] {
        times.sort();
        let at = |percent: usize| ms(times[times.len() * percent / 100]) * 1e3;
        println!("  {name:9} {:6.1} {:6.1} {:6.1}", at(50), at(90), at(99));
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
