//! Guards against false positives: how much error on ham is allowed, and what becomes of a rule that
//! users keep correcting.
//!
//! Invariant: nothing here ever adds a point to a message.

mod config;

pub use config::{Config, InvalidGuard};
