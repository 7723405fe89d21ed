//! Which signals users correct, and which count for nothing because of that.
//!
//! Invariant: a signal is put back to work by name, and by somebody.

use std::sync::Arc;

use tidegate_policy::guard::{Damping, Listed};

use super::Services;
use crate::api::{Caller, Refusal};
use crate::knowledge::seconds;

impl Services {
    /// Signals that are damped, were, or were corrected of late.
    pub(crate) async fn guarded(&self, caller: &Caller) -> Result<Vec<Listed>, Refusal> {
        caller.admin()?;
        let remembered = Arc::clone(&self.remembered);
        super::apart(move || remembered.guarded(seconds())).await
    }

    /// Lets a damped signal count again.
    pub(crate) async fn clear(
        &self,
        caller: &Caller,
        signal: String,
        by: Option<String>,
    ) -> Result<Damping, Refusal> {
        caller.admin()?;
        let by = caller.name_or(by);
        let remembered = Arc::clone(&self.remembered);
        let cleared = super::apart(move || remembered.clear(&signal, &by, seconds())).await?;
        cleared.ok_or(Refusal::Missing)
    }
}
