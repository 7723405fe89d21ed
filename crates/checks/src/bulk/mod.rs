//! Marks of bulk mail: a way out for the recipient, and fields that say that it is one of many.
//!
//! Invariant: to be bulk mail is no fault; to pretend to be orderly is.

pub mod precedence;
pub mod way_out;
