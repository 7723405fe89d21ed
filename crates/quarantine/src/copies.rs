//! Copies that were sent before the MTA was answered: after a crash in between it sends the message
//! again, and some get it twice. A note that is written before and removed after makes that known.
//!
//! | space | key | value |
//! | --- | --- | --- |
//! | `quarantine.copies` | a message and its sender | an [`UnansweredCopies`], as JSON; for a week |
//!
//! Invariant: a copy that may come twice is told of, at the next start and when its message comes again; a
//! note names nobody.

use std::ops::ControlFlow;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use tidegate_store::{Batch, Space, StoreError};

use crate::content;
use crate::index::SAME_FOR;
use crate::quarantine::Quarantine;

const COPIES: Space = Space::new("quarantine.copies");

/// The note of a message whose copies are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyNote(Vec<u8>);

/// Copies of a message of which the MTA was not told, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnansweredCopies {
    /// The MTA's name for the message.
    pub reference: String,
    /// How many recipients the copies were for.
    pub recipients: usize,
    /// When, in seconds since 1970.
    pub since: u64,
}

impl Quarantine {
    /// Notes that copies of `raw`, as it came, are about to be sent. Returns the note, and the one of
    /// before when the message was copied already and its MTA, not being answered, sends it again.
    ///
    /// # Errors
    /// When the index can't be written.
    pub async fn note_copies(
        &self,
        raw: &[u8],
        sender: &str,
        copies: UnansweredCopies,
    ) -> Result<(CopyNote, Option<UnansweredCopies>), StoreError> {
        let known_by = [sender, "\0", &content::below_the_way(raw)].concat();
        let key = digest(&SHA256, known_by.as_bytes()).as_ref().to_vec();
        self.indexed(move |index| {
            let before = index.store.get(COPIES, &key)?;
            let before = before.and_then(|value| serde_json::from_slice(&value).ok());
            let value = serde_json::to_vec(&copies);
            let value = value.map_err(|error| StoreError::Failed(error.to_string()))?;
            let mut batch = Batch::new();
            batch.put_until(COPIES, &key, value, copies.since + SAME_FOR);
            let _ = index.store.write(&batch)?;
            Ok((CopyNote(key), before))
        })
        .await
    }

    /// Forgets notes: the MTA was answered, and sends nothing again.
    ///
    /// # Errors
    /// When the index can't be written: what is noted will be told at the next start.
    pub async fn forget_copies(&self, notes: &[CopyNote]) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        for CopyNote(key) in notes {
            batch.remove(COPIES, key);
        }
        self.indexed(move |index| index.store.write(&batch).map(drop)).await
    }

    /// What is noted still: at a start, what the end of the process before came too early for.
    ///
    /// # Errors
    /// When the index can't be read.
    pub async fn unanswered_copies(&self) -> Result<Vec<UnansweredCopies>, StoreError> {
        self.indexed(|index| {
            let mut all = Vec::new();
            index.store.snapshot()?.scan(COPIES, b"", b"", &mut |_, value| {
                all.extend(serde_json::from_slice(value).ok());
                ControlFlow::Continue(())
            })?;
            Ok(all)
        })
        .await
    }
}
