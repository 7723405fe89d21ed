//! Setting right at a start what a crash, or the loss of the index, left behind.
//!
//! Each object carries all that its entries are made of, so a lost index is made anew. What can't be
//! known any more is who had released or deleted their entry of a message that others still had: such
//! entries come back, and say so.
//!
//! Invariant: an object is removed only where the index says so; one that it doesn't know is entered.

use crate::ReadError;
use crate::index::{Index, Known};
use crate::objects::read;
use crate::quarantine::Quarantine;

/// What was set right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Messages that not all of their entries named, which are listed again.
    pub messages: usize,
    /// Messages that were to be removed, and are now.
    pub removed: usize,
    /// Objects that can't be read as held messages; they are left alone.
    pub unreadable: usize,
}

impl Quarantine {
    /// Compares objects and index, and sets right what differs. Mail may be held, released and deleted
    /// meanwhile.
    ///
    /// # Errors
    /// When one of them can't be read; what was done until then stays done.
    pub async fn recover(&self) -> Result<Recovered, ReadError> {
        let mut told = Recovered::default();
        let failed = |error| ReadError::Objects(Box::new(error));
        let to_be_removed = self.indexed(Index::to_be_removed);
        let to_be_removed = to_be_removed.await.map_err(ReadError::Store)?;
        told.removed += to_be_removed.len();
        self.remove_objects(to_be_removed).await;
        for (name, size) in self.objects.all().await.map_err(failed)? {
            // In this order: what is at work now is entered when it no longer is.
            if self.busy.has(&name) {
                continue;
            }
            let known = name.clone();
            let known = self.indexed(move |index| index.knows(&known)).await;
            let missing = match known.map_err(ReadError::Store)? {
                Known::Whole => continue,
                Known::Nothing => None,
                Known::Without(missing) => Some(missing),
            };
            // Removed since it was listed: then there is nothing to set right.
            let Some(object) = self.objects.get(&name).await.map_err(failed)? else { continue };
            let Some((mut record, _)) = read(&object) else {
                tracing::warn!(
                    object = name.as_str(),
                    "what lies in the quarantine is no held message"
                );
                told.unreadable += 1;
                continue;
            };
            if let Some(missing) = missing {
                record.entries.retain(|to| missing.contains(&to.id));
                let restored = self.indexed(move |index| index.restore(&record, &name, size));
                restored.await.map_err(ReadError::Store)?;
                told.messages += 1;
                continue;
            }
            let entered_as = name.clone();
            let entered = self.indexed(move |index| {
                let mut left = Vec::new();
                for to in std::mem::take(&mut record.entries) {
                    if index.done(&to.id)?.is_none() && index.get(&to.id)?.is_none() {
                        left.push(to);
                    }
                }
                if left.is_empty() {
                    return Ok(None);
                }
                record.entries = left;
                let replaced = index.insert(&record, &entered_as, size, true)?;
                index.recovered(size);
                Ok::<_, tidegate_store::StoreError>(Some(replaced))
            });
            match entered.await.map_err(ReadError::Store)? {
                Some(replaced) => {
                    self.sweep(replaced).await;
                    told.messages += 1;
                }
                // Of each of its entries it is known what became of it.
                None => {
                    self.remove_objects([name]).await;
                    told.removed += 1;
                }
            }
        }
        Ok(told)
    }
}
