//! The configuration that is part of the program: `config/*.toml` of the source tree.
//!
//! Invariant: the defaults have one home, the documented files, and the program reads these.

/// Every setting with its default, for the operator to copy from.
pub(crate) const DEFAULTS: &str = include_str!("../../../../config/tidegate.toml");

/// The DNS lists.
pub(crate) const LISTS: &str = include_str!("../../../../config/lists.toml");
/// The certifiers that come with the program.
pub(crate) const TRUST: &str = include_str!("../../../../config/trust.toml");

/// Scores that were fitted by measurement, in place of those that stand beside the signals.
pub(crate) const SCORES: &str = include_str!("../../../../config/scores.toml");

// `RULES`: name and text of each file of `config/rules`.
include!(concat!(env!("OUT_DIR"), "/rules.rs"));
