//! Who has written to whom: asked for each recipient of a message, answered by whoever keeps it.
//!
//! Invariant: only a sender who is proved is a known correspondent; the one who answers sees to it.

use tidegate_checks::authentication::Authentication;
use tidegate_mail::{Envelope, Message};
use tidegate_policy::Correspondence;

/// Knows with whom recipients correspond.
pub trait Correspondents: Send + Sync {
    /// For each recipient of `envelope`, in their order, how they know the sender of `message`, where
    /// that is proved by `authentication`. Recipients that are missing at the end know nobody.
    ///
    /// Called on the path of each message, between answers of the network: a look into memory, or one
    /// short one into the store.
    fn of(
        &self,
        envelope: &Envelope,
        message: &Message<'_>,
        authentication: &Authentication,
    ) -> Vec<Option<Correspondence>>;
}
