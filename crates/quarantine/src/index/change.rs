//! Changes of the index: entries that come, change and go, each in one batch.
//!
//! Invariant: a batch is decided on what it expects to find; when another writer was faster, it is decided
//! anew, but not for ever: an index that contradicts itself fulfils no expectation.

use ring::digest::{SHA256, digest};
use serde::Serialize;
use tidegate_store::{Batch, Snapshot, StoreError, Written};

use super::{AGE, DONE, DUE, ENTRY, GONE, ID, Index, OBJECT, ObjectUse, SAME};
use super::{entry_key, find, find_use, read_id};
use crate::entry::Record;
use crate::{Done, Entry, EntryId};

const DAY: u64 = 86_400;
/// Seconds that a message which came unconfirmed is known by when it comes again: longer than senders try
/// (RFC 5321, section 4.5.4.1: four to five days).
pub(crate) const SAME_FOR: u64 = 7 * DAY;
/// Seconds that it is known what became of an entry.
const DONE_FOR: u64 = 30 * DAY;
/// Tries at one batch, while other writers are faster.
const MOST_TRIES: usize = 100;

/// What an entry's removal left to be done.
pub(crate) struct Removed {
    pub(crate) entry: Entry,
    /// The object that nothing names any more.
    pub(crate) orphan: Option<String>,
}

impl Index {
    /// Enters a message. Entries of the same message that were never confirmed go.
    pub(crate) fn insert(
        &self,
        record: &Record,
        object: &str,
        size: u64,
        recovered: bool,
    ) -> Result<Vec<Removed>, StoreError> {
        for _ in 0..MOST_TRIES {
            let (mut batch, mut leaving) = (Batch::new(), Leaving::default());
            let snapshot = self.store.snapshot()?;
            for mut entry in record.entries(object, size) {
                entry.recovered = recovered;
                let same = same_key(&entry);
                let known = snapshot.get(SAME, &same)?;
                if let Some(old) = known.as_deref().and_then(read_id)
                    && let Some((old, bytes)) = find(&*snapshot, &old)?
                    && !old.confirmed
                    && old.id != entry.id
                {
                    leaving.take(&*snapshot, &mut batch, old, &bytes)?;
                }
                let key = entry_key(&entry.owner, &entry.id);
                let was = if recovered { snapshot.get(ENTRY, &key)? } else { None };
                put_in(&mut batch, &entry, was.as_deref())?;
                batch.expect(SAME, &same, known.as_deref());
                let until = record.held_at.saturating_add(SAME_FOR);
                batch.put_until(SAME, &same, entry.id.as_bytes().to_vec(), until);
            }
            drop(snapshot);
            let entries: Vec<_> = record.entries.iter().map(|to| to.id.clone()).collect();
            let count = entries.len() as u64;
            batch.put(OBJECT, object.as_bytes(), json(&ObjectUse { size, entries })?);
            leaving.settle(&mut batch, Done::Replaced, record.held_at)?;
            if self.store.write(&batch)? == Written::Done {
                self.lock().entries += count;
                return Ok(self.left(leaving));
            }
        }
        Err(contradiction())
    }

    /// Removes entries, and notes what became of them. Those that aren't there, or are damaged, are left
    /// out.
    pub(crate) fn remove(
        &self,
        ids: &[EntryId],
        done: Done,
        now: u64,
    ) -> Result<Vec<Removed>, StoreError> {
        for _ in 0..MOST_TRIES {
            let (mut batch, mut leaving) = (Batch::new(), Leaving::default());
            let snapshot = self.store.snapshot()?;
            for id in ids {
                match find(&*snapshot, id) {
                    Ok(Some((entry, bytes))) => {
                        leaving.take(&*snapshot, &mut batch, entry, &bytes)?;
                    }
                    Ok(None) | Err(StoreError::Damaged { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            drop(snapshot);
            if batch.is_empty() {
                return Ok(Vec::new());
            }
            leaving.settle(&mut batch, done, now)?;
            if self.store.write(&batch)? == Written::Done {
                return Ok(self.left(leaving));
            }
        }
        Err(contradiction())
    }

    /// Counts entries that have left.
    fn left(&self, leaving: Leaving) -> Vec<Removed> {
        let mut totals = self.lock();
        totals.entries = totals.entries.saturating_sub(leaving.entries.len() as u64);
        let mut orphans = Vec::new();
        for (name, _, known) in leaving.uses {
            if known.entries.is_empty() {
                totals.give_back(known.size);
                orphans.push(name);
            }
        }
        drop(totals);
        let removed = leaving.entries.into_iter().map(|entry| {
            let at = orphans.iter().position(|name| *name == entry.object);
            Removed { orphan: at.map(|at| orphans.swap_remove(at)), entry }
        });
        removed.collect()
    }

    /// Enters again what the index has lost of a message that it knows: all entries of `record`.
    pub(crate) fn restore(
        &self,
        record: &Record,
        object: &str,
        size: u64,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        let snapshot = self.store.snapshot()?;
        for mut entry in record.entries(object, size) {
            entry.recovered = true;
            let was = snapshot.get(ENTRY, &entry_key(&entry.owner, &entry.id))?;
            put_in(&mut batch, &entry, was.as_deref())?;
        }
        drop(snapshot);
        // A conflict: somebody else has entered them.
        self.store.write(&batch).map(drop)
    }

    /// Changes an entry, if `change` says that it did. Returns it as it then is.
    pub(crate) fn update(
        &self,
        id: &EntryId,
        mut change: impl FnMut(&mut Entry) -> bool,
    ) -> Result<Option<Entry>, StoreError> {
        for _ in 0..MOST_TRIES {
            let Some((mut entry, bytes)) = find(&*self.store.snapshot()?, id)? else {
                return Ok(None);
            };
            if !change(&mut entry) {
                return Ok(Some(entry));
            }
            let key = entry_key(&entry.owner, id);
            let mut batch = Batch::new();
            batch.expect(ENTRY, &key, Some(&bytes)).put(ENTRY, &key, json(&entry)?);
            if self.store.write(&batch)? == Written::Done {
                return Ok(Some(entry));
            }
        }
        Err(contradiction())
    }
}

/// Entries on their way out, and the objects that they use.
#[derive(Default)]
struct Leaving {
    entries: Vec<Entry>,
    /// Name, value as it is stored, and use without these entries.
    uses: Vec<(String, Vec<u8>, ObjectUse)>,
    /// What each is known by when it comes again.
    same: Vec<Vec<u8>>,
}

impl Leaving {
    fn take(
        &mut self,
        snapshot: &dyn Snapshot,
        batch: &mut Batch,
        entry: Entry,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        take_out(batch, &entry, bytes);
        let same = same_key(&entry);
        // It may be that of a newer one.
        if snapshot.get(SAME, &same)?.is_some_and(|id| id == entry.id.as_bytes()) {
            self.same.push(same);
        }
        if !self.uses.iter().any(|(name, ..)| *name == entry.object)
            && let Some((bytes, known)) = find_use(snapshot, &entry.object)?
        {
            self.uses.push((entry.object.clone(), bytes, known));
        }
        for (name, _, known) in &mut self.uses {
            if *name == entry.object {
                known.entries.retain(|id| *id != entry.id);
            }
        }
        self.entries.push(entry);
        Ok(())
    }

    fn settle(&self, batch: &mut Batch, done: Done, now: u64) -> Result<(), StoreError> {
        // Whoever dealt with a message is not to get it again because it comes again.
        if !matches!(done, Done::Released | Done::Deleted) {
            for same in &self.same {
                batch.remove(SAME, same);
            }
        }
        for entry in &self.entries {
            batch.put_until(DONE, entry.id.as_bytes(), json(&done)?, now.saturating_add(DONE_FOR));
        }
        for (name, bytes, known) in &self.uses {
            put_use(batch, name, bytes, known)?;
        }
        Ok(())
    }
}

fn contradiction() -> StoreError {
    StoreError::Failed("the index of the quarantine contradicts itself".to_owned())
}

/// Enters an entry where `was` stands: nothing, or what the index has lost the rest of.
fn put_in(batch: &mut Batch, entry: &Entry, was: Option<&[u8]>) -> Result<(), StoreError> {
    let (key, id) = (entry_key(&entry.owner, &entry.id), entry.id.as_bytes());
    batch
        .expect(ENTRY, &key, was)
        .put(ENTRY, &key, json(entry)?)
        .put(ID, id, entry.owner.as_bytes().to_vec())
        .put(DUE, &timed(entry.keep_until, id), Vec::new())
        .put(AGE, &timed(entry.held_at, id), Vec::new());
    Ok(())
}

fn take_out(batch: &mut Batch, entry: &Entry, bytes: &[u8]) {
    let (key, id) = (entry_key(&entry.owner, &entry.id), entry.id.as_bytes());
    batch
        .expect(ENTRY, &key, Some(bytes))
        .remove(ENTRY, &key)
        .remove(ID, id)
        .remove(DUE, &timed(entry.keep_until, id))
        .remove(AGE, &timed(entry.held_at, id));
}

/// Writes how an object is used; one that isn't any more is to be removed.
fn put_use(batch: &mut Batch, name: &str, was: &[u8], used: &ObjectUse) -> Result<(), StoreError> {
    batch.expect(OBJECT, name.as_bytes(), Some(was));
    if used.entries.is_empty() {
        batch.remove(OBJECT, name.as_bytes()).put(GONE, name.as_bytes(), Vec::new());
    } else {
        batch.put(OBJECT, name.as_bytes(), json(used)?);
    }
    Ok(())
}

fn timed(time: u64, id: &[u8]) -> Vec<u8> {
    [&time.to_be_bytes(), id].concat()
}

/// What the same message of the same sender to the same owner is found by.
pub(super) fn same_key(entry: &Entry) -> Vec<u8> {
    let parts = [&entry.sender, "\0", &entry.owner, "\0", &entry.recipient, "\0", &entry.digest];
    digest(&SHA256, parts.concat().as_bytes()).as_ref().to_vec()
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Failed(error.to_string()))
}
