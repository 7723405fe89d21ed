//! The policies that the store keeps, laid over those of files, and the ways to edit them.
//!
//! The command line calls these where no daemon runs, and a running daemon for whoever asks it.
//!
//! Invariant: an edit is answered when it is durable and at work; of two edits at once, both are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_policy::{
    Edit, EditError, Edits, Erased, Layers, Listed, Logged, Policies, Stored, Subject,
};
use tidegate_store::{Store, StoreError};

use crate::knowledge;

/// Edits that `log` tells at the most.
const MOST_LOGGED: usize = 1_000;

/// Policies in a store. Calls block on the disk.
pub(crate) struct StoredPolicies {
    edits: Edits,
    /// What was laid last. Held from reading the store to putting the book to work, so that an older one is
    /// never last.
    laid: Mutex<Laid>,
}

/// What a shared store had when it was read last.
#[derive(Default)]
struct Laid {
    layers: Option<Layers>,
    /// How often it had been written; `None`: it is to be read again.
    written: Option<Vec<u64>>,
}

impl StoredPolicies {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { edits: Edits::new(store), laid: Mutex::default() }
    }

    /// Lays what the store keeps over the files' book of `policies`; while a shared one is away, what it kept.
    ///
    /// # Errors
    /// When the store can't be read; the book is left as it is.
    pub(crate) fn lay_over(&self, policies: &Policies) -> Result<(), StoreError> {
        self.lay(&mut self.lock(), policies)
    }

    fn lay(&self, laid: &mut Laid, policies: &Policies) -> Result<(), StoreError> {
        laid.written = None;
        let (layers, unread) = match (self.edits.layers(), &laid.layers) {
            (Err(error), Some(known)) if error.is_away() => (known.clone(), 0),
            (read, _) => read?,
        };
        if self.edits.is_shared() {
            laid.layers = Some(layers.clone());
        }
        if unread > 0 {
            tracing::error!(unread, "policies in the store can't be read and don't count");
        }
        let book = policies.book();
        for (subject, layer) in &layers {
            // What was right when it was edited may not be over what a file says now.
            if !layer.mistakes(&book.below_stored(subject)).is_empty() {
                tracing::warn!(
                    "a policy in the store does not fit what lies below it; 'tidegate policy show' \
                     tells what counts"
                );
            }
        }
        policies.replace(book.with_stored(layers));
        Ok(())
    }

    /// Lays anew what others have edited since it was last asked.
    ///
    /// # Errors
    /// When the store can't be read; the book is left as it is.
    pub(crate) fn follow(&self, policies: &Policies) -> Result<(), StoreError> {
        let written = self.edits.written()?;
        let mut laid = self.lock();
        if laid.written != written {
            self.lay(&mut laid, policies)?;
            laid.written = written;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Laid> {
        // A panic while it was held left no book half made.
        self.laid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether other machines may edit them.
    pub(crate) fn is_shared(&self) -> bool {
        self.edits.is_shared()
    }

    /// Makes an edit as `by`, and puts it to work.
    ///
    /// # Errors
    /// As [`Edits::edit`].
    pub(crate) fn edit(
        &self,
        policies: &Policies,
        edit: &Edit,
        by: &str,
    ) -> Result<Stored, EditError> {
        let stored = self.edits.edit(edit, &policies.book(), by, knowledge::seconds())?;
        self.lay_over(policies)?;
        Ok(stored)
    }

    /// The layer of `subject` in the store, with its version.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) fn get(&self, subject: &Subject) -> Result<Stored, StoreError> {
        self.edits.get(subject)
    }

    /// Every layer in the store.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) fn list(&self) -> Result<Vec<Listed>, StoreError> {
        Ok(self.edits.list()?.0)
    }

    /// Erases the layer of `subject` and the lines that tell of it, and puts what lies below to work.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub(crate) fn erase(
        &self,
        policies: &Policies,
        subject: &Subject,
    ) -> Result<Erased, StoreError> {
        let erased = self.edits.erase(subject)?;
        self.lay_over(policies)?;
        Ok(erased)
    }

    /// As [`Edits::disown`].
    pub(crate) fn disown(
        &self,
        is_theirs: &dyn Fn(&str) -> bool,
        instead: &str,
    ) -> Result<usize, StoreError> {
        self.edits.disown(is_theirs, instead)
    }

    /// The last edits of `subject`, or of everybody, the latest first.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) fn log(&self, subject: Option<&Subject>) -> Result<Vec<Logged>, StoreError> {
        self.edits.log(subject, MOST_LOGGED)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use serde_json::json;
    use tidegate_mail::Address;
    use tidegate_policy::Book;
    use tidegate_store::{Batch, Memory, Snapshot, Space, Written};

    use super::*;

    /// A store that others have as well, and that can be away.
    #[derive(Default)]
    struct Shared(Memory, AtomicBool);

    impl Shared {
        fn there(&self) -> Result<&Memory, StoreError> {
            match self.1.load(Ordering::SeqCst) {
                true => Err(StoreError::Away("gone".to_owned())),
                false => Ok(&self.0),
            }
        }
    }

    impl Store for Shared {
        fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            self.there()?.get(space, key)
        }
        fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
            self.there()?.snapshot()
        }
        fn write(&self, batch: &Batch) -> Result<Written, StoreError> {
            self.there()?.write(batch)
        }
        fn expire(&self, now: u64, most: usize) -> Result<usize, StoreError> {
            self.there()?.expire(now, most)
        }
        fn is_shared(&self) -> bool {
            true
        }
        fn written(&self, _: &[Space]) -> Result<Option<Vec<u64>>, StoreError> {
            self.there().map(|_| Some(vec![1]))
        }
    }

    #[test]
    fn what_users_chose_holds_over_a_reload_while_the_shared_store_is_away() {
        let store = Arc::new(Shared::default());
        let stored = StoredPolicies::new(Arc::clone(&store) as Arc<dyn Store>);
        let policies = || Policies::new(Book::default());
        let tag = |policies: &Policies| {
            policies.book().policy(&Address::new("anna@a.example")).thresholds.tag
        };
        let (first, usual) = (policies(), tag(&policies()));
        store.1.store(true, Ordering::SeqCst);
        assert!(stored.lay_over(&first).is_err(), "it was never read");
        store.1.store(false, Ordering::SeqCst);
        let subject = "anna@a.example".parse().unwrap();
        let set = [("tag".to_owned(), json!(1.5))].into();
        let edit = Edit { set, ..Edit::new(subject, None) };
        StoredPolicies::new(Arc::clone(&store) as _).edit(&policies(), &edit, "x").unwrap();
        stored.follow(&first).unwrap();
        assert_eq!((tag(&first), usual == 1.5), (1.5, false));
        store.1.store(true, Ordering::SeqCst);
        let reloaded = policies();
        stored.lay_over(&reloaded).unwrap();
        assert_eq!(tag(&reloaded), 1.5);
        assert!(stored.follow(&reloaded).is_err_and(|error| error.is_away()));
    }
}
