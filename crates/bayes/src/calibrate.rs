//! From scores to probabilities that mean what they say.
//!
//! Source: Platt, "Probabilistic Outputs for Support Vector Machines" (1999): a logistic curve is laid
//! through the scores of messages that the model was not trained on, with his targets that keep few
//! messages from claiming certainty.
//!
//! Invariant: a higher score never gets a lower probability.

/// A logistic curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// Log-odds for each point of the score; not negative.
    pub slope: f32,
    /// Log-odds at a score of 0.
    pub offset: f32,
}

impl Default for Calibration {
    /// For a model that has learned nothing yet: scores are log-odds.
    fn default() -> Self {
        Self { slope: 1.0, offset: 0.0 }
    }
}

impl Calibration {
    /// The log-odds of spam at a score.
    #[must_use]
    pub fn log_odds(self, score: f32) -> f32 {
        self.slope * score + self.offset
    }

    /// The curve through scores of messages that are known to be spam (true) or ham, by Newton's
    /// method; each class weighs as much as the other, so that the curve says what the message says
    /// and not how much spam there was in the training mail.
    #[must_use]
    pub fn fit(scored: &[(f32, bool)]) -> Self {
        let spam = scored.iter().filter(|(_, spam)| *spam).count() as f64;
        let ham = scored.len() as f64 - spam;
        if spam == 0.0 || ham == 0.0 {
            return Self::default();
        }
        let targets = ((spam + 1.0) / (spam + 2.0), 1.0 / (ham + 2.0));
        let (mut slope, mut offset) = (1.0_f64, 0.0_f64);
        for _ in 0..50 {
            // Gradient and Hessian of the log-likelihood.
            let (mut gs, mut go, mut ss, mut so, mut oo) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
            for (score, is_spam) in scored {
                let (x, target, weight) = match is_spam {
                    true => (f64::from(*score), targets.0, 0.5 / spam),
                    false => (f64::from(*score), targets.1, 0.5 / ham),
                };
                let p = 1.0 / (1.0 + (-(slope * x + offset)).exp());
                let (error, curve) = (weight * (target - p), weight * p * (1.0 - p));
                gs += error * x;
                go += error;
                ss += curve * x * x;
                so += curve * x;
                oo += curve;
            }
            let determinant = ss * oo - so * so;
            if determinant.abs() < 1e-18 {
                break;
            }
            let step = ((gs * oo - go * so) / determinant, (go * ss - gs * so) / determinant);
            // Far from the curve Newton's step overshoots.
            let shorten = (2.0 / (step.0.abs() + step.1.abs())).min(1.0);
            slope += step.0 * shorten;
            offset += step.1 * shorten;
            if step.0.abs() + step.1.abs() < 1e-7 {
                break;
            }
        }
        Self { slope: slope.max(0.0) as f32, offset: offset as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_curve_is_found_again() {
        // At each score, as many spam among a thousand as the curve 2x - 1 says.
        let mut scored = Vec::new();
        for tenth in -30..=30 {
            let x = tenth as f32 / 10.0;
            let spam = (1000.0 / (1.0 + (-(2.0 * x - 1.0)).exp())).round() as usize;
            scored.extend((0..1000).map(|n| (x, n < spam)));
        }
        let fit = Calibration::fit(&scored);
        // The classes are weighed alike: the offset moves by the log of their proportion.
        let spam = scored.iter().filter(|(_, spam)| *spam).count() as f32;
        let shift = (spam / (scored.len() as f32 - spam)).ln();
        assert!((fit.slope - 2.0).abs() < 0.05, "{fit:?}");
        assert!((fit.offset + 1.0 + shift).abs() < 0.1, "{fit:?}");
    }

    #[test]
    fn one_class_or_nothing_leaves_scores_as_they_are() {
        assert_eq!(Calibration::fit(&[]), Calibration::default());
        assert_eq!(Calibration::fit(&[(1.0, true)]), Calibration::default());
    }

    #[test]
    fn scores_that_part_the_classes_give_a_steep_but_finite_curve() {
        let fit = Calibration::fit(&[(-2.0, false), (-1.0, false), (1.0, true), (2.0, true)]);
        assert!(fit.slope > 0.0 && fit.slope.is_finite(), "{fit:?}");
    }
}
