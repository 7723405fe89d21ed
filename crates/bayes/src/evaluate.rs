//! How well scores tell spam from ham, and how far probabilities are to be believed.
//!
//! Source: the measures of the TREC spam track (Cormack and Lynam 2005): the area above the receiver
//! operating characteristic in percent (1-ROCA%), and the share of spam missed where a given share of
//! ham is taken for spam. Intervals are those of the bootstrap over messages.
//!
//! Invariant: exact, ties counted as half; the same scores give the same numbers, intervals included.

use crate::hash;

/// Scores of messages that are sorted already; higher is more like spam.
#[derive(Debug, Clone, Default)]
pub struct Ranking {
    ham: Vec<f32>,
    spam: Vec<f32>,
}

/// A measure with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// On the messages as they are.
    pub value: f64,
    /// 95 of 100 samples lie between these.
    pub low: f64,
    /// See `low`.
    pub high: f64,
}

/// Messages whose probabilities are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// How many messages.
    pub messages: usize,
    /// The mean of their probabilities.
    pub expected: f64,
    /// The share of spam among them, each class weighing as much as the other.
    pub observed: f64,
}

impl FromIterator<(f32, bool)> for Ranking {
    fn from_iter<I: IntoIterator<Item = (f32, bool)>>(scored: I) -> Self {
        let mut ranking = Self::default();
        scored.into_iter().for_each(|(score, spam)| ranking.add(score, spam));
        ranking
    }
}

impl Ranking {
    /// Adds a message.
    pub fn add(&mut self, score: f32, spam: bool) {
        if spam { self.spam.push(score) } else { self.ham.push(score) }
    }

    /// How many ham and spam messages there are.
    #[must_use]
    pub const fn sizes(&self) -> (usize, usize) {
        (self.ham.len(), self.spam.len())
    }

    /// Of all pairs of a ham and a spam, those in which the ham has the higher score, in percent.
    #[must_use]
    pub fn area_above(&self) -> f64 {
        let ham = sorted(&self.ham);
        let over = self.spam.iter().map(|score| {
            let below = ham.partition_point(|ham| ham < score);
            let up_to = ham.partition_point(|ham| ham <= score);
            (ham.len() - up_to) as f64 + (up_to - below) as f64 / 2.0
        });
        percent(over.sum(), self.ham.len() as f64 * self.spam.len() as f64)
    }

    /// The spam that is missed, in percent, where at most `ham_percent` of ham is taken for spam.
    #[must_use]
    pub fn spam_missed_at(&self, ham_percent: f64) -> f64 {
        let ham = sorted(&self.ham);
        let allowed = (ham.len() as f64 * ham_percent / 100.0).floor() as usize;
        let next = ham.len().checked_sub(allowed + 1).map(|at| ham[at]);
        let missed = self.spam.iter().filter(|score| next.is_some_and(|next| **score <= next));
        percent(missed.count() as f64, self.spam.len() as f64)
    }

    /// Ham at or over a bound, and spam under it, in percent.
    #[must_use]
    pub fn errors_at(&self, bound: f32) -> (f64, f64) {
        let over = self.ham.iter().filter(|score| **score >= bound).count();
        let under = self.spam.iter().filter(|score| **score < bound).count();
        (percent(over as f64, self.ham.len() as f64), percent(under as f64, self.spam.len() as f64))
    }

    /// A measure of this ranking, and of `samples` drawn from its messages with replacement.
    #[must_use]
    pub fn bootstrap(&self, samples: u32, measure: impl Fn(&Self) -> f64) -> Interval {
        let mut state = 0x7469_6465_6761_7465_u64;
        let mut draw = |from: &[f32]| -> Vec<f32> {
            let mut next = || {
                state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                ((u128::from(hash::mix(state)) * from.len() as u128) >> 64) as usize
            };
            (0..from.len()).map(|_| from[next()]).collect()
        };
        let mut drawn: Vec<f64> = (0..samples)
            .map(|_| measure(&Self { ham: draw(&self.ham), spam: draw(&self.spam) }))
            .collect();
        drawn.sort_by(f64::total_cmp);
        let value = measure(self);
        let at = |share: f64| {
            let place = (drawn.len() as f64 * share) as usize;
            drawn.get(place.min(drawn.len().saturating_sub(1))).copied().unwrap_or(value)
        };
        Interval { value, low: at(0.025), high: at(0.975) }
    }

    /// The curve: shares of ham taken for spam and of spam found, from the strictest bound on.
    #[must_use]
    pub fn curve(&self) -> Vec<(f64, f64)> {
        let mut all: Vec<(f32, bool)> = self.ham.iter().map(|score| (*score, false)).collect();
        all.extend(self.spam.iter().map(|score| (*score, true)));
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut ham, mut spam) = (0_usize, 0_usize);
        let mut curve = vec![(0.0, 0.0)];
        for tied in all.chunk_by(|a, b| a.0 == b.0) {
            let found = tied.iter().filter(|(_, spam)| *spam).count();
            spam += found;
            ham += tied.len() - found;
            let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
            curve.push((share(ham, self.ham.len()), share(spam, self.spam.len())));
        }
        curve
    }

    /// Takes scores for probabilities from 0 to 1, and compares them with what came true in `bins`
    /// parts of that range. Parts without messages are left out.
    #[must_use]
    pub fn reliability(&self, bins: usize) -> Vec<Bin> {
        let mut sums = vec![(0_usize, 0.0_f64, 0.0_f64, 0.0_f64); bins];
        for (scores, is_spam) in [(&self.ham, false), (&self.spam, true)] {
            let weight = 1.0 / scores.len().max(1) as f64;
            for score in scores {
                let at = (f64::from(*score) * bins as f64) as usize;
                let Some(bin) = sums.get_mut(at.min(bins.saturating_sub(1))) else { continue };
                bin.0 += 1;
                bin.1 += weight * f64::from(*score);
                bin.2 += weight;
                bin.3 += if is_spam { weight } else { 0.0 };
            }
        }
        sums.iter()
            .filter(|bin| bin.0 > 0)
            .map(|bin| Bin { messages: bin.0, expected: bin.1 / bin.2, observed: bin.3 / bin.2 })
            .collect()
    }
}

/// The place of a message in an order by chance that follows from a seed and its path: messages are
/// ordered by this number. Folds are the places modulo their number.
#[must_use]
pub fn shuffle_key(seed: &str, path: &str) -> u64 {
    hash::Hasher::new().bytes(seed.as_bytes()).bytes(b":").bytes(path.as_bytes()).finish()
}

fn sorted(scores: &[f32]) -> Vec<f32> {
    let mut scores = scores.to_vec();
    scores.sort_by(f32::total_cmp);
    scores
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole * 100.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(ham: &[f32], spam: &[f32]) -> Ranking {
        Ranking { ham: ham.to_vec(), spam: spam.to_vec() }
    }

    #[test]
    fn pairs_out_of_order_and_ties_are_counted() {
        assert_eq!(ranking(&[0.0, 1.0], &[5.0, 6.0]).area_above(), 0.0);
        // Pairs: 6>4 wrong, 6=6 half, 1<4, 1<6 right: 1.5 of 4.
        assert_eq!(ranking(&[6.0, 1.0], &[4.0, 6.0]).area_above(), 37.5);
        assert_eq!(ranking(&[6.0, 1.0], &[4.0, 6.0]).errors_at(5.0), (50.0, 50.0));
        assert_eq!(ranking(&[], &[1.0]).area_above(), 0.0);
    }

    #[test]
    fn a_thousandth_of_ham_may_be_over_the_bound() {
        let ham: Vec<f32> = (0..1000).map(|n| if n == 0 { 9.0 } else { 1.0 }).collect();
        assert_eq!(ranking(&ham, &[8.0, 1.0]).spam_missed_at(0.1), 50.0);
        assert_eq!(ranking(&ham, &[8.0, 1.0]).spam_missed_at(0.0), 100.0);
    }

    #[test]
    fn an_interval_holds_its_value_and_is_the_same_each_time() {
        let ham: Vec<f32> = (0..200).map(|n| n as f32).collect();
        let spam: Vec<f32> = (0..200).map(|n| n as f32 + 100.0).collect();
        let interval = ranking(&ham, &spam).bootstrap(200, Ranking::area_above);
        assert!(interval.low < interval.value && interval.value < interval.high, "{interval:?}");
        assert_eq!(interval, ranking(&ham, &spam).bootstrap(200, Ranking::area_above));
        assert_eq!(ranking(&[], &[]).bootstrap(10, Ranking::area_above).value, 0.0);
    }

    #[test]
    fn the_curve_goes_from_nothing_found_to_everything() {
        let curve = ranking(&[1.0, 3.0], &[2.0, 3.0]).curve();
        assert_eq!(curve, [(0.0, 0.0), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
    }

    #[test]
    fn what_was_expected_is_held_against_what_came_true() {
        let bins = ranking(&[0.1, 0.1, 0.95], &[0.95, 0.95, 1.0]).reliability(10);
        assert_eq!(bins.iter().map(|bin| bin.messages).collect::<Vec<_>>(), [2, 4]);
        assert_eq!((bins[0].observed, bins[1].observed), (0.0, 0.75));
    }
}
