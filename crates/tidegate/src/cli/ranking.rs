//! What `tidegate eval` says of scores: the measures of the TREC spam track, and the errors that the
//! thresholds make.
//!
//! Invariant: the form of a line is stable; scripts read it.

use std::fmt;

use tidegate_bayes::evaluate;
use tidegate_policy::Verdict;

/// The scores of messages that are sorted already.
#[derive(Debug, Default)]
pub(crate) struct Ranking {
    pub(crate) scores: evaluate::Ranking,
    ham_tagged: usize,
    spam_untagged: usize,
}

impl Ranking {
    /// Adds a message.
    pub(crate) fn add(&mut self, spam: bool, score: f32, verdict: Verdict) {
        let tagged = verdict >= Verdict::Tag;
        self.scores.add(score, spam);
        self.spam_untagged += usize::from(spam && !tagged);
        self.ham_tagged += usize::from(!spam && tagged);
    }
}

impl fmt::Display for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ham, spam) = self.scores.sizes();
        // Of nothing, nothing is known: NaN, which is no perfect result.
        let of_both = |value: f64| if ham > 0 && spam > 0 { value } else { f64::NAN };
        write!(
            f,
            "ham {ham} spam {spam} 1-ROCA% {:.4} sm%@hm<=0.1% {:.2} hm%@tag {:.2} sm%@tag {:.2}",
            of_both(self.scores.area_above()),
            of_both(self.scores.spam_missed_at(0.1)),
            percent(self.ham_tagged, ham),
            percent(self.spam_untagged, spam),
        )
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64 * 100.0
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
        assert_eq!(ranking(&ham, &[8.0, 1.0]).scores.spam_missed_at(0.1), 50.0);
        assert_eq!(ranking(&ham, &[8.0, 1.0]).scores.spam_missed_at(0.0), 100.0);
    }

    #[test]
    fn without_messages_of_a_class_its_measures_are_not_known() {
        assert_eq!(
            ranking(&[1.0], &[]).to_string(),
            "ham 1 spam 0 1-ROCA% NaN sm%@hm<=0.1% NaN hm%@tag 0.00 sm%@tag NaN"
        );
    }
}
