//! Tuning on samples that are made up, so that what should be found is known.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::sync::Arc;

use proptest::prelude::*;
use tidegate_policy::Policy;
use tidegate_policy::bound::{self, Share};
use tidegate_policy::tune::{Ground, Outcome, Sample, tune};
use tidegate_signal::{Def, Family, SignalDef, Signals};

fn sample(spam: bool, points: &[(Family, f32)]) -> Sample {
    Sample::new(spam, &signals(points))
}

fn signals(points: &[(Family, f32)]) -> Signals {
    let mut signals = Signals::new();
    for (at, (family, score)) in points.iter().enumerate() {
        let def = SignalDef::new("", *family, *score, "says");
        let def = SignalDef { name: format!("S{at}").into(), ..def };
        signals.raise(Def::Shared(Arc::new(def)), "");
    }
    signals
}

/// Numbers by chance, the same each time, from 0 to 1.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// Exponential, of this mean: a tail that no threshold is quite past.
    fn excess(&mut self, mean: f32) -> f32 {
        -mean * (1.0 - self.next()).ln()
    }
}

/// Mail in which links speak at random, and content tells.
fn mail(seed: u64, ham: usize, spam: usize) -> Vec<Sample> {
    let mut chance = Chance(seed);
    let mut of = |spam: bool| {
        let links = chance.excess(1.0);
        let content = if spam { 4.0 + chance.excess(3.0) } else { chance.excess(0.5) };
        sample(spam, &[(Family::Links, links), (Family::Content, content)])
    };
    let mut mail: Vec<Sample> = (0..ham).map(|_| of(false)).collect();
    mail.extend((0..spam).map(|_| of(true)));
    mail
}

#[test]
fn a_budget_is_kept_and_proved_where_there_is_enough_ham() {
    let samples = mail(1, 4_000, 1_000);
    for budget in [0.01, 0.005, 0.001] {
        let tuned = tune(&samples, &Policy::default(), budget).unwrap();
        let Outcome { ham, .. } = Outcome::of(&samples, &tuned.policy);
        assert!(ham.upper() <= budget, "{budget}: {ham:?}");
        let allowed = bound::allowed(4_000, budget).unwrap();
        assert_eq!(tuned.ground, Ground::Proved { allowed });
    }
}

#[test]
fn without_enough_ham_it_says_how_many_it_takes_and_stays_past_all_it_has_seen() {
    let samples = mail(2, 1_000, 300);
    let tuned = tune(&samples, &Policy::default(), 0.0005).unwrap();
    assert_eq!(tuned.ground, Ground::Extrapolated { needed: 5_990 });
    assert_eq!(Outcome::of(&samples, &tuned.policy).ham.errors, 0);
}

#[test]
fn a_budget_is_kept_on_mail_that_was_not_seen() {
    for budget in [0.005, 0.001, 0.0005] {
        let kept = (0..20).filter(|seed| {
            let tuned = tune(&mail(*seed, 1_500, 100), &Policy::default(), budget).unwrap();
            let there = Outcome::of(&mail(seed + 100, 10_000, 10), &tuned.policy);
            there.ham.seen() <= budget
        });
        // The bound leaves one doubt in twenty.
        assert!(kept.count() >= 18, "{budget}");
    }
}

#[test]
fn a_kind_of_evidence_that_tells_nothing_loses_weight() {
    let samples = mail(3, 4_000, 1_000);
    let start = Policy::default();
    let tuned = tune(&samples, &start, 0.001).unwrap();
    let weights = tuned.policy.weights;
    assert!(weights.of(Family::Links) < weights.of(Family::Content), "{weights:?}");
    let at_the_threshold_alone = {
        let fixed = tune(&samples, &start, 0.001).unwrap().policy;
        let mut ham: Vec<f32> =
            samples.iter().filter(|it| !it.spam).map(|it| it.score(&start)).collect();
        ham.sort_by(f32::total_cmp);
        let tag = ham[ham.len() - 1 - bound::allowed(4_000, 0.001).unwrap()] + 0.01;
        let mut policy = start.clone();
        policy.thresholds = fixed.thresholds;
        policy.thresholds.tag = tag;
        Outcome::of(&samples, &policy).spam
    };
    let found = Outcome::of(&samples, &tuned.policy).spam;
    assert!(found.errors < at_the_threshold_alone.errors, "{found:?} {at_the_threshold_alone:?}");
}

#[test]
fn harder_outcomes_keep_their_distance() {
    for seed in 0..5 {
        let start = Policy::default();
        let tuned = tune(&mail(seed, 700, 200), &start, 0.005).unwrap().policy.thresholds;
        let old = start.thresholds;
        assert!(tuned.tag > 0.0);
        assert!(tuned.quarantine >= old.quarantine && tuned.reject >= old.reject);
        assert!(tuned.quarantine - tuned.tag >= old.quarantine - old.tag - 0.01, "{tuned:?}");
    }
}

#[test]
fn of_one_kind_of_mail_alone_nothing_is_found() {
    assert!(tune(&mail(1, 100, 0), &Policy::default(), 0.01).is_none());
    assert!(tune(&mail(1, 0, 100), &Policy::default(), 0.01).is_none());
    assert_eq!(Share { errors: 0, of: 0 }.upper(), 1.0);
}

proptest! {
    /// What is tuned is what will judge.
    #[test]
    fn a_sample_has_the_score_that_the_policy_decides(
        points in prop::collection::vec((0..Family::ALL.len(), -9.0_f32..9.0), 0..12),
        contradicted in 0.0_f32..1.0,
        weights in prop::array::uniform4(0.0_f32..2.0),
    ) {
        let points: Vec<_> = points.iter().map(|(at, score)| (Family::ALL[*at], *score)).collect();
        let mut policy = Policy { contradicted, ..Policy::default() };
        for (at, weight) in weights.iter().enumerate() {
            policy.weights = policy.weights.set(Family::ALL[at * 2 + 1], *weight);
        }
        let decided = policy.decide(&signals(&points)).score;
        let scored = sample(true, &points).score(&policy);
        prop_assert!((decided - scored).abs() < 0.015, "{decided} {scored}");
    }
}
