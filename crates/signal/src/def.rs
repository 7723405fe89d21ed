//! The declaration of a signal: its name, family, default score and meaning.
//!
//! Invariant: a name is UPPER_SNAKE and reads as "the message is …" or "the message has …".

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The kind of evidence a signal rests on.
///
/// Families bound each other: what one family can add to a score is capped by the policy, so that
/// no single kind of evidence decides alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// The connecting host: reverse name, HELO, network.
    Client,
    /// SPF, DKIM, DMARC, ARC.
    Authentication,
    /// What DNS lists say of addresses and domains.
    Lists,
    /// The form of the header section.
    Headers,
    /// The words and the HTML of the body.
    Content,
    /// Where links lead, and what they claim.
    Links,
    /// Attached files.
    Attachments,
    /// Learned statistics.
    Statistics,
    /// Marks of bulk mail, done properly or not.
    Bulk,
    /// Proven vouching for the sender.
    Trust,
    /// Decided by the operator or the user, or a test string.
    Policy,
}

impl Family {
    /// Every family, in the order in which explanations list them.
    pub const ALL: [Self; 11] = [
        Self::Client,
        Self::Authentication,
        Self::Lists,
        Self::Headers,
        Self::Content,
        Self::Links,
        Self::Attachments,
        Self::Statistics,
        Self::Bulk,
        Self::Trust,
        Self::Policy,
    ];

    /// The lower-case word used in configuration, JSON and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Authentication => "authentication",
            Self::Lists => "lists",
            Self::Headers => "headers",
            Self::Content => "content",
            Self::Links => "links",
            Self::Attachments => "attachments",
            Self::Statistics => "statistics",
            Self::Bulk => "bulk",
            Self::Trust => "trust",
            Self::Policy => "policy",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFamily(pub String);

impl fmt::Display for UnknownFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not a family of signals; they are", self.0)?;
        for (index, family) in Family::ALL.iter().enumerate() {
            write!(f, "{} {family}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownFamily {}

impl FromStr for Family {
    type Err = UnknownFamily;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|family| family.as_str() == word)
            .ok_or_else(|| UnknownFamily(word.to_owned()))
    }
}

/// What can be said of a message, declared once, beside the code that says it.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalDef {
    /// UPPER_SNAKE, unique in the catalogue, stable for ever.
    pub name: Cow<'static, str>,
    /// The kind of evidence.
    pub family: Family,
    /// Points it adds by default; negative speaks for the message. `0.0` only informs.
    pub score: f32,
    /// One short sentence for a person, without the evidence: "The Date field is missing".
    pub says: Cow<'static, str>,
}

impl SignalDef {
    /// A declaration for a `static`.
    #[must_use]
    pub const fn new(name: &'static str, family: Family, score: f32, says: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), family, score, says: Cow::Borrowed(says) }
    }

    /// Whether `name` has the form of a signal's name: `A`–`Z`, digits and single underscores,
    /// beginning with a letter, at most 64 bytes.
    #[must_use]
    pub fn is_valid_name(name: &str) -> bool {
        name.len() <= 64
            && name.starts_with(|first: char| first.is_ascii_uppercase())
            && !name.ends_with('_')
            && !name.contains("__")
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    }
}

/// A declaration as a signal holds it: built into the program, or made by a configuration.
#[derive(Debug, Clone)]
pub enum Def {
    /// Declared in code.
    Static(&'static SignalDef),
    /// Declared by a rule file or a list zone; freed when that configuration is.
    Shared(Arc<SignalDef>),
}

impl Deref for Def {
    type Target = SignalDef;

    fn deref(&self) -> &SignalDef {
        match self {
            Self::Static(def) => def,
            Self::Shared(def) => def,
        }
    }
}

impl From<&'static SignalDef> for Def {
    fn from(def: &'static SignalDef) -> Self {
        Self::Static(def)
    }
}

impl From<&Arc<SignalDef>> for Def {
    fn from(def: &Arc<SignalDef>) -> Self {
        Self::Shared(Arc::clone(def))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_reads_back_from_its_word() {
        for family in Family::ALL {
            assert_eq!(family.as_str().parse(), Ok(family));
        }
    }

    #[test]
    fn an_unknown_family_is_told_the_known_ones() {
        let error = "headerz".parse::<Family>().unwrap_err().to_string();
        assert!(error.contains("'headerz'") && error.contains(" headers,"), "{error}");
    }

    #[test]
    fn names_are_upper_snake() {
        for good in ["GTUBE", "LISTED_SBL", "HTML_1PX", "A"] {
            assert!(SignalDef::is_valid_name(good), "{good}");
        }
        for bad in ["", "gtube", "_A", "A_", "A__B", "1A", "A-B", "É"] {
            assert!(!SignalDef::is_valid_name(bad), "{bad}");
        }
    }
}
