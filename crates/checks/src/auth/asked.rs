//! Answers as a verifier reads them: what is not there yet is noted as a question.
//!
//! Invariant: an answer that was never asked for reads as unknown, so a verifier that goes on
//! without it ends in a temporary error and never in a failure.

use tidegate_dns::{Answer, Answers, Name, Question};

static NOT_ASKED: Answer = Answer::Unknown(tidegate_dns::Why::NotAsked);

/// The answers so far, and the questions that came up while they were read.
pub(super) struct Asked<'a> {
    answers: &'a Answers,
    missing: Vec<Question>,
}

impl<'a> Asked<'a> {
    pub(super) const fn of(answers: &'a Answers) -> Self {
        Self { answers, missing: Vec::new() }
    }

    /// The answer, or unknown while it is not there.
    pub(super) fn get(&mut self, question: &Question) -> &'a Answer {
        if self.answers.contains(question) {
            return self.answers.get(question);
        }
        if !self.missing.contains(question) {
            self.missing.push(question.clone());
        }
        &NOT_ASKED
    }

    /// The TXT records of `name`; a name that can't exist has none.
    pub(super) fn txt(&mut self, name: &str) -> &'a Answer {
        match Name::try_from(name) {
            Ok(name) => self.get(&Question::Txt(name)),
            Err(_) => &Answer::NoSuchName,
        }
    }

    /// Whether all that was read was there.
    pub(super) const fn complete(&self) -> bool {
        self.missing.is_empty()
    }

    pub(super) fn into_missing(self) -> Vec<Question> {
        self.missing
    }
}
