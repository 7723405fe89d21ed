//! The index of what is held, in the store: entries by owner, newest first, and what finds them.
//!
//! | space | key | value |
//! | --- | --- | --- |
//! | `quarantine.entry` | owner, 0, id | the [`Entry`], as JSON |
//! | `quarantine.id` | id | its owner |
//! | `quarantine.due` | until when it is kept, id | |
//! | `quarantine.age` | when it was held, id | |
//! | `quarantine.object` | object | its size, and the ids of its entries |
//! | `quarantine.same` | a message, its sender and an owner | the id of an entry |
//! | `quarantine.gone` | an object that is to be removed | |
//! | `quarantine.done` | the id of an entry that is no more | what became of it; for a month |
//!
//! Calls block on the disk.
//!
//! Invariant: an entry stands in all of them or in none; an object that no entry names any more stands in
//! `gone` until it is removed. Writers that meet decide again on what they then find.

mod change;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tidegate_store::{Batch, Snapshot, Space, Store, StoreError};

pub(crate) use change::{Removed, SAME_FOR};

use crate::counters::Counted;
use crate::entry::Record;
use crate::{Done, Entry, EntryId};

pub(crate) const ENTRY: Space = Space::new("quarantine.entry");
pub(crate) const ID: Space = Space::new("quarantine.id");
const DUE: Space = Space::new("quarantine.due");
const AGE: Space = Space::new("quarantine.age");
const OBJECT: Space = Space::new("quarantine.object");
const SAME: Space = Space::new("quarantine.same");
const GONE: Space = Space::new("quarantine.gone");
const DONE: Space = Space::new("quarantine.done");

/// The index, and how much there is.
pub(crate) struct Index {
    pub(crate) store: Arc<dyn Store>,
    totals: Mutex<Totals>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    entries: u64,
    messages: u64,
    bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct ObjectUse {
    size: u64,
    entries: Vec<EntryId>,
}

/// What the index knows of an object.
pub(crate) enum Known {
    /// It was never entered, or not to the end.
    Nothing,
    /// All there is to know.
    Whole,
    /// That it has these entries, which are lost.
    Without(Vec<EntryId>),
}

/// Room for a message that is on its way in; given back when dropped before it is in.
pub(crate) struct Room<'i> {
    index: &'i Index,
    size: u64,
    taken: bool,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if !self.taken {
            self.index.lock().give_back(self.size);
        }
    }
}

impl Room<'_> {
    /// The message is in.
    pub(crate) fn take(mut self) {
        self.taken = true;
    }
}

impl Totals {
    fn give_back(&mut self, size: u64) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(size);
    }
}

impl Index {
    /// Reads how much there is.
    pub(crate) fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let mut totals = Totals::default();
        let snapshot = store.snapshot()?;
        snapshot.scan(OBJECT, b"", b"", &mut |_, value| {
            if let Ok(object) = serde_json::from_slice::<ObjectUse>(value) {
                totals.messages += 1;
                totals.bytes = totals.bytes.saturating_add(object.size);
                totals.entries += object.entries.len() as u64;
            }
            ControlFlow::Continue(())
        })?;
        drop(snapshot);
        Ok(Self { store, totals: Mutex::new(totals) })
    }

    fn lock(&self) -> MutexGuard<'_, Totals> {
        // Sums that a panic interrupted are off by one message at most.
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn there_is(&self) -> Counted {
        let Totals { entries, messages, bytes } = *self.lock();
        Counted { entries, messages, bytes, ..Counted::default() }
    }

    /// Room for one more message of `size` bytes, where there is some.
    pub(crate) fn room(&self, size: u64, most: (u64, u64)) -> Option<Room<'_>> {
        let (max_messages, max_bytes) = most;
        let mut totals = self.lock();
        let fits = totals.messages < max_messages && totals.bytes.saturating_add(size) <= max_bytes;
        fits.then(|| {
            totals.messages += 1;
            totals.bytes = totals.bytes.saturating_add(size);
            Room { index: self, size, taken: false }
        })
    }

    /// How many messages and bytes there are too many of, were there `more` of them; `None`: of neither.
    pub(crate) fn lacks(&self, more: (u64, u64), most: (u64, u64)) -> Option<(u64, u64)> {
        let totals = self.lock();
        let messages = (totals.messages + more.0).saturating_sub(most.0);
        let bytes = totals.bytes.saturating_add(more.1).saturating_sub(most.1);
        (messages > 0 || bytes > 0).then_some((messages, bytes))
    }

    /// Counts a message that came back with its object, which no [`Room`] was taken for.
    pub(crate) fn recovered(&self, size: u64) {
        let mut totals = self.lock();
        totals.messages += 1;
        totals.bytes = totals.bytes.saturating_add(size);
    }

    /// The entry of that name.
    pub(crate) fn get(&self, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        Ok(find(&*self.store.snapshot()?, id)?.map(|(entry, _)| entry))
    }

    /// The entries of the same message that came before: for all recipients of `record`, or `None`. That it
    /// was released or deleted since counts as well, as its recipient has dealt with it.
    pub(crate) fn came_before(&self, record: &Record) -> Result<Option<Vec<EntryId>>, StoreError> {
        let mut ids = Vec::new();
        for entry in record.entries("", 0) {
            let id = self.store.get(SAME, &change::same_key(&entry))?;
            let Some(id) = id.as_deref().and_then(read_id) else { return Ok(None) };
            let is_dealt_with =
                || Ok(matches!(self.done(&id)?, Some(Done::Released | Done::Deleted)));
            if self.get(&id)?.is_none() && !is_dealt_with()? {
                return Ok(None);
            }
            ids.push(id);
        }
        Ok(Some(ids))
    }

    /// What became of an entry that is no more.
    pub(crate) fn done(&self, id: &EntryId) -> Result<Option<Done>, StoreError> {
        let found = self.store.get(DONE, id.as_bytes())?;
        Ok(found.and_then(|value| serde_json::from_slice(&value).ok()))
    }

    /// Forgets objects that were removed.
    pub(crate) fn forget(&self, objects: &[String]) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        for object in objects {
            batch.remove(GONE, object.as_bytes());
        }
        self.store.write(&batch).map(drop)
    }

    /// What the index knows of an object.
    pub(crate) fn knows(&self, object: &str) -> Result<Known, StoreError> {
        let snapshot = self.store.snapshot()?;
        if snapshot.get(GONE, object.as_bytes())?.is_some() {
            return Ok(Known::Whole);
        }
        let Some((_, known)) = find_use(&*snapshot, object)? else { return Ok(Known::Nothing) };
        let mut missing = Vec::new();
        for id in known.entries {
            match find(&*snapshot, &id) {
                Ok(Some(_)) => {}
                Ok(None) => missing.push(id),
                Err(StoreError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(if missing.is_empty() { Known::Whole } else { Known::Without(missing) })
    }

    /// All entries of an owner.
    pub(crate) fn entries_of(&self, owner: &str) -> Result<Vec<EntryId>, StoreError> {
        let prefix = [owner.as_bytes(), &[0]].concat();
        let mut ids = Vec::new();
        self.store.snapshot()?.scan(ENTRY, &prefix, b"", &mut |key, _| {
            ids.extend(read_id(&key[prefix.len()..]));
            ControlFlow::Continue(())
        })?;
        Ok(ids)
    }

    /// Objects that are still to be removed.
    pub(crate) fn to_be_removed(&self) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        self.store.snapshot()?.scan(GONE, b"", b"", &mut |key, _| {
            names.push(String::from_utf8_lossy(key).into_owned());
            ControlFlow::Continue(())
        })?;
        Ok(names)
    }

    /// Up to `most` entries that are kept no longer than `now`.
    pub(crate) fn due(&self, now: u64, most: usize) -> Result<Vec<EntryId>, StoreError> {
        self.first(DUE, now, most)
    }

    /// The oldest entries, held at `until` or before, up to `most` of them, with which so many messages
    /// and bytes may go as are `lacks`; those that are `busy` are passed over.
    pub(crate) fn oldest(
        &self,
        until: u64,
        lacks: (u64, u64),
        most: usize,
        busy: &dyn Fn(&EntryId) -> bool,
    ) -> Result<Vec<EntryId>, StoreError> {
        let (mut ids, mut objects) = (Vec::new(), HashSet::new());
        let (mut messages, mut bytes) = lacks;
        for id in self.first(AGE, until, most)? {
            if busy(&id) {
                continue;
            }
            let entry = match self.get(&id) {
                Ok(Some(entry)) => entry,
                // Going, or damaged: it frees nothing.
                Ok(None) | Err(StoreError::Damaged { .. }) => continue,
                Err(error) => return Err(error),
            };
            if messages == 0 && bytes == 0 && !objects.contains(&entry.object) {
                break;
            }
            ids.push(id);
            // Only with its last entry a message goes; they are of one age, so that one is near.
            if objects.insert(entry.object) {
                messages = messages.saturating_sub(1);
                bytes = bytes.saturating_sub(entry.size);
            }
        }
        Ok(ids)
    }

    fn first(&self, space: Space, until: u64, most: usize) -> Result<Vec<EntryId>, StoreError> {
        let (mut ids, mut stale) = (Vec::new(), Batch::new());
        let snapshot = self.store.snapshot()?;
        snapshot.scan(space, b"", b"", &mut |key, _| {
            let Some((time, id)) = key.split_first_chunk::<8>() else {
                return ControlFlow::Continue(());
            };
            if u64::from_be_bytes(*time) > until || ids.len() >= most {
                return ControlFlow::Break(());
            }
            // Entries that a damaged store has lost must not stand in the way of others.
            if matches!(snapshot.get(ID, id), Ok(None)) {
                stale.remove(space, key);
            } else {
                ids.extend(read_id(id));
            }
            ControlFlow::Continue(())
        })?;
        drop(snapshot);
        if !stale.is_empty() {
            let _ = self.store.write(&stale)?;
        }
        Ok(ids)
    }
}

/// The key of an entry: those of an owner stand together, the newest first.
pub(crate) fn entry_key(owner: &str, id: &EntryId) -> Vec<u8> {
    [owner.as_bytes(), &[0], id.as_bytes()].concat()
}

/// The entry of that name, and its value as it is stored. One that says it is another is damaged: what it names
/// would be changed in its place.
pub(crate) fn find(
    snapshot: &dyn Snapshot,
    id: &EntryId,
) -> Result<Option<(Entry, Vec<u8>)>, StoreError> {
    let Some(owner) = snapshot.get(ID, id.as_bytes())? else { return Ok(None) };
    let key = [owner.as_slice(), &[0], id.as_bytes()].concat();
    let Some(bytes) = snapshot.get(ENTRY, &key)? else { return Ok(None) };
    match serde_json::from_slice::<Entry>(&bytes) {
        Ok(entry) if entry.id == *id && entry.owner.as_bytes() == owner => Ok(Some((entry, bytes))),
        _ => Err(StoreError::Damaged { space: ENTRY.name() }),
    }
}

fn find_use(
    snapshot: &dyn Snapshot,
    object: &str,
) -> Result<Option<(Vec<u8>, ObjectUse)>, StoreError> {
    let Some(bytes) = snapshot.get(OBJECT, object.as_bytes())? else { return Ok(None) };
    let damaged = |_| StoreError::Damaged { space: OBJECT.name() };
    let known = serde_json::from_slice(&bytes).map_err(damaged)?;
    Ok(Some((bytes, known)))
}

fn read_id(bytes: &[u8]) -> Option<EntryId> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}
