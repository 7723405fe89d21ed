//! What was found, as TOML for a person to look at and to include.
//!
//! Invariant: it is a valid configuration by itself, and holds only what differs from before.

use std::fmt::Write as _;

use tidegate_policy::Policy;
use tidegate_policy::tune::{Ground, Outcome, Tuned};
use tidegate_signal::Family;

/// The settings found.
pub(super) fn text(tuned: &Tuned, before: &Policy, budget: f64, outcome: Outcome) -> String {
    let Policy { thresholds, weights, contradicted, .. } = &tuned.policy;
    let mut text =
        String::from("# Found by 'tidegate tune'. Look at it, then include it or copy it.\n");
    let (ham, spam) = (super::with_bound(outcome.ham), super::with_bound(outcome.spam));
    let _ = writeln!(text, "# Budget of ham error: {}.", super::percent(budget));
    let _ = writeln!(text, "# Ham error {ham}, spam missed {spam}.");
    if let Ground::Extrapolated { needed } = tuned.ground {
        let _ = writeln!(text, "# Not proved: that takes {needed} ham without an error.");
    }
    let _ = writeln!(text, "[verdict]");
    let _ = writeln!(text, "tag = {:.2}", thresholds.tag);
    let _ = writeln!(text, "quarantine = {:.2}", thresholds.quarantine);
    let _ = writeln!(text, "reject = {:.2}", thresholds.reject);
    if *contradicted != before.contradicted {
        let _ = writeln!(text, "contradicted = {contradicted:.2}");
    }
    let moved = |family: &Family| weights.of(*family) != before.weights.of(*family);
    let moved: Vec<Family> = Family::ALL.into_iter().filter(moved).collect();
    if !moved.is_empty() {
        let _ = writeln!(text, "\n[verdict.weights]");
    }
    for family in moved {
        let _ = writeln!(text, "{family} = {:.2}", weights.of(family));
    }
    text
}
