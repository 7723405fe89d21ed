//! From signals to a decision for each recipient: thresholds, caps, and the words that explain them.
//!
//! [`Policy::decide`] is a pure function of the signals: it adds up each family within its caps,
//! compares the sum with the thresholds, and finds the smallest set of signals without which the
//! outcome would differ. [`explain`] turns the decision into header fields and SMTP reply text.
//!
//! Invariant: with the default caps no single family can reject a message; two kinds of evidence
//! must agree. Only the operator's own decisions (family `policy`) stand alone.

pub mod bound;
mod caps;
mod correspondence;
pub mod correspondents;
mod decide;
pub mod explain;
pub mod guard;
mod settings;
pub mod tune;
mod verdict;
mod weights;

pub use caps::{Cap, Caps};
pub use correspondence::Correspondence;
pub use decide::{Decision, Policy};
pub use settings::{Config, Fallback, InvalidThresholds, ReplyDetail};
pub use verdict::{Thresholds, Verdict};
pub use weights::Weights;
