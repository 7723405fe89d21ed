//! The guards as written in the configuration: `[guard]`.

use serde::Deserialize;

/// `[guard]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The share of ham that may be tagged, for `tidegate tune`.
    pub max_ham_error: f64,
    /// Corrections within the window that a signal may have before its points stop to count.
    pub max_corrections: u32,
    /// The share of a signal's hits on spam that may be corrected before its points stop to count.
    pub max_correction_share: f64,
    /// Users who must have corrected a signal, unless the operator did.
    pub min_users: u32,
    /// Days that corrections and hits count.
    pub window_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_ham_error: 0.0005,
            max_corrections: 5,
            max_correction_share: 0.05,
            min_users: 3,
            window_days: 30,
        }
    }
}

/// A setting of `[guard]` that can't be meant.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidGuard {
    /// A share that is none.
    #[error("'{key}' must be a number above 0 and below 1; write for example {key} = {default}")]
    NoShare {
        /// Which.
        key: &'static str,
        /// Its default.
        default: f64,
    },
    /// A count that makes no sense.
    #[error("'{0}' must be at least 1")]
    Zero(&'static str),
}

impl InvalidGuard {
    /// The key below `[guard]` that the mistake is in.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::NoShare { key, .. } | Self::Zero(key) => key,
        }
    }
}

impl Config {
    /// Everything that can't be meant.
    #[must_use]
    pub fn mistakes(&self) -> Vec<InvalidGuard> {
        let default = Self::default();
        let shares = [
            ("max_ham_error", self.max_ham_error, default.max_ham_error),
            ("max_correction_share", self.max_correction_share, default.max_correction_share),
        ];
        let shares = shares.into_iter().filter(|(_, value, _)| !(*value > 0.0 && *value < 1.0));
        let counts = [("min_users", self.min_users), ("window_days", self.window_days)];
        let counts = counts.into_iter().filter(|(_, value)| *value == 0);
        shares
            .map(|(key, _, default)| InvalidGuard::NoShare { key, default })
            .chain(counts.map(|(key, _)| InvalidGuard::Zero(key)))
            .collect()
    }
}
