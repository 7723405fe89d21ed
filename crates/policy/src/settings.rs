//! The policy as written in the configuration: `[verdict]`.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidegate_signal::Family;

use crate::decide::CONTRADICTED;
use crate::{Cap, Caps, Policy, Thresholds, Weights};

/// `[verdict]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Points from which mail is tagged.
    pub tag: f32,
    /// Points from which mail is quarantined.
    pub quarantine: f32,
    /// Points from which mail is rejected.
    pub reject: f32,
    /// How long one message may take in all, in milliseconds, before `on_timeout`.
    pub timeout_ms: u64,
    /// What is answered when judging took too long.
    pub on_timeout: Fallback,
    /// What is answered when there is more to judge than can be.
    pub on_overload: Fallback,
    /// Messages judged at once; more wait.
    pub concurrency: usize,
    /// How long a message waits for its turn, in milliseconds, before `on_overload`.
    pub overload_wait_ms: u64,
    /// Messages that wait for their turn at most.
    pub max_waiting: usize,
    /// Their octets in all; one may always wait.
    pub max_waiting_bytes: u64,
    /// Whether less is done for a message when there is more to judge than can be.
    pub shed: bool,
    /// How much a rejection tells the sender.
    pub reply_detail: ReplyDetail,
    /// Where a sender may turn to: an address or a URL, named in rejections.
    pub contact: Option<String>,
    /// What a point against form or content is worth where statistics speak for the message.
    pub contradicted: f32,
    /// Bounds of what a family of signals can add or take off.
    pub caps: BTreeMap<Family, Cap>,
    /// What a point of a family is worth.
    pub weights: BTreeMap<Family, f32>,
}

impl Default for Config {
    fn default() -> Self {
        let Thresholds { tag, quarantine, reject } = Thresholds::default();
        Self {
            tag,
            quarantine,
            reject,
            timeout_ms: 10_000,
            on_timeout: Fallback::Accept,
            on_overload: Fallback::Defer,
            concurrency: 256,
            overload_wait_ms: 2_000,
            max_waiting: 1_024,
            max_waiting_bytes: 64 << 20,
            shed: true,
            reply_detail: ReplyDetail::Class,
            contact: None,
            contradicted: CONTRADICTED,
            caps: BTreeMap::new(),
            weights: BTreeMap::new(),
        }
    }
}

/// What to do with a message that could not be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fallback {
    /// Let it through, marked as not judged.
    Accept,
    /// Ask the sending server to come again later.
    Defer,
}

/// How much a rejection tells the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplyDetail {
    /// Only that it was refused, and the reference.
    None,
    /// The kind of fault as well.
    Class,
    /// The decisive signals as well.
    Full,
}

/// Settings of `[verdict]` that contradict each other.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidThresholds {
    /// A number that is none, or a threshold that would touch all mail.
    #[error("'{key}' must be a number above 0; write for example {key} = {default:.1}")]
    NotPositive {
        /// Of which threshold.
        key: &'static str,
        /// Its default.
        default: f32,
    },
    /// A harder outcome would begin below a milder one.
    #[error(
        "'{harder}' ({harder_at}) is below '{milder}' ({milder_at}), so '{milder}' could never be the outcome; \
         write {harder} = {milder_at} or more"
    )]
    OutOfOrder {
        /// The milder outcome.
        milder: &'static str,
        /// Where it begins.
        milder_at: f32,
        /// The harder one.
        harder: &'static str,
        /// Where it begins.
        harder_at: f32,
    },
    /// A cap with the wrong sign.
    #[error(
        "the cap of '{0}' must have 'most' at 0 or above and 'least' at 0 or below; \
         write for example {{ most = 12.0, least = -1.0 }}"
    )]
    CapSign(Family),
    /// A weight that turns evidence round, or drowns all other.
    #[error("the weight of '{0}' must be a number from 0 to 10; write for example {0} = 1.0")]
    Weight(Family),
    /// A share that is none.
    #[error(
        "'contradicted' must be a number from 0 to 1; write for example contradicted = {CONTRADICTED:.1}"
    )]
    NoShare,
    /// Nothing could ever be judged.
    #[error("'{0}' must be at least 1")]
    Zero(&'static str),
}

impl InvalidThresholds {
    /// The key below `[verdict]` that the mistake is in.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::NotPositive { key, .. } | Self::Zero(key) => (*key).to_owned(),
            Self::OutOfOrder { harder, .. } => (*harder).to_owned(),
            Self::NoShare => "contradicted".to_owned(),
            Self::CapSign(family) => format!("caps.{family}"),
            Self::Weight(family) => format!("weights.{family}"),
        }
    }
}

impl Config {
    /// Everything that is wrong.
    #[must_use]
    pub fn mistakes(&self) -> Vec<InvalidThresholds> {
        let mut found = Vec::new();
        let default = Thresholds::default();
        let scores = [
            ("tag", self.tag, default.tag),
            ("quarantine", self.quarantine, default.quarantine),
            ("reject", self.reject, default.reject),
        ];
        let is_sound = |at: f32| at.is_finite() && at > 0.0;
        for (key, _, default) in scores.into_iter().filter(|(_, at, _)| !is_sound(*at)) {
            found.push(InvalidThresholds::NotPositive { key, default });
        }
        // What is no threshold has no place in their order.
        let sound: Vec<_> = scores.into_iter().filter(|(_, at, _)| is_sound(*at)).collect();
        for pair in sound.windows(2) {
            let [(milder, milder_at, _), (harder, harder_at, _)] = *pair else { continue };
            if harder_at < milder_at {
                found.push(InvalidThresholds::OutOfOrder { milder, milder_at, harder, harder_at });
            }
        }
        for (key, value) in
            [("timeout_ms", self.timeout_ms), ("concurrency", self.concurrency as u64)]
        {
            if value == 0 {
                found.push(InvalidThresholds::Zero(key));
            }
        }
        if !(0.0..=1.0).contains(&self.contradicted) {
            found.push(InvalidThresholds::NoShare);
        }
        let wrong = |cap: &Cap| !(cap.most >= 0.0 && cap.least <= 0.0);
        let caps = self.caps.iter().filter(|(_, cap)| wrong(cap));
        found.extend(caps.map(|(family, _)| InvalidThresholds::CapSign(*family)));
        let weights = self.weights.iter().filter(|(_, weight)| !(0.0..=10.0).contains(*weight));
        found.extend(weights.map(|(family, _)| InvalidThresholds::Weight(*family)));
        found
    }
}

impl TryFrom<&Config> for Policy {
    type Error = InvalidThresholds;

    /// The error is the first of [`Config::mistakes`].
    fn try_from(config: &Config) -> Result<Self, InvalidThresholds> {
        if let Some(first) = config.mistakes().into_iter().next() {
            return Err(first);
        }
        let Config { tag, quarantine, reject, .. } = *config;
        Ok(Self {
            thresholds: Thresholds { tag, quarantine, reject },
            caps: Caps::with(&config.caps),
            weights: Weights::with(&config.weights),
            contradicted: config.contradicted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_out_of_order_are_told_with_what_to_write() {
        let config = Config { reject: 6.0, ..Config::default() };
        let error = Policy::try_from(&config).unwrap_err();
        assert_eq!(error.key(), "reject");
        assert!(error.to_string().contains("write reject = 8 or more"), "{error}");
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let config = Config {
            quarantine: -1.0,
            tag: 20.0,
            concurrency: 0,
            contradicted: 7.0,
            weights: [(Family::Links, 11.0)].into(),
            ..Config::default()
        };
        let keys: Vec<String> = config.mistakes().iter().map(InvalidThresholds::key).collect();
        assert_eq!(keys, ["quarantine", "reject", "concurrency", "contradicted", "weights.links"]);
        assert_eq!(Config::default().mistakes(), []);
    }

    #[test]
    fn a_weight_turns_no_evidence_round() {
        for weight in [-0.5, 11.0, f32::NAN] {
            let config = Config { weights: [(Family::Links, weight)].into(), ..Config::default() };
            assert_eq!(Policy::try_from(&config).unwrap_err().key(), "weights.links");
        }
    }

    #[test]
    fn thresholds_are_positive_numbers() {
        for tag in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let config = Config { tag, ..Config::default() };
            assert_eq!(Policy::try_from(&config).unwrap_err().key(), "tag");
        }
    }
}
