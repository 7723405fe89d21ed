//! The quarantine: what its parts share.
//!
//! Invariant: calls that block on the disk run on threads for that; no lock is held across a wait.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, future, stream};
use object_store::ObjectStore;
use tidegate_store::{Secret, Store, StoreError};

use crate::counters::Counters;
use crate::error::OpenError;
use crate::index::{Index, Removed};
use crate::objects::{Objects, keeper};
use crate::{Config, Counted, Done, Entry, EntryId, Marks, ReadError, Sender};

/// Where held messages are when `[quarantine] url` doesn't say, in the folder of the store.
const FOLDER: &str = "quarantine";
/// Objects that are removed at a time.
const SIDE_BY_SIDE: usize = 16;

/// Held mail.
pub struct Quarantine {
    pub(crate) index: Arc<Index>,
    pub(crate) objects: Objects,
    pub(crate) config: Config,
    pub(crate) counters: Counters,
    pub(crate) busy: Busy,
    pub(crate) links: Secret,
    pub(crate) site: String,
    marks: Arc<Marks>,
    sender: Sender,
}

impl Quarantine {
    /// Opens the quarantine of a site, `site` being its host name: the index is in `store`, the messages
    /// where `config` says, else in `folder`, that of the store. Blocks on the disk.
    ///
    /// # Errors
    /// When one of them can't be opened or read.
    pub fn open(
        store: Arc<dyn Store>,
        folder: &Path,
        config: Config,
        site: &str,
    ) -> Result<Self, OpenError> {
        let objects = match &config.url {
            Some(url) => keeper(url, environment())?,
            None => keeper(&format!("file:{}", folder.join(FOLDER).display()), [])?,
        };
        Self::over(store, objects, config, site)
    }

    /// As [`Quarantine::open`], over any object store.
    ///
    /// # Errors
    /// When the index can't be read.
    pub fn over(
        store: Arc<dyn Store>,
        objects: Arc<dyn ObjectStore>,
        config: Config,
        site: &str,
    ) -> Result<Self, OpenError> {
        let marks = Arc::new(Marks::of(Arc::clone(&store))?);
        let to = config.release_to.parse().map_err(OpenError::Destination)?;
        let sender = Sender::new(to, config.release_timeout(), site, Arc::clone(&marks));
        Ok(Self {
            links: Secret::of(&*store, "quarantine link")?,
            index: Arc::new(Index::open(store)?),
            objects: Objects::new(objects),
            counters: Counters::default(),
            busy: Busy::default(),
            site: site.to_owned(),
            config,
            marks,
            sender,
        })
    }

    /// The settings it works by.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// By whom mail of our own making is given to the MTA.
    #[must_use]
    pub const fn sender(&self) -> &Sender {
        &self.sender
    }

    /// The marks by which such mail is known when it arrives.
    #[must_use]
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// What there is, and what happened since the start.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let (marks_genuine, marks_void) = self.marks.counted();
        self.counters.read(Counted { marks_genuine, marks_void, ..self.index.there_is() })
    }

    /// The entry of that name.
    pub(crate) async fn entry(&self, id: &EntryId) -> Result<Entry, ReadError> {
        let id = id.clone();
        self.indexed(move |index| match index.get(&id)? {
            Some(entry) => Ok(entry),
            None => Err(index.done(&id)?.map_or(ReadError::NotFound, ReadError::Gone)),
        })
        .await
    }

    /// Runs `work` on the index, on a thread that may block.
    pub(crate) async fn indexed<T, E>(
        &self,
        work: impl FnOnce(&Index) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let index = Arc::clone(&self.index);
        match tokio::task::spawn_blocking(move || work(&index)).await {
            Ok(done) => done,
            Err(error) => Err(StoreError::Failed(error.to_string()).into()),
        }
    }

    /// Removes entries, and the objects of which they were the last.
    pub(crate) async fn remove(
        &self,
        ids: Vec<EntryId>,
        done: Done,
        now: u64,
    ) -> Result<Vec<Entry>, StoreError> {
        let removed = self.indexed(move |index| index.remove(&ids, done, now)).await?;
        let entries = removed.iter().map(|removed| removed.entry.clone()).collect();
        self.sweep(removed).await;
        Ok(entries)
    }

    /// Removes the objects that nothing names any more. One that can't be removed now is at the next
    /// start: the index keeps its name.
    pub(crate) async fn sweep(&self, removed: Vec<Removed>) {
        self.remove_objects(removed.into_iter().filter_map(|removed| removed.orphan)).await;
    }

    pub(crate) async fn remove_objects(&self, names: impl IntoIterator<Item = String>) {
        let removing = names.into_iter().map(|name| async {
            match self.objects.delete(&name).await {
                Ok(()) => Some(name),
                Err(error) => {
                    tracing::warn!("a message that is held no more could not be removed: {error}");
                    None
                }
            }
        });
        let removing: Vec<_> = removing.collect();
        let removed = stream::iter(removing).buffer_unordered(SIDE_BY_SIDE);
        let removed: Vec<String> = removed.filter_map(future::ready).collect().await;
        if removed.is_empty() {
            return;
        }
        if let Err(error) = self.indexed(move |index| index.forget(&removed)).await {
            tracing::warn!("the index of the quarantine could not be written: {error}");
        }
    }
}

/// Variables of this process; those that are no text are nothing that we read.
fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text)
}

/// What is being worked on just now, by name.
#[derive(Clone, Default)]
pub(crate) struct Busy(Arc<Mutex<HashSet<String>>>);

/// Ends the work when dropped.
pub(crate) struct AtWork {
    busy: Busy,
    name: String,
}

impl Busy {
    /// Begins work on `name`; `None` when somebody is at it.
    pub(crate) fn begin(&self, name: &str) -> Option<AtWork> {
        let is_new = self.lock().insert(name.to_owned());
        is_new.then(|| AtWork { busy: self.clone(), name: name.to_owned() })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.lock().contains(name)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.busy.lock().remove(&self.name);
    }
}
