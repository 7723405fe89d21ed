//! What one scope has learned: a table in memory, and how it is kept in the store.
//!
//! Each step is written to a journal before it is made in memory; now and then the table is written as
//! a whole, and the journal begins anew. Opening reads the table and makes the steps since then again.
//!
//! Invariant: the table in memory is the table in the store after the steps in its journal.

use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_store::{Batch, Snapshot, Store, StoreError, Written};

use crate::features::FEATURES_VERSION;
use crate::kind::Kind;
use crate::logistic;
use crate::overlay::{Entry, Overlay};
use crate::records::{self, CHUNK, Class, JOURNAL, STATE, State, Step, TABLE};

/// One scope: the site, or a user.
pub(crate) struct Scope {
    /// Begins all keys of the scope; no scope's begins another's.
    pub(crate) prefix: Vec<u8>,
    pub(crate) overlay: Overlay,
    writer: Mutex<Writer>,
}

/// Where the journal stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer {
    pub(crate) next: u64,
    pub(crate) checkpoint: u64,
    pub(crate) epoch: u32,
    pub(crate) faded: u64,
    chunks: u32,
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

    /// Reads a scope as the store has it.
    pub(crate) fn open(
        prefix: Vec<u8>,
        snapshot: &dyn Snapshot,
        now: u64,
    ) -> Result<(Self, Faults), StoreError> {
        let mut faults = Faults::default();
        let state = match snapshot.get(STATE, &prefix) {
            Ok(state) => state.and_then(|bytes| State::decode(&bytes)),
            Err(StoreError::Damaged { .. }) => {
                faults.damaged += 1;
                None
            }
            Err(error) => return Err(error),
        };
        faults.outdated = state.is_some_and(|state| state.version != FEATURES_VERSION);
        let state = state.filter(|_| !faults.outdated);
        let entries = state.map_or(0, |state| state.entries as usize);
        let overlay = Overlay::with_room(entries.min(crate::MOST_ENTRIES));
        let mut writer = Writer { next: 0, checkpoint: 0, epoch: 0, faded: now, chunks: 0 };
        if let Some(state) = state {
            overlay.set_messages(state.spam, state.ham);
            writer = Writer {
                next: state.next,
                checkpoint: state.next,
                epoch: state.epoch,
                faded: state.faded,
                chunks: state.entries.div_ceil(CHUNK as u32),
            };
            faults.damaged += snapshot.scan(TABLE, &prefix, &prefix, &mut |_, chunk| {
                overlay.restore(records::entries(chunk));
                ControlFlow::Continue(())
            })?;
        }
        let scope = Self { prefix, overlay, writer: Mutex::new(writer) };
        faults.damaged += scope.replay(snapshot, &mut writer, faults.outdated)?;
        *scope.lock() = writer;
        Ok((scope, faults))
    }

    /// Makes the steps of the journal again.
    fn replay(
        &self,
        snapshot: &dyn Snapshot,
        writer: &mut Writer,
        outdated: bool,
    ) -> Result<usize, StoreError> {
        let from = self.key(&writer.next.to_be_bytes());
        let mut damaged = 0;
        damaged += snapshot.scan(JOURNAL, &self.prefix, &from, &mut |key, value| {
            let number = key.get(self.prefix.len()..).and_then(|rest| rest.try_into().ok());
            match (number.map(u64::from_be_bytes), Step::decode(value)) {
                (Some(number), Some(step)) => {
                    writer.next = number + 1;
                    if !outdated {
                        self.make(&step);
                    }
                }
                _ => damaged += 1,
            }
            ControlFlow::Continue(())
        })?;
        Ok(damaged)
    }

    /// Makes a step in memory.
    pub(crate) fn make(&self, step: &Step) {
        let spam = step.class == Class::Spam;
        if step.counted {
            let (spams, hams) = self.overlay.messages();
            let count = |count: u32, this: bool| match (this, step.forward) {
                (false, _) => count,
                (true, true) => count.saturating_add(1),
                (true, false) => count.saturating_sub(1),
            };
            self.overlay.set_messages(count(spams, spam), count(hams, !spam));
        }
        self.overlay.change(&step.features, |feature, entry| moved(feature, entry, step));
    }

    /// Adds a step to a batch, under the number that is due.
    pub(crate) fn journal(&self, batch: &mut Batch, writer: &Writer, step: &Step) {
        let key = self.key(&writer.next.to_be_bytes());
        batch.expect(JOURNAL, &key, None).put(JOURNAL, &key, step.encode());
    }

    /// Writes the table as a whole; the journal begins anew.
    pub(crate) fn checkpoint(
        &self,
        store: &dyn Store,
        writer: &mut Writer,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::new();
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
        let state = State { version, next, spam, ham, epoch, faded, entries };
        batch.put(STATE, &self.prefix, state.encode());
        // Nothing is expected, so nothing can stand against it.
        let (Written::Done | Written::Conflict) = store.write(&batch)?;
        writer.checkpoint = writer.next;
        writer.chunks = chunks;
        Ok(())
    }
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
