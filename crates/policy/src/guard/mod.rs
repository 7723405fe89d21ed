//! Guards against false positives: how much error on ham is allowed, and what becomes of a rule that
//! users keep correcting.
//!
//! A correction is what a person says of a message after it was judged: a release from quarantine, a
//! lesson. [`Corrections`] counts them by signal against how often that signal held against mail; one
//! that is wrong too often is damped, which is to say counts for nothing, until an admin clears it.
//!
//! Invariant: nothing here ever adds a point to a message.

mod config;
mod corrections;
mod standing;
mod told;

pub use config::{Config, InvalidGuard};
pub use corrections::{Correction, Corrections, Said};
pub use standing::{Cleared, Damping, Listed, Standing};
pub use told::{Told, told};
