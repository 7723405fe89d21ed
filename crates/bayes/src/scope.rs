//! What one scope has learned: a table in memory, and how it is kept in the store.
//!
//! Each step is written to a journal before it is made in memory; now and then the table is written as
//! a whole, and the journal begins anew. Opening reads the table and makes the steps since then again (`follow.rs`).
//!
//! Invariant: the table in memory is the table in the store after steps of its journal; whoever adds a step, or
//! writes the table, expects the journal to end where they believe it does.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_store::{Batch, Store, StoreError, Written};

use crate::features::FEATURES_VERSION;
use crate::follow::{Head, Held};
use crate::kind::Kind;
use crate::logistic;
use crate::overlay::{Entry, Overlay};
use crate::records::{self, CHUNK, Class, JOURNAL, STATE, State, Step, TABLE};

/// One scope: the site, or a user.
pub(crate) struct Scope {
    /// Begins all keys of the scope; no scope's begins another's.
    pub(crate) prefix: Vec<u8>,
    /// Whose it is; `None`: the site's.
    pub(crate) user: Option<String>,
    pub(crate) overlay: Overlay,
    writer: Mutex<Writer>,
}

/// Where the journal stands.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) next: u64,
    pub(crate) checkpoint: u64,
    pub(crate) epoch: u32,
    pub(crate) faded: u64,
    pub(crate) chunks: u32,
    /// Where the store was last known to stand; `None`: it is to be read.
    pub(crate) head: Option<Head>,
}

/// What reading a scope found wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) damaged: usize,
    pub(crate) outdated: bool,
}

impl Scope {
    /// The scope of a user, or of the site.
    pub(crate) fn prefix(user: Option<&str>) -> Vec<u8> {
        match user {
            None => b"s\0".to_vec(),
            Some(user) => [b"u", user.as_bytes(), b"\0"].concat(),
        }
    }

    pub(crate) fn key(&self, rest: &[u8]) -> Vec<u8> {
        [&self.prefix, rest].concat()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Writer> {
        // A writer that panicked between two steps left table and journal in accord.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A scope of which nothing was read yet.
    pub(crate) fn unread(user: Option<&str>, now: u64) -> Self {
        let writer = Writer { next: 0, checkpoint: 0, epoch: 0, faded: now, chunks: 0, head: None };
        Self {
            prefix: Self::prefix(user),
            user: user.map(str::to_owned),
            overlay: Overlay::new(),
            writer: Mutex::new(writer),
        }
    }

    /// Adds a step to a batch, under the number that is due; its bytes.
    pub(crate) fn journal(&self, batch: &mut Batch, writer: &Writer, step: &Step) -> Vec<u8> {
        let step = step.encode();
        self.expect_head(batch, writer);
        batch.put(JOURNAL, &self.key(&writer.next.to_be_bytes()), step.clone());
        step
    }

    /// Writes the table as a whole; the journal begins anew. On a conflict, another has taught, and what is in
    /// memory is read again before the next step.
    pub(crate) fn checkpoint(
        &self,
        store: &dyn Store,
        writer: &mut Writer,
    ) -> Result<Written, StoreError> {
        let mut batch = Batch::new();
        self.expect_head(&mut batch, writer);
        let (mut chunk, mut chunks, mut entries) = (Vec::new(), 0_u32, 0_u32);
        self.overlay.entries(|key, entry| {
            records::put_entry(key, entry, &mut chunk);
            entries += 1;
            if (entries as usize).is_multiple_of(CHUNK) {
                let key = self.key(&chunks.to_be_bytes());
                batch.put(TABLE, &key, std::mem::take(&mut chunk));
                chunks += 1;
            }
        });
        if !chunk.is_empty() {
            batch.put(TABLE, &self.key(&chunks.to_be_bytes()), chunk);
            chunks += 1;
        }
        for stale in chunks..writer.chunks {
            batch.remove(TABLE, &self.key(&stale.to_be_bytes()));
        }
        for done in writer.checkpoint..writer.next {
            batch.remove(JOURNAL, &self.key(&done.to_be_bytes()));
        }
        let (spam, ham) = self.overlay.messages();
        let Writer { next, epoch, faded, .. } = *writer;
        let version = FEATURES_VERSION;
        let state = State { version, next, spam, ham, epoch, faded, entries }.encode();
        batch.put(STATE, &self.prefix, state.clone());
        let written = store.write(&batch);
        if matches!(written, Ok(Written::Conflict) | Err(StoreError::Away(_))) {
            writer.head = None;
        }
        if written? == Written::Conflict {
            return Ok(Written::Conflict);
        }
        writer.checkpoint = writer.next;
        writer.chunks = chunks;
        if let Some(head) = &mut writer.head {
            head.state = Held::Value(Some(state));
            head.last = Held::Value(None);
        }
        Ok(Written::Done)
    }
}

/// Makes a step in memory.
pub(crate) fn make(overlay: &Overlay, step: &Step) {
    let spam = step.class == Class::Spam;
    if step.counted {
        let (spams, hams) = overlay.messages();
        let count = |count: u32, this: bool| match (this, step.forward) {
            (false, _) => count,
            (true, true) => count.saturating_add(1),
            (true, false) => count.saturating_sub(1),
        };
        overlay.set_messages(count(spams, spam), count(hams, !spam));
    }
    overlay.change(&step.features, |feature, entry| moved(feature, entry, step));
}

/// An entry after a step.
fn moved(feature: u64, entry: Entry, step: &Step) -> Entry {
    let add = |count: u16, this: bool| match (this && step.counted, step.forward) {
        (false, _) => count,
        (true, true) => count.saturating_add(1),
        (true, false) => count.saturating_sub(1),
    };
    let spam = step.class == Class::Spam;
    let after = Entry { spam: add(entry.spam, spam), ham: add(entry.ham, !spam), ..entry };
    // Forward and back, the share is that of the entry which has the message.
    let with = if step.forward { after } else { entry };
    let seen = u32::from(with.spam) + u32::from(with.ham);
    let push = step.push * logistic::share(Kind::of(feature), seen);
    Entry { weight: after.weight + if step.forward { push } else { -push }, ..after }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;

    #[test]
    fn a_step_and_its_way_back_leave_an_entry_as_it_was() {
        let feature = hash::feature(Kind::Subject, 7);
        let forward = Step {
            class: Class::Spam,
            forward: true,
            counted: true,
            push: 0.7,
            features: vec![feature],
        };
        let entry = Entry { weight: 0.25, spam: 3, ham: 1 };
        let back = Step { forward: false, ..forward.clone() };
        let after = moved(feature, entry, &forward);
        assert_eq!((after.spam, after.ham), (4, 1));
        assert!(after.weight > entry.weight);
        let again = moved(feature, after, &back);
        assert_eq!((again.spam, again.ham), (3, 1));
        assert!((again.weight - entry.weight).abs() < 1e-6);
    }
}
