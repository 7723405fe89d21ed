//! How far an error may truly go, given how often it was seen.
//!
//! Source: Clopper and Pearson 1934, one-sided at 95 %: the share at which so few errors as were seen,
//! or fewer, would come in one case of twenty. It is exact: for a true share at or over the bound, the
//! chance to see it understated is never more than 5 %, whatever the number of messages.
//!
//! Invariant: the bound is never under the share that was seen, falls as more is seen without error,
//! and rises with each error.

/// The chance that is left to the bound being too low.
const DOUBT: f64 = 0.05;

/// A share of messages, and the bound that it truly lies under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// How many were wrong.
    pub errors: usize,
    /// Of how many.
    pub of: usize,
}

impl Share {
    /// The share that was seen, from 0 to 1; of nothing, 0.
    #[must_use]
    pub fn seen(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.errors as f64 / self.of as f64 }
    }

    /// The share that the true one is under, with 95 % confidence; of nothing, 1.
    #[must_use]
    pub fn upper(self) -> f64 {
        if self.errors >= self.of {
            return 1.0;
        }
        // The chance falls as the share rises: halving finds where it is `DOUBT`.
        let (mut low, mut high) = (self.seen(), 1.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if self.chance(middle) > DOUBT {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// The chance of so many errors or fewer where the true share is `share`: the sum of the first
    /// terms of the binomial distribution.
    fn chance(self, share: f64) -> f64 {
        let of = self.of as f64;
        let (log_wrong, log_right) = (share.ln(), (-share).ln_1p());
        let mut log_ways = 0.0;
        let mut chance = 0.0;
        for errors in 0..=self.errors {
            let wrong = errors as f64;
            if errors > 0 {
                log_ways += ((of - wrong + 1.0) / wrong).ln();
            }
            // No error is certain where errors never happen: 0 · ln 0 is 0 here.
            let of_wrong = if errors == 0 { 0.0 } else { wrong * log_wrong };
            chance += (log_ways + of_wrong + (of - wrong) * log_right).exp();
        }
        chance
    }
}

/// The most errors in `of` messages with which the bound stays within `budget`; `None` when none is
/// one too many.
#[must_use]
pub fn allowed(of: usize, budget: f64) -> Option<usize> {
    let within = |errors| Share { errors, of }.upper() <= budget;
    if !within(0) {
        return None;
    }
    let (mut most, mut over) = (0, of);
    while over - most > 1 {
        let middle = most.midpoint(over);
        if within(middle) {
            most = middle;
        } else {
            over = middle;
        }
    }
    Some(most)
}

/// How many messages without any error it takes for the bound to be within `budget`.
#[must_use]
pub fn fewest(budget: f64) -> usize {
    (DOUBT.ln() / (-budget).ln_1p()).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upper(errors: usize, of: usize) -> f64 {
        Share { errors, of }.upper()
    }

    #[test]
    fn the_bound_is_that_of_the_tables() {
        // One-sided 95 % bounds after Clopper and Pearson.
        for (errors, of, expect) in [
            (0, 10, 0.2589),
            (1, 10, 0.3942),
            (5, 10, 0.7776),
            (0, 100, 0.0295),
            (3, 100, 0.0757),
            (0, 2995, 0.001),
        ] {
            assert!(
                (upper(errors, of) - expect).abs() < 5e-5,
                "{errors} of {of}: {}",
                upper(errors, of)
            );
        }
        assert_eq!((upper(0, 0), upper(7, 7)), (1.0, 1.0));
    }

    #[test]
    fn the_bound_rises_with_errors_and_falls_with_messages() {
        for of in [5, 50, 500, 5000] {
            let bounds: Vec<f64> = (0..5).map(|errors| upper(errors, of)).collect();
            assert!(bounds.is_sorted(), "{bounds:?}");
            for errors in 0..5 {
                assert!(upper(errors, of) >= Share { errors, of }.seen());
                assert!(upper(errors, of * 2) < upper(errors, of));
            }
        }
    }

    #[test]
    fn a_true_share_at_the_bound_is_understated_once_in_twenty() {
        for (errors, of) in [(0, 40), (3, 200), (40, 4000)] {
            let share = Share { errors, of };
            assert!((share.chance(share.upper()) - DOUBT).abs() < 1e-6);
        }
    }

    #[test]
    fn what_a_budget_allows_is_within_it_and_one_more_is_not() {
        for (of, budget) in [(700, 0.005), (2156, 0.005), (5990, 0.0005), (40_000, 0.001)] {
            let most = allowed(of, budget).unwrap();
            assert!(upper(most, of) <= budget && upper(most + 1, of) > budget, "{of} {budget}");
        }
        for budget in [0.005, 0.001, 0.0005] {
            assert_eq!(allowed(fewest(budget), budget), Some(0));
            assert_eq!(allowed(fewest(budget) - 1, budget), None);
        }
        assert_eq!((fewest(0.001), fewest(0.0005)), (2995, 5990));
    }
}
