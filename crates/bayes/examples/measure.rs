//! The measurements of README.md, on an index of sorted mail:
//! `cargo run --release -p tidegate-bayes --example measure -- /tmp/corpus/index`
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tidegate_bayes::evaluate::{Ranking, shuffle_key};
use tidegate_bayes::{
    Class, Example, Extractor, Lesson, LessonId, Lessons, Limits, Model, estimate, score_others,
    signals, train,
};
use tidegate_mail::{Bounds, Message};
use tidegate_signal::{Family, SignalDef, Signals};
use tidegate_store::Memory;

fn main() {
    let index = std::env::args().nth(1).unwrap_or_else(|| "/tmp/corpus/index".to_owned());
    let root = Path::new(&index).parent().unwrap().to_owned();
    let mut extractor = Extractor::new();
    let said = signals_of(std::env::args().nth(2));
    let mut examples = Vec::new();
    for line in std::fs::read_to_string(&index).unwrap().lines() {
        let (class, path) = line.split_once(' ').unwrap();
        let raw = std::fs::read(root.join(path)).unwrap();
        let message = Message::parse(&raw, &Bounds::default());
        let mut signals = Signals::new();
        for name in said.get(path).into_iter().flatten() {
            let def = SignalDef {
                name: name.clone().into(),
                family: Family::Content,
                score: 0.0,
                says: "".into(),
            };
            signals.raise(&Arc::new(def), "");
        }
        let features = extractor.features_with(&message, &signals).to_vec();
        let source = path.split('/').next().unwrap().to_owned();
        examples.push((path.to_owned(), Example { features, spam: class == "spam", source }));
    }
    let sources: BTreeSet<String> = examples.iter().map(|(_, one)| one.source.clone()).collect();
    for source in &sources {
        let (test, train): (Vec<_>, Vec<_>) =
            examples.iter().map(|(_, one)| one).partition(|one| one.source == *source);
        tell(source, &score_others(&train, &test));
        bands(&train, &test);
    }
    let mut order: Vec<&(String, Example)> = examples.iter().collect();
    order.sort_by_key(|(path, _)| shuffle_key("1", path));
    let mut pooled = Vec::new();
    for fold in 0..5 {
        let part = |held: bool| {
            order
                .iter()
                .enumerate()
                .filter(|(at, _)| (at % 5 == fold) == held)
                .map(|(_, one)| &one.1)
                .collect::<Vec<_>>()
        };
        let scored = score_others(&part(false), &part(true));
        if let Some(folder) = std::env::var_os("DUMP") {
            let paths =
                order.iter().enumerate().filter(|(at, _)| at % 5 == fold).map(|(_, one)| &one.0);
            let lines = paths.zip(&scored).map(|(path, (score, spam))| {
                format!("{} {path} {score}\n", if *spam { "spam" } else { "ham" })
            });
            std::fs::write(
                Path::new(&folder).join(format!("fold{fold}")),
                lines.collect::<String>(),
            )
            .unwrap();
        }
        pooled.extend(scored);
    }
    tell("5 folds", &pooled);
    online("online", &examples.iter().collect::<Vec<_>>(), Model::untrained());
    for source in &sources {
        let (own, others): (Vec<_>, Vec<_>) =
            examples.iter().partition(|(_, one)| one.source == *source);
        let others: Vec<Example> = others.into_iter().map(|(_, one)| one.clone()).collect();
        online(&format!("{source} online, from nothing"), &own, Model::untrained());
        online(&format!("{source} online, over the others"), &own, train(&others));
    }
    let examples: Vec<Example> = examples.into_iter().map(|(_, one)| one).collect();
    let start = Instant::now();
    let model = train(&examples);
    println!(
        "model: {} bytes, {:?}, trained in {:.1} s",
        model.bytes().len(),
        model,
        start.elapsed().as_secs_f32()
    );
}

fn tell(name: &str, scored: &[(f32, bool)]) {
    let ranking: Ranking = scored.iter().copied().collect();
    let (ham, spam) = ranking.sizes();
    let area = ranking.bootstrap(200, Ranking::area_above);
    println!(
        "{name:14} ham {ham} spam {spam} 1-ROCA% {:.4} ({:.4} to {:.4}) sm%@hm<=0.1% {:.2}",
        area.value,
        area.low,
        area.high,
        ranking.spam_missed_at(0.1)
    );
}

/// The TREC procedure: each message is judged, then learned, in an order by chance.
fn online(name: &str, examples: &[&(String, Example)], model: Model) {
    let mut order = examples.to_vec();
    order.sort_by_key(|(path, _)| shuffle_key("2", path));
    let store = Arc::new(Memory::new());
    let (lessons, _) = Lessons::open(store, Arc::new(model), Limits::default(), 0).unwrap();
    let mut scored = Vec::new();
    for (number, (_, one)) in order.iter().enumerate() {
        scored.push((lessons.estimate(&one.features, None).log_odds, one.spam));
        let class = Some(if one.spam { Class::Spam } else { Class::Ham });
        let id = LessonId::new((number as u128).to_le_bytes());
        lessons.teach(&Lesson { id, features: &one.features, class, user: None, now: 0 }).unwrap();
    }
    tell(name, &scored);
}

/// How many messages of sources that a model has not seen fall into each band.
fn bands(train_on: &[&Example], test: &[&Example]) {
    let examples: Vec<Example> = train_on.iter().map(|one| (*one).clone()).collect();
    let model = train(&examples);
    let mut found: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for one in test {
        let estimate = estimate(&model, &one.features);
        let band = signals::band(&estimate)
            .map_or(("0", "-"), |def| (if def.score > 0.0 { "+" } else { "-" }, &*def.name));
        let counts = found.entry(format!("{} {}", band.0, band.1)).or_default();
        *(if one.spam { &mut counts.1 } else { &mut counts.0 }) += 1;
    }
    for (band, (ham, spam)) in found {
        println!("    {band:24} ham {ham:5} spam {spam:5}");
    }
}

/// Lines of a path and the signals of form and content that the program raises for it.
fn signals_of(file: Option<String>) -> BTreeMap<String, Vec<String>> {
    let text = file.map(|file| std::fs::read_to_string(file).unwrap()).unwrap_or_default();
    let line = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        Some((words.next()?, words.collect()))
    };
    text.lines().filter_map(line).collect()
}
