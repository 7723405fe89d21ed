//! The Bayes scorer: how often each feature stood in spam and in ham, combined after Fisher.
//!
//! Source: Robinson, "A Statistical Approach to the Spam Problem" (Linux Journal 107, 2003):
//! `f(w) = (s·½ + n·p(w)) / (s + n)`, and Fisher's method on the f(w) that are far from ½. In place of the two
//! probabilities, which saturate at 0 and 1, their normal deviates are compared (Wilson and Hilferty's
//! approximation of chi squared), so that the order of messages is kept at both ends.
//!
//! Words of the text take no part: measured across sources, a word that stood in the ham of one
//! source says little of another's, and the linear model weighs words better.
//!
//! Invariant: what was never seen says nothing.

use crate::kind::Kind;

/// Robinson's s: how many messages the assumption is worth that a feature says nothing.
const DOUBT: f32 = 0.1;

/// How near to 0 or 1 f(w) must be for a feature to be heard.
const HEARD: f32 = 0.05;

/// Whether features of a kind take part.
#[inline]
pub(crate) const fn hears(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Subject
            | Kind::Sender
            | Kind::Link
            | Kind::Header
            | Kind::Structure
            | Kind::Attachment
            | Kind::Html
            | Kind::Disguise
            | Kind::Signal
    )
}

/// How many spam and ham messages a feature stood in; or how many there were in all.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) spam: f32,
    pub(crate) ham: f32,
}

impl Counts {
    /// Adds others, times `weight`.
    pub(crate) fn add(&mut self, other: Self, weight: f32) {
        self.spam += other.spam * weight;
        self.ham += other.ham * weight;
    }
}

/// The probability of spam where a feature is, f(w); `None` where it says next to nothing.
#[inline]
pub(crate) fn telling(seen: Counts, of: Counts) -> Option<f32> {
    let messages = seen.spam + seen.ham;
    if messages <= 0.0 {
        return None;
    }
    let (spam, ham) = (seen.spam / of.spam.max(1.0), seen.ham / of.ham.max(1.0));
    let told = spam / (spam + ham);
    let told = (DOUBT * 0.5 + messages * told) / (DOUBT + messages);
    (!(HEARD..=1.0 - HEARD).contains(&told)).then_some(told)
}

/// Features that were heard so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Heard {
    number: f32,
    ln_spam: f32,
    ln_ham: f32,
}

impl Heard {
    #[inline]
    pub(crate) fn hear(&mut self, told: f32) {
        self.number += 1.0;
        self.ln_spam += told.ln();
        self.ln_ham += (1.0 - told).ln();
    }

    /// Over 0 where spam is likelier; in standard deviations, halved.
    pub(crate) fn deviate(self) -> f32 {
        if self.number == 0.0 {
            return 0.0;
        }
        let freedom = 2.0 * self.number;
        let spread = 2.0 / (9.0 * freedom);
        let normal = |ln: f32| ((-2.0 * ln / freedom).cbrt() - (1.0 - spread)) / spread.sqrt();
        (normal(self.ln_ham) - normal(self.ln_spam)) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF: Counts = Counts { spam: 100.0, ham: 200.0 };

    #[test]
    fn what_stands_on_one_side_only_is_heard() {
        let seen = |spam, ham| telling(Counts { spam, ham }, OF);
        assert_eq!(seen(0.0, 0.0), None);
        assert_eq!(seen(10.0, 20.0), None, "as often in spam as in ham");
        assert!(seen(5.0, 0.0).unwrap() > 0.95 && seen(0.0, 5.0).unwrap() < 0.05);
    }

    #[test]
    fn evidence_adds_up_and_cancels_out() {
        let of = |told: &[f32]| {
            let mut heard = Heard::default();
            told.iter().for_each(|told| heard.hear(*told));
            heard.deviate()
        };
        assert_eq!(of(&[]), 0.0);
        assert!(of(&[0.99]) > 0.0 && of(&[0.99, 0.99]) > of(&[0.99]));
        assert!(of(&[0.99, 0.01]).abs() < 1e-3);
        assert!((of(&[0.01]) + of(&[0.99])).abs() < 1e-4, "both sides are judged alike");
        assert!(of(&[0.999; 500]).is_finite());
    }
}
