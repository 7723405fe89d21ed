//! Two scorers, one probability.
//!
//! The linear model adds up weights: the model's, what the site learned, what the user learned. The
//! Bayes scorer counts messages: the model's count less the more was learned here. Their sum goes
//! through the curve that makes a probability of it.
//!
//! Invariant: nothing waits and nothing is copied; without any knowledge the probability is one half.

use crate::Kind;
use crate::logistic;
use crate::model::Model;
use crate::naive::{self, Counts, Heard};
use crate::overlay::{Overlay, Reader};

/// What the Bayes scorer's deviate adds to the linear model's log-odds.
pub(crate) const NAIVE_WEIGHT: f32 = 0.1;

/// Messages learned here after which the model's counts are worth half.
const MODEL_HALVES: f32 = 2000.0;

/// What a user's message counts beside one of the site, for that user.
const USER_COUNTS: f32 = 4.0;

/// Messages learned by a user at which half of what was learned is believed.
const USER_HALF: f32 = 10.0;

/// What statistics make of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The probability that it is spam, 0 to 1, spam and ham being equally frequent.
    pub probability: f32,
    /// The same as log-odds, natural logarithm: for ranking, where probabilities saturate.
    pub log_odds: f32,
    /// What the linear model says, in log-odds before calibration.
    pub logistic: f32,
    /// What the Bayes scorer says, in standard deviations.
    pub naive: f32,
    /// Features that anything was known of.
    pub known: usize,
}

/// All that is known for one message: the model, what the site learned, what its user learned.
pub(crate) struct Knowledge<'k> {
    model: &'k Model,
    site: Option<Reader>,
    user: Option<Reader>,
    /// How many messages counts are of, after weighing.
    messages: Counts,
    model_counts: f32,
    user_weight: f32,
}

/// What all sources together say of a feature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum {
    pub(crate) weight: f32,
    pub(crate) counts: Counts,
}

impl<'k> Knowledge<'k> {
    pub(crate) fn new(model: &'k Model, site: Option<&Overlay>, user: Option<&Overlay>) -> Self {
        // A table with nothing in it need not be asked.
        let reader = |overlay: Option<&Overlay>| {
            overlay.filter(|overlay| !overlay.is_empty()).map(Overlay::reader)
        };
        let (site, user) = (reader(site), reader(user));
        let of =
            |reader: &Option<Reader>| reader.as_ref().map_or_else(Counts::default, |r| r.messages);
        let (by_site, by_user) = (of(&site), of(&user));
        let learned = by_site.spam + by_site.ham;
        let model_counts = 1.0 / (1.0 + learned / MODEL_HALVES);
        let mut messages = Counts::default();
        messages.add(model.messages, model_counts);
        messages.add(by_site, 1.0);
        messages.add(by_user, USER_COUNTS);
        let own = by_user.spam + by_user.ham;
        let user_weight = own / (own + USER_HALF);
        Self { model, site, user, messages, model_counts, user_weight }
    }

    #[inline]
    pub(crate) fn of(&self, feature: u64) -> Option<Sum> {
        let mut sum = Sum { weight: 0.0, counts: Counts::default() };
        match self.model.know(feature) {
            Some(known) => {
                sum.weight = known.weight;
                sum.counts.add(known.counts, self.model_counts);
            }
            None if self.site.is_none() && self.user.is_none() => return None,
            None => {}
        }
        if let Some(entry) = self.site.as_ref().and_then(|site| site.know(feature)) {
            sum.weight += entry.weight;
            sum.counts.add(entry.counts(), 1.0);
        }
        if let Some(entry) = self.user.as_ref().and_then(|user| user.know(feature)) {
            sum.weight += entry.weight * self.user_weight;
            sum.counts.add(entry.counts(), USER_COUNTS);
        }
        (sum.weight != 0.0 || sum.counts != Counts::default()).then_some(sum)
    }

    /// How far the Bayes scorer hears a feature.
    #[inline]
    pub(crate) fn telling(&self, feature: u64, sum: &Sum) -> Option<f32> {
        if !naive::hears(Kind::of(feature)) {
            return None;
        }
        naive::telling(sum.counts, self.messages)
    }

    pub(crate) fn estimate(&self, features: &[u64]) -> Estimate {
        let (mut weights, mut square, mut known) = (0.0_f32, 0.0_f32, 0);
        let mut heard = Heard::default();
        let is_alone = self.site.is_none() && self.user.is_none();
        for feature in features {
            let kind = Kind::of(*feature);
            let scale = logistic::scale(kind);
            square += scale * scale;
            // Most are words and what stands in a row: of these the Bayes scorer hears nothing.
            if is_alone && !naive::hears(kind) {
                let Some(weight) = self.model.weight(*feature) else { continue };
                known += 1;
                weights += scale * weight;
                continue;
            }
            let Some(sum) = self.of(*feature) else { continue };
            known += 1;
            weights += scale * sum.weight;
            if let Some(told) = self.telling(*feature, &sum) {
                heard.hear(told);
            }
        }
        let (logistic, naive) = (weights / square.max(1.0).sqrt(), heard.deviate());
        let log_odds = self.model.calibration.log_odds(logistic + NAIVE_WEIGHT * naive);
        let probability = logistic::probability(log_odds);
        Estimate { probability, log_odds, logistic, naive, known }
    }
}

/// What the model alone makes of features, as [`crate::Extractor`] found them.
#[must_use]
pub fn estimate(model: &Model, features: &[u64]) -> Estimate {
    Knowledge::new(model, None, None).estimate(features)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_knows_nothing_says_one_half() {
        let overlay = Overlay::new();
        let model = Model::untrained();
        let knowledge = Knowledge::new(&model, Some(&overlay), None);
        let estimate = knowledge.estimate(&[1 << 20, 2 << 20]);
        assert_eq!((estimate.probability, estimate.known), (0.5, 0));
    }
}
