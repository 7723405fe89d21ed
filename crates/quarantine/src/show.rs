//! Showing a held message: its header and text, never anything that runs or is fetched.
//!
//! Invariant: all text has gone through [`plain`](crate::plain()); HTML is shown as what a reader sees of
//! it, links as text, files as their names.

use serde::{Deserialize, Serialize};
use tidegate_mail::{Bounds, LinkKind, Message};

use crate::entry::Held;
use crate::objects::read;
use crate::plain::{one_line, plain};
use crate::quarantine::Quarantine;
use crate::{EntryId, ReadError, Said, Summary};

/// Bytes of text, of one field, and of one link that are shown; fields, links and files.
const LONGEST_TEXT: usize = 128 << 10;
const LONGEST_FIELD: usize = 4 << 10;
const LONGEST_LINK: usize = 500;
const MOST_FIELDS: usize = 300;
const MOST_LINKS: usize = 200;
const MOST_FILES: usize = 100;

/// A held message, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// As it is listed.
    #[serde(flatten)]
    pub summary: Summary,
    /// What SMTP said.
    pub envelope: Held,
    /// What was said of it, the weightiest first.
    pub signals: Vec<Said>,
    /// Names and values of the header fields, from the top, decoded.
    pub fields: Vec<(String, String)>,
    /// What a reader sees.
    pub text: String,
    /// Where links lead.
    pub links: Vec<Linked>,
    /// Files in it.
    pub files: Vec<Attached>,
    /// Whether there is more of something than is shown.
    pub cut: bool,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// Where it leads.
    pub url: String,
    /// What stands in its place.
    pub text: Option<String>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// What it claims to be.
    pub content_type: String,
    /// Bytes, about.
    pub size: usize,
}

impl Quarantine {
    /// One entry, as it is listed.
    ///
    /// # Errors
    /// When it isn't held, or can't be read.
    pub async fn summary(&self, id: &EntryId) -> Result<Summary, ReadError> {
        Ok(self.entry(id).await?.into())
    }

    /// Shows one entry.
    ///
    /// # Errors
    /// When it isn't held, or can't be read.
    pub async fn show(&self, id: &EntryId) -> Result<Shown, ReadError> {
        let entry = self.entry(id).await?;
        let object = self.objects.get(&entry.object).await;
        let object = object.map_err(|error| ReadError::Objects(Box::new(error)))?;
        let (record, raw) = object.as_ref().and_then(read).ok_or(ReadError::Missing)?;
        let message = Message::parse(&raw, &Bounds::default());
        let mut signals = record.signals;
        signals.sort_by(|a, b| b.score.abs().total_cmp(&a.score.abs()));
        let fields = message.fields().iter().take(MOST_FIELDS).map(|field| {
            (one_line(field.name, LONGEST_FIELD), one_line(&field.text(), LONGEST_FIELD))
        });
        let is_led_to = |kind| !matches!(kind, LinkKind::Image);
        let links = message.links().iter().filter(|link| is_led_to(link.kind)).take(MOST_LINKS);
        let links = links.map(|link| Linked {
            url: one_line(&link.url, LONGEST_LINK),
            text: link.text.as_deref().map(|text| one_line(text, LONGEST_LINK)),
        });
        let files = message.attachments().iter().take(MOST_FILES).map(|file| Attached {
            name: file.name.as_deref().map(|name| one_line(name, LONGEST_LINK)),
            content_type: one_line(&file.content_type, LONGEST_LINK),
            size: file.size,
        });
        Ok(Shown {
            envelope: record.envelope,
            signals,
            fields: fields.collect(),
            text: plain(message.text(), LONGEST_TEXT),
            links: links.collect(),
            files: files.collect(),
            cut: message.text().len() > LONGEST_TEXT
                || message.fields().len() > MOST_FIELDS
                || message.links().len() > MOST_LINKS
                || message.attachments().len() > MOST_FILES,
            summary: entry.into(),
        })
    }
}
