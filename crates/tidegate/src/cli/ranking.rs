//! How well scores tell spam from ham.
//!
//! The measures are those of the TREC spam track: the area above the receiver operating
//! characteristic, and the share of spam missed where a share of ham is.
//!
//! Invariant: all are exact, ties counted as half.

use std::fmt;

use tidegate_policy::Verdict;

/// The scores of messages that are sorted already.
#[derive(Debug, Default)]
pub(crate) struct Ranking {
    ham: Vec<f32>,
    spam: Vec<f32>,
    ham_tagged: usize,
    spam_untagged: usize,
}

impl Ranking {
    /// Adds a message.
    pub(crate) fn add(&mut self, spam: bool, score: f32, verdict: Verdict) {
        let tagged = verdict >= Verdict::Tag;
        if spam {
            self.spam.push(score);
            self.spam_untagged += usize::from(!tagged);
        } else {
            self.ham.push(score);
            self.ham_tagged += usize::from(tagged);
        }
    }

    /// Of all pairs of a ham and a spam, those in which the ham has more points, in percent.
    fn area_above(&self) -> f64 {
        let ham = sorted(&self.ham);
        let over = self.spam.iter().map(|score| {
            let below = ham.partition_point(|ham| ham < score);
            let up_to = ham.partition_point(|ham| ham <= score);
            (ham.len() - up_to) as f64 + (up_to - below) as f64 / 2.0
        });
        percent(over.sum(), self.ham.len() as f64 * self.spam.len() as f64)
    }

    /// Spam below the lowest bound that leaves at most `ham_percent` of ham at or over it.
    fn spam_missed_at(&self, ham_percent: f64) -> f64 {
        let ham = sorted(&self.ham);
        let allowed = (ham.len() as f64 * ham_percent / 100.0).floor() as usize;
        // With `allowed` ham messages at or over the bound, the next lower one must stay under it.
        let next = ham.len().checked_sub(allowed + 1).map(|at| ham[at]);
        let missed = self.spam.iter().filter(|score| next.is_some_and(|next| **score <= next));
        percent(missed.count() as f64, self.spam.len() as f64)
    }
}

impl fmt::Display for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ham {} spam {} 1-ROCA% {:.4} sm%@hm<=0.1% {:.2} hm%@tag {:.2} sm%@tag {:.2}",
            self.ham.len(),
            self.spam.len(),
            self.area_above(),
            self.spam_missed_at(0.1),
            percent(self.ham_tagged as f64, self.ham.len() as f64),
            percent(self.spam_untagged as f64, self.spam.len() as f64),
        )
    }
}

fn sorted(scores: &[f32]) -> Vec<f32> {
    let mut scores = scores.to_vec();
    scores.sort_by(f32::total_cmp);
    scores
}

fn percent(part: f64, whole: f64) -> f64 {
    // Of nothing, nothing is known: NaN, which is no perfect result.
    part / whole * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(ham: &[f32], spam: &[f32]) -> Ranking {
        let mut ranking = Ranking::default();
        let verdict = |score: f32| if score >= 5.0 { Verdict::Tag } else { Verdict::Accept };
        ham.iter().for_each(|score| ranking.add(false, *score, verdict(*score)));
        spam.iter().for_each(|score| ranking.add(true, *score, verdict(*score)));
        ranking
    }

    #[test]
    fn scores_that_tell_all_apart_leave_nothing_above_the_curve() {
        assert_eq!(
            ranking(&[0.0, 1.0], &[5.0, 6.0]).to_string(),
            "ham 2 spam 2 1-ROCA% 0.0000 sm%@hm<=0.1% 0.00 hm%@tag 0.00 sm%@tag 0.00"
        );
    }

    #[test]
    fn pairs_out_of_order_and_ties_are_counted() {
        // Pairs: 6>4 wrong, 6=6 half, 1<4, 1<6 right: 1.5 of 4.
        assert_eq!(
            ranking(&[6.0, 1.0], &[4.0, 6.0]).to_string(),
            "ham 2 spam 2 1-ROCA% 37.5000 sm%@hm<=0.1% 100.00 hm%@tag 50.00 sm%@tag 50.00"
        );
    }

    #[test]
    fn a_thousandth_of_ham_may_be_over_the_bound() {
        let ham: Vec<f32> = (0..1000).map(|n| if n == 0 { 9.0 } else { 1.0 }).collect();
        assert_eq!(ranking(&ham, &[8.0, 1.0]).spam_missed_at(0.1), 50.0);
        assert_eq!(ranking(&ham, &[8.0, 1.0]).spam_missed_at(0.0), 100.0);
    }

    #[test]
    fn without_messages_of_a_class_its_measures_are_not_known() {
        assert_eq!(
            ranking(&[1.0], &[]).to_string(),
            "ham 1 spam 0 1-ROCA% NaN sm%@hm<=0.1% NaN hm%@tag 0.00 sm%@tag NaN"
        );
    }
}
