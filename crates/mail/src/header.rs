//! What is read of a header section but once, whether it comes with its body or before it.
//!
//! Invariant: what was read of a section is taken over only by a message that begins with the very
//! same bytes.

use std::sync::OnceLock;

use mail_parser::{Address as Group, DateTime, HeaderValue};

use crate::date;
use crate::defects::{Defect, Defects};
use crate::fields::{self, Field, Section};
use crate::{Address, Bounds, Hop, Mailbox, Message};

/// The header section of a message whose body is still to come, and what was read of it.
#[derive(Debug, Clone)]
pub struct Header {
    section: Box<[u8]>,
    read: Read,
}

impl Header {
    pub(crate) fn new(section: &[u8], read: Read) -> Self {
        Self { section: section.into(), read }
    }

    /// The message that has arrived whole: header section, empty line, body. When `raw` begins
    /// otherwise than what was read, all of it is read.
    #[must_use]
    pub fn with_body<'m>(self, raw: &'m [u8], bounds: &Bounds) -> Message<'m> {
        match self.taken_over(raw) {
            Some(read) => Message::complete(read, raw, bounds),
            None => Message::parse(raw, bounds),
        }
    }

    fn taken_over(self, raw: &[u8]) -> Option<Read> {
        let Self { section, mut read } = self;
        let rest = raw.strip_prefix(&*section)?;
        if !read.section.ended {
            // It was told without the empty line, which its last field's line end must precede.
            let end = fields::empty_line(rest).filter(|_| section.ends_with(b"\n"))?;
            read.section.body += end;
            read.section.ended = true;
            read.of_section.forget(Defect::HeaderUnended);
        }
        Some(read)
    }
}

/// What is read of a header section.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) section: Section,
    pub(crate) from: Vec<Mailbox>,
    pub(crate) sender: Option<Mailbox>,
    pub(crate) reply_to: Vec<Mailbox>,
    pub(crate) to: Vec<Mailbox>,
    pub(crate) cc: Vec<Mailbox>,
    pub(crate) date: Option<i64>,
    /// Read when somebody asks.
    pub(crate) received: OnceLock<Vec<Hop>>,
    /// Of its lines.
    pub(crate) of_section: Defects,
    /// Of what its fields say.
    pub(crate) of_fields: Defects,
}

impl Read {
    /// Reads the header section that `raw` begins with.
    pub(crate) fn new(raw: &[u8], bounds: &Bounds) -> Self {
        let (mut of_section, mut of_fields) = (Defects::default(), Defects::default());
        let section = fields::split(raw, bounds.fields, &mut of_section);
        inspect(&raw[..section.body], &mut of_section);
        let fields = section.fields(raw);
        let named = |name: &'static str| fields.iter().filter(move |field| field.is(name));
        let mut mailboxes = |name| mailboxes(named(name), bounds, &mut of_fields);
        let (from, sender, reply_to) =
            (mailboxes("From"), mailboxes("Sender"), mailboxes("Reply-To"));
        let (to, cc) = (mailboxes("To"), mailboxes("Cc"));
        let date = named("Date")
            .next()
            .and_then(|field| DateTime::parse_rfc822(&field.raw_text()))
            .and_then(date::seconds);
        let sender = sender.into_iter().next();
        let received = OnceLock::new();
        Self { section, from, sender, reply_to, to, cc, date, received, of_section, of_fields }
    }
}

/// Looks for bytes that no header section should have.
fn inspect(section: &[u8], defects: &mut Defects) {
    if !section.is_ascii() && str::from_utf8(section).is_err() {
        defects.note(Defect::EightBitHeader);
    }
    defects.inspect(section);
}

fn mailboxes<'f, 'm: 'f>(
    fields: impl Iterator<Item = &'f Field<'m>>,
    bounds: &Bounds,
    defects: &mut Defects,
) -> Vec<Mailbox> {
    let mut found = Vec::new();
    for field in fields {
        if field.value.len() > bounds.field_bytes {
            defects.note(Defect::FieldTooLong);
        }
        let all = plain(field.beginning(bounds.field_bytes));
        for mailbox in all.unwrap_or_else(|| parsed(field, bounds)) {
            if found.len() >= bounds.addresses {
                defects.note(Defect::AddressesCut);
                return found;
            }
            found.push(mailbox);
        }
    }
    found
}

/// Mailboxes written the way nearly all are, which takes no parser; `None` where one is not.
fn plain(value: &[u8]) -> Option<Vec<Mailbox>> {
    str::from_utf8(value).ok()?.split(',').map(Mailbox::plain).collect()
}

fn parsed(field: &Field<'_>, bounds: &Bounds) -> Vec<Mailbox> {
    let HeaderValue::Address(list) = field.stream(bounds.field_bytes).parse_address() else {
        return Vec::new();
    };
    let addresses: Vec<_> = match list {
        Group::List(list) => list,
        Group::Group(groups) => groups.into_iter().flat_map(|group| group.addresses).collect(),
    };
    let mailbox = |address: mail_parser::Addr<'_>| Mailbox {
        display: address.name.map(|name| name.trim().to_owned()).unwrap_or_default(),
        address: Address::new(&address.address.unwrap_or_default()),
    };
    addresses.into_iter().map(mailbox).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads `section`, then the whole with `body`: as it is read at once.
    #[track_caller]
    fn check(section: &str, body: &str, taken_over: bool) {
        let (raw, bounds) = ([section, body].concat(), Bounds::default());
        let header = Message::parse(section.as_bytes(), &bounds).into_header();
        let read = header.clone().taken_over(raw.as_bytes());
        assert_eq!(read.is_some(), taken_over, "{section:?} {body:?}");
        let (then, once) =
            (header.with_body(raw.as_bytes(), &bounds), Message::parse(raw.as_bytes(), &bounds));
        assert_eq!(format!("{then:?}"), format!("{once:?}"), "{section:?} {body:?}");
    }

    const SECTION: &str = "From: Anna <anna@a.example>\r\nTo: b@b.example\r\nSubject: x\r\n y\r\n";

    #[test]
    fn a_header_section_is_read_once() {
        check(SECTION, "\r\nhello", true);
        check(SECTION, "\n", true);
        check(&format!("{SECTION}\r\n"), "hello", true);
        check(&format!("{SECTION}nonsense\n"), "\nhello", true);
    }

    #[test]
    fn what_ends_otherwise_is_read_again() {
        check(SECTION, "hello", false);
        check(SECTION, " folded\r\n\r\nhello", false);
        check(SECTION.trim_end(), "\r\n\r\nhello", false);
        check(SECTION, "", false);
        check("", "hello", false);
    }

    #[test]
    fn another_message_takes_over_nothing() {
        let bounds = Bounds::default();
        let header = Message::parse(SECTION.as_bytes(), &bounds).into_header();
        let message = header.with_body(b"From: c@c.example\n\nhello", &bounds);
        assert_eq!(message.from()[0].address.as_str(), "c@c.example");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn mailboxes_that_take_no_parser_are_read_as_by_one(
            value in "( ?(\"?[a. ]{0,4}\"? ?<[ab@.=]{0,5}>|[ab@.=]{1,5}) ?,?){1,3}",
        ) {
            let raw = format!("To: {value}\r\n\r\n");
            let section = fields::split(raw.as_bytes(), 9, &mut Defects::default());
            let to = section.fields(raw.as_bytes())[0];
            if let Some(mailboxes) = plain(to.value) {
                prop_assert_eq!(mailboxes, parsed(&to, &Bounds::default()), "{}", value);
            }
        }

        #[test]
        fn a_section_that_comes_first_changes_nothing(
            section in "((From|to|Date|Received|x|Content-Type|): ?(a <b@c>,|=\\?utf-8\\?q\\?=C3\\?=|\\PC{0,9})|From x|\0|\r)?(\r\n|\n|\n ){0,6}",
            body in "(\r\n|\n|\r| |a: b|\0|\\PC){0,6}",
        ) {
            let (raw, bounds) = ([&*section, &*body].concat(), Bounds::default());
            let header = Message::parse(section.as_bytes(), &bounds).into_header();
            let then = header.with_body(raw.as_bytes(), &bounds);
            let once = Message::parse(raw.as_bytes(), &bounds);
            prop_assert_eq!(format!("{then:?}"), format!("{once:?}"));
        }
    }
}
