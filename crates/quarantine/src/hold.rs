//! Holding a message, and noting that the MTA was told so.
//!
//! The object first, then the index: a crash between the two leaves an object that no entry names, which
//! comes back at the next start (`recover.rs`). Nobody was told then that we have the message, so its
//! sender sends it again, and the second holding takes the place of the first.
//!
//! Invariant: [`Quarantine::hold`] returns ids only when message and index are durable.

use std::time::Duration;

use tidegate_store::StoreError;

use crate::counters::Counters;
use crate::entry::Record;
use crate::id::object_name;
use crate::objects::written;
use crate::quarantine::Quarantine;
use crate::{EntryId, HoldError, Holding, fault};

/// How long storing a message may take: the MTA waits for the answer.
const STORING: Duration = Duration::from_secs(20);

impl Quarantine {
    /// Holds a message. Returns the entries, in the order of the recipients, when it is durable.
    ///
    /// # Errors
    /// When it isn't held: it must then be delivered.
    pub async fn hold(&self, holding: &Holding<'_>) -> Result<Vec<EntryId>, HoldError> {
        if holding.recipients.is_empty() {
            return Ok(Vec::new());
        }
        let record = Record::of(holding)?;
        let held = match self.hold_durably(&record, holding).await {
            Err(error) => self.held_before(record, error).await,
            held => held,
        };
        match &held {
            Ok(ids) => Counters::add(&self.counters.held, ids.len()),
            Err(_) => Counters::add(&self.counters.failed_holds, 1),
        }
        held
    }

    /// The entries of a message that comes again and can't be held again: those of before do. It must not
    /// be delivered to somebody for whom it lies here already.
    async fn held_before(
        &self,
        record: Record,
        error: HoldError,
    ) -> Result<Vec<EntryId>, HoldError> {
        match self.indexed(move |index| index.came_before(&record)).await {
            Ok(Some(ids)) => {
                tracing::warn!("a message that is held already could not be held again: {error}");
                Ok(ids)
            }
            Ok(None) | Err(_) => Err(error),
        }
    }

    async fn hold_durably(
        &self,
        record: &Record,
        holding: &Holding<'_>,
    ) -> Result<Vec<EntryId>, HoldError> {
        let name = object_name()?;
        let object = written(record, holding.raw)?;
        let size = object.len() as u64;
        let room = self.make_room(size, holding.now).await?;
        // Who looks for lost objects must not take it for one before it is entered.
        let at_work = self.busy.begin(&name);
        let stored = tokio::time::timeout(STORING, self.objects.put(&name, object)).await;
        // What is stored after all, later, is found at the next start: then it is there twice.
        stored
            .map_err(|_late| HoldError::Late)?
            .map_err(|error| HoldError::Objects(Box::new(error)))?;
        fault::point("after-object");
        let ids = record.entries.iter().map(|to| to.id.clone()).collect();
        let entered = {
            let (name, record) = (name.clone(), record.clone());
            self.indexed(move |index| {
                let entered = index.insert(&record, &name, size, false);
                drop(at_work);
                entered
            })
        };
        match entered.await {
            Ok(replaced) => {
                fault::point("after-index");
                room.take();
                self.sweep(replaced).await;
                Ok(ids)
            }
            Err(error) => {
                // It is delivered instead: what lies there is of no use.
                if let Err(error) = self.objects.delete(&name).await {
                    tracing::warn!("a message that was not held could not be removed: {error}");
                }
                Err(HoldError::Store(error))
            }
        }
    }

    /// Notes that the MTA was told that we have these: their sender will not send them again.
    ///
    /// # Errors
    /// When the index can't be written: the entries go on saying that they may be there twice.
    pub async fn confirm(&self, ids: &[EntryId]) -> Result<(), StoreError> {
        let ids = ids.to_vec();
        self.indexed(move |index| {
            for id in &ids {
                index.update(id, |entry| !std::mem::replace(&mut entry.confirmed, true))?;
            }
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use tidegate_mail::{Address, Envelope};

    use super::*;
    use crate::HeldFor;

    /// A record and its message.
    pub(crate) fn sample() -> (Record, Vec<u8>) {
        let raw = b"From: Anna <anna@shop.example>\r\nSubject: Offer\r\n\r\nBuy\r\n".to_vec();
        let envelope =
            Envelope { sender: Some(Address::new("anna@shop.example")), ..Envelope::default() };
        let recipients = [HeldFor::new("Bert@example.test", "9 points", 2_000)];
        let holding = Holding {
            raw: &raw,
            envelope: &envelope,
            score: 9.0,
            signals: &[],
            recipients: &recipients,
            now: 1_000,
        };
        (Record::of(&holding).unwrap(), raw)
    }
}
