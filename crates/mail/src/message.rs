//! The view of one message.

use std::borrow::Cow;

use memchr::memchr_iter;

use crate::defects::{Defect, Defects};
use crate::fields::Field;
use crate::header::Read;
use crate::html::HtmlFacts;
use crate::index::Index;
use crate::links::Links;
use crate::text::{self, Texts};
use crate::{Attachment, Bounds, Header, Hop, Link, Mailbox, Part, attachments, mime};

/// Received fields that are read.
const MOST_HOPS: usize = 50;
/// Bytes of one that are read.
const LONGEST_HOP: usize = 4_096;

/// A message as the checks see it: a view over the bytes that were transferred.
///
/// Reading one takes all apart that checks commonly ask for. Of a header section alone
/// (no body) everything about the header is there as well.
#[derive(Debug, Clone)]
pub struct Message<'m> {
    raw: &'m [u8],
    read: Read,
    fields: Vec<Field<'m>>,
    index: Index,
    subject: Option<Cow<'m, str>>,
    message_id: Option<Cow<'m, str>>,
    /// Bytes of a Received field that are read.
    most_of_hop: usize,
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
        Self::complete(Read::new(raw, bounds), raw, bounds)
    }

    /// Reads what was not yet `read` of `raw`, which begins with what was.
    pub(crate) fn complete(read: Read, raw: &'m [u8], bounds: &Bounds) -> Self {
        let mut defects = read.of_section.clone();
        let fields = read.section.fields(raw);
        let body = &raw[read.section.body..];
        inspect(body, &mut defects);
        let parts = mime::walk(&fields, body, bounds, &mut defects);
        let mut links = Links::new(bounds.links);
        let texts = text::read(&parts, bounds, &mut links, &mut defects);
        let attachments = attachments::find(&parts, bounds, &mut defects);
        read.of_fields.as_slice().iter().for_each(|defect| defects.note(*defect));

        let first = |name: &str| fields.iter().find(|field| field.is(name));
        let subject = first("Subject").map(Field::text);
        if subject
            .as_deref()
            .is_some_and(|subject| subject.contains("=?") && subject.contains("?="))
        {
            defects.note(Defect::EncodedWordBroken);
        }
        let message_id = first("Message-ID").map(|field| bare_id(field.raw_text()));
        Self {
            raw,
            read,
            subject,
            message_id,
            most_of_hop: bounds.field_bytes.min(LONGEST_HOP),
            index: Index::new(&fields),
            fields,
            parts,
            texts,
            links: links.all,
            attachments,
            defects,
        }
    }

    /// Lets go of the bytes and keeps what was read of the header section, for when the body has come.
    #[must_use]
    pub fn into_header(self) -> Header {
        Header::new(self.header_bytes(), self.read)
    }

    /// All of it, as it was transferred.
    #[must_use]
    pub const fn raw(&self) -> &'m [u8] {
        self.raw
    }

    /// The header section, with the empty line that ends it.
    #[must_use]
    pub fn header_bytes(&self) -> &'m [u8] {
        &self.raw[..self.read.section.body]
    }

    /// What follows the header section.
    #[must_use]
    pub fn body_bytes(&self) -> &'m [u8] {
        &self.raw[self.read.section.body..]
    }

    /// The header fields, from the top.
    #[must_use]
    pub fn fields(&self) -> &[Field<'m>] {
        &self.fields
    }

    /// The first field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field<'m>> {
        let mut near = self.index.near(name).filter_map(|at| self.fields.get(at));
        near.find(|field| field.is(name))
    }

    /// All fields of that name, from the top.
    pub fn fields_named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Field<'m>> {
        let near = self.index.near(name).filter_map(|at| self.fields.get(at));
        near.filter(move |field| field.is(name))
    }

    /// How many fields of that name there are.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.fields_named(name).count()
    }

    /// The authors, of all From fields.
    #[must_use]
    pub fn from(&self) -> &[Mailbox] {
        &self.read.from
    }

    /// Who sent it for the authors (RFC 5322, section 3.6.2), when that is told.
    #[must_use]
    pub const fn sender(&self) -> Option<&Mailbox> {
        self.read.sender.as_ref()
    }

    /// Where replies go, when that is told.
    #[must_use]
    pub fn reply_to(&self) -> &[Mailbox] {
        &self.read.reply_to
    }

    /// The recipients that To names.
    #[must_use]
    pub fn to(&self) -> &[Mailbox] {
        &self.read.to
    }

    /// The recipients that Cc names.
    #[must_use]
    pub fn cc(&self) -> &[Mailbox] {
        &self.read.cc
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
        self.read.date
    }

    /// The hosts on its way, the last one first.
    #[must_use]
    pub fn received(&self) -> &[Hop] {
        self.read.received.get_or_init(|| {
            let hops = self.fields_named("Received").take(MOST_HOPS);
            hops.map(|field| Hop::read(field.beginning(self.most_of_hop))).collect()
        })
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

/// Looks for bytes and lines that no body should have.
fn inspect(body: &[u8], defects: &mut Defects) {
    defects.inspect(body);
    let mut line = 0;
    for at in memchr_iter(b'\n', body) {
        if at - line > 1_000 {
            defects.note(Defect::LongLine);
            return;
        }
        line = at + 1;
    }
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
