//! Forgetting an owner: their entries go, and their name from what lies beside messages that others still
//! have.
//!
//! Invariant: a message that another recipient has an entry of stays as it came; only the record beside it
//! is written anew, in one step, and takes as many bytes as before.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::entry::owner;
use crate::objects::{read, written_within};
use crate::quarantine::Quarantine;
use crate::{Done, EntryId, ReadError};

/// Objects that are looked into at a time.
const SIDE_BY_SIDE: usize = 8;

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Entries that are gone.
    pub entries: usize,
    /// Messages of others whose record named the owner.
    pub records: usize,
    /// Entries that are being released just now, and are still there: to be tried again.
    pub busy: usize,
}

impl Quarantine {
    /// The entries of an owner, the newest first.
    ///
    /// # Errors
    /// When the index can't be read.
    pub async fn entries_of(&self, whose: &str) -> Result<Vec<EntryId>, ReadError> {
        let whose = owner(whose);
        Ok(self.indexed(move |index| index.entries_of(&whose)).await?)
    }

    /// Deletes all entries of those whom `is_theirs` says, and takes them from the records of messages
    /// that others have: also such as were released or expired before. Reads every object.
    ///
    /// # Errors
    /// When index or objects can't be read or written; what was done until then stays done.
    pub async fn forget(
        &self,
        is_theirs: &(dyn Fn(&str) -> bool + Send + Sync),
        now: u64,
    ) -> Result<Forgotten, ReadError> {
        let mut forgotten = Forgotten::default();
        let owners = self.owners().await?;
        let (mut ids, mut at_work) = (Vec::new(), HashMap::new());
        for whose in owners.iter().filter(|whose| is_theirs(whose)) {
            for id in self.entries_of(whose).await? {
                match self.busy.begin(id.as_str()) {
                    Some(work) => drop(at_work.insert(id.clone(), work)),
                    None => forgotten.busy += 1,
                }
                ids.push(id);
            }
        }
        ids.retain(|id| at_work.contains_key(id));
        forgotten.entries = self.remove(ids, Done::Deleted, now).await?.len();
        drop(at_work);
        let whose: Vec<String> = owners.into_iter().filter(|whose| is_theirs(whose)).collect();
        self.indexed(move |index| whose.iter().try_for_each(|whose| index.forget_digest(whose)))
            .await?;
        let failed = |error| ReadError::Objects(Box::new(error));
        let objects = self.objects.all().await.map_err(failed)?;
        let looked = objects.into_iter().map(|(name, _)| self.strike(name, is_theirs));
        let mut looked = stream::iter(looked.collect::<Vec<_>>()).buffer_unordered(SIDE_BY_SIDE);
        while let Some(struck) = looked.next().await {
            forgotten.records += usize::from(struck?);
        }
        Ok(forgotten)
    }

    /// Takes them from the record of one object; whether they were in it.
    async fn strike(
        &self,
        name: String,
        is_theirs: &(dyn Fn(&str) -> bool + Send + Sync),
    ) -> Result<bool, ReadError> {
        // One that is on its way in is mail of now.
        let Some(_at_work) = self.busy.begin(&name) else { return Ok(false) };
        let failed = |error| ReadError::Objects(Box::new(error));
        let Some(object) = self.objects.get(&name).await.map_err(failed)? else { return Ok(false) };
        let Some((mut record, raw)) = read(&object) else { return Ok(false) };
        let before = record.entries.len();
        let is_held = |id: &EntryId| {
            let id = id.clone();
            self.indexed(move |index| index.get(&id))
        };
        let mut left = Vec::new();
        for to in std::mem::take(&mut record.entries) {
            let theirs = is_theirs(&to.owner) || is_theirs(&to.address);
            // An entry that is being released stays whole.
            if !theirs || is_held(&to.id).await?.is_some() {
                left.push(to);
            }
        }
        record.entries = left;
        if record.entries.len() == before {
            return Ok(false);
        }
        let struck: Bytes = written_within(&record, &raw, object.len()).map_err(|error| {
            ReadError::Store(tidegate_store::StoreError::Failed(error.to_string()))
        })?;
        self.objects.put(&name, struck).await.map_err(failed)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    use tidegate_mail::{Address, Envelope};
    use tidegate_store::Memory;

    use super::*;
    use crate::{Config, HeldFor, Holding};

    const RAW: &[u8] = b"From: Anna <anna@shop.example>\r\nSubject: Offer\r\n\r\nBuy\r\n";

    async fn hold(quarantine: &Quarantine, to: &[&str]) -> Vec<EntryId> {
        let recipients: Vec<HeldFor> =
            to.iter().map(|to| HeldFor::new(to, "9 points", 9_000)).collect();
        let sender = Some(Address::new("anna@shop.example"));
        let envelope = Envelope { sender, ..Envelope::default() };
        let (recipients, signals) = (&recipients[..], &[][..]);
        let holding =
            Holding { raw: RAW, envelope: &envelope, score: 9.0, signals, recipients, now: 1_000 };
        let ids = quarantine.hold(&holding).await.unwrap();
        quarantine.confirm(&ids).await.unwrap();
        ids
    }

    fn files_with(folder: &Path, word: &str) -> usize {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| match path.is_dir() {
                true => files_with(&path, word),
                false => {
                    usize::from(String::from_utf8_lossy(&fs::read(path).unwrap()).contains(word))
                }
            })
            .sum()
    }

    #[tokio::test]
    async fn an_owner_is_forgotten_and_what_others_have_stays() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Memory::new());
        let held =
            Quarantine::open(store, dir.path(), Config::default(), "mx.example.test").unwrap();
        let both = hold(&held, &["bert@example.test", "carl@example.test"]).await;
        let alone = hold(&held, &["bert@example.test"]).await;
        // Released before, and named in the record all the same.
        let gone = hold(&held, &["bert@example.test", "carl@example.test"]).await;
        held.delete(&gone[0], 1_500).await.unwrap();
        let is_bert = |address: &str| address == "bert@example.test";
        assert_eq!(files_with(dir.path(), "bert@"), 3);
        let forgotten = held.forget(&is_bert, 2_000).await.unwrap();
        assert_eq!(forgotten, Forgotten { entries: 2, records: 2, busy: 0 });
        assert_eq!(files_with(dir.path(), "bert@"), 0);
        for id in [&both[0], &alone[0]] {
            assert!(matches!(held.show(id).await, Err(ReadError::Gone(Done::Deleted))));
        }
        let shown = held.show(&both[1]).await.unwrap();
        assert_eq!(
            (shown.summary.recipient.as_str(), shown.text.trim()),
            ("carl@example.test", "Buy")
        );
        assert_eq!(held.counted().entries, 2);
        assert_eq!(held.forget(&is_bert, 2_000).await.unwrap(), Forgotten::default());
        let recovered = held.recover().await.unwrap();
        assert_eq!(recovered, crate::Recovered::default(), "objects and index are in accord");
    }
}
