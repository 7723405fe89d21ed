//! Questions and answers as text, for whoever records them and reads them again.
//!
//! Invariant: what was written is read as the same value by every later version; what is read is as
//! valid as what came from the network.

use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Answer, Mx, Name, Question, Records, Why};

/// An [`Answer`] in words.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Written {
    /// Records as people write them: `192.0.2.1`, `10 mail.example`. A text has its octets as the
    /// characters of these numbers.
    Found(Vec<String>),
    /// The name has no such records.
    NoData,
    /// There is no such name.
    NoSuchName,
    /// Not known, and why in a word.
    Unknown(String),
}

impl From<&Answer> for Written {
    fn from(answer: &Answer) -> Self {
        match answer {
            Answer::Found(records) => Self::Found(lines(records)),
            Answer::NoData => Self::NoData,
            Answer::NoSuchName => Self::NoSuchName,
            Answer::Unknown(why) => Self::Unknown(why.as_str().to_owned()),
        }
    }
}

fn lines(records: &Records) -> Vec<String> {
    match records {
        Records::A(all) => all.iter().map(ToString::to_string).collect(),
        Records::Aaaa(all) => all.iter().map(ToString::to_string).collect(),
        Records::Mx(all) => {
            all.iter().map(|mx| format!("{} {}", mx.preference, mx.exchange.as_str())).collect()
        }
        Records::Txt(all) => {
            all.iter().map(|text| text.iter().map(|octet| char::from(*octet)).collect()).collect()
        }
        Records::Ptr(all) => all.iter().map(|name| name.as_str().to_owned()).collect(),
    }
}

impl Written {
    /// The answer to `question` that this is; `None` when it can't be one.
    #[must_use]
    pub fn answer(&self, question: &Question) -> Option<Answer> {
        Some(match self {
            Self::Found(lines) => {
                let records = records(lines, question)?;
                if records.is_empty() {
                    return None;
                }
                Answer::Found(records)
            }
            Self::NoData => Answer::NoData,
            Self::NoSuchName => Answer::NoSuchName,
            Self::Unknown(word) => {
                Answer::Unknown(Why::ALL.into_iter().find(|why| why.as_str() == word)?)
            }
        })
    }
}

fn records(lines: &[String], question: &Question) -> Option<Records> {
    let lines = lines.iter();
    Some(match question {
        Question::A(_) => Records::A(lines.map(|it| it.parse().ok()).collect::<Option<_>>()?),
        Question::Aaaa(_) => Records::Aaaa(lines.map(|it| it.parse().ok()).collect::<Option<_>>()?),
        Question::Mx(_) => Records::Mx(lines.map(|it| exchanger(it)).collect::<Option<_>>()?),
        Question::Txt(_) => Records::Txt(lines.map(|it| octets(it)).collect::<Option<_>>()?),
        Question::Ptr(_) => Records::Ptr(lines.map(|it| name(it)).collect::<Option<_>>()?),
    })
}

fn exchanger(line: &str) -> Option<Mx> {
    let (preference, exchange) = line.split_once(' ')?;
    let exchange = if exchange.is_empty() { Name::root() } else { name(exchange)? };
    Some(Mx { preference: preference.parse().ok()?, exchange })
}

fn name(text: &str) -> Option<Name> {
    Name::try_from(text).ok()
}

fn octets(text: &str) -> Option<Box<[u8]>> {
    text.chars().map(|octet| u8::try_from(octet).ok()).collect()
}

/// Text that is no question.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no question to DNS")]
pub struct ParseQuestionError(String);

/// As [`Question`] is displayed: `MX example.com`.
impl FromStr for Question {
    type Err = ParseQuestionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = || {
            let (kind, of) = text.split_once(' ')?;
            Some(match kind {
                "A" => Self::A(name(of)?),
                "AAAA" => Self::Aaaa(name(of)?),
                "MX" => Self::Mx(name(of)?),
                "TXT" => Self::Txt(name(of)?),
                "PTR" => Self::Ptr(of.parse::<IpAddr>().ok()?),
                _ => return None,
            })
        };
        parsed().ok_or_else(|| ParseQuestionError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> impl Strategy<Value = Name> {
        "[a-z0-9_]{1,20}(\\.[a-z0-9-]{1,20}){0,4}".prop_filter_map("a name", |it| name(&it))
    }

    fn exchanges() -> impl Strategy<Value = Mx> {
        let exchange = prop_oneof![4 => names(), 1 => Just(Name::root())];
        (any::<u16>(), exchange).prop_map(|(preference, exchange)| Mx { preference, exchange })
    }

    fn asked() -> impl Strategy<Value = (Question, Answer)> {
        let text = prop::collection::vec(any::<u8>(), 0..300).prop_map(Vec::into_boxed_slice);
        let some = |answer: Records| Answer::Found(answer);
        let few = 1..4;
        prop_oneof![
            (names(), prop::collection::vec(any::<std::net::Ipv4Addr>(), few.clone()))
                .prop_map(move |(n, all)| (Question::A(n), some(Records::A(all.into())))),
            (names(), prop::collection::vec(any::<std::net::Ipv6Addr>(), few.clone()))
                .prop_map(move |(n, all)| (Question::Aaaa(n), some(Records::Aaaa(all.into())))),
            (names(), prop::collection::vec(exchanges(), few.clone()))
                .prop_map(move |(n, all)| (Question::Mx(n), some(Records::Mx(all.into())))),
            (names(), prop::collection::vec(text, few.clone()))
                .prop_map(move |(n, all)| (Question::Txt(n), some(Records::Txt(all.into())))),
            (any::<IpAddr>(), prop::collection::vec(names(), few))
                .prop_map(move |(n, all)| (Question::Ptr(n), some(Records::Ptr(all.into())))),
            names().prop_map(|n| (Question::Txt(n), Answer::NoData)),
            names().prop_map(|n| (Question::A(n), Answer::NoSuchName)),
            (names(), prop::sample::select(&Why::ALL[..]))
                .prop_map(|(n, why)| (Question::Mx(n), Answer::Unknown(why))),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same((question, answer) in asked()) {
            let written = Written::from(&answer);
            let read: Question = question.to_string().parse().unwrap();
            prop_assert_eq!(&read, &question);
            prop_assert_eq!(written.answer(&read), Some(answer));
        }

        #[test]
        fn any_text_is_a_question_or_none(text in "\\PC{0,60}", lines in prop::collection::vec("\\PC{0,20}", 0..3)) {
            if let Ok(question) = text.parse::<Question>() {
                prop_assert_eq!(question.to_string().parse(), Ok(question.clone()));
            }
            for kind in ["A a.example", "AAAA a.example", "MX a.example", "TXT a.example", "PTR 192.0.2.1"] {
                let _ = Written::Found(lines.clone()).answer(&kind.parse().unwrap());
            }
        }
    }

    #[test]
    fn an_answer_without_records_is_none() {
        let question = "A mail.example".parse().unwrap();
        assert_eq!(Written::Found(Vec::new()).answer(&question), None);
        assert_eq!(Written::Unknown("tired".to_owned()).answer(&question), None);
    }
}
