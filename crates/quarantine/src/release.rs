//! Letting a held message go: to its recipient, or away.
//!
//! That a release begins is written before the MTA is given the message, and that it ended afterwards. A
//! crash in between leaves an entry that says so: releasing it again may deliver it twice, and never is a
//! message gone that was not delivered.
//!
//! Invariant: an entry goes for good only after the MTA has taken the message, or when somebody said that
//! it is to be deleted.

use bytes::Bytes;
use tidegate_mail::Address;

use crate::counters::Counters;
use crate::entry::State;
use crate::objects::read;
use crate::quarantine::Quarantine;
use crate::{DeleteError, Done, Entry, EntryId, Purpose, ReadError, ReleaseError};

/// A message that the MTA has taken.
#[derive(Debug, Clone)]
pub struct Released {
    /// What became of which entry.
    pub entry: Entry,
    /// The message as it was held, for whoever learns that it is wanted.
    pub raw: Bytes,
    /// Whether it may have been delivered twice: an earlier release was not seen to end.
    pub twice: bool,
    /// What the MTA said.
    pub reply: String,
}

impl Quarantine {
    /// Gives a held message to the MTA for its recipient, as it was held, from its sender. `by` says who
    /// asked for it, for the record; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When it isn't held, can't be read, or the MTA did not take it; it is then still held.
    pub async fn release(
        &self,
        id: &EntryId,
        by: &str,
        now: u64,
    ) -> Result<Released, ReleaseError> {
        let released = Box::pin(self.release_once(id, by, now)).await;
        match &released {
            Ok(_) => Counters::add(&self.counters.released, 1),
            Err(ReleaseError::Send(_)) => Counters::add(&self.counters.failed_releases, 1),
            Err(_) => {}
        }
        released
    }

    async fn release_once(
        &self,
        id: &EntryId,
        by: &str,
        now: u64,
    ) -> Result<Released, ReleaseError> {
        let Some(_at_work) = self.busy.begin(id.as_str()) else { return Err(ReleaseError::Busy) };
        let entry = self.entry(id).await?;
        let object = self.objects.get(&entry.object).await;
        let object = object.map_err(|error| ReadError::Objects(Box::new(error)))?;
        let (_, raw) = object.as_ref().and_then(read).ok_or(ReadError::Missing)?;
        let twice = entry.state != State::Held;
        self.set_state(id, State::Releasing { since: now, by: by.to_owned() }).await?;

        let (sender, to) = (Address::new(&entry.sender), Address::new(&entry.recipient));
        let sent = self.sender().inject(&raw, &sender, &[to], Purpose::Release).await;
        let reply = match sent {
            Ok(reply) => reply,
            Err(error) => {
                if !error.may_be_delivered() && !twice {
                    self.set_state(id, State::Held).await?;
                }
                return Err(error.into());
            }
        };
        if let Err(error) = self.remove(vec![id.clone()], Done::Released, now).await {
            // It is delivered. That the entry stays, and says that it may be, is all that is wrong.
            tracing::error!("a message was released and stays in the list: {error}");
        }
        Ok(Released { entry, raw, twice, reply })
    }

    /// Deletes an entry, and the message when it was the last one of it.
    ///
    /// # Errors
    /// When it isn't held, or is being released.
    pub async fn delete(&self, id: &EntryId, now: u64) -> Result<Entry, DeleteError> {
        let Some(_at_work) = self.busy.begin(id.as_str()) else { return Err(DeleteError::Busy) };
        self.entry(id).await?;
        let removed = self.remove(vec![id.clone()], Done::Deleted, now).await;
        let removed = removed.map_err(ReadError::Store)?.pop().ok_or(ReadError::NotFound)?;
        Counters::add(&self.counters.deleted, 1);
        Ok(removed)
    }

    async fn set_state(&self, id: &EntryId, state: State) -> Result<(), ReadError> {
        let id = id.clone();
        let updated = self.indexed(move |index| {
            index.update(&id, |entry| {
                entry.state = state.clone();
                true
            })
        });
        updated.await.map_err(ReadError::Store)?.map(drop).ok_or(ReadError::NotFound)
    }
}
