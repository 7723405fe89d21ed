//! What a recipient wants done with a message, at each band of its score.
//!
//! Invariant: the order of [`Action`] is how hard each is on the message, so that two of them can be
//! compared and the milder taken.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Verdict;

/// What is done with a message for one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Delivered with its score in a header field.
    Accept,
    /// Delivered with `X-Spam-Flag: YES`.
    Tag,
    /// The same, with a prefix before the subject.
    TagSubject,
    /// Held for the recipient.
    Quarantine,
    /// Refused.
    Reject,
}

impl Action {
    /// Every action, the mildest first.
    pub const ALL: [Self; 5] =
        [Self::Accept, Self::Tag, Self::TagSubject, Self::Quarantine, Self::Reject];

    /// The word used in configuration and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Tag => "tag",
            Self::TagSubject => "tag-subject",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }

    /// The outcome in the words of a verdict.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Accept => Verdict::Accept,
            Self::Tag | Self::TagSubject => Verdict::Tag,
            Self::Quarantine => Verdict::Quarantine,
            Self::Reject => Verdict::Reject,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a recipient thinks of bulk mail: newsletters and announcements, not lists on which members
/// write to each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bulk {
    /// Like any other mail.
    #[default]
    Want,
    /// At the least what is done at the threshold `tag`.
    Tag,
    /// At the least what is done at the threshold `quarantine`.
    Quarantine,
    /// The same as [`Tag`](Self::Tag), for bulk mail that nobody asked for or that breaks the rules.
    TagUnwanted,
    /// The same as [`Quarantine`](Self::Quarantine), for such mail.
    QuarantineUnwanted,
}

impl Bulk {
    /// The outcome below which bulk mail does not get. `wanted`: it was asked for, and keeps the rules.
    #[must_use]
    pub const fn floor(self, wanted: bool) -> Verdict {
        match self {
            Self::Tag => Verdict::Tag,
            Self::Quarantine => Verdict::Quarantine,
            Self::TagUnwanted if !wanted => Verdict::Tag,
            Self::QuarantineUnwanted if !wanted => Verdict::Quarantine,
            Self::Want | Self::TagUnwanted | Self::QuarantineUnwanted => Verdict::Accept,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_reads_back_from_its_word_and_is_ordered_by_hardness() {
        for action in Action::ALL {
            let word = serde_json::to_value(action).unwrap();
            assert_eq!(word, action.as_str());
            assert_eq!(serde_json::from_value::<Action>(word).unwrap(), action);
        }
        assert!(Action::ALL.is_sorted_by_key(|action| action.verdict()));
        assert!(Action::ALL.is_sorted());
    }
}
