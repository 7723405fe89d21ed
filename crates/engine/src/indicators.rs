//! What is known of mark certificates: asked for a message whose author claims a mark, answered by
//! whoever fetches and keeps them.
//!
//! Invariant: nobody waits for a certificate; what is not known when a message is judged is unknown.

use tidegate_checks::trust::bimi::certificate::Evidence;

/// Knows mark certificates by where they are.
pub trait Indicators: Send + Sync {
    /// What is known by `now`, in seconds since 1970, of the certificate at `location`, an https URI that
    /// the domain of a proved author has published.
    ///
    /// Called on the path of each such message: a look into memory. What is missing or old may be fetched
    /// for the messages to come.
    fn evidence(&self, location: &str, now: i64) -> Evidence;
}

/// Knows nothing, and fetches nothing: where no daemon runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unfetched;

impl Indicators for Unfetched {
    fn evidence(&self, _: &str, _: i64) -> Evidence {
        Evidence::Unknown
    }
}
