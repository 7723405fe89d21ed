//! Listing what is held, the newest first, a page at a time.
//!
//! Invariant: a page costs what it shows, a search what it looks through; neither reads a message.

use std::borrow::Cow;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use tidegate_store::StoreError;

use crate::entry::owner;
use crate::index::{ENTRY, ID, Index, entry_key};
use crate::quarantine::Quarantine;
use crate::{Entry, EntryId, Summary};

/// Entries of a page where nobody says how many, and at the most.
const USUAL: usize = 50;
const MOST: usize = 1_000;

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Whose; none: everybody's.
    pub owner: Option<String>,
    /// Text that must stand in sender, author, recipient or subject, letter case aside.
    pub search: Option<String>,
    /// The MTA's name for the message.
    pub queue_id: Option<String>,
    /// Behind which entry: [`Page::next`] of the page before.
    pub after: Option<EntryId>,
    /// How many at most; none: 50. No more than 1,000.
    pub limit: Option<usize>,
}

/// A part of a list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The entries, the newest first.
    pub entries: Vec<Summary>,
    /// Where the next page begins; none: this is the last one.
    pub next: Option<EntryId>,
}

impl Quarantine {
    /// Lists what is held.
    ///
    /// # Errors
    /// When the index can't be read.
    pub async fn list(&self, filter: &Filter) -> Result<Page, StoreError> {
        let filter = filter.clone();
        self.indexed(move |index| index.page(&filter)).await
    }

    /// How many messages are held for somebody.
    ///
    /// # Errors
    /// When the index can't be read.
    pub async fn held_for(&self, whose: &str) -> Result<usize, StoreError> {
        let prefix = [owner(whose).as_bytes(), &[0]].concat();
        self.indexed(move |index| {
            let mut count = 0;
            index.store.snapshot()?.scan(ENTRY, &prefix, b"", &mut |_, _| {
                count += 1;
                ControlFlow::Continue(())
            })?;
            Ok(count)
        })
        .await
    }

    /// Everybody who has something in quarantine, in order of their names.
    ///
    /// # Errors
    /// When the index can't be read.
    pub async fn owners(&self) -> Result<Vec<String>, StoreError> {
        self.indexed(Index::owners).await
    }
}

impl Index {
    fn page(&self, filter: &Filter) -> Result<Page, StoreError> {
        let limit = filter.limit.unwrap_or(USUAL).clamp(1, MOST);
        let search = filter.search.as_ref().map(|search| search.trim().to_lowercase());
        let mut page = Page::default();
        let mut take = |value: &[u8]| {
            let is_other = |search: &String| !is_about(value, search);
            let queued_otherwise = |id: &String| !is_queued_as(value, id);
            if search.as_ref().is_some_and(is_other)
                || filter.queue_id.as_ref().is_some_and(queued_otherwise)
            {
                return ControlFlow::Continue(());
            }
            // One that can't be read is left out, as the store leaves out those that are damaged.
            let Ok(entry) = serde_json::from_slice::<Entry>(value) else {
                return ControlFlow::Continue(());
            };
            if page.entries.len() == limit {
                page.next = page.entries.last().map(|last: &Summary| last.id.clone());
                return ControlFlow::Break(());
            }
            page.entries.push(entry.into());
            ControlFlow::Continue(())
        };
        let snapshot = self.store.snapshot()?;
        let mut failed = None;
        // The key itself was shown: on from the next one that can be.
        let behind = |key: Vec<u8>| [key, vec![0]].concat();
        if let Some(whose) = filter.owner.as_deref().map(owner) {
            let prefix = [whose.as_bytes(), &[0]].concat();
            let from = filter.after.as_ref().map(|id| behind(entry_key(&whose, id)));
            snapshot
                .scan(ENTRY, &prefix, &from.unwrap_or_default(), &mut |_, value| take(value))?;
        } else {
            let from = filter.after.as_ref().map(|id| behind(id.as_bytes().to_vec()));
            snapshot.scan(ID, b"", &from.unwrap_or_default(), &mut |id, owner| {
                let key = [owner, &[0], id].concat();
                match snapshot.get(ENTRY, &key) {
                    Ok(Some(value)) => take(&value),
                    Err(error @ (StoreError::Failed(_) | StoreError::Disk(_))) => {
                        failed = Some(error);
                        ControlFlow::Break(())
                    }
                    _ => ControlFlow::Continue(()),
                }
            })?;
        }
        failed.map_or(Ok(page), Err)
    }

    pub(crate) fn owners(&self) -> Result<Vec<String>, StoreError> {
        let mut owners: Vec<String> = Vec::new();
        let mut from = Vec::new();
        let snapshot = self.store.snapshot()?;
        loop {
            let mut found = None;
            snapshot.scan(ENTRY, b"", &from, &mut |key, _| {
                found = key.split(|byte| *byte == 0).next().map(<[u8]>::to_vec);
                ControlFlow::Break(())
            })?;
            let Some(mut next) = found else { return Ok(owners) };
            owners.push(String::from_utf8_lossy(&next).into_owned());
            // Past all of this one's.
            next.push(1);
            from = next;
        }
    }
}

/// What is searched of an entry.
#[derive(Deserialize)]
struct Searched<'e> {
    #[serde(borrow)]
    subject: Cow<'e, str>,
    #[serde(borrow)]
    from: Cow<'e, str>,
    #[serde(borrow)]
    sender: Cow<'e, str>,
    #[serde(borrow)]
    recipient: Cow<'e, str>,
}

/// Whether the entry that is stored as `value` has `search`, which is in lower case.
fn is_about(value: &[u8], search: &str) -> bool {
    let Ok(entry) = serde_json::from_slice::<Searched<'_>>(value) else { return false };
    [entry.subject, entry.from, entry.sender, entry.recipient]
        .into_iter()
        .any(|text| text.to_lowercase().contains(search))
}

/// Whether the entry that is stored as `value` is of the message that the MTA calls `id`.
fn is_queued_as(value: &[u8], id: &str) -> bool {
    #[derive(Deserialize)]
    struct Queued {
        queue_id: Option<String>,
    }
    serde_json::from_slice::<Queued>(value).is_ok_and(|it| it.queue_id.as_deref() == Some(id))
}
