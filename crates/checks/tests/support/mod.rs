//! A DNS that tests write down, and the loop that asks it as the engine would.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::HashMap;
use std::net::IpAddr;

use tidegate_checks::auth::{Authenticator, Extent, Verified};
use tidegate_checks::authentication::{Authentication, Spf};
use tidegate_dns::{Answer, Answers, Mx, Name, Question, Records, Why};
use tidegate_mail::{Address, Bounds, Envelope, Message};

/// Rounds that any test may take.
const MOST_ROUNDS: usize = 16;

/// Records by question. What isn't there doesn't exist; what is lost stays unknown.
#[derive(Default)]
pub(crate) struct World {
    records: HashMap<Question, Records>,
    lost: Vec<Question>,
}

fn name(name: &str) -> Name {
    Name::try_from(name).unwrap()
}

impl World {
    pub(crate) fn txt(mut self, at: &str, text: &str) -> Self {
        let mut texts: Vec<Box<[u8]>> = match self.records.remove(&Question::Txt(name(at))) {
            Some(Records::Txt(texts)) => texts.to_vec(),
            _ => Vec::new(),
        };
        texts.push(text.as_bytes().into());
        self.records.insert(Question::Txt(name(at)), Records::Txt(texts.into()));
        self
    }

    pub(crate) fn address(mut self, at: &str, address: &str) -> Self {
        let (question, records) = match address.parse().unwrap() {
            IpAddr::V4(v4) => (Question::A(name(at)), Records::A([v4].into())),
            IpAddr::V6(v6) => (Question::Aaaa(name(at)), Records::Aaaa([v6].into())),
        };
        self.records.insert(question, records);
        self
    }

    pub(crate) fn mx(mut self, at: &str, exchanges: &[&str]) -> Self {
        let exchanges = exchanges.iter().map(|it| Mx { preference: 10, exchange: name(it) });
        self.records.insert(Question::Mx(name(at)), Records::Mx(exchanges.collect()));
        self
    }

    pub(crate) fn ptr(mut self, address: &str, names: &[&str]) -> Self {
        let names = names.iter().map(|it| name(it)).collect();
        self.records.insert(Question::Ptr(address.parse().unwrap()), Records::Ptr(names));
        self
    }

    pub(crate) fn lost(mut self, question: Question) -> Self {
        self.lost.push(question);
        self
    }

    pub(crate) fn lost_txt(self, at: &str) -> Self {
        self.lost(Question::Txt(name(at)))
    }

    pub(crate) fn answer(&self, question: &Question) -> Answer {
        if self.lost.contains(question) {
            return Answer::Unknown(Why::Late);
        }
        self.records.get(question).map_or(Answer::NoSuchName, |it| Answer::Found(it.clone()))
    }

    /// Calls until nothing is missing; the result and how many rounds of lookups it took.
    pub(crate) fn complete<T: std::fmt::Debug>(
        &self,
        answers: &mut Answers,
        verify: impl Fn(&Answers) -> Verified<T>,
    ) -> (T, usize) {
        for round in 0..MOST_ROUNDS {
            match verify(answers) {
                Verified::Done(found) => return (found, round),
                Verified::Needs { questions, .. } => {
                    assert!(!questions.is_empty(), "needs something, but nothing in particular");
                    for question in questions {
                        assert!(!answers.contains(&question), "asked again: {question:?}");
                        let answer = self.answer(&question);
                        answers.insert(question, answer);
                    }
                }
            }
        }
        panic!("more than {MOST_ROUNDS} rounds");
    }

    pub(crate) fn spf(&self, envelope: &Envelope) -> Spf {
        let authenticator = Authenticator::new();
        self.complete(&mut Answers::default(), |answers| authenticator.spf(envelope, answers)).0
    }

    /// As the engine does it: SPF, what can be asked ahead, then the rest.
    pub(crate) fn authenticate(&self, envelope: &Envelope, raw: &[u8]) -> Authentication {
        self.authenticate_at(envelope, raw, now())
    }

    /// The same of a message that arrived at `now`.
    pub(crate) fn authenticate_at(
        &self,
        envelope: &Envelope,
        raw: &[u8],
        now: i64,
    ) -> Authentication {
        let authenticator = Authenticator::new();
        let message = Message::parse(raw, &Bounds::default());
        let mut answers = Answers::default();
        let (spf, _) = self.complete(&mut answers, |answers| authenticator.spf(envelope, answers));
        self.complete(&mut answers, |answers| {
            authenticator.verify(envelope, &message, Extent::Whole, spf.clone(), answers, now)
        })
        .0
    }
}

/// Seconds since 1970, UTC.
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_secs()).unwrap()
}

/// A client that hands in mail of `sender`.
pub(crate) fn envelope(client: &str, sender: &str) -> Envelope {
    Envelope {
        client: Some(client.parse().unwrap()),
        helo: Some("mail.client.example.net".to_owned()),
        sender: Some(Address::new(sender)),
        ..Envelope::default()
    }
}
