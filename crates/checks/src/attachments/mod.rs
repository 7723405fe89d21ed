//! What attached files are, by their first bytes, their names and what archives hold.
//!
//! Invariant: kinds of names that the rules weigh (`config/rules/attachments.toml`) are left to them.

pub mod danger;
pub mod kind;
pub(crate) mod names;
