//! The outcomes, and the scores at which they begin.

use std::fmt;

use serde::Serialize;

/// What becomes of a message. Ordered by how hard it is on the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Delivered as it came, with its score in a header field.
    Accept,
    /// Delivered with `X-Spam-Flag: YES`.
    Tag,
    /// Held for the recipient.
    Quarantine,
    /// Asked to come again later: `451 4.7.1`.
    Defer,
    /// Refused while the sending server is still connected, so that its sender learns of it.
    Reject,
}

impl Verdict {
    /// Every verdict, the mildest first.
    pub const ALL: [Self; 5] =
        [Self::Accept, Self::Tag, Self::Quarantine, Self::Defer, Self::Reject];

    /// The lower-case word used in JSON, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Tag => "tag",
            Self::Quarantine => "quarantine",
            Self::Defer => "defer",
            Self::Reject => "reject",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The scores at which outcomes begin, in points; each at or over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Thresholds {
    /// [`Verdict::Tag`] from here.
    pub tag: f32,
    /// [`Verdict::Quarantine`] from here.
    pub quarantine: f32,
    /// [`Verdict::Reject`] from here.
    pub reject: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { tag: 5.0, quarantine: 8.0, reject: 15.0 }
    }
}

impl Thresholds {
    /// The outcome at `score`.
    #[must_use]
    pub fn verdict(&self, score: f32) -> Verdict {
        if score >= self.reject {
            Verdict::Reject
        } else if score >= self.quarantine {
            Verdict::Quarantine
        } else if score >= self.tag {
            Verdict::Tag
        } else {
            Verdict::Accept
        }
    }

    /// The score at which `verdict` begins; `None` for those that no score leads to.
    #[must_use]
    pub const fn of(&self, verdict: Verdict) -> Option<f32> {
        match verdict {
            Verdict::Tag => Some(self.tag),
            Verdict::Quarantine => Some(self.quarantine),
            Verdict::Reject => Some(self.reject),
            Verdict::Accept | Verdict::Defer => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_begins_at_its_threshold() {
        let at = |score| Thresholds::default().verdict(score);
        assert_eq!(at(-3.0), Verdict::Accept);
        assert_eq!(at(4.99), Verdict::Accept);
        assert_eq!(at(5.0), Verdict::Tag);
        assert_eq!(at(8.0), Verdict::Quarantine);
        assert_eq!(at(14.9), Verdict::Quarantine);
        assert_eq!(at(15.0), Verdict::Reject);
    }
}
