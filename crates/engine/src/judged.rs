//! The result: what was said of a message, and what was decided for each recipient.

use std::sync::Arc;
use std::time::Duration;

use tidegate_checks::authentication::Authentication;
use tidegate_mail::{Address, Envelope};
use tidegate_policy::{Decision, Verdict, explain};
use tidegate_signal::Signals;

use crate::carry::Fields;
use crate::recording::Recording;
use crate::statistics::Learnable;

/// How long the stages took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    /// The view of the message.
    pub parse: Duration,
    /// Waiting for answers that had not come when the message had.
    pub network: Duration,
    /// SPF, DKIM, DMARC and ARC, with what only they could ask.
    pub authentication: Duration,
    /// The checks.
    pub checks: Duration,
    /// The rules.
    pub rules: Duration,
    /// The statistics.
    pub statistics: Duration,
    /// From the end of the message to the verdict.
    pub total: Duration,
}

/// Answers of the network that a verdict had to do without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Missing {
    /// Questions put.
    pub asked: u32,
    /// Of these, how many were not answered in time or at all.
    pub unanswered: u32,
    /// The network is switched off: nothing was asked, and nothing is missed.
    pub offline: bool,
}

impl Missing {
    /// Whether the verdict is partial.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.unanswered > 0
    }

    /// `dns:3/20`, as the status field tells it; empty when nothing is missing.
    #[must_use]
    pub fn word(&self) -> String {
        if self.any() { format!("dns:{}/{}", self.unanswered, self.asked) } else { String::new() }
    }
}

/// What was decided for one recipient.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// As RCPT said.
    pub address: Address,
    /// The outcome.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
}

/// A message, judged.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What SMTP said.
    pub envelope: Envelope,
    /// The outcome under the site's policy.
    pub decision: Decision,
    /// Everything that was said of the message.
    pub signals: Signals,
    /// The outcome for each recipient.
    pub recipients: Vec<Recipient>,
    /// Who sent it, as far as that is proved.
    pub authentication: Authentication,
    /// What the delivered message carries out.
    pub fields: Fields,
    /// What the verdict had to do without.
    pub missing: Missing,
    /// What it takes to learn the message, where that is kept.
    pub learnable: Option<Learnable>,
    /// What it takes to judge the message again, where that is recorded.
    pub recording: Option<Arc<Recording>>,
    /// How long the stages took.
    pub timings: Timings,
}

impl Judged {
    #[expect(clippy::too_many_arguments, reason = "each is a part of the result")]
    pub(crate) fn new(
        envelope: Envelope,
        decision: Decision,
        signals: Signals,
        authentication: Authentication,
        fields: Fields,
        missing: Missing,
        learnable: Option<Learnable>,
        recording: Option<Arc<Recording>>,
        timings: Timings,
    ) -> Self {
        let reason = explain::reason(&decision, &signals);
        let recipients = envelope
            .recipients
            .iter()
            .map(|address| Recipient {
                address: address.clone(),
                verdict: decision.verdict,
                reason: reason.clone(),
            })
            .collect();
        Self {
            envelope,
            decision,
            signals,
            recipients,
            authentication,
            fields,
            missing,
            learnable,
            recording,
            timings,
        }
    }

    /// Why the outcome is what it is, in one line.
    #[must_use]
    pub fn reason(&self) -> String {
        explain::reason(&self.decision, &self.signals)
    }
}
