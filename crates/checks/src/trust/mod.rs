//! Trustmarks: claims by a sender, backed by a certifier that this site trusts, bound to an identity
//! that the message has proved.
//!
//! Invariant: what is not proved or not trusted scores nothing; only a claim that its own certifier
//! denies scores against a message.

pub mod bimi;

use serde::Deserialize;

/// `[trust]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Brand indicators with mark certificates.
    pub bimi: bimi::Config,
}

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MarkResult {
    /// Nothing is claimed.
    #[default]
    None,
    /// Claimed, and nobody who is trusted here backs it.
    Claimed,
    /// Backed by a certifier that is trusted here, for an identity that is proved.
    Verified,
    /// What is claimed is not what the certifier says.
    Denied,
    /// The certifier could not be asked, or was not asked yet.
    Unknown,
}
