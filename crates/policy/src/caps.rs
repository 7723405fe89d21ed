//! How far one family of signals can move the score, either way.
//!
//! Invariant: a family's points are added up first, then bounded; so a hundred weak rules of one
//! kind weigh no more than the kind does.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidegate_signal::Family;

/// The bounds of one family's sum, in points.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// The most it can add; positive.
    pub most: f32,
    /// The most it can take off, as a negative number.
    pub least: f32,
}

/// The cap of each family.
#[derive(Debug, Clone, PartialEq)]
pub struct Caps([Cap; Family::ALL.len()]);

impl Default for Caps {
    fn default() -> Self {
        Self(Family::ALL.map(default_cap))
    }
}

/// Below the default threshold for rejection in every family but the operator's own, so that it
/// takes two. What a family can take off is small where a spammer can bring it about.
const fn default_cap(family: Family) -> Cap {
    let (most, least) = match family {
        Family::Client => (7.0, -1.0),
        Family::Authentication => (6.0, -1.5),
        Family::Lists => (12.0, -3.0),
        Family::Headers => (12.0, -1.0),
        Family::Content => (12.0, -1.0),
        Family::Links => (12.0, -1.0),
        Family::Attachments => (12.0, -1.0),
        Family::Statistics => (8.0, -4.0),
        Family::Bulk => (4.0, -1.0),
        Family::Trust => (3.0, -5.0),
        Family::Policy => (10_000.0, -10_000.0),
    };
    Cap { most, least }
}

impl Caps {
    /// The cap of `family`.
    #[must_use]
    pub const fn of(&self, family: Family) -> Cap {
        self.0[family as usize]
    }

    /// The defaults, with those that a configuration names set.
    #[must_use]
    pub fn with(set: &BTreeMap<Family, Cap>) -> Self {
        Self(Family::ALL.map(|f| set.get(&f).copied().unwrap_or_else(|| default_cap(f))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Thresholds;

    #[test]
    fn each_family_has_its_own_cap() {
        let caps = Caps::default();
        for family in Family::ALL {
            assert_eq!(caps.of(family), default_cap(family), "{family}");
        }
    }

    #[test]
    fn no_family_but_the_operators_own_can_reject_alone() {
        for family in Family::ALL.into_iter().filter(|f| *f != Family::Policy) {
            assert!(default_cap(family).most < Thresholds::default().reject, "{family}");
        }
    }
}
