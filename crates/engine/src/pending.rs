//! The questions a transaction has put, and the answers it has so far.
//!
//! Invariant: a question is put once a transaction, however many checks ask it.

use tidegate_dns::{Answer, Answers, Lookup, Question, Resolver, Why};
use tokio::time::Instant;

use crate::judged::Missing;

/// Lookups on their way, and those that came back.
pub(crate) struct Pending {
    resolver: Resolver,
    under_way: Vec<(Question, Lookup)>,
    answers: Answers,
}

impl Pending {
    pub(crate) fn new(resolver: Resolver) -> Self {
        Self { resolver, under_way: Vec::new(), answers: Answers::default() }
    }

    /// Starts what was not asked before; doesn't wait.
    pub(crate) fn ask(&mut self, questions: impl IntoIterator<Item = Question>) {
        for question in questions {
            let asked = self.answers.contains(&question)
                || self.under_way.iter().any(|(asked, _)| *asked == question);
            if asked {
                continue;
            }
            let lookup = self.resolver.start(question.clone());
            match lookup.ready() {
                Some(answer) => self.answers.insert(question, answer),
                None => self.under_way.push((question, lookup)),
            }
        }
    }

    /// Waits for everything under way, until `deadline`; then what is late is unknown.
    pub(crate) async fn join(&mut self, deadline: Instant) -> &Answers {
        for (question, lookup) in std::mem::take(&mut self.under_way) {
            let answer = lookup.until(deadline).await;
            self.answers.insert(question, answer);
        }
        &self.answers
    }

    /// Takes over what a chain of lookups of its own found out.
    pub(crate) fn extend(&mut self, answers: Answers) {
        self.answers.extend(answers);
    }

    pub(crate) fn into_answers(self) -> Answers {
        self.answers
    }

    pub(crate) const fn answers(&self) -> &Answers {
        &self.answers
    }

    /// What did not come, of what was asked. A resolver that is switched off misses nothing.
    pub(crate) fn missing(&self) -> Missing {
        let mut missing = Missing::default();
        for (_, answer) in self.answers.iter() {
            missing.asked += 1;
            match answer {
                Answer::Unknown(Why::Offline) => missing.offline = true,
                Answer::Unknown(why) if *why != Why::Refused => missing.unanswered += 1,
                _ => {}
            }
        }
        missing
    }
}
