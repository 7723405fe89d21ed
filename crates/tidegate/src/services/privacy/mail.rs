//! A person's held mail, and what the journal has of their messages.
//!
//! Invariant: mail that was held for others stays theirs, whoever sent it.

use std::io;

use serde_json::{Value, json};
use tidegate_quarantine::{Filter, Forgotten};

use super::super::Services;
use crate::api::Refusal;
use crate::journal::{self, Erased, Read};
use crate::knowledge::seconds;
use crate::privacy::{Part, Whom};

/// Messages, and records of the journal, that an answer has room for.
const MOST_SHOWN: usize = 500;
/// Ids of messages to others that are listed.
const MOST_LISTED: usize = 10_000;

impl Services {
    /// What is held for a person, with the text.
    pub(super) async fn held_for(&self, whom: &Whom) -> Result<Part, Refusal> {
        let Some(quarantine) = &self.quarantine else { return Ok(off("quarantine")) };
        let (mut found, mut shown) = (0, Vec::new());
        for owner in quarantine.owners().await.map_err(Refusal::failed)? {
            if !whom.is(&owner) {
                continue;
            }
            for id in quarantine.entries_of(&owner).await.map_err(Refusal::failed)? {
                found += 1;
                if shown.len() < MOST_SHOWN {
                    shown.push(match quarantine.show(&id).await {
                        Ok(message) => serde_json::to_value(message).map_err(Refusal::failed)?,
                        Err(error) => json!({ "id": id, "error": error.to_string() }),
                    });
                }
            }
        }
        let part = Part::new("quarantine", found).with(Value::Array(shown));
        Ok(if found > MOST_SHOWN { part.noting("The newest 500 are shown.") } else { part })
    }

    /// Deletes what is held for a person.
    pub(super) async fn erase_held(&self, whom: &Whom) -> Result<Part, Refusal> {
        let Some(quarantine) = &self.quarantine else { return Ok(off("quarantine")) };
        let forgotten = quarantine.forget(&|address| whom.is(address), seconds()).await;
        let Forgotten { entries, records, busy } = forgotten.map_err(Refusal::failed)?;
        let part = Part::new("quarantine", entries);
        Ok(match (busy, records) {
            (0, 0) => part,
            (0, _) => part.noting(format!(
                "The name was taken from the records of {records} messages that others have."
            )),
            (busy, _) => {
                part.noting(format!("{busy} are being released just now: erase once more."))
            }
        })
    }

    /// What a person sent and is held for others: how much, and where.
    pub(super) async fn sent_by(&self, whom: &Whom, erasing: bool) -> Result<Part, Refusal> {
        let Some(quarantine) = &self.quarantine else { return Ok(off("sent")) };
        let (mut found, mut ids, mut after) = (0, Vec::new(), None);
        loop {
            let filter = Filter { after, limit: Some(1_000), ..Filter::default() };
            let page = quarantine.list(&filter).await.map_err(Refusal::failed)?;
            for entry in page.entries {
                let author = entry.from.rsplit_once('<').map_or(entry.from.as_str(), |(_, it)| it);
                let theirs = whom.is(&entry.sender) || whom.is(author);
                if theirs && !whom.is(&entry.owner) {
                    found += 1;
                    if ids.len() < MOST_LISTED {
                        ids.push(entry.id);
                    }
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let part = Part::new("sent", found)
            .noting("Held for others: not erased, since it is their mail; it expires.");
        Ok(if erasing { part } else { part.with(json!(ids)) })
    }

    /// Records of messages that a person sent or got.
    pub(super) fn in_journal(&self, whom: &Whom) -> io::Result<Part> {
        let (mut found, mut shown) = (0, Vec::new());
        for record in Read::all(&journal::folder(&self.folder))? {
            let record = record?;
            if record.is_about(whom) {
                found += 1;
                if shown.len() < MOST_SHOWN {
                    shown.push(record.part_of(whom));
                }
            }
        }
        let part = Part::new("journal", found).with(Value::Array(shown));
        Ok(if found > MOST_SHOWN { part.noting("The oldest 500 are shown.") } else { part })
    }

    /// Takes a person out of the journal.
    pub(super) fn erase_in_journal(&self, whom: &Whom) -> io::Result<Part> {
        let at_work = (self.journal)();
        let folder = journal::folder(&self.folder);
        let Erased { records, cut, unreadable } =
            journal::erase(&folder, at_work.as_deref(), whom)?;
        Ok(Part::new("journal", records + cut).noting(format!(
            "{records} records are gone; {cut} of messages that others got as well go on without this \
             person; {unreadable} that could not be read are gone."
        )))
    }
}

fn off(part: &str) -> Part {
    Part::new(part, 0).noting("[quarantine] is switched off, and was not looked into.")
}
