//! The policies that the store keeps, laid over those of files, and the ways to edit them.
//!
//! The command line calls these where no daemon runs, and a running daemon for whoever asks it.
//!
//! Invariant: an edit is answered when it is durable and at work; of two edits at once, both are.

use std::sync::{Arc, Mutex, PoisonError};

use tidegate_policy::{Edit, EditError, Edits, Erased, Listed, Logged, Policies, Stored, Subject};
use tidegate_store::{Store, StoreError};

use crate::knowledge;

/// Edits that `log` tells at the most.
const MOST_LOGGED: usize = 1_000;

/// Policies in a store. Calls block on the disk.
pub(crate) struct StoredPolicies {
    edits: Edits,
    /// Held from reading the store to putting the book to work, so that an older one is never last.
    laying: Mutex<()>,
}

impl StoredPolicies {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { edits: Edits::new(store), laying: Mutex::new(()) }
    }

    /// Lays what the store keeps over the files' book of `policies`.
    ///
    /// # Errors
    /// When the store can't be read; the book is left as it is.
    pub(crate) fn lay_over(&self, policies: &Policies) -> Result<(), StoreError> {
        // A panic while it was held left no book half made.
        let _laying = self.laying.lock().unwrap_or_else(PoisonError::into_inner);
        let (layers, unread) = self.edits.layers()?;
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
