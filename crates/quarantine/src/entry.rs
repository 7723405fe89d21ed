//! What is known of a held message: for all of its recipients, and for each.
//!
//! A [`Record`] lies with the message in one object and is never changed; an [`Entry`] is one
//! recipient's, lies in the index, and has a state. Entries can be made anew of the record.
//!
//! Invariant: an entry tells nothing of other recipients of its message.

use serde::{Deserialize, Serialize};
use tidegate_mail::{Bounds, Envelope, Message};
use tidegate_signal::Signal;
use tidegate_store::StoreError;

use crate::EntryId;
use crate::content;
use crate::plain::one_line;

/// Bytes of a subject or an address that are kept to be listed.
const LONGEST_LISTED: usize = 400;
/// Bytes of the longest owner of an entry: what SMTP allows an address, and more.
const LONGEST_OWNER: usize = 400;

/// A message to be held.
#[derive(Debug, Clone, Copy)]
pub struct Holding<'a> {
    /// The message as it came: header section, empty line, body. All of it: one that was cut on the way
    /// must not be held.
    pub raw: &'a [u8],
    /// What SMTP said.
    pub envelope: &'a Envelope,
    /// Points.
    pub score: f32,
    /// What was said of it.
    pub signals: &'a [Said],
    /// For whom it is held; nobody else gets an entry.
    pub recipients: &'a [HeldFor],
    /// Now, in seconds since 1970.
    pub now: u64,
}

/// A recipient for whom a message is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldFor {
    /// As RCPT said: to whom it is released.
    pub address: String,
    /// Whose quarantine it is: the address as policies know it. See [`HeldFor::new`].
    pub owner: String,
    /// Why, in one line for a person.
    pub reason: String,
    /// Until when it is kept, in seconds since 1970.
    pub keep_until: u64,
}

impl HeldFor {
    /// Owned by the address itself, in lower case.
    #[must_use]
    pub fn new(address: &str, reason: &str, keep_until: u64) -> Self {
        let reason = one_line(reason, 2 * LONGEST_LISTED);
        Self { address: address.to_owned(), owner: owner(address), reason, keep_until }
    }

    /// Owned by the user whose address this is under another name.
    #[must_use]
    pub fn owned_by(self, user: &str) -> Self {
        Self { owner: owner(user), ..self }
    }
}

/// A user as entries are filed: in lower case, and nothing that would end a key early.
pub(crate) fn owner(address: &str) -> String {
    let text = address.trim().to_lowercase().replace('\0', "");
    text[..text.floor_char_boundary(LONGEST_OWNER)].to_owned()
}

/// One signal, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// Its name.
    pub name: String,
    /// The kind of evidence.
    pub family: String,
    /// Points.
    pub score: f32,
    /// What it says of any message that has it.
    #[serde(default)]
    pub says: String,
    /// The evidence in this message.
    #[serde(default)]
    pub detail: String,
}

impl From<&Signal> for Said {
    fn from(signal: &Signal) -> Self {
        Self {
            name: signal.name().to_owned(),
            family: signal.family().as_str().to_owned(),
            score: signal.score(),
            says: signal.says().to_owned(),
            detail: signal.detail().to_owned(),
        }
    }
}

/// What SMTP said of a held message, without its recipients.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// MAIL FROM; empty for the null sender.
    pub sender: String,
    /// The connecting host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Its verified name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// What it called itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helo: Option<String>,
    /// The user that had logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticated: Option<String>,
    /// The MTA's name for the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<String>,
}

/// All that is known of a message, as it lies beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) held_at: u64,
    pub(crate) envelope: Held,
    pub(crate) from: String,
    pub(crate) subject: String,
    pub(crate) date: Option<i64>,
    pub(crate) score: f32,
    pub(crate) signals: Vec<Said>,
    /// Of the message below the fields of its way: what it is known by when it comes again.
    pub(crate) digest: String,
    pub(crate) entries: Vec<Recipient>,
}

/// One recipient, in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recipient {
    pub(crate) id: EntryId,
    pub(crate) address: String,
    pub(crate) owner: String,
    pub(crate) reason: String,
    pub(crate) keep_until: u64,
}

impl Record {
    pub(crate) fn of(holding: &Holding<'_>) -> Result<Self, StoreError> {
        let message = Message::parse(holding.raw, &Bounds::default());
        let Envelope { client, client_name, helo, sender, authenticated, queue_id, .. } =
            holding.envelope;
        let sender = sender.as_ref().map(|sender| sender.as_str().to_owned()).unwrap_or_default();
        let from = message.from().first().map(|from| match from.display.as_str() {
            "" => from.address.as_str().to_owned(),
            display => format!("{display} <{}>", from.address.as_str()),
        });
        let entries = holding.recipients.iter().map(|to| {
            Ok(Recipient {
                id: EntryId::new(holding.now)?,
                address: to.address.clone(),
                owner: owner(&to.owner),
                reason: to.reason.clone(),
                keep_until: to.keep_until.max(holding.now + 1),
            })
        });
        Ok(Self {
            held_at: holding.now,
            from: one_line(from.as_deref().unwrap_or(&sender), LONGEST_LISTED),
            subject: one_line(message.subject().unwrap_or_default(), LONGEST_LISTED),
            date: message.date(),
            envelope: Held {
                sender,
                client: client.map(|client| client.to_string()),
                client_name: client_name.clone(),
                helo: helo.clone(),
                authenticated: authenticated.clone(),
                queue_id: queue_id.clone(),
            },
            score: holding.score,
            signals: holding.signals.to_vec(),
            digest: content::below_the_way(holding.raw),
            entries: entries.collect::<Result<_, StoreError>>()?,
        })
    }

    /// The entries of a message that lies as `object` and takes `size` bytes.
    pub(crate) fn entries(&self, object: &str, size: u64) -> impl Iterator<Item = Entry> {
        self.entries.iter().map(move |to| Entry {
            id: to.id.clone(),
            object: object.to_owned(),
            owner: to.owner.clone(),
            recipient: to.address.clone(),
            sender: self.envelope.sender.clone(),
            from: self.from.clone(),
            subject: self.subject.clone(),
            date: self.date,
            held_at: self.held_at,
            keep_until: to.keep_until,
            size,
            score: self.score,
            reason: to.reason.clone(),
            queue_id: self.envelope.queue_id.clone(),
            digest: self.digest.clone(),
            confirmed: false,
            recovered: false,
            told: false,
            state: State::Held,
        })
    }
}

/// One recipient's part in a held message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub id: EntryId,
    /// The object that the message lies in.
    pub object: String,
    /// Whose quarantine it is in.
    pub owner: String,
    /// To whom it is released.
    pub recipient: String,
    /// MAIL FROM; empty for the null sender.
    pub sender: String,
    /// The first author, as the header names them.
    pub from: String,
    /// Decoded.
    pub subject: String,
    /// Of the Date field, in seconds since 1970.
    pub date: Option<i64>,
    /// When it was held, in seconds since 1970.
    pub held_at: u64,
    /// Until when it is kept.
    pub keep_until: u64,
    /// Bytes of the object.
    pub size: u64,
    /// Points.
    pub score: f32,
    /// Why it is held.
    pub reason: String,
    /// The MTA's name for the message, as the log has it; none where the MTA gave none, and of entries
    /// that are older than this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<String>,
    /// What the message is known by when it comes again.
    pub digest: String,
    /// Whether the MTA was told that we have it.
    pub confirmed: bool,
    /// Whether its message was found without an entry.
    pub recovered: bool,
    /// Whether a digest has told of it.
    pub told: bool,
    /// How far it is.
    pub state: State,
}

/// How far an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Held.
    Held,
    /// Its release began and is not known to have ended.
    Releasing {
        /// When, in seconds since 1970.
        since: u64,
        /// Who asked for it.
        by: String,
    },
}

impl Entry {
    /// What is to be said of it that isn't a matter of course.
    #[must_use]
    pub fn notes(&self) -> Vec<&'static str> {
        let mut notes = Vec::new();
        if self.state != State::Held {
            notes.push(
                "A release of it began and was not seen to end: it may have been delivered, and may be \
                 delivered twice when it is released again.",
            );
        }
        if self.recovered {
            notes.push(
                "It was found without an entry: its sender may have sent it again, or it may have been \
                 released or deleted before the index of the quarantine was lost.",
            );
        } else if !self.confirmed {
            notes.push(
                "Its sender may have been told to try again: it may be here or in the mailbox twice.",
            );
        }
        notes
    }
}

/// An entry as it is listed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its name.
    pub id: EntryId,
    /// Whose quarantine it is in.
    pub owner: String,
    /// To whom it is released.
    pub recipient: String,
    /// MAIL FROM; empty for the null sender.
    pub sender: String,
    /// The first author, as the header names them.
    pub from: String,
    /// Decoded.
    pub subject: String,
    /// Of the Date field, in seconds since 1970.
    pub date: Option<i64>,
    /// When it was held, in seconds since 1970.
    pub held_at: u64,
    /// Until when it is kept.
    pub keep_until: u64,
    /// Bytes.
    pub size: u64,
    /// Points.
    pub score: f32,
    /// Why it is held.
    pub reason: String,
    /// The MTA's name for the message, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<String>,
    /// What is to be said of it that isn't a matter of course.
    pub notes: Vec<String>,
}

impl From<Entry> for Summary {
    fn from(entry: Entry) -> Self {
        let notes = entry.notes().into_iter().map(str::to_owned).collect();
        let Entry { id, owner, recipient, sender, from, subject, date, .. } = entry;
        let Entry { held_at, keep_until, size, score, reason, queue_id, .. } = entry;
        Self {
            id,
            owner,
            recipient,
            sender,
            from,
            subject,
            date,
            held_at,
            keep_until,
            size,
            score,
            reason,
            queue_id,
            notes,
        }
    }
}

/// What became of an entry that is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Done {
    /// It was given to the MTA.
    Released,
    /// Somebody deleted it.
    Deleted,
    /// Its time was over, or room was needed.
    Expired,
    /// It came again, and the newer one is here.
    Replaced,
}

impl Done {
    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Deleted => "deleted",
            Self::Expired => "expired",
            Self::Replaced => "replaced by a newer copy",
        }
    }
}
