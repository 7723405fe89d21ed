//! The words that moved an estimate, as a person would read them.
//!
//! Invariant: nothing is computed for this while messages are judged; it reads the message again.

use std::fmt;

use tidegate_mail::Message;

use crate::estimate::Knowledge;
use crate::features::words_of;
use crate::kind::Kind;
use crate::learn::Lessons;
use crate::logistic;
use crate::naive::Heard;
use crate::{Model, estimate};

/// A word or form, and how far it moved the estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// What it was taken from.
    pub kind: Kind,
    /// The word, with what it was taken from: `“viagra”`, `link shop.example`.
    pub words: String,
    /// Log-odds that it added; over 0 speaks for spam.
    pub moved: f32,
}

/// The strongest reasons on both sides.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reasons {
    /// For spam, the strongest first.
    pub spam: Vec<Reason>,
    /// Against it, the strongest first.
    pub ham: Vec<Reason>,
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (of, reasons) in [("for spam", &self.spam), ("against", &self.ham)] {
            if reasons.is_empty() {
                continue;
            }
            let words: Vec<&str> = reasons.iter().map(|reason| reason.words.as_str()).collect();
            write!(f, "{between}{of}: {}", words.join(", "))?;
            between = "; ";
        }
        Ok(())
    }
}

impl Lessons {
    /// The strongest reasons for the estimate of a message, at most `most` on each side.
    #[must_use]
    pub fn reasons(
        &self,
        message: &Message<'_>,
        features: &[u64],
        user: Option<&str>,
        most: usize,
    ) -> Reasons {
        let user = user.and_then(|name| self.user_scope(name));
        reasons(&self.knowledge(user.as_deref()), message, features, most)
    }
}

/// The strongest reasons for what a model alone makes of a message.
#[must_use]
pub fn reasons_of(model: &Model, message: &Message<'_>, features: &[u64], most: usize) -> Reasons {
    reasons(&Knowledge::new(model, None, None), message, features, most)
}

fn reasons(
    knowledge: &Knowledge<'_>,
    message: &Message<'_>,
    features: &[u64],
    most: usize,
) -> Reasons {
    let norm = logistic::norm(features);
    let moved = |feature: &u64| {
        let sum = knowledge.of(*feature)?;
        let mut moved = sum.weight * logistic::scale(Kind::of(*feature)) * norm;
        if let Some(told) = knowledge.telling(*feature, &sum) {
            let mut heard = Heard::default();
            heard.hear(told);
            moved += estimate::NAIVE_WEIGHT * heard.deviate();
        }
        // Four letters of a word tell a person nothing that the word doesn't, and signals stand
        // beside these reasons.
        (!matches!(Kind::of(*feature), Kind::Gram | Kind::Signal)).then_some((*feature, moved))
    };
    let mut all: Vec<(u64, f32)> = features.iter().filter_map(moved).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let spam: Vec<_> = all.iter().take_while(|(_, moved)| *moved > 0.0).take(most).collect();
    let ham: Vec<_> = all.iter().rev().take_while(|(_, moved)| *moved < 0.0).take(most).collect();
    let wanted: Vec<u64> = spam.iter().chain(&ham).map(|(feature, _)| *feature).collect();
    let names = words_of(message, &wanted);
    let told = |side: Vec<&(u64, f32)>| {
        let reason = |(feature, moved): &(u64, f32)| {
            let (_, words) = names.iter().find(|(named, _)| named == feature)?;
            let kind = Kind::of(*feature);
            let words = match kind {
                Kind::Word | Kind::Pair | Kind::Run => format!("“{words}”"),
                _ => words.clone(),
            };
            Some(Reason { kind, words, moved: *moved })
        };
        side.into_iter().filter_map(reason).collect()
    };
    Reasons { spam: told(spam), ham: told(ham) }
}
