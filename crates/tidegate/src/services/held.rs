//! Held mail: seen, delivered, deleted, by whom it belongs to.
//!
//! Invariant: what is not the caller's is as if it were not there.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_bayes::Class;
use tidegate_quarantine::{
    DeleteError, EntryId, Filter, LinkError, Page, ReadError, ReleaseError, Shown, Summary,
};

use super::Services;
use crate::api::{Caller, Refusal};
use crate::control;
use crate::knowledge::seconds;

/// What came of a release.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Released {
    /// To whom it was delivered.
    pub(crate) recipient: String,
    /// It may have been delivered twice.
    pub(crate) twice: bool,
    /// What the MTA said.
    pub(crate) reply: String,
    /// What came of learning that it is wanted, where that was asked for.
    pub(crate) learned: Option<String>,
}

/// What was let go because its time is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Expired {
    /// Entries that went.
    pub(crate) gone: usize,
    /// What is left.
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

impl Services {
    /// Lets go of what is kept no longer.
    pub(crate) async fn expire(&self, caller: &Caller) -> Result<Expired, Refusal> {
        caller.admin()?;
        let quarantine = self.quarantine()?;
        let gone = quarantine.expire(seconds()).await.map_err(Refusal::failed)?;
        let counted = quarantine.counted();
        Ok(Expired { gone, entries: counted.entries, bytes: counted.bytes })
    }

    /// A page of what is held; of the caller's own, where they may not see more.
    pub(crate) async fn held(&self, caller: &Caller, mut filter: Filter) -> Result<Page, Refusal> {
        filter.owner = caller.whose(filter.owner.map(|owner| self.user(&owner)))?;
        self.quarantine()?.list(&filter).await.map_err(Refusal::failed)
    }

    /// How many messages are held for the caller.
    pub(crate) async fn held_count(&self, caller: &Caller) -> Result<usize, Refusal> {
        self.quarantine()?.held_for(caller.name()).await.map_err(Refusal::failed)
    }

    /// One held message.
    pub(crate) async fn show(&self, caller: &Caller, id: &str) -> Result<Shown, Refusal> {
        let id = self.own(caller, id).await?;
        self.quarantine()?.show(&id).await.map_err(unread)
    }

    /// Delivers a held message, and learns that it is wanted when asked.
    pub(crate) async fn release(
        &self,
        caller: &Caller,
        id: &str,
        learn: bool,
    ) -> Result<Released, Refusal> {
        let id = self.own(caller, id).await?;
        self.release_own(caller.name(), &id, learn).await
    }

    /// Delivers the message that a link in mail was made for.
    pub(crate) async fn release_by_link(&self, token: &str) -> Result<Released, Refusal> {
        let summary = self.linked(token).await?;
        self.release_own(&summary.owner, &summary.id, false).await
    }

    /// What a link in mail was made for.
    pub(crate) async fn linked(&self, token: &str) -> Result<Summary, Refusal> {
        self.quarantine()?.redeem(token, seconds()).await.map_err(|error| match error {
            LinkError::Read(error) => unread(error),
            error => Refusal::Wrong(error.to_string()),
        })
    }

    async fn release_own(&self, by: &str, id: &EntryId, learn: bool) -> Result<Released, Refusal> {
        let signals = self.quarantine()?.show(id).await.map_err(unread)?.signals;
        let released = Box::pin(self.quarantine()?.release(id, by, seconds())).await;
        let released = released.map_err(|error| match error {
            ReleaseError::Read(error) => unread(error),
            busy @ ReleaseError::Busy => Refusal::Changed(busy.to_string()),
            error => {
                tracing::error!(by, id = id.as_str(), "a held message was not released: {error}");
                match error {
                    ReleaseError::Send(error) if error.is_of_mta() => {
                        Refusal::Mta(error.to_string())
                    }
                    error => Refusal::Failed(error.to_string()),
                }
            }
        })?;
        tracing::info!(by, id = id.as_str(), twice = released.twice, "a held message was released");
        let owner = released.entry.owner;
        let signals = signals.into_iter().map(|said| (said.name, said.score)).collect();
        let learned = self.take_to_heart(released.raw.into(), owner, signals, learn).await;
        let recipient = released.entry.recipient;
        Ok(Released { recipient, twice: released.twice, reply: released.reply, learned })
    }

    /// Deletes a held message.
    pub(crate) async fn delete(&self, caller: &Caller, id: &str) -> Result<Summary, Refusal> {
        let id = self.own(caller, id).await?;
        let deleted = self.quarantine()?.delete(&id, seconds()).await;
        let deleted = deleted.map_err(|error| match error {
            DeleteError::Read(error) => unread(error),
            error => Refusal::Changed(error.to_string()),
        })?;
        tracing::info!(by = caller.name(), id = id.as_str(), "a held message was deleted");
        Ok(deleted.into())
    }

    /// The name of an entry that is the caller's.
    async fn own(&self, caller: &Caller, id: &str) -> Result<EntryId, Refusal> {
        let id: EntryId = id.parse().map_err(|_| Refusal::Missing)?;
        let summary = self.quarantine()?.summary(&id).await.map_err(unread)?;
        caller.may(&summary.owner).map(|()| id)
    }

    /// Counts that its owner wants a message, against what spoke for its being spam, and learns it when
    /// asked. It is delivered already: what fails here is told, and undoes nothing.
    async fn take_to_heart(
        &self,
        raw: Vec<u8>,
        owner: String,
        signals: Vec<(String, f32)>,
        learn: bool,
    ) -> Option<String> {
        let (engine, lessons) = ((self.engine)(), Arc::clone(&self.lessons));
        let remembered = Arc::clone(&self.remembered);
        let taught = tokio::task::spawn_blocking(move || {
            if let Err(error) = remembered.released(&engine, &raw, Some(&owner), signals) {
                tracing::warn!("a release was not counted as a correction: {error}");
            }
            let found = learn.then(|| engine.learnable(&raw))?;
            Some(control::teach_found(&lessons, found, Some(Class::Ham), Some(&owner)))
        });
        match taught.await {
            Ok(taught) => taught.map(|taught| match taught {
                Ok(taught) => control::word(taught).to_owned(),
                Err(error) => format!("error: {error}"),
            }),
            Err(_panic) => Some("error: the message could not be read".to_owned()),
        }
    }
}

fn unread(error: ReadError) -> Refusal {
    match error {
        ReadError::NotFound => Refusal::Missing,
        gone @ (ReadError::Gone(_) | ReadError::Missing) => Refusal::Changed(gone.to_string()),
        error => Refusal::failed(error),
    }
}
