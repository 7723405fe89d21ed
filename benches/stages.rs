//! What each stage of a verdict costs, and the whole of it; `cargo bench -p tidegate-engine`.
//!
//! The messages are those of `tests/mail`, and a newsletter made here of 40 kB HTML.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use divan::Bencher;
use divan::counter::BytesCount;
use tidegate_checks::table::CHECKS;
use tidegate_engine::{Engine, Parts};
use tidegate_mail::{Bounds, Envelope, Message};
use tidegate_rules::{RuleFile, RuleSet};
use tidegate_signal::{Catalogue, Signals};

fn main() {
    divan::main();
}

const MESSAGES: [&str; 4] = ["clean", "phishing", "gtube", "newsletter"];

fn message(name: &str) -> Vec<u8> {
    if name == "newsletter" {
        return newsletter();
    }
    std::fs::read(root().join("tests/mail").join(name).with_extension("eml")).unwrap()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A shop's weekly offers: much HTML, many links, little to say.
fn newsletter() -> Vec<u8> {
    let mut mail = String::from(
        "From: \"The Shop\" <news@shop.example>\nTo: bert@example.test\nSubject: This week’s offers\n\
         Date: Tue, 24 Nov 2026 09:15:00 +0000\nMessage-ID: <1@shop.example>\nMIME-Version: 1.0\n\
         List-Unsubscribe: <https://shop.example/u/1>\nContent-Type: text/html; charset=utf-8\n\n\
         <html><body style=\"background-color:#ffffff\"><table>",
    );
    for number in 0..100 {
        mail.push_str(&format!(
            "<tr><td style=\"padding:8px;color:#333333\"><a href=\"https://shop.example/c/{number}?utm_source=news\">\
             <img src=\"https://cdn.shop.example/{number}.jpg\" width=\"200\" height=\"120\" alt=\"\"></a></td>\
             <td><b>Offer {number}</b><br>A good thing for the house, now for {number}.90 &euro; &ndash; see it\
             <a href=\"https://shop.example/c/{number}\">here</a></td></tr>\n"
        ));
    }
    mail.push_str("</table><p>You get this since you asked for it.</p></body></html>\n");
    mail.into_bytes()
}

static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
    let mut known = Catalogue::default();
    CHECKS
        .iter()
        .flat_map(|entry| entry.raises.iter().copied())
        .for_each(|def| known.add(def).unwrap());
    let mut files: Vec<_> = std::fs::read_dir(root().join("config/rules"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| RuleFile {
            name: path.display().to_string(),
            text: std::fs::read_to_string(path).unwrap(),
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let rules = RuleSet::compile(&files, &known, &HashSet::new());
    Arc::new(Engine::new(Parts {
        site: Default::default(),
        bounds: Bounds::default(),
        checks: CHECKS.iter().map(|entry| (entry.load)(toml::Table::new()).unwrap()).collect(),
        lists: Default::default(),
        trust: Default::default(),
        rules: rules.unwrap_or_else(|mistakes| panic!("{mistakes:?}")),
        statistics: None,
        policy: Default::default(),
        policies: Default::default(),
        correspondents: None,
        indicators: None,
        scores: Default::default(),
        resolver: tidegate_dns::Resolver::offline(),
        deadline: Duration::from_secs(2),
        records: false,
    }))
});

#[divan::bench(args = MESSAGES)]
fn parse(bencher: Bencher<'_, '_>, name: &str) {
    let (raw, bounds) = (message(name), Bounds::default());
    bencher
        .counter(BytesCount::new(raw.len()))
        .bench(|| Message::parse(&raw, &bounds).links().len());
}

#[divan::bench(args = MESSAGES)]
fn rules(bencher: Bencher<'_, '_>, name: &str) {
    let (raw, bounds) = (message(name), Bounds::default());
    let message = Message::parse(&raw, &bounds);
    let envelope = Envelope::infer(&message);
    let rules = &ENGINE.parts().rules;
    bencher.counter(BytesCount::new(raw.len())).bench(|| {
        let mut signals = Signals::new();
        rules.judge(&message, &envelope, &mut signals);
        signals
    });
}

#[divan::bench(args = MESSAGES)]
fn whole(bencher: Bencher<'_, '_>, name: &str) {
    let raw = message(name);
    let envelope = Envelope::infer(&Message::parse(&raw, &Bounds::default()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    bencher.counter(BytesCount::new(raw.len())).bench_local(|| {
        runtime.block_on(ENGINE.judge(envelope.clone(), &raw, 1_795_000_000)).decision.score
    });
}
