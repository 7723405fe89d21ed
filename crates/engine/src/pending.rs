//! The questions a transaction has put, and the answers it has so far.
//!
//! Invariant: a question is put once a transaction, however many checks ask it.

use tidegate_dns::{Answer, Answers, Lookup, Name, Question, Resolver, Why};
use tokio::time::Instant;

use crate::judged::Missing;

/// Lookups on their way, and those that came back.
pub(crate) struct Pending {
    /// None: what is not known is not asked.
    resolver: Option<Resolver>,
    under_way: Vec<(Question, Lookup)>,
    answers: Answers,
}

impl Pending {
    pub(crate) fn new(resolver: Resolver) -> Self {
        Self::knowing(Answers::default(), Some(resolver))
    }

    /// With answers of before; what is not among them is put to `resolver`, or not asked.
    pub(crate) const fn knowing(answers: Answers, resolver: Option<Resolver>) -> Self {
        Self { resolver, under_way: Vec::new(), answers }
    }

    /// Starts what was not asked before; doesn't wait.
    pub(crate) fn ask(&mut self, questions: impl IntoIterator<Item = Question>) {
        for question in questions {
            let asked = self.answers.contains(&question)
                || self.under_way.iter().any(|(asked, _)| *asked == question);
            if asked {
                continue;
            }
            let Some(resolver) = &self.resolver else {
                self.answers.insert(question, Answer::Unknown(Why::NotAsked));
                continue;
            };
            let lookup = resolver.start(question.clone());
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
            self.keep(question, answer);
        }
        &self.answers
    }

    /// Takes over what a chain of lookups of its own found out.
    pub(crate) fn extend(&mut self, answers: Answers) {
        for (question, answer) in answers {
            self.keep(question, answer);
        }
    }

    /// Of two answers to one question the one that is known counts, whichever came first.
    fn keep(&mut self, question: Question, answer: Answer) {
        if !(answer.is_unknown() && self.answers.contains(&question)) {
            self.answers.insert(question, answer);
        }
    }

    /// Forgets what is below these names: zones that are not believed any more.
    pub(crate) fn forget_below(&mut self, zones: &[Name]) {
        if zones.is_empty() {
            return;
        }
        self.answers.retain(|question, _| match question {
            Question::A(name) => !zones.iter().any(|zone| name.is_below(zone)),
            _ => true,
        });
    }

    pub(crate) fn into_answers(self) -> Answers {
        self.answers
    }

    /// All answers, for the record; none is left here.
    pub(crate) fn take_answers(&mut self) -> Answers {
        std::mem::take(&mut self.answers)
    }

    pub(crate) const fn answers(&self) -> &Answers {
        &self.answers
    }

    /// The questions whose answers did not come.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = &Question> {
        let is_missed = |why: Why| !matches!(why, Why::NotAsked | Why::Offline | Why::Refused);
        self.answers.iter().filter_map(move |(question, answer)| match answer {
            Answer::Unknown(why) => is_missed(*why).then_some(question),
            _ => None,
        })
    }

    /// What did not come, of what was asked. A resolver that is switched off misses nothing, nor does
    /// one that was not to ask.
    pub(crate) fn missing(&self) -> Missing {
        let unanswered = u32::try_from(self.unanswered().count()).unwrap_or(u32::MAX);
        let mut missing = Missing { unanswered, ..Missing::default() };
        for (_, answer) in self.answers.iter() {
            if *answer == Answer::Unknown(Why::NotAsked) {
                continue;
            }
            missing.asked += 1;
            missing.offline |= *answer == Answer::Unknown(Why::Offline);
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(name: &str) -> Question {
        Question::A(Name::try_from(name).unwrap())
    }

    fn found() -> Answer {
        Answer::Found(tidegate_dns::Records::A([std::net::Ipv4Addr::LOCALHOST].into()))
    }

    #[test]
    fn what_is_known_is_not_asked_again_and_what_is_not_asked_is_not_missed() {
        let known = Answers::from_iter([
            (question("a.example"), found()),
            (question("late.example"), Answer::Unknown(Why::Late)),
        ]);
        let mut pending = Pending::knowing(known, None);
        pending.ask([question("a.example"), question("new.example")]);
        assert_eq!(pending.answers().get(&question("a.example")), &found());
        let missing = pending.missing();
        assert_eq!((missing.asked, missing.unanswered), (2, 1));
    }

    #[test]
    fn an_answer_counts_whichever_of_two_askers_it_came_to() {
        let late = Answers::from_iter([(question("a.example"), Answer::Unknown(Why::Late))]);
        let known = Answers::from_iter([(question("a.example"), found())]);
        for (first, second) in [(late.clone(), known.clone()), (known, late)] {
            let mut pending = Pending::knowing(first, None);
            pending.extend(second);
            assert_eq!(pending.answers().get(&question("a.example")), &found());
        }
    }

    #[test]
    fn what_a_zone_said_is_forgotten_with_the_zone() {
        let zone = Name::try_from("bl.example").unwrap();
        let names = ["2.0.0.127.bl.example", "2.0.0.127.notbl.example", "bl.example"];
        let known = names.map(|name| (question(name), found()));
        let mut pending = Pending::knowing(known.into_iter().collect(), None);
        pending.forget_below(&[zone]);
        let left = names.map(|name| pending.answers().contains(&question(name)));
        assert_eq!(left, [false, true, true]);
    }
}
