//! How often a signal was wrong, and whether that is too often.
//!
//! Invariant: one user alone never damps a signal; the operator does.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::Config;

/// How a signal stands within the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Messages taken for spam that it spoke against.
    pub hits: u32,
    /// Times that this was wrong, by users and the operator; no user counts for more than his share.
    pub corrections: u32,
    /// Users who said so.
    pub users: u32,
    /// Times that the operator said so.
    pub by_operator: u32,
    /// Times that it spoke for spam that was let through. Told, and never damped for.
    pub missed: u32,
}

impl Standing {
    /// Of the corrections of each user, and those of the operator.
    pub(super) fn new(
        hits: u32,
        missed: u32,
        by_user: &HashMap<[u8; 8], u32>,
        by_operator: u32,
        config: &Config,
    ) -> Self {
        let share = config.max_corrections.saturating_add(1).div_ceil(config.min_users.max(1));
        let counted: u32 = by_user.values().map(|count| (*count).min(share)).sum();
        let users = u32::try_from(by_user.len()).unwrap_or(u32::MAX);
        Self { hits, corrections: counted + by_operator, users, by_operator, missed }
    }

    /// Whether it is wrong too often.
    #[must_use]
    pub fn is_too_often_wrong(&self, config: &Config) -> bool {
        // Hits of before the window or of a minute before a crash are not known: of every correction
        // there was a hit.
        let hits = f64::from(self.hits.max(self.corrections));
        self.corrections > config.max_corrections
            && f64::from(self.corrections) > config.max_correction_share * hits
            && (self.users >= config.min_users || self.by_operator > 0)
    }
}

/// A signal that was damped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damping {
    /// Its name.
    pub signal: String,
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// How it stood then.
    pub standing: Standing,
    /// Who has put it back to work, and when; `None`: it counts for nothing.
    pub cleared: Option<Cleared>,
}

/// Who has put a signal back to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    /// Who.
    pub by: String,
    /// When, in seconds since 1970.
    pub at: u64,
}

/// A signal that is damped, was, or has been corrected at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub signal: String,
    /// How it stands now.
    pub standing: Standing,
    /// The last time it was damped.
    pub damping: Option<Damping>,
}

impl Listed {
    /// Whether it counts for nothing now.
    #[must_use]
    pub fn is_damped(&self) -> bool {
        self.damping.as_ref().is_some_and(|damping| damping.cleared.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether so many corrections of each user, and so many of the operator, of so many hits damp.
    fn damps(users: &[u32], operator: u32, hits: u32) -> bool {
        let by_user = users.iter().enumerate().map(|(n, count)| ([n as u8; 8], *count)).collect();
        let config = Config::default();
        Standing::new(hits, 0, &by_user, operator, &config).is_too_often_wrong(&config)
    }

    #[test]
    fn it_takes_several_users_or_the_operator() {
        assert!(!damps(&[100], 0, 100), "one user alone");
        assert!(!damps(&[100, 100], 0, 100), "nor two");
        assert!(damps(&[2, 2, 2], 0, 100));
        assert!(!damps(&[2, 2, 1], 0, 100), "five is the limit, which is not passed");
        assert!(damps(&[1; 6], 0, 100));
        assert!(damps(&[], 6, 100), "the operator's word is enough");
        assert!(!damps(&[], 5, 100));
        assert!(damps(&[100], 4, 100), "a user beside the operator");
    }

    #[test]
    fn few_corrections_of_many_hits_are_no_reason() {
        assert!(!damps(&[2, 2, 2], 0, 1_000));
        assert!(damps(&[1; 51], 0, 1_000));
        assert!(damps(&[2, 2, 2], 0, 0), "hits that were not counted are no excuse");
    }
}
