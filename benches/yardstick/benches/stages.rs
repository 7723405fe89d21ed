//! What each stage of a verdict takes, by kind of mail, and the whole of it; `cargo bench -p yardstick`.
//!
//! The scan with 200, 1,000 and 5,000 rules stands in `crates/rules/benches/judge.rs`, learning in
//! `crates/bayes/benches/cost.rs`.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::BytesCount;
use tidegate_bayes::Extractor;
use tidegate_milter::{
    Actions, Disposition, Event, Outcome, Session, SessionLimits, Wants, decode,
};
use yardstick::{Ready, Sample, Shipped, frames, samples, shipped};

const KINDS: [&str; 7] =
    ["letter", "reply", "list", "newsletter", "alternative", "attachment", "spam"];

static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(samples);
static ENGINE: LazyLock<Shipped> = LazyLock::new(shipped);

fn main() {
    divan::main();
}

fn sample(kind: &str) -> &'static Sample {
    // The second letter and the like are signed.
    SAMPLES.iter().filter(|sample| sample.kind == kind).take(2).last().unwrap()
}

fn with(bencher: Bencher<'_, '_>, kind: &str, run: impl Fn(&Ready<'static>)) {
    let ready = ENGINE.ready(sample(kind));
    bencher.counter(BytesCount::new(ready.sample().raw.len())).bench_local(|| run(&ready));
}

/// All frames of a message through the codec and the session.
#[divan::bench(args = KINDS)]
fn codec(bencher: Bencher<'_, '_>, kind: &str) {
    let offer = frames::negotiation();
    let told = frames::transaction(sample(kind));
    let limits = SessionLimits::default();
    let wants = Wants { optional: Actions::all(), ..Wants::default() };
    bencher.counter(BytesCount::new(told.len())).bench_local(|| {
        let (mut session, mut out) = (Session::new(wants.clone(), limits), Vec::new());
        for mut rest in [&offer[..], &told[..]] {
            while let Some((command, used)) = decode(rest, limits.frame_octets).unwrap() {
                rest = &rest[used..];
                match session.handle(command, &mut out).unwrap() {
                    Event::Message => session.finish(&Outcome::default(), &mut out).unwrap(),
                    _ => session.answer(&Disposition::Continue, &mut out),
                }
            }
        }
        out
    });
}

#[divan::bench(args = KINDS)]
fn headers(bencher: Bencher<'_, '_>, kind: &str) {
    with(bencher, kind, |ready| drop(ENGINE.parse(divan::black_box(ready.header_section()))));
}

/// MIME, charsets, HTML to text, links: all that `Message::parse` reads.
#[divan::bench(args = KINDS)]
fn parse(bencher: Bencher<'_, '_>, kind: &str) {
    with(bencher, kind, |ready| drop(ENGINE.parse(divan::black_box(&ready.sample().raw))));
}

/// SPF, DKIM, DMARC and ARC; one RSA signature each, two on lists, RSA and Ed25519 on the newsletter.
#[divan::bench(args = KINDS)]
fn authentication(bencher: Bencher<'_, '_>, kind: &str) {
    with(bencher, kind, |ready| drop(ENGINE.authentication(ready)));
}

#[divan::bench(args = KINDS)]
fn checks(bencher: Bencher<'_, '_>, kind: &str) {
    with(bencher, kind, |ready| drop(ENGINE.checks(ready)));
}

#[divan::bench(args = KINDS)]
fn rules(bencher: Bencher<'_, '_>, kind: &str) {
    with(bencher, kind, |ready| drop(ENGINE.rules(ready)));
}

#[divan::bench(args = KINDS)]
fn features(bencher: Bencher<'_, '_>, kind: &str) {
    let ready = ENGINE.ready(sample(kind));
    let mut extractor = Extractor::new();
    bencher.bench_local(|| ENGINE.features(&ready, &mut extractor));
}

#[divan::bench(args = KINDS)]
fn scorers(bencher: Bencher<'_, '_>, kind: &str) {
    let ready = ENGINE.ready(sample(kind));
    bencher.bench_local(|| ENGINE.scorers(&ready));
}

#[divan::bench(args = KINDS)]
fn whole(bencher: Bencher<'_, '_>, kind: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let ready = ENGINE.ready(sample(kind));
    bencher
        .counter(BytesCount::new(ready.sample().raw.len()))
        .bench_local(|| runtime.block_on(ENGINE.whole(&ready)));
}
