//! What connects an author to a recipient.
//!
//! Invariant: it is a fact on one recipient, and told to no other.

use serde::{Deserialize, Serialize};

/// Why a recipient is taken to want mail of an author whose domain is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correspondence {
    /// The recipient has written to the author.
    WroteTo,
    /// The message answers one that the recipient has sent.
    RepliesToUs,
}
