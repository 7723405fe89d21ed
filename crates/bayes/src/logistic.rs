//! The online linear model: logistic regression on features that are there or not.
//!
//! Source: Goodman and Yih, "Online Discriminative Spam Filter Training" (CEAS 2006); training on
//! what is wrong or near it, after Siefkes et al. (TONE) and Sculley's thick threshold. A feature
//! that was seen often moves less: one message tells little about the word "the".
//!
//! Invariant: a step is a number; what it did to each weight follows from that number and the
//! counts, so that it can be written down, repeated and taken back.

use crate::kind::Kind;

/// How far one message moves the weights, while learning it alone.
pub(crate) const ONLINE_RATE: f32 = 20.0;

/// How wrong an estimate must be for a message to move the weights: 0 is right, 1 is wrong.
pub(crate) const ONLINE_THICKNESS: f32 = 0.2;

/// Times that a message is learned in a row at most.
pub(crate) const ONLINE_STEPS: usize = 3;

/// What a feature of a kind counts beside others.
#[inline]
pub(crate) const fn scale(kind: Kind) -> f32 {
    SCALES[kind as usize]
}

const SCALES: [f32; Kind::ALL.len()] = {
    let mut scales = [1.0; Kind::ALL.len()];
    // There are hundreds of these in any message, and they overlap.
    scales[Kind::Gram as usize] = 0.3;
    scales[Kind::Pair as usize] = 0.3;
    // There are few, and people have thought about each.
    scales[Kind::Signal as usize] = 2.0;
    scales
};

/// What makes messages of many features count like those of few: one over the length of the vector.
pub(crate) fn norm(features: &[u64]) -> f32 {
    let square = |feature: &u64| scale(Kind::of(*feature)).powi(2);
    1.0 / features.iter().map(square).sum::<f32>().max(1.0).sqrt()
}

/// The probability that belongs to a log-odds.
pub(crate) fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// How far to move for a message that is estimated at `log_odds`; `None`: it is right enough.
pub(crate) fn step(log_odds: f32, spam: bool, rate: f32, thickness: f32) -> Option<f32> {
    let error = f32::from(u8::from(spam)) - probability(log_odds);
    (error.abs() >= thickness).then_some(rate * error)
}

/// The share of a step that a feature takes which was in `seen` messages.
#[inline]
pub(crate) fn share(kind: Kind, seen: u32) -> f32 {
    scale(kind) / (1.0 + seen as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_does_not_move_and_what_is_wrong_moves_its_way() {
        assert_eq!(step(4.0, true, 1.0, 0.1), None);
        assert!(step(4.0, false, 1.0, 0.1).unwrap() < -0.9);
        assert!(step(0.0, true, 1.0, 0.1).unwrap() > 0.4);
    }

    #[test]
    fn a_message_of_many_features_counts_like_one_of_few() {
        let of = |count: u64| (0..count).map(|n| n << 4).collect::<Vec<_>>();
        let sum = |features: &[u64]| features.len() as f32 * norm(features).powi(2);
        assert!((sum(&of(10)) - sum(&of(1000))).abs() < 1e-5);
        assert_eq!(norm(&[]), 1.0);
    }
}
