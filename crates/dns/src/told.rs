//! What the records of an answer say.
//!
//! Invariant: bounded in number and size, whatever a server sends.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::rr::{Name as WireName, RData, RecordType};

use crate::{Answer, Mx, Name, Question, Records, Why};

/// Most records of an answer. Honest answers stay far below; domains with many dozens of texts exist.
const MOST_RECORDS: usize = 256;
/// Most octets of all texts of an answer: what one message over TCP can hold.
const MOST_TEXT: usize = 65_535;

/// An answer, and how long it holds when its server said so.
pub(crate) struct Told {
    pub(crate) answer: Answer,
    pub(crate) ttl: Option<Duration>,
}

impl Told {
    /// That it is not known.
    pub(crate) const fn unknown(why: Why) -> Self {
        Self { answer: Answer::Unknown(why), ttl: None }
    }
}

pub(crate) const fn record_type(question: &Question) -> RecordType {
    match question {
        Question::A(_) => RecordType::A,
        Question::Aaaa(_) => RecordType::AAAA,
        Question::Mx(_) => RecordType::MX,
        Question::Txt(_) => RecordType::TXT,
        Question::Ptr(_) => RecordType::PTR,
    }
}

/// The answer that `data` gives: records of the type that was asked for.
pub(crate) fn found<'d>(question: &Question, data: impl Iterator<Item = &'d RData>) -> Answer {
    let all: Vec<&RData> = data.take(MOST_RECORDS + 1).collect();
    if all.len() > MOST_RECORDS {
        return Answer::Unknown(Why::TooLarge);
    }
    let records = match question {
        Question::A(_) => Records::A(all.iter().filter_map(|it| ipv4(it)).collect()),
        Question::Aaaa(_) => Records::Aaaa(all.iter().filter_map(|it| ipv6(it)).collect()),
        Question::Mx(_) => Records::Mx(exchangers(&all)),
        Question::Txt(_) => match texts(&all) {
            Some(texts) => Records::Txt(texts),
            None => return Answer::Unknown(Why::TooLarge),
        },
        Question::Ptr(_) => Records::Ptr(all.iter().filter_map(|it| host(it)).collect()),
    };
    if records.is_empty() { Answer::NoData } else { Answer::Found(records) }
}

/// None for what is no name of ours, such as a label with a dot or a space in it.
fn off_the_wire(wire: &WireName) -> Option<Name> {
    if wire.is_root() {
        return Some(Name::root());
    }
    let mut text = String::with_capacity(wire.len());
    for label in wire {
        let label = std::str::from_utf8(label).ok().filter(|label| !label.contains('.'))?;
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(label);
    }
    Name::try_from(text.as_str()).ok()
}

fn ipv4(data: &RData) -> Option<Ipv4Addr> {
    if let RData::A(address) = data { Some(address.0) } else { None }
}

fn ipv6(data: &RData) -> Option<Ipv6Addr> {
    if let RData::AAAA(address) = data { Some(address.0) } else { None }
}

fn host(data: &RData) -> Option<Name> {
    match data {
        RData::PTR(name) => off_the_wire(&name.0).filter(|name| *name != Name::root()),
        _ => None,
    }
}

fn exchangers(all: &[&RData]) -> Arc<[Mx]> {
    let exchangers = all.iter().filter_map(|data| match data {
        RData::MX(mx) => {
            Some(Mx { preference: mx.preference, exchange: off_the_wire(&mx.exchange)? })
        }
        _ => None,
    });
    let mut exchangers: Vec<Mx> = exchangers.collect();
    exchangers.sort();
    exchangers.into()
}

/// Each record's strings joined (RFC 7208, section 3.3); none when they are too large.
fn texts(all: &[&RData]) -> Option<Arc<[Box<[u8]>]>> {
    let mut room = MOST_TEXT;
    let mut texts = Vec::with_capacity(all.len());
    for data in all {
        if let RData::TXT(text) = data {
            let joined = text.txt_data.concat().into_boxed_slice();
            room = room.checked_sub(joined.len())?;
            texts.push(joined);
        }
    }
    Some(texts.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_with_a_dot_in_it_is_not_two_labels() {
        let wire = WireName::from_labels([&b"mail.bank"[..], b"example"]).unwrap();
        assert_eq!(off_the_wire(&wire), None);
        let wire = WireName::from_labels([&b"Mail"[..], b"example"]).unwrap();
        assert_eq!(off_the_wire(&wire), Some(Name::try_from("mail.example").unwrap()));
    }
}
