//! What is held of a user's corrections, and forgetting it.
//!
//! Invariant: what users damped stays damped, whoever they were.

use std::ops::ControlFlow;

use tidegate_store::{Batch, StoreError, Written};

use super::{CORRECTIONS, Corrections, DAMPED, decode, encode, parts};

impl Corrections {
    /// How many corrections of a user are remembered. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn held_on(&self, user: &str) -> Result<usize, StoreError> {
        Ok(self.keys_of(user)?.len())
    }

    /// Takes back every correction of a user; returns how many entries that were. What they damped
    /// stays damped. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn forget(&self, user: &str) -> Result<usize, StoreError> {
        let _writer = self.lock();
        let (keys, mut batch) = (self.keys_of(user)?, Batch::new());
        for key in &keys {
            batch.remove(CORRECTIONS, key);
        }
        let (Written::Done | Written::Conflict) = self.store.write(&batch)?;
        Ok(keys.len())
    }

    /// Writes `instead` for whoever cleared signals and is one of those whom `is_theirs` says; returns how
    /// many signals that were. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn disown(
        &self,
        is_theirs: &dyn Fn(&str) -> bool,
        instead: &str,
    ) -> Result<usize, StoreError> {
        let _writer = self.lock();
        let mut theirs = Vec::new();
        self.store.snapshot()?.scan(DAMPED, b"", b"", &mut |key, value| {
            let mut damping = decode(value);
            let cleared = damping.as_mut().and_then(|damping| damping.cleared.as_mut());
            if let Some(cleared) = cleared.filter(|cleared| is_theirs(&cleared.by)) {
                instead.clone_into(&mut cleared.by);
                theirs.extend(damping.map(|damping| (key.to_vec(), damping)));
            }
            ControlFlow::Continue(())
        })?;
        let mut batch = Batch::new();
        for (key, damping) in &theirs {
            batch.put(DAMPED, key, encode(damping)?);
        }
        let (Written::Done | Written::Conflict) = self.store.write(&batch)?;
        Ok(theirs.len())
    }

    fn keys_of(&self, user: &str) -> Result<Vec<Vec<u8>>, StoreError> {
        let (person, mut keys) = (self.person(Some(user)), Vec::new());
        self.store.snapshot()?.scan(CORRECTIONS, b"", b"", &mut |key, _| {
            if parts(key).is_some_and(|by| by == person) {
                keys.push(key.to_vec());
            }
            ControlFlow::Continue(())
        })?;
        Ok(keys)
    }
}
