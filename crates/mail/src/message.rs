//! The view of one message.

use std::borrow::Cow;

use mail_parser::{Address as Group, DateTime, HeaderValue};
use memchr::{memchr, memchr_iter};

use crate::date;
use crate::defects::{Defect, Defects};
use crate::fields::{self, Field};
use crate::html::HtmlFacts;
use crate::links::Links;
use crate::text::{self, Texts};
use crate::{Address, Attachment, Bounds, Hop, Link, Mailbox, Part, attachments, mime};

/// Received fields that are read.
const MOST_HOPS: usize = 50;

/// A message as the checks see it: a view over the bytes that were transferred.
///
/// Reading one takes all apart that checks commonly ask for. Of a header section alone
/// (no body) everything about the header is there as well.
#[derive(Debug, Clone)]
pub struct Message<'m> {
    raw: &'m [u8],
    body_at: usize,
    fields: Vec<Field<'m>>,
    from: Vec<Mailbox>,
    sender: Option<Mailbox>,
    reply_to: Vec<Mailbox>,
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    subject: Option<Cow<'m, str>>,
    message_id: Option<Cow<'m, str>>,
    date: Option<i64>,
    received: Vec<Hop>,
    parts: Vec<Part<'m>>,
    texts: Texts<'m>,
    links: Vec<Link>,
    attachments: Vec<Attachment>,
    defects: Defects,
}

impl<'m> Message<'m> {
    /// Reads `raw`: header section, empty line, body. Never fails: what is malformed, and what goes
    /// over a bound, is told in [`defects`](Self::defects).
    #[must_use]
    pub fn parse(raw: &'m [u8], bounds: &Bounds) -> Self {
        let mut defects = Defects::default();
        let section = fields::split(raw, bounds.fields, &mut defects);
        let (header, body) = raw.split_at(section.body);
        inspect(header, body, &mut defects);
        let parts = mime::walk(&section.fields, body, bounds, &mut defects);
        let mut links = Links::new(bounds.links);
        let texts = text::read(&parts, bounds, &mut links, &mut defects);
        let attachments = attachments::find(&parts, bounds, &mut defects);

        let fields = section.fields;
        let named = |name: &'static str| fields.iter().filter(move |field| field.is(name));
        let mut mailboxes = |name: &'static str| mailboxes(named(name), bounds, &mut defects);
        let (from, sender, reply_to) =
            (mailboxes("From"), mailboxes("Sender"), mailboxes("Reply-To"));
        let (to, cc) = (mailboxes("To"), mailboxes("Cc"));
        let subject = named("Subject").next().map(Field::text);
        if subject
            .as_deref()
            .is_some_and(|subject| subject.contains("=?") && subject.contains("?="))
        {
            defects.note(Defect::EncodedWordBroken);
        }
        let date = named("Date")
            .next()
            .and_then(|field| DateTime::parse_rfc822(&field.raw_text()))
            .and_then(date::seconds);
        let hops = named("Received").take(MOST_HOPS);
        let received = hops.map(|field| Hop::read(field, bounds.field_bytes.min(4_096))).collect();
        let message_id = named("Message-ID").next().map(|field| bare_id(field.raw_text()));
        Self {
            raw,
            body_at: section.body,
            from,
            sender: sender.into_iter().next(),
            reply_to,
            to,
            cc,
            subject,
            message_id,
            date,
            received,
            fields,
            parts,
            texts,
            links: links.all,
            attachments,
            defects,
        }
    }

    /// All of it, as it was transferred.
    #[must_use]
    pub const fn raw(&self) -> &'m [u8] {
        self.raw
    }

    /// The header section, with the empty line that ends it.
    #[must_use]
    pub fn header_bytes(&self) -> &'m [u8] {
        &self.raw[..self.body_at]
    }

    /// What follows the header section.
    #[must_use]
    pub fn body_bytes(&self) -> &'m [u8] {
        &self.raw[self.body_at..]
    }

    /// The header fields, from the top.
    #[must_use]
    pub fn fields(&self) -> &[Field<'m>] {
        &self.fields
    }

    /// The first field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field<'m>> {
        self.fields.iter().find(|field| field.is(name))
    }

    /// All fields of that name, from the top.
    pub fn fields_named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Field<'m>> {
        self.fields.iter().filter(move |field| field.is(name))
    }

    /// How many fields of that name there are.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.fields_named(name).count()
    }

    /// The authors, of all From fields.
    #[must_use]
    pub fn from(&self) -> &[Mailbox] {
        &self.from
    }

    /// Who sent it for the authors (RFC 5322, section 3.6.2), when that is told.
    #[must_use]
    pub const fn sender(&self) -> Option<&Mailbox> {
        self.sender.as_ref()
    }

    /// Where replies go, when that is told.
    #[must_use]
    pub fn reply_to(&self) -> &[Mailbox] {
        &self.reply_to
    }

    /// The recipients that To names.
    #[must_use]
    pub fn to(&self) -> &[Mailbox] {
        &self.to
    }

    /// The recipients that Cc names.
    #[must_use]
    pub fn cc(&self) -> &[Mailbox] {
        &self.cc
    }

    /// The subject, decoded.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The Message-ID without its angle brackets.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// The date of the Date field, in seconds since 1970, UTC; `None` when there is none that can be
    /// read.
    #[must_use]
    pub const fn date(&self) -> Option<i64> {
        self.date
    }

    /// The hosts on its way, the last one first.
    #[must_use]
    pub fn received(&self) -> &[Hop] {
        &self.received
    }

    /// The MIME parts, depth first; the first is the message itself.
    #[must_use]
    pub fn parts(&self) -> &[Part<'m>] {
        &self.parts
    }

    /// What a reader sees: HTML rendered, else the plain text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.texts.visible.as_deref().unwrap_or(&self.texts.plain)
    }

    /// The plain text parts, decoded.
    #[must_use]
    pub fn plain(&self) -> &str {
        &self.texts.plain
    }

    /// The source of the HTML parts, decoded.
    #[must_use]
    pub fn html_source(&self) -> &str {
        &self.texts.html
    }

    /// The text that HTML hides from the eye.
    #[must_use]
    pub fn hidden(&self) -> &str {
        &self.texts.hidden
    }

    /// What the HTML consists of; all zero where there is none.
    #[must_use]
    pub const fn html(&self) -> &HtmlFacts {
        &self.texts.facts
    }

    /// The links, those of HTML first.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The attached files.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// What is malformed, and what was left out; each once.
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        self.defects.as_slice()
    }
}

/// Looks for bytes that no message should have.
fn inspect(header: &[u8], body: &[u8], defects: &mut Defects) {
    if !header.is_ascii() && str::from_utf8(header).is_err() {
        defects.note(Defect::EightBitHeader);
    }
    for text in [header, body] {
        if memchr(0, text).is_some() {
            defects.note(Defect::NulByte);
        }
        if memchr_iter(b'\r', text).any(|at| text.get(at + 1) != Some(&b'\n')) {
            defects.note(Defect::BareCr);
        }
    }
    let mut line = 0;
    for at in memchr_iter(b'\n', body) {
        if at - line > 1_000 {
            defects.note(Defect::LongLine);
            return;
        }
        line = at + 1;
    }
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
        let HeaderValue::Address(list) = field.stream(bounds.field_bytes).parse_address() else {
            continue;
        };
        let addresses: Vec<_> = match list {
            Group::List(list) => list,
            Group::Group(groups) => groups.into_iter().flat_map(|group| group.addresses).collect(),
        };
        for address in addresses {
            if found.len() >= bounds.addresses {
                defects.note(Defect::AddressesCut);
                return found;
            }
            found.push(Mailbox {
                display: address.name.map(|name| name.trim().to_owned()).unwrap_or_default(),
                address: Address::new(&address.address.unwrap_or_default()),
            });
        }
    }
    found
}

fn bare_id(value: Cow<'_, str>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(value) => {
            let value = value.strip_prefix('<').unwrap_or(value);
            Cow::Borrowed(value.strip_suffix('>').unwrap_or(value))
        }
        Cow::Owned(value) => Cow::Owned(bare_id(Cow::Borrowed(&value)).into_owned()),
    }
}
