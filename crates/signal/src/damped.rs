//! Signals that don't count against mail for now, since users keep saying that they are wrong.
//!
//! Invariant: it takes points off a message only; what speaks for it, what the operator or a user has
//! decided and what statistics learned are never damped.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use crate::Family;

/// The names of damped signals, shared by whoever damps and whoever weighs.
#[derive(Debug, Clone, Default)]
pub struct Damped(Arc<RwLock<Arc<BTreeSet<String>>>>);

impl Damped {
    /// The names as they are now.
    #[must_use]
    pub fn now(&self) -> Arc<BTreeSet<String>> {
        // Only whole sets are put in, so a panic elsewhere leaves a whole one.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Damps these, and no others, from the next message on.
    pub fn set(&self, names: BTreeSet<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(names);
    }

    /// Whether a family's signals can be damped at all. The operator's own decisions stand, and
    /// statistics learn of each correction by themselves.
    #[must_use]
    pub const fn touches(family: Family) -> bool {
        !matches!(family, Family::Policy | Family::Statistics)
    }
}
