//! What a verdict was made of that did not come with the message: enough to judge it again, and to
//! come out the same.
//!
//! Invariant: judged again by its [`Recording`], with the clock of then and the same configuration, a
//! message has the same verdict, signals and missing answers, whatever the network says by now.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidegate_bayes::Estimate;
use tidegate_checks::trust::bimi::certificate::Evidence;
use tidegate_dns::{Answers, Name};
use tidegate_signal::{Damped, Scores};

use crate::{DecidedBy, Pressure};

/// Everything from outside that a verdict used.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// Every question that was put, with its answer or why there is none.
    pub answers: Answers,
    /// Answers by which SPF was judged where they are others: its questions are put by themselves, and
    /// may have come too late for SPF alone.
    pub of_spf: Answers,
    /// SPF was not known when the message was judged: the lookups it takes were lost.
    pub spf_lost: bool,
    /// List zones that were not believed, so that what they said is not among the answers.
    pub set_aside: Vec<Name>,
    /// Signals that did not count against mail.
    pub damped: Arc<BTreeSet<String>>,
    /// What statistics made of the message, where they were asked.
    pub estimate: Option<Estimate>,
    /// What its recipients wanted and knew; `None`: that is not known any more.
    pub decided: Option<DecidedBy>,
    /// What was known of the author's mark certificate, where it was asked.
    pub mark: Option<Evidence>,
    /// Under what pressure it was judged.
    pub pressure: Pressure,
}

/// A message is judged again.
#[derive(Debug, Clone)]
pub struct Again {
    /// What was recorded of it.
    pub recording: Arc<Recording>,
    /// Whether questions that were not put then are put to the network now; else they count as not
    /// asked.
    pub further: bool,
    /// Whether statistics say what they said then, or what they know now.
    pub recorded_estimate: bool,
    /// Whether recipients want what they wanted then, or what they want by this configuration.
    pub recorded_policies: bool,
}

impl Recording {
    /// The scores of a configuration, but for what was damped then.
    pub(crate) fn weights(&self, scores: &Scores) -> Scores {
        let then = Damped::default();
        then.set((*self.damped).clone());
        scores.clone().damping(then)
    }

    /// The answers that SPF had.
    pub(crate) fn for_spf(&self) -> Answers {
        let mut answers = self.answers.clone();
        answers.extend(self.of_spf.clone());
        answers
    }
}

impl Again {
    /// What recipients wanted then, where that is to count.
    pub(crate) fn decided(&self) -> Option<&DecidedBy> {
        self.recording.decided.as_ref().filter(|_| self.recorded_policies)
    }

    /// By what was recorded and nothing else.
    #[must_use]
    pub const fn exactly(recording: Arc<Recording>) -> Self {
        Self { recording, further: false, recorded_estimate: true, recorded_policies: true }
    }
}
