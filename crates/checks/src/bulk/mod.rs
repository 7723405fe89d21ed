//! Marks of bulk mail: a way out for the recipient, and fields that say that it is one of many.
//!
//! Invariant: to be bulk mail is no fault; to pretend to be orderly is.

pub mod form;
pub mod precedence;
pub mod probability;
pub mod three_rules;
pub mod way_out;
