//! A store that ends with its process: for tests, and for measuring.
//!
//! Invariant: behaves as [`crate::Embedded`] does, but for the disk.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Batch, Snapshot, Space, Store, StoreError, Visit, Written};

type Entries = BTreeMap<(Space, Vec<u8>), (u64, Vec<u8>)>;

/// Entries in memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Arc<Entries>>);

impl Memory {
    /// Empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Entries>> {
        // A writer that panicked left the entries whole: they are changed by single calls.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Memory {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lock().get(&(space, key.to_vec())).map(|(_, value)| value.clone()))
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        Ok(Box::new(View(Arc::clone(&self.lock()))))
    }

    fn write(&self, batch: &Batch) -> Result<Written, StoreError> {
        let mut entries = self.lock();
        let held = batch.expectations.iter().all(|expected| {
            let found = entries.get(&(expected.space, expected.key.clone()));
            found.map(|(_, value)| value) == expected.value.as_ref()
        });
        if !held {
            return Ok(Written::Conflict);
        }
        let entries = Arc::make_mut(&mut entries);
        for change in &batch.changes {
            let key = (change.space, change.key.clone());
            match &change.value {
                Some(value) => entries.insert(key, (change.expires, value.clone())),
                None => entries.remove(&key),
            };
        }
        Ok(Written::Done)
    }

    fn expire(&self, now: u64, most: usize) -> Result<usize, StoreError> {
        let mut entries = self.lock();
        let mut due: Vec<(u64, (Space, Vec<u8>))> = entries
            .iter()
            .filter(|(_, (expires, _))| *expires != 0 && *expires <= now)
            .map(|(key, (expires, _))| (*expires, key.clone()))
            .collect();
        due.sort();
        due.truncate(most);
        let entries = Arc::make_mut(&mut entries);
        due.iter().for_each(|(_, key)| drop(entries.remove(key)));
        Ok(due.len())
    }
}

struct View(Arc<Entries>);

impl Snapshot for View {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(&(space, key.to_vec())).map(|(_, value)| value.clone()))
    }

    fn scan(
        &self,
        space: Space,
        prefix: &[u8],
        from: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<usize, StoreError> {
        let start = from.max(prefix).to_vec();
        for ((_, key), (_, value)) in self
            .0
            .range((space, start)..)
            .take_while(|((of, key), _)| *of == space && key.starts_with(prefix))
        {
            if let ControlFlow::Break(()) = visit(key, value) {
                break;
            }
        }
        Ok(0)
    }
}
