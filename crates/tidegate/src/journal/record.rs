//! A record: all that a verdict was made of, as values that can be written down and read again.
//!
//! Invariant: an envelope, an answer and an estimate are read as exactly what was written, so that the
//! message can be judged again and come out the same.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_bayes::{Estimate, FEATURES_VERSION, LessonId};
use tidegate_checks::trust::bimi::certificate::Evidence;
use tidegate_dns::{Answers, Name, Question, Resolver, Written};
use tidegate_engine::{Learnable, Pressure, Recording};
use tidegate_mail::{Address, Envelope, Tls};

use super::decided::Wanted;
use super::frame::Body;
use super::{Keep, id};
use crate::beside::Seen;
use crate::json;

/// A record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its name: the second of arrival, and the MTA's id.
    pub(crate) id: String,
    /// The clock by which the message was judged, in seconds since 1970, UTC.
    pub(crate) now: i64,
    /// What SMTP said.
    pub(super) envelope: Said,
    /// Recipients who are left out, since they are not filtered, or were erased.
    #[serde(default)]
    pub(crate) left_out: usize,
    /// Bytes of the message.
    pub(crate) octets: u64,
    /// What judged.
    pub(crate) versions: Versions,
    /// What was asked, and what came back.
    pub(crate) answers: Vec<Answered>,
    /// What SPF had instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    of_spf: Vec<Answered>,
    #[serde(default)]
    spf_lost: bool,
    /// List zones that were not believed.
    #[serde(default)]
    pub(crate) set_aside: Vec<String>,
    /// Signals that did not count against mail.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    damped: BTreeSet<String>,
    /// What statistics made of it.
    estimate: Option<Estimated>,
    /// What recipients wanted; `None` in records of before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decided: Option<Wanted>,
    /// What was known of the author's mark certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<Evidence>,
    /// How much was left out for overload: 0, the wait for the network, what is heavy as well.
    #[serde(default, skip_serializing_if = "is_zero")]
    pressure: u8,
    /// The verdict, as `scan --json` tells it, without the time it took.
    pub(crate) verdict: String,
    /// What it takes to learn the message, but for the features.
    learnable: Option<Named>,
    /// What statistics saw, where that is kept.
    #[serde(skip)]
    features: Vec<u64>,
    /// The message, where it is kept.
    #[serde(skip)]
    pub(crate) message: Option<Vec<u8>>,
}

/// What judged, to be told apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Versions {
    /// The program.
    pub(crate) program: String,
    /// Of everything configured that has a say in a verdict, rules apart.
    pub(crate) configuration: String,
    /// Of the rules.
    pub(crate) rules: String,
    /// The model's checksum; empty without statistics.
    pub(crate) model: String,
}

/// A question, its answer, and how long that held, in seconds, where it was known still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answered {
    pub(crate) question: String,
    pub(crate) answer: Written,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ttl: Option<u64>,
}

/// An [`Envelope`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    client: Option<IpAddr>,
    client_name: Option<String>,
    helo: Option<String>,
    pub(super) sender: Option<String>,
    pub(super) recipients: Vec<String>,
    tls: Option<(String, String)>,
    pub(super) authenticated: Option<String>,
    queue_id: Option<String>,
    receiver: Option<String>,
}

/// An [`Estimate`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Estimated {
    probability: f32,
    log_odds: f32,
    logistic: f32,
    naive: f32,
    known: usize,
}

/// The name by which a message is learned, and which version found its features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Named {
    id: [u8; 16],
    features_version: u16,
}

impl Record {
    /// The record of a message; `None` when nobody is left for whom it may be kept.
    pub(super) fn of(seen: &Seen, keep: Keep) -> Option<Self> {
        let mut judged = seen.judged.clone();
        let kept: Vec<bool> = judged
            .envelope
            .recipients
            .iter()
            .map(|address| !seen.left_out.contains(address))
            .collect();
        let before = judged.envelope.recipients.len();
        judged.envelope.recipients.retain(|address| !seen.left_out.contains(address));
        judged.recipients.retain(|recipient| !seen.left_out.contains(&recipient.address));
        let left_out = before - judged.envelope.recipients.len();
        if left_out > 0 && left_out == before {
            return None;
        }
        let id = id::of(seen.now, &seen.reference);
        let recording = judged.recording.clone().unwrap_or_default();
        let learnable = judged.learnable.as_ref().filter(|_| keep == Keep::Features);
        Some(Self {
            verdict: json::verdict(&id, &judged).ok()?,
            id,
            now: seen.now,
            left_out,
            octets: seen.octets,
            versions: (*seen.versions).clone(),
            answers: written(&recording.answers, Some(&seen.resolver)),
            of_spf: written(&recording.of_spf, None),
            spf_lost: recording.spf_lost,
            set_aside: recording.set_aside.iter().map(|zone| zone.as_str().to_owned()).collect(),
            damped: (*recording.damped).clone(),
            estimate: recording.estimate.map(Estimated::from),
            decided: recording.decided.as_ref().map(|by| Wanted::of(by, |at| kept[at])),
            mark: recording.mark.clone(),
            pressure: recording.pressure as u8,
            learnable: learnable
                .map(|it| Named { id: *it.id.bytes(), features_version: FEATURES_VERSION }),
            features: learnable.map(|it| it.features.clone()).unwrap_or_default(),
            message: seen.raw.clone().filter(|_| keep == Keep::Message),
            envelope: Said::from(judged.envelope),
        })
    }

    pub(super) fn body(&self) -> serde_json::Result<Body> {
        Ok(Body {
            head: serde_json::to_vec(self)?,
            features: self.features.clone(),
            message: self.message.clone(),
        })
    }

    /// `None` for what a later version wrote otherwise.
    pub(super) fn read(body: Body) -> Option<Self> {
        let head: Self = serde_json::from_slice(&body.head).ok()?;
        Some(Self { features: body.features, message: body.message, ..head })
    }

    /// What SMTP said.
    pub(crate) fn envelope(&self) -> Envelope {
        let Said { client, client_name, helo, sender, recipients, .. } = self.envelope.clone();
        let Said { tls, authenticated, queue_id, receiver, .. } = self.envelope.clone();
        Envelope {
            client,
            client_name,
            helo,
            sender: sender.map(Address::restored),
            recipients: recipients.into_iter().map(Address::restored).collect(),
            tls: tls.map(|(version, cipher)| Tls { version, cipher }),
            authenticated,
            queue_id,
            receiver,
        }
    }

    /// What it takes to judge again; `None` when an answer is of a sort that only a later version knows.
    pub(crate) fn recording(&self) -> Option<Arc<Recording>> {
        let set_aside = self.set_aside.iter().map(|zone| Name::try_from(zone.as_str()).ok());
        Some(Arc::new(Recording {
            answers: answers(&self.answers)?,
            of_spf: answers(&self.of_spf)?,
            spf_lost: self.spf_lost,
            set_aside: set_aside.collect::<Option<_>>()?,
            damped: Arc::new(self.damped.clone()),
            estimate: self.estimate.map(Estimate::from),
            decided: self.decided.as_ref().and_then(Wanted::decided_by),
            mark: self.mark.clone(),
            pressure: pressure(self.pressure)?,
        }))
    }

    /// How much of the message there is, in the words of the configuration.
    pub(crate) const fn kept(&self) -> &'static str {
        match (&self.message, &self.learnable) {
            (Some(_), _) => "message",
            (None, Some(_)) => "features",
            (None, None) => "envelope",
        }
    }

    /// What it takes to learn the message without having it.
    ///
    /// # Errors
    /// Why that can't be done, in words.
    pub(crate) fn learnable(&self) -> Result<Learnable, &'static str> {
        let named =
            self.learnable.as_ref().ok_or("neither the message nor its features are kept")?;
        if named.features_version != FEATURES_VERSION {
            return Err("its features were found by another version of the program");
        }
        Ok(Learnable { id: LessonId::new(named.id), features: self.features.clone() })
    }
}

const fn is_zero(pressure: &u8) -> bool {
    *pressure == 0
}

fn pressure(level: u8) -> Option<Pressure> {
    [Pressure::None, Pressure::Hurried, Pressure::Pressed].into_iter().find(|it| *it as u8 == level)
}

/// In the order of the questions, so that equal answers are written equally.
fn written(answers: &Answers, resolver: Option<&Resolver>) -> Vec<Answered> {
    let ttl = |question: &Question, answer| Some(resolver?.holds(question, answer)?.as_secs());
    let mut all: Vec<Answered> = answers
        .iter()
        .map(|(question, answer)| Answered {
            question: question.to_string(),
            answer: Written::from(answer),
            ttl: ttl(question, answer),
        })
        .collect();
    all.sort_by(|a, b| a.question.cmp(&b.question));
    all
}

fn answers(written: &[Answered]) -> Option<Answers> {
    let read = written.iter().map(|it| {
        let question = it.question.parse::<Question>().ok()?;
        let answer = it.answer.answer(&question)?;
        Some((question, answer))
    });
    read.collect()
}

impl From<Envelope> for Said {
    fn from(envelope: Envelope) -> Self {
        let text = |address: &Address| address.as_str().to_owned();
        Self {
            sender: envelope.sender.as_ref().map(text),
            recipients: envelope.recipients.iter().map(text).collect(),
            client: envelope.client,
            client_name: envelope.client_name,
            helo: envelope.helo,
            tls: envelope.tls.map(|tls| (tls.version, tls.cipher)),
            authenticated: envelope.authenticated,
            queue_id: envelope.queue_id,
            receiver: envelope.receiver,
        }
    }
}

impl From<Estimate> for Estimated {
    fn from(estimate: Estimate) -> Self {
        let Estimate { probability, log_odds, logistic, naive, known } = estimate;
        Self { probability, log_odds, logistic, naive, known }
    }
}

impl From<Estimated> for Estimate {
    fn from(estimated: Estimated) -> Self {
        let Estimated { probability, log_odds, logistic, naive, known } = estimated;
        Self { probability, log_odds, logistic, naive, known }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Records as a daemon might write them, with whatever strangers put into an envelope.
    pub(in crate::journal) fn records() -> impl Strategy<Value = Record> {
        let text = "\\PC{0,20}";
        let optional = prop::option::of(text);
        let client = prop::option::of(any::<IpAddr>());
        let said = (
            client,
            optional.clone(),
            optional.clone(),
            optional,
            prop::collection::vec(text, 0..4),
        );
        let said = said.prop_map(|(client, client_name, helo, sender, recipients)| {
            let new = |text: String| Address::new(&text);
            Envelope {
                client,
                client_name,
                helo: helo.clone(),
                sender: sender.map(new),
                recipients: recipients.into_iter().map(new).collect(),
                tls: helo.map(|version| Tls { version, cipher: String::new() }),
                ..Envelope::default()
            }
        });
        let number = any::<f32>().prop_filter("finite", |it| it.is_finite());
        let estimate =
            (number.clone(), number, any::<u16>()).prop_map(|(probability, log_odds, known)| {
                Estimated {
                    probability,
                    log_odds,
                    logistic: -log_odds,
                    naive: probability,
                    known: known.into(),
                }
            });
        let features = prop::collection::vec(any::<u64>(), 0..20);
        let message = prop::option::of(prop::collection::vec(any::<u8>(), 0..200));
        (said, estimate, any::<i64>(), features, message, text).prop_map(
            |(said, estimate, now, features, message, verdict)| Record {
                id: id::of(now, "4bQx7z3"),
                now,
                envelope: said.into(),
                left_out: 0,
                octets: 7,
                versions: Versions {
                    program: "0.1.0".to_owned(),
                    configuration: String::new(),
                    rules: String::new(),
                    model: String::new(),
                },
                answers: vec![Answered {
                    question: "TXT a.example".to_owned(),
                    answer: Written::Found(vec!["\u{0}v=spf1\u{ff}".to_owned()]),
                    ttl: Some(300),
                }],
                of_spf: Vec::new(),
                spf_lost: false,
                set_aside: vec!["bl.example".to_owned()],
                damped: ["SHOUTS".to_owned()].into(),
                estimate: Some(estimate),
                decided: None,
                mark: Some(Evidence::Unknown),
                pressure: (now % 3).unsigned_abs() as u8,
                verdict,
                learnable: Some(Named { id: [7; 16], features_version: FEATURES_VERSION }),
                features,
                message,
            },
        )
    }

    proptest! {
        #[test]
        fn a_record_is_read_as_it_was_written(record in records()) {
            let read = Record::read(record.body().unwrap()).unwrap();
            prop_assert_eq!(&read, &record);
            prop_assert_eq!(Said::from(read.envelope()), record.envelope);
            let recording = read.recording().unwrap();
            prop_assert_eq!(&*recording.damped, &record.damped);
            prop_assert_eq!(recording.estimate.map(Estimated::from), record.estimate);
            prop_assert_eq!(written(&recording.answers, None)[0].answer.clone(), record.answers[0].answer.clone());
            prop_assert_eq!(read.learnable().unwrap().features, record.features);
        }

        #[test]
        fn any_head_is_a_record_or_none(head in "\\PC{0,80}") {
            let body = Body { head: head.into_bytes(), ..Body::default() };
            prop_assert!(Record::read(body).is_none());
        }
    }
}
