//! Thresholds and weights that keep the error on ham within a budget, and miss as little spam as that
//! leaves.
//!
//! Few things are free: where tagging begins, what is left of a point that statistics contradict, and
//! the weights of the kinds of evidence that sorted mail has in plenty. Each is moved in turn over a
//! coarse grid, as long as less spam is missed; what a hundred ham would tell otherwise than another
//! hundred is not on the grid. Caps were tried as well: on the shared corpus they found nothing more.
//!
//! Weights are compared by the spam that they miss where three of a thousand ham would be tagged, which
//! several messages have a say in; only then is the threshold set. Were both found on the few ham with the
//! highest scores, these would be talked down, and the next ones would not: on halves of the shared
//! corpus that broke the strictest budgets.
//!
//! The threshold lies just over the ham that may be tagged, which makes it a distribution-free
//! tolerance limit: the true error is within the budget with 95 % confidence, since scores at a given
//! rank exceed no larger share (see [`crate::bound`]). Where there is too little ham for that even
//! without an error, it lies past every ham seen, by as much as it takes for the bound there to fall to
//! the budget, where excesses over a high score are taken for exponential.
//!
//! Invariant: the same samples, policy and budget give the same result, and it is never looser on ham
//! than its budget allows on the samples it was found on.

use tidegate_signal::{Family, Signals};

use crate::bound::{self, Share};
use crate::decide::is_heard;
use crate::{Policy, Thresholds};

/// A message that is sorted already: what each family says of it, for and against.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Whether it is spam.
    pub spam: bool,
    /// Points against it and for it (these negative), by family.
    points: [(f32, f32); Family::ALL.len()],
}

impl Sample {
    /// Of a message's signals, weighed.
    #[must_use]
    pub fn new(spam: bool, signals: &Signals) -> Self {
        let mut points = [(0.0, 0.0); Family::ALL.len()];
        for signal in signals {
            let (against, r#for) = &mut points[signal.family() as usize];
            *(if signal.score() > 0.0 { against } else { r#for }) += signal.score();
        }
        Self { spam, points }
    }

    /// The score that `policy` gives it: that of [`Policy::decide`].
    #[must_use]
    pub fn score(&self, policy: &Policy) -> f32 {
        let (against, r#for) = self.points[Family::Statistics as usize];
        let contradicted = against + r#for < 0.0;
        let sum: f32 = Family::ALL
            .into_iter()
            .map(|family| {
                let (against, r#for) = self.points[family as usize];
                let kept = if contradicted && is_heard(family) { policy.contradicted } else { 1.0 };
                let cap = policy.caps.of(family);
                ((against * kept + r#for) * policy.weights.of(family)).clamp(cap.least, cap.most)
            })
            .sum();
        (sum * 100.0).round() / 100.0
    }
}

/// What a policy does to sorted mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Ham that is tagged.
    pub ham: Share,
    /// Spam that is not.
    pub spam: Share,
}

impl Outcome {
    /// Of these samples.
    pub fn of<'s>(samples: impl IntoIterator<Item = &'s Sample>, policy: &Policy) -> Self {
        let mut outcome =
            Self { ham: Share { errors: 0, of: 0 }, spam: Share { errors: 0, of: 0 } };
        for sample in samples {
            let tagged = sample.score(policy) >= policy.thresholds.tag;
            let share = if sample.spam { &mut outcome.spam } else { &mut outcome.ham };
            share.of += 1;
            share.errors += usize::from(tagged != sample.spam);
        }
        outcome
    }
}

/// What the threshold rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ground {
    /// The bound of the error is within the budget with so many ham tagged.
    Proved {
        /// Ham that may be tagged.
        allowed: usize,
    },
    /// There is too little ham for a proof.
    Extrapolated {
        /// Ham that it would take, without an error among them.
        needed: usize,
    },
}

/// A policy that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuned {
    /// The policy.
    pub policy: Policy,
    /// Why its threshold may be believed.
    pub ground: Ground,
}

/// Kinds of evidence whose weight is free. Of the others, sorted mail tells too little: lists and
/// authentication ask the network as it is today.
const FREE: [Family; 4] = [Family::Statistics, Family::Headers, Family::Content, Family::Links];
const WEIGHTS: [f32; 5] = [0.5, 0.75, 1.0, 1.25, 1.5];
const CONTRADICTED: [f32; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Rounds over all that is free; most often two are enough.
const MOST_ROUNDS: usize = 4;
/// The share of ham at which weights are compared.
const COMPARED_AT: f64 = 0.003;
/// The share of spam that must be found more for a weight to move: less is chance.
const WORTH_IT: f64 = 0.002;

/// Finds the policy that keeps `budget` on `samples` and misses the least spam, from `start` on.
/// `None` without ham or without spam.
#[must_use]
pub fn tune(samples: &[Sample], start: &Policy, budget: f64) -> Option<Tuned> {
    let ham = samples.iter().filter(|sample| !sample.spam).count();
    let spam = samples.len() - ham;
    if ham == 0 || spam == 0 {
        return None;
    }
    let ground = match bound::allowed(ham, budget) {
        Some(allowed) => Ground::Proved { allowed },
        None => Ground::Extrapolated { needed: bound::fewest(budget) },
    };
    let judge = |policy: Policy| {
        let mut ham: Vec<f32> = Vec::new();
        let mut spam: Vec<f32> = Vec::new();
        for sample in samples {
            let scores = if sample.spam { &mut spam } else { &mut ham };
            scores.push(sample.score(&policy));
        }
        ham.sort_by(|a, b| b.total_cmp(a));
        let missed = |tag: f32| spam.iter().filter(|score| **score < tag).count();
        let tag = threshold(&ham, ground, budget);
        let compared =
            just_over(ham[((ham.len() as f64 * COMPARED_AT) as usize).min(ham.len() - 1)]);
        let policy = Policy { thresholds: from_tag(&start.thresholds, tag), ..policy };
        Candidate { compared: missed(compared), missed: missed(tag), policy }
    };
    let first = judge(start.clone());
    let worth_it = (spam as f64 * WORTH_IT).ceil() as usize;
    let mut best = first.clone();
    for _ in 0..MOST_ROUNDS {
        let before = best.compared;
        for move_to in moves() {
            let candidate = judge(move_to(best.policy.clone()));
            if candidate.compared + worth_it <= best.compared {
                best = candidate;
            }
        }
        if best.compared >= before {
            break;
        }
    }
    // What is better there need not be so at the threshold.
    let best = if best.missed < first.missed { best } else { first };
    Some(Tuned { policy: best.policy, ground })
}

/// A policy, and the spam that it misses.
#[derive(Clone)]
struct Candidate {
    policy: Policy,
    /// Where [`COMPARED_AT`] of ham is tagged.
    compared: usize,
    /// At its own threshold.
    missed: usize,
}

/// One step from a policy to another.
type Move = Box<dyn Fn(Policy) -> Policy>;

fn moves() -> Vec<Move> {
    let mut moves: Vec<Move> = Vec::new();
    for contradicted in CONTRADICTED {
        moves.push(Box::new(move |policy| Policy { contradicted, ..policy }));
    }
    for family in FREE {
        for weight in WEIGHTS {
            moves.push(Box::new(move |policy| {
                let weights = policy.weights.set(family, weight);
                Policy { weights, ..policy }
            }));
        }
    }
    moves
}

/// Where tagging begins so that the budget is kept, by the scores of ham, the highest first.
fn threshold(ham: &[f32], ground: Ground, budget: f64) -> f32 {
    just_over(match ground {
        Ground::Proved { allowed } => ham[allowed.min(ham.len() - 1)],
        Ground::Extrapolated { .. } => {
            let there = Share { errors: 0, of: ham.len() }.upper();
            ham[0] + (mean_excess(ham) * (there / budget).ln()) as f32
        }
    })
}

/// Scores are of hundredths; a threshold of nothing would touch all mail.
fn just_over(score: f32) -> f32 {
    ((score * 100.0).round() + 1.0).max(1.0) / 100.0
}

/// By how much the highest scores exceed the score below them, as a mean: the upper end of what so many
/// exponential excesses tell of it.
fn mean_excess(ham: &[f32]) -> f64 {
    let excesses = (ham.len() / 20).max(10).min(ham.len() - 1);
    if excesses == 0 {
        return 0.0;
    }
    let sum: f32 = ham[..excesses].iter().map(|score| score - ham[excesses]).sum();
    let count = excesses as f64;
    f64::from(sum) / count * (1.0 + 1.645 / count.sqrt())
}

/// The thresholds with tagging from `tag` on: the harder outcomes keep their distance, and never come
/// nearer than they were.
fn from_tag(old: &Thresholds, tag: f32) -> Thresholds {
    let further = |threshold: f32| {
        let moved = threshold + (tag - old.tag).max(0.0);
        (moved * 100.0).round() / 100.0
    };
    Thresholds { tag, quarantine: further(old.quarantine), reject: further(old.reject) }
}
