//! What came back, and what did not.
//!
//! Invariant: whatever keeps an answer from being known is [`Answer::Unknown`]; only an answer that
//! a server gave says that something is there or isn't.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ahash::RandomState;

use crate::{Name, Question};

/// The answer to a [`Question`]; cheap to clone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Records of the type that was asked for; at least one.
    Found(Records),
    /// The name exists, without records of that type.
    NoData,
    /// The name doesn't exist (NXDOMAIN).
    NoSuchName,
    /// Not known, which never counts as spam.
    Unknown(Why),
}

/// Why an answer is not known.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// It did not come in time.
    Late,
    /// The server refused to answer (REFUSED).
    Refused,
    /// The server failed to find out (SERVFAIL and the like).
    ServFail,
    /// No server could be reached.
    Network,
    /// The answer could not be read.
    Malformed,
    /// The answer was cut short, over TCP as well.
    Truncated,
    /// More records or octets than anything honest has.
    TooLarge,
    /// Too many questions are under way already.
    Busy,
    /// The servers deny what exists, so that their word for what doesn't is worth nothing.
    Doubted,
    /// This resolver asks nobody.
    Offline,
    /// Nobody asked.
    NotAsked,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::Late,
        Self::Refused,
        Self::ServFail,
        Self::Network,
        Self::Malformed,
        Self::Truncated,
        Self::TooLarge,
        Self::Busy,
        Self::Doubted,
        Self::Offline,
        Self::NotAsked,
    ];

    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Refused => "refused",
            Self::ServFail => "servfail",
            Self::Network => "network",
            Self::Malformed => "malformed",
            Self::Truncated => "truncated",
            Self::TooLarge => "too-large",
            Self::Busy => "busy",
            Self::Doubted => "doubted",
            Self::Offline => "offline",
            Self::NotAsked => "not-asked",
        }
    }
}

/// The records of one answer, of one type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Records {
    /// IPv4 addresses.
    A(Arc<[Ipv4Addr]>),
    /// IPv6 addresses.
    Aaaa(Arc<[Ipv6Addr]>),
    /// Exchangers, the most preferred first.
    Mx(Arc<[Mx]>),
    /// Texts, each with the strings of its record joined.
    Txt(Arc<[Box<[u8]>]>),
    /// Names of an address; those that are no valid names are left out.
    Ptr(Arc<[Name]>),
}

/// A mail exchanger.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mx {
    /// The lower, the more it is preferred.
    pub preference: u16,
    /// The host; the root in a null MX, which says that the domain takes no mail (RFC 7505).
    pub exchange: Name,
}

impl Records {
    /// Whether there are none; an [`Answer::Found`] has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::A(all) => all.is_empty(),
            Self::Aaaa(all) => all.is_empty(),
            Self::Mx(all) => all.is_empty(),
            Self::Txt(all) => all.is_empty(),
            Self::Ptr(all) => all.is_empty(),
        }
    }
}

impl Answer {
    /// IPv4 addresses found; none for any other answer.
    #[must_use]
    pub fn ipv4(&self) -> &[Ipv4Addr] {
        match self {
            Self::Found(Records::A(addresses)) => addresses,
            _ => &[],
        }
    }

    /// IPv6 addresses found.
    #[must_use]
    pub fn ipv6(&self) -> &[Ipv6Addr] {
        match self {
            Self::Found(Records::Aaaa(addresses)) => addresses,
            _ => &[],
        }
    }

    /// Mail exchangers found, the most preferred first.
    #[must_use]
    pub fn mx(&self) -> &[Mx] {
        match self {
            Self::Found(Records::Mx(exchangers)) => exchangers,
            _ => &[],
        }
    }

    /// Texts found.
    #[must_use]
    pub fn txt(&self) -> &[Box<[u8]>] {
        match self {
            Self::Found(Records::Txt(texts)) => texts,
            _ => &[],
        }
    }

    /// Names of an address found.
    #[must_use]
    pub fn names(&self) -> &[Name] {
        match self {
            Self::Found(Records::Ptr(names)) => names,
            _ => &[],
        }
    }

    /// Whether it is not known.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether a server said that there is nothing: no such name, or no such records.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::NoData | Self::NoSuchName)
    }
}

/// Answers by their questions: what a message is judged by, and what a replay records.
#[derive(Clone, Debug, Default)]
pub struct Answers(HashMap<Question, Answer, RandomState>);

static NOT_ASKED: Answer = Answer::Unknown(Why::NotAsked);

impl Answers {
    /// The answer; unknown when nobody asked.
    #[must_use]
    pub fn get(&self, question: &Question) -> &Answer {
        self.0.get(question).unwrap_or(&NOT_ASKED)
    }

    /// Whether there is an answer, if only that it is unknown.
    #[must_use]
    pub fn contains(&self, question: &Question) -> bool {
        self.0.contains_key(question)
    }

    /// Keeps `answer`, instead of an earlier one to the same question.
    pub fn insert(&mut self, question: Question, answer: Answer) {
        self.0.insert(question, answer);
    }

    /// Forgets what is not to be kept.
    pub fn retain(&mut self, mut keep: impl FnMut(&Question, &Answer) -> bool) {
        self.0.retain(|question, answer| keep(question, answer));
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Question, &Answer)> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Extend<(Question, Answer)> for Answers {
    fn extend<I: IntoIterator<Item = (Question, Answer)>>(&mut self, more: I) {
        self.0.extend(more);
    }
}

impl FromIterator<(Question, Answer)> for Answers {
    fn from_iter<I: IntoIterator<Item = (Question, Answer)>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

impl IntoIterator for Answers {
    type Item = (Question, Answer);
    type IntoIter = std::collections::hash_map::IntoIter<Question, Answer>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asked_is_unknown_and_what_was_found_is_read_by_its_type() {
        let question = Question::A(Name::try_from("mail.example").unwrap());
        let mut answers = Answers::default();
        assert_eq!(answers.get(&question), &Answer::Unknown(Why::NotAsked));
        let address = Ipv4Addr::new(192, 0, 2, 1);
        answers.insert(question.clone(), Answer::Found(Records::A([address].into())));
        let answer = answers.get(&question);
        assert_eq!(answer.ipv4(), [address]);
        assert!(answer.ipv6().is_empty() && answer.mx().is_empty() && answer.txt().is_empty());
        assert!(!answer.is_nothing() && !answer.is_unknown());
    }
}
