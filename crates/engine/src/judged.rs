//! The result: what was said of a message, and what was decided for each recipient.

use std::sync::Arc;
use std::time::Duration;

use tidegate_checks::authentication::Authentication;
use tidegate_checks::trust::Trust;
use tidegate_mail::Envelope;
use tidegate_policy::{Decision, Thresholds, Verdict, explain};
use tidegate_signal::Signals;

use crate::carry::Fields;
use crate::recipients::{Decided, Recipient, untouched};
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

/// A message, judged.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What SMTP said.
    pub envelope: Envelope,
    /// What all recipients share; by the site's thresholds and nobody's choice where they differ.
    pub decision: Decision,
    /// Everything that was said of the message, whoever receives it.
    pub signals: Signals,
    /// The same with what is said for an only recipient, where anything is.
    pub own_signals: Option<Signals>,
    /// The outcome for each recipient.
    pub recipients: Vec<Recipient>,
    /// Who sent it, as far as that is proved.
    pub authentication: Authentication,
    /// Who vouches for it.
    pub trust: Trust,
    /// What the delivered message carries out, in each form.
    pub fields: Fields,
    /// What the verdict had to do without.
    pub missing: Missing,
    /// What was left out since there was more to judge than could be, by name.
    pub left_out: Vec<&'static str>,
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
        decided: Decided,
        signals: Signals,
        authentication: Authentication,
        trust: Trust,
        fields: Fields,
        missing: Missing,
        left_out: Vec<&'static str>,
        learnable: Option<Learnable>,
        recording: Option<Arc<Recording>>,
        timings: Timings,
    ) -> Self {
        let Decided { decision, own_signals, recipients, .. } = decided;
        Self {
            envelope,
            decision,
            signals,
            own_signals,
            recipients,
            authentication,
            trust,
            fields,
            missing,
            left_out,
            learnable,
            recording,
            timings,
        }
    }

    /// A message that nobody wants looked at.
    pub(crate) fn unfiltered(
        envelope: Envelope,
        recipients: Vec<Recipient>,
        thresholds: Thresholds,
    ) -> Self {
        Self {
            envelope,
            decision: untouched(thresholds),
            signals: Signals::new(),
            own_signals: None,
            recipients,
            authentication: Authentication::default(),
            trust: Trust::default(),
            fields: Fields::default(),
            missing: Missing::default(),
            left_out: Vec::new(),
            learnable: None,
            recording: None,
            timings: Timings::default(),
        }
    }

    /// The outcome of the message as a whole: the mildest that a recipient has.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let each = self.recipients.iter().map(|recipient| recipient.verdict);
        each.min().unwrap_or(self.decision.action.verdict())
    }

    /// What may be told to all who receive it.
    #[must_use]
    pub fn told(&self) -> &Signals {
        self.own_signals.as_ref().unwrap_or(&self.signals)
    }

    /// Whether recipients differ in what becomes of the message, or in why.
    #[must_use]
    pub fn is_split(&self) -> bool {
        let [first, others @ ..] = &self.recipients[..] else { return false };
        others.iter().any(|other| !Arc::ptr_eq(&first.own, &other.own))
    }

    /// Why the outcome is what it is, in one line.
    #[must_use]
    pub fn reason(&self) -> String {
        match &self.recipients[..] {
            [first, ..] if !self.is_split() => first.reason.to_string(),
            _ => explain::reason(&self.decision, self.told()),
        }
    }
}
