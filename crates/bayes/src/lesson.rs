//! What is taught, by whom, within which bounds, and what may come of it.
//!
//! Invariant: the name of a message depends on what its sender wrote, so that every copy has the same.

use tidegate_mail::Message;
use tidegate_store::StoreError;

use crate::hash::{self, Hasher};
use crate::records::Class;

/// Bounds of what is kept and believed.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Days that a learned message can be taken back or moved to the other class.
    pub remember_days: u64,
    /// Days after which what was counted is worth half.
    pub half_life_days: u64,
    /// Messages of one scope after which its counts are halved, to make room for new ones.
    pub most_messages: u32,
    /// Users who may teach.
    pub most_users: usize,
    /// Users who must say the same of a message for the site to learn it; 0: users never teach the site.
    pub agreeing_users: usize,
    /// Lessons between two checkpoints of a scope: the more, the less is written, and the longer
    /// opening takes after a crash.
    pub checkpoint_every: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            remember_days: 180,
            half_life_days: 365,
            most_messages: 60_000,
            most_users: 20_000,
            agreeing_users: 3,
            checkpoint_every: 1000,
        }
    }
}

/// Names a message by what its sender wrote, whatever the receiving side added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LessonId(pub(crate) [u8; 16]);

impl LessonId {
    /// The name of a message.
    #[must_use]
    pub fn of(message: &Message<'_>) -> Self {
        let words = |text: &str, seed: u8| {
            let bytes = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
            bytes.fold(Hasher::new().byte(seed), Hasher::byte).finish()
        };
        let from = message.from().first().map_or("", |mailbox| mailbox.address.as_str());
        let id = message.message_id().unwrap_or("");
        let head = words(id, 1) ^ words(from, 2).rotate_left(7);
        let head = head ^ words(message.subject().unwrap_or(""), 3).rotate_left(13);
        let body = words(message.text(), 4) ^ hash::mix(message.attachments().len() as u64);
        let mut name = [0; 16];
        name[..8].copy_from_slice(&head.to_le_bytes());
        name[8..].copy_from_slice(&body.to_le_bytes());
        Self(name)
    }

    /// Its bytes, to be kept and made an id again by [`Self::new`].
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From bytes of one's own, for lessons that are no messages.
    #[must_use]
    pub const fn new(name: [u8; 16]) -> Self {
        Self(name)
    }
}

/// What somebody says of a message.
#[derive(Debug, Clone, Copy)]
pub struct Lesson<'l> {
    /// The message.
    pub id: LessonId,
    /// Its features, as [`crate::Extractor`] found them.
    pub features: &'l [u64],
    /// What it is; `None`: it was learned by mistake, and is to be taken back.
    pub class: Option<Class>,
    /// Who says so; `None`: the operator, for the whole site.
    pub user: Option<&'l str>,
    /// The time, in seconds since 1970.
    pub now: u64,
}

/// What came of a lesson. All of these are durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taught {
    /// Learned for the first time.
    New,
    /// Was learned already; nothing changed.
    Already,
    /// Was learned as the other class, which was taken back.
    Moved,
    /// Taken back.
    Forgotten,
    /// Was to be taken back, but was never learned or is no longer remembered.
    Unknown,
}

/// A lesson that was not learned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearnError {
    /// The store cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process writes to the same store.
    #[error("somebody else learned at the same moment; try again")]
    Conflict,
    /// More users than the limit.
    #[error("{0} users have taught already, which is the limit; raise most_users")]
    TooManyUsers(usize),
    /// A name that cannot be kept.
    #[error("a user's name is 1 to 320 bytes, without control characters")]
    UserName,
}

/// What opening found wrong; to be told to the operator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Entries that were damaged: what they held is lost.
    pub damaged: usize,
    /// What was learned by a version that read messages differently was set aside.
    pub outdated: bool,
}
