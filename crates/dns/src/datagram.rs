//! A question as a datagram, and what the datagram that answers it says (RFC 1035, section 4;
//! RFC 2308; RFC 6891).
//!
//! Invariant: an answer counts only where it repeats the question, and of its records only those
//! that the question's name leads to; what is out of the ordinary says nothing here.

use std::time::Duration;

use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::{RData, Record};

use crate::told::{Told, found, record_type};
use crate::{Answer, Question};

const HEADER_OCTETS: usize = 12;
/// Octets of type and class behind a name.
const TYPE_AND_CLASS: usize = 4;
/// One question, and one record behind it, which is that of EDNS; recursion is desired.
const HEADER: [u8; HEADER_OCTETS] = [0, 0, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 1];
/// The class of the Internet.
const IN: [u8; 2] = [0, 1];
/// EDNS (RFC 6891, section 6.1.2): answers of up to 1,232 octets, which no network cuts in pieces.
const EDNS: [u8; 11] = [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0];
const TYPE_SOA: [u8; 2] = [0, 6];
/// Most records of the authority section that are looked at for its SOA.
const MOST_AUTHORITIES: usize = 32;
/// Most aliases between a name and its records.
const MOST_ALIASES: usize = 16;

/// A question, to be sent.
#[derive(Debug)]
pub(crate) struct Datagram {
    octets: Vec<u8>,
    /// Where the question ends.
    end: usize,
}

impl Datagram {
    /// `None` where what is asked for has no name.
    pub(crate) fn new(question: &Question) -> Option<Self> {
        let name = question.name().ok()?;
        let mut octets = Vec::with_capacity(HEADER_OCTETS + name.as_str().len() + 2 + 4 + 11);
        octets.extend_from_slice(&HEADER);
        for label in name.labels() {
            octets.push(u8::try_from(label.len()).ok()?);
            octets.extend_from_slice(label.as_bytes());
        }
        octets.push(0);
        octets.extend_from_slice(&u16::from(record_type(question)).to_be_bytes());
        octets.extend_from_slice(&IN);
        let end = octets.len();
        octets.extend_from_slice(&EDNS);
        Some(Self { octets, end })
    }

    /// The octets to send, with `id`.
    pub(crate) fn under(&self, id: u16) -> Vec<u8> {
        let mut octets = self.octets.clone();
        if let Some(place) = octets.first_chunk_mut() {
            *place = id.to_be_bytes();
        }
        octets
    }

    /// Whether `response` answers this question, whatever it says.
    pub(crate) fn is_answered_by(&self, response: &[u8]) -> bool {
        let asked = self.octets.get(HEADER_OCTETS..self.end).unwrap_or_default();
        let (name, kind) = asked.split_at(asked.len().saturating_sub(TYPE_AND_CLASS));
        let is_response = response.get(2).is_some_and(|flags| flags & 0x80 != 0);
        let one_question = response.get(4..6) == Some(&[0, 1]);
        let told = response.get(HEADER_OCTETS..self.end);
        let repeated = told.and_then(|told| told.split_at_checked(name.len()));
        // No length of a label is a letter, so that case is only that of letters.
        let repeated = repeated.is_some_and(|(its_name, its_kind)| {
            its_name.eq_ignore_ascii_case(name) && its_kind == kind
        });
        is_response && one_question && repeated
    }

    /// What `response` says, which answers this question; `None` where that is out of the ordinary: cut
    /// short, a failure, or an alias that leads nowhere.
    pub(crate) fn read(&self, question: &Question, response: &[u8]) -> Option<Told> {
        const OPERATION_AND_TRUNCATED: u8 = 0x7a;
        let [_, _, flags, code, _, _, a, b, c, d, ..] = *response else { return None };
        let (answers, authorities) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let missing = match code & 0x0f {
            0 => Answer::NoData,
            3 => Answer::NoSuchName,
            _ => return None,
        };
        if flags & OPERATION_AND_TRUNCATED != 0 {
            return None;
        }
        if answers > 0 {
            return read_records(question, response, missing);
        }
        let ttl = negative_ttl(response.get(self.end..)?, authorities);
        Some(Told { answer: missing, ttl })
    }
}

/// The id of a datagram.
pub(crate) fn id(datagram: &[u8]) -> Option<u16> {
    datagram.first_chunk().map(|id| u16::from_be_bytes(*id))
}

/// How long it holds that there is nothing (RFC 2308, section 5): what the SOA says among the
/// `count` records that `section` begins with.
fn negative_ttl(mut section: &[u8], count: u16) -> Option<Duration> {
    for _ in 0..usize::from(count).min(MOST_AUTHORITIES) {
        let ([kind_a, kind_b, _, _, a, b, c, d, length_a, length_b], rest) =
            behind_name(section)?.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([*length_a, *length_b]));
        let (data, rest) = rest.split_at_checked(length)?;
        if [*kind_a, *kind_b] == TYPE_SOA {
            let ttl = u32::from_be_bytes([*a, *b, *c, *d]);
            let minimum = u32::from_be_bytes(*data.last_chunk()?);
            return Some(Duration::from_secs(ttl.min(minimum).into()));
        }
        section = rest;
    }
    None
}

/// What stands behind the name that `octets` begin with: labels up to the root or to a pointer.
fn behind_name(mut octets: &[u8]) -> Option<&[u8]> {
    loop {
        let (&length, rest) = octets.split_first()?;
        match length {
            0 => return Some(rest),
            1..=63 => octets = rest.get(usize::from(length)..)?,
            192.. => return rest.get(1..),
            _ => return None,
        }
    }
}

/// Follows the aliases from the question's name to records of its type.
fn read_records(question: &Question, response: &[u8], missing: Answer) -> Option<Told> {
    let message = Message::from_vec(response).ok()?;
    let mut name = message.queries.first()?.name().clone();
    let mut ttl = u32::MAX;
    for _ in 0..MOST_ALIASES {
        let wanted = record_type(question);
        let of_name = || message.answers.iter().filter(|record| record.name == name);
        let records: Vec<&Record> =
            of_name().filter(|record| record.record_type() == wanted).collect();
        if !records.is_empty() {
            let ttl = records.iter().map(|it| it.ttl).fold(ttl, u32::min);
            let answer = found(question, records.iter().map(|it| &it.data));
            return Some(Told { answer, ttl: Some(Duration::from_secs(ttl.into())) });
        }
        let alias = of_name().find_map(|it| match &it.data {
            RData::CNAME(target) => Some((&target.0, it.ttl)),
            _ => None,
        });
        let Some((target, its_ttl)) = alias else { break };
        ttl = ttl.min(its_ttl);
        name = target.clone();
    }
    // There is an answer, and nothing in it for us: that the alias leads nowhere holds if an SOA says so.
    let soa = message.authorities.iter().find_map(|it| match &it.data {
        RData::SOA(soa) => Some(it.ttl.min(soa.minimum)),
        _ => None,
    });
    let ttl = Some(Duration::from_secs(ttl.min(soa?).into()));
    Some(Told { answer: missing, ttl })
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::op::{OpCode, Query, ResponseCode};
    use hickory_resolver::proto::rr::rdata::{A, CNAME, SOA};
    use hickory_resolver::proto::rr::{Name as WireName, RecordType};
    use proptest::prelude::*;

    use super::*;
    use crate::Name;

    fn asked() -> (Question, Datagram) {
        let question = Question::A(Name::try_from("mail.example").unwrap());
        let datagram = Datagram::new(&question).unwrap();
        (question, datagram)
    }

    fn wire(name: &str) -> WireName {
        WireName::from_ascii(name).unwrap()
    }

    /// A response to `name` with `change` made to it.
    fn response(name: &str, change: impl FnOnce(&mut Message)) -> Vec<u8> {
        let mut message = Message::response(7, OpCode::Query);
        message.add_query(Query::query(wire(name), RecordType::A));
        change(&mut message);
        message.to_vec().unwrap()
    }

    fn soa() -> Record {
        let soa = SOA::new(wire("ns.example."), wire("root.example."), 1, 1, 1, 1, 30);
        Record::from_rdata(wire("example."), 60, RData::SOA(soa))
    }

    fn a(name: &str, ttl: u32) -> Record {
        Record::from_rdata(wire(name), ttl, RData::A(A::new(192, 0, 2, 1)))
    }

    fn alias(name: &str, target: &str) -> Record {
        Record::from_rdata(wire(name), 20, RData::CNAME(CNAME(wire(target))))
    }

    #[test]
    fn a_question_is_written_as_others_read_it() {
        let (_, datagram) = asked();
        let message = Message::from_vec(&datagram.under(0x1234)).unwrap();
        assert_eq!(message.metadata.id, 0x1234);
        assert!(message.metadata.recursion_desired);
        assert_eq!(message.queries, [Query::query(wire("mail.example."), RecordType::A)]);
        assert_eq!(message.max_payload(), 1_232);
    }

    #[test]
    fn only_what_repeats_the_question_answers_it() {
        let (_, datagram) = asked();
        let answers = |octets: &[u8]| datagram.is_answered_by(octets);
        assert!(answers(&response("mail.example.", |_| {})));
        assert!(answers(&response("MAIL.example.", |_| {})));
        assert!(!answers(&response("nail.example.", |_| {})));
        assert!(!answers(&response("mail.example.com.", |_| {})));
        assert!(!answers(&response("mail.example.", |it| it.queries.clear())));
        let other_type = |it: &mut Message| {
            it.queries[0].set_query_type(RecordType::AAAA);
        };
        assert!(!answers(&response("mail.example.", other_type)));
        assert!(!answers(&datagram.under(7)), "a question is no answer");
    }

    #[test]
    fn that_there_is_nothing_holds_as_long_as_the_soa_says() {
        let (question, datagram) = asked();
        let read = |octets: &[u8]| {
            let told = datagram.read(&question, octets).unwrap();
            (told.answer, told.ttl.map(|ttl| ttl.as_secs()))
        };
        let nothing = response("mail.example.", |_| {});
        assert_eq!(read(&nothing), (Answer::NoData, None));
        let missing = response("mail.example.", |it| {
            it.metadata.response_code = ResponseCode::NXDomain;
            it.authorities.extend([a("glue.example.", 1), soa()]);
        });
        assert_eq!(read(&missing), (Answer::NoSuchName, Some(30)));
        let behind_an_alias = response("mail.example.", |it| {
            it.answers.push(alias("mail.example.", "gone.example."));
            it.authorities.push(soa());
        });
        assert_eq!(read(&behind_an_alias), (Answer::NoData, Some(20)));
    }

    #[test]
    fn of_the_records_only_those_count_that_the_name_leads_to() {
        let (question, datagram) = asked();
        let read = |records: &[Record]| {
            let octets = response("mail.example.", |it| it.answers.extend_from_slice(records));
            let told = datagram.read(&question, &octets)?;
            Some((told.answer.ipv4().len(), told.ttl?.as_secs()))
        };
        assert_eq!(read(&[a("mail.example.", 9), a("Mail.Example.", 8)]), Some((2, 8)));
        let led = [a("b.example.", 99), alias("mail.example.", "b.example."), a("c.example.", 1)];
        assert_eq!(read(&led), Some((1, 20)));
        assert_eq!(read(&[a("other.example.", 9)]), None);
        assert_eq!(read(&[alias("mail.example.", "mail.example.")]), None, "a loop");
    }

    #[test]
    fn what_is_out_of_the_ordinary_says_nothing() {
        let (question, datagram) = asked();
        let says = |change: fn(&mut Message)| {
            datagram.read(&question, &response("mail.example.", change)).is_some()
        };
        assert!(says(|_| {}));
        assert!(!says(|it| it.metadata.truncation = true));
        assert!(!says(|it| it.metadata.op_code = OpCode::Status));
        for code in [ResponseCode::ServFail, ResponseCode::Refused, ResponseCode::FormErr] {
            let octets = response("mail.example.", |it| it.metadata.response_code = code);
            assert!(datagram.read(&question, &octets).is_none(), "{code}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_an_answer_or_none(
            octets in proptest::collection::vec(any::<u8>(), 0..80),
            cut in 0usize..80,
        ) {
            let (question, datagram) = asked();
            let _ = (datagram.is_answered_by(&octets), datagram.read(&question, &octets));
            // The beginning of a true one, and anything behind it.
            let mut mixed = response("mail.example.", |it| it.authorities.push(soa()));
            mixed.truncate(cut);
            mixed.extend(octets);
            let _ = (datagram.is_answered_by(&mixed), datagram.read(&question, &mixed));
        }
    }
}
