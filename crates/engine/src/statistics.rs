//! The statistical stage: what was learned of words and forms, asked once the checks and rules have
//! spoken, since what they say of form and content is evidence for it, too.
//!
//! Invariant: a message is estimated by what was known when its turn came; nothing here waits for a
//! lesson, and nothing is learned here.

use std::sync::{Arc, Mutex, PoisonError};

use tidegate_bayes::{Estimate, Extractor, LessonId, Lessons, signals as bands};
use tidegate_mail::{Envelope, Message};
use tidegate_signal::Signals;

/// Strongest words that are told on each side.
const MOST_REASONS: usize = 5;
/// Extractors that are kept for the next messages.
const MOST_IDLE: usize = 64;

/// What was learned, and how it is used.
pub struct Statistics {
    lessons: Arc<Lessons>,
    /// Whether the words that moved an estimate are found: a second look at the message.
    explains: bool,
    /// Whether a message's features are kept, so that it can be learned.
    keeps: bool,
    idle: Mutex<Vec<Extractor>>,
}

/// A message as statistics see it: what it takes to learn it.
#[derive(Debug, Clone)]
pub struct Learnable {
    /// Its name, whatever the receiving side added to it.
    pub id: LessonId,
    /// What was found in it.
    pub features: Vec<u64>,
}

/// A message, estimated.
pub(crate) struct Estimated {
    pub(crate) estimate: Estimate,
    pub(crate) learnable: Option<Learnable>,
}

/// A message of which checks and rules have spoken, as something to be learned.
pub(crate) fn learnable(message: &Message<'_>, signals: &Signals) -> Learnable {
    let features = Extractor::new().features_with(message, signals).to_vec();
    Learnable { id: LessonId::of(message), features }
}

impl Statistics {
    /// Statistics on what `lessons` know.
    #[must_use]
    pub fn new(lessons: Arc<Lessons>) -> Self {
        Self { lessons, explains: false, keeps: false, idle: Mutex::default() }
    }

    /// With the words that moved an estimate, for a person.
    #[must_use]
    pub fn explaining(self) -> Self {
        Self { explains: true, ..self }
    }

    /// With the features of each message, for whoever learns from it.
    #[must_use]
    pub fn keeping(self) -> Self {
        Self { keeps: true, ..self }
    }

    /// What is known.
    #[must_use]
    pub const fn lessons(&self) -> &Arc<Lessons> {
        &self.lessons
    }

    /// States the band of the message's probability: of the one that is `given`, or of what is known
    /// now.
    pub(crate) fn judge(
        &self,
        message: &Message<'_>,
        envelope: &Envelope,
        given: Option<Estimate>,
        signals: &mut Signals,
    ) -> Estimated {
        // Several recipients may have taught differently: what the site knows serves them all.
        let user = match &envelope.recipients[..] {
            [only] => Some(only.as_str()),
            _ => None,
        };
        let mut extractor = self.idle().pop().unwrap_or_default();
        let features = extractor.features_with(message, signals);
        let estimate = given.unwrap_or_else(|| self.lessons.estimate(features, user));
        let evidence = match bands::band(&estimate) {
            Some(_) if self.explains => {
                self.lessons.reasons(message, features, user, MOST_REASONS).to_string()
            }
            _ => String::new(),
        };
        bands::raise(&estimate, &evidence, signals);
        let learnable = self
            .keeps
            .then(|| Learnable { id: LessonId::of(message), features: features.to_vec() });
        let mut idle = self.idle();
        if idle.len() < MOST_IDLE {
            idle.push(extractor);
        }
        Estimated { estimate, learnable }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Extractor>> {
        // A panic while the list was held can't leave an extractor half in it.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
