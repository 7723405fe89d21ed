//! Policies that are edited while the program runs: kept in the store, with who changed what and when.
//!
//! Each subject's layer has a version that grows by one with each edit. An edit names the version it
//! was made on: two people who edit at once don't undo each other unseen. Of each subject the last
//! hundred edits are told, for 400 days.
//!
//! Invariant: what is stored was judged by the same function as what files say, and a layer is never
//! stored without the line that tells who did it.

mod change;
mod erase;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_store::{Batch, Space, Store, StoreError, Written};

use change::{changed, changes};
pub use erase::Erased;

use crate::book::Layers;
use crate::{Book, InvalidPolicy, Layer, Subject};

const LAYERS: Space = Space::new("policy.layer");
const LOG: Space = Space::new("policy.log");

/// Edits of one subject that are told.
const MOST_LOGGED: u64 = 100;
/// Days that an edit is told.
const LOGGED_DAYS: u64 = 400;
/// Tries at an edit that names no version, while others are faster.
const MOST_TRIES: usize = 10;
/// Bytes of the name of whoever edits.
const LONGEST_NAME: usize = 200;

/// The policies in a store. Calls block on the disk: not for an async thread.
#[derive(Clone)]
pub struct Edits(Arc<dyn Store>);

/// What is to be changed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Whose.
    pub subject: Subject,
    /// Values by key.
    #[serde(default)]
    pub set: BTreeMap<String, Value>,
    /// What is to be in lists beside what is: where the subject has no list of its own, beside what is in
    /// force for it.
    #[serde(default)]
    pub add: BTreeMap<String, Vec<Value>>,
    /// What is to be in lists no more.
    #[serde(default)]
    pub remove: BTreeMap<String, Vec<Value>>,
    /// Keys whose values come from the layer below again.
    #[serde(default)]
    pub unset: Vec<String>,
    /// The version it is made on; `None`: whichever there is.
    #[serde(default)]
    pub version: Option<u64>,
}

impl Edit {
    /// One of `subject` that changes nothing yet.
    #[must_use]
    pub const fn new(subject: Subject, version: Option<u64>) -> Self {
        Self {
            subject,
            set: BTreeMap::new(),
            add: BTreeMap::new(),
            remove: BTreeMap::new(),
            unset: Vec::new(),
            version,
        }
    }
}

/// A layer as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// How often it was edited.
    pub version: u64,
    /// What it says.
    pub layer: Layer,
}

/// A subject's layer, listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// Whose.
    pub subject: Subject,
    /// How often it was edited.
    pub version: u64,
    /// What it says.
    pub layer: Layer,
}

/// An edit that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// Whose policy.
    pub subject: Subject,
    /// The version that it made.
    pub version: u64,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Who.
    pub by: String,
    /// Each key that changed, with its value before and after; null: none of its own.
    pub changes: BTreeMap<String, (Value, Value)>,
}

/// Why an edit was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// Somebody else was faster.
    #[error(
        "the policy of {subject} is at version {is} now, and the edit was made on version {was}; \
         read it again"
    )]
    Outdated {
        /// Whose.
        subject: Subject,
        /// The version there is.
        is: u64,
        /// The version that was named.
        was: u64,
    },
    /// A key or value that no policy has.
    #[error("{0}")]
    Unreadable(String),
    /// Values that a policy must not have.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<InvalidPolicy>),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Edits {
    /// In this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// How often layers were written, where others may write them; see [`Store::written`].
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn written(&self) -> Result<Option<Vec<u64>>, StoreError> {
        self.0.written(&[LAYERS])
    }

    /// Whether others may write them.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.is_shared()
    }

    /// The layer of `subject`; an empty one of version 0 when there is none.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn get(&self, subject: &Subject) -> Result<Stored, StoreError> {
        let bytes = self.0.get(LAYERS, subject.to_string().as_bytes())?;
        Ok(bytes.map(|bytes| read(&bytes)).transpose()?.unwrap_or_default())
    }

    /// Makes an edit, durably, as `by` at `now`, in seconds since 1970. `book` has what lies below;
    /// the layers it is to be made again of are [`layers`](Self::layers).
    ///
    /// # Errors
    /// When it is wrong or outdated, or the store fails. Nothing is changed then.
    pub fn edit(&self, edit: &Edit, book: &Book, by: &str, now: u64) -> Result<Stored, EditError> {
        for _ in 0..MOST_TRIES {
            let before = self.get(&edit.subject)?;
            if let Some(was) = edit.version.filter(|version| *version != before.version) {
                let is = before.version;
                return Err(EditError::Outdated { subject: edit.subject.clone(), is, was });
            }
            let below = book.below_stored(&edit.subject);
            let layer = changed(&before.layer, &below, edit)?;
            let wrong = layer.mistakes(&below);
            if !wrong.is_empty() {
                return Err(EditError::Invalid(wrong));
            }
            if layer == before.layer {
                return Ok(before);
            }
            let after = Stored { version: before.version + 1, layer };
            let line = Logged {
                subject: edit.subject.clone(),
                version: after.version,
                at: now,
                by: by.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect(),
                changes: changes(&before.layer, &after.layer)
                    .map_err(|error| unwritable(&error))?,
            };
            if self.write(&edit.subject, &before, &after, &line)? == Written::Done {
                return Ok(after);
            }
        }
        Err(StoreError::Failed("others edit the same policy all the time; try again".to_owned())
            .into())
    }

    fn write(
        &self,
        subject: &Subject,
        before: &Stored,
        after: &Stored,
        line: &Logged,
    ) -> Result<Written, EditError> {
        let key = subject.to_string();
        let known = self.0.get(LAYERS, key.as_bytes())?;
        // What was read just before is what the edit was made on; else it is made again.
        let same = match &known {
            Some(bytes) => read::<Stored>(bytes)?.version == before.version,
            None => before.version == 0,
        };
        if !same {
            return Ok(Written::Conflict);
        }
        let bytes = |value: serde_json::Result<Vec<u8>>| value.map_err(|error| unwritable(&error));
        let until = line.at.saturating_add(LOGGED_DAYS * 86_400);
        let mut batch = Batch::new();
        batch
            .expect(LAYERS, key.as_bytes(), known.as_deref())
            .put(LAYERS, key.as_bytes(), bytes(serde_json::to_vec(after))?)
            .put_until(
                LOG,
                &log_key(subject, line.version),
                bytes(serde_json::to_vec(line))?,
                until,
            );
        if let Some(old) = line.version.checked_sub(MOST_LOGGED) {
            batch.remove(LOG, &log_key(subject, old));
        }
        Ok(self.0.write(&batch)?)
    }

    /// Every layer that says something, and how many could not be read.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn list(&self) -> Result<(Vec<Listed>, usize), StoreError> {
        let (mut found, mut unread) = (Vec::new(), 0);
        let lost = self.0.snapshot()?.scan(LAYERS, b"", b"", &mut |key, value| {
            let subject = str::from_utf8(key).ok().and_then(|key| key.parse().ok());
            match (subject, read::<Stored>(value)) {
                (Some(subject), Ok(Stored { version, layer })) if !layer.is_empty() => {
                    found.push(Listed { subject, version, layer });
                }
                (Some(_), Ok(_)) => {}
                _ => unread += 1,
            }
            ControlFlow::Continue(())
        })?;
        Ok((found, unread + lost))
    }

    /// The layers for a book, and how many could not be read.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn layers(&self) -> Result<(Layers, usize), StoreError> {
        let (listed, unread) = self.list()?;
        Ok((listed.into_iter().map(|it| (it.subject, it.layer)).collect(), unread))
    }

    /// The edits of `subject`, or of everybody, the latest first; no more than `most`.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn log(&self, subject: Option<&Subject>, most: usize) -> Result<Vec<Logged>, StoreError> {
        let prefix = subject.map(|subject| format!("{subject}\0")).unwrap_or_default();
        let mut found: Vec<Logged> = Vec::new();
        self.0.snapshot()?.scan(LOG, prefix.as_bytes(), b"", &mut |_, value| {
            found.extend(read::<Logged>(value).ok());
            if found.len() > most.saturating_mul(2).max(1_000) {
                latest(&mut found, most);
            }
            ControlFlow::Continue(())
        })?;
        latest(&mut found, most);
        Ok(found)
    }
}

fn latest(found: &mut Vec<Logged>, most: usize) {
    found.sort_by(|a, b| (b.at, b.version, &b.subject).cmp(&(a.at, a.version, &a.subject)));
    found.truncate(most);
}

fn log_key(subject: &Subject, version: u64) -> Vec<u8> {
    [subject.to_string().as_bytes(), b"\0", &version.to_be_bytes()].concat()
}

fn read<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|_| StoreError::Damaged { space: LAYERS.name() })
}

fn unwritable(error: &serde_json::Error) -> EditError {
    EditError::Store(StoreError::Failed(error.to_string()))
}

#[cfg(test)]
mod tests;
