//! What is told of what is held on a person, or was erased.
//!
//! Invariant: keys are stable, since programs of operators read them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The address that was asked for.
    pub(crate) address: String,
    /// Whose it is, as policies know them.
    pub(crate) user: String,
    /// Their addresses, as far as the configuration tells.
    pub(crate) names: Vec<String>,
    /// Whether it was erased.
    pub(crate) erased: bool,
    pub(crate) parts: Vec<Part>,
    /// What can't be found by an address, and why.
    pub(crate) beyond: Vec<String>,
}

/// One part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Its name.
    pub(crate) part: String,
    /// How many things there were.
    pub(crate) found: usize,
    /// The things themselves, where they were asked for and can be shown.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) content: Value,
    /// What is to be said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

impl Part {
    /// So many things, of which nothing else is to be told.
    pub(crate) fn new(part: &str, found: usize) -> Self {
        Self { part: part.to_owned(), found, content: Value::Null, note: None }
    }

    /// With the things themselves.
    pub(crate) fn with(self, content: Value) -> Self {
        Self { content, ..self }
    }

    /// With a remark.
    pub(crate) fn noting(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}
