//! What a delivered message carries out: the fields that are taken off it, and those put on.
//!
//! RFC 8601, section 5: fields that claim to be this site's own are removed, since whoever reads
//! the mail would believe them. The same goes for the verdict of a spam filter.
//!
//! Invariant: the fields that came in and stay are not touched, so that signatures still verify.

use tidegate_checks::auth::results;
use tidegate_checks::authentication::Authentication;
use tidegate_checks::trust::Trust;
use tidegate_mail::Message;
use tidegate_policy::{Action, Decision, Form, explain};
use tidegate_signal::Signals;

use crate::judged::Missing;
use crate::recipients::{Decided, Telling};

/// Fields that speak in this filter's name, or in that of the receiving site, as those of BIMI do; incoming
/// ones are removed.
const OURS: [&str; 10] = [
    "X-Spam-Flag",
    "X-Spam-Score",
    "X-Spam-Status",
    "X-Spam-Level",
    "X-Tidegate-Release",
    "X-Tidegate-Unfiltered",
    "X-Trustmark",
    "BIMI-Location",
    "BIMI-Indicator",
    "BIMI-Logo-Preference",
];

const STATUS: &str = "X-Spam-Status";

/// Past so many forged copies of one field the message carries them all the same; each removal
/// costs the MTA a search.
const MOST_REMOVED: usize = 50;

/// A field to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedField {
    /// Its name.
    pub name: &'static str,
    /// Which of that name, from 1, counted from the top of the message as it came.
    pub nth: u32,
}

/// A field to be added on top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedField {
    /// Its name.
    pub name: &'static str,
    /// Its value, folded with `\n` and white space.
    pub value: String,
}

/// The subject with a prefix before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubject {
    /// Its value.
    pub value: String,
    /// Whether the message has a subject, whose place it takes.
    pub replaces: bool,
}

/// The changes to the header section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The last of a name first, so that removing one leaves the numbers of the others right.
    pub remove: Vec<RemovedField>,
    /// In the order in which they stand, the first on top of the message.
    pub add: Vec<AddedField>,
    /// The new subject, where there is one.
    pub subject: Option<NewSubject>,
}

/// What the header section can be made to carry, from which each form takes its part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    forged: Vec<RemovedField>,
    results: String,
    score: f32,
    status: Status,
    /// Marks that were recognised.
    trustmark: Option<String>,
    subject: Option<String>,
}

/// `X-Spam-Status`.
#[derive(Debug, Clone, PartialEq)]
enum Status {
    /// The same for all who get the message.
    One(String),
    /// As the message is tagged for those who get it, or not.
    ByForm { marked: String, tagged: String },
}

impl Default for Status {
    fn default() -> Self {
        Self::One(String::new())
    }
}

impl Fields {
    pub(crate) fn of(
        message: &Message<'_>,
        id: &str,
        authentication: &Authentication,
        trust: &Trust,
        decided: &Decided,
        signals: &Signals,
        missing: Missing,
    ) -> Self {
        let missing = missing.word();
        let signals = decided.own_signals.as_ref().unwrap_or(signals);
        let told = decided.told.as_ref().unwrap_or(&decided.decision);
        let all =
            |decision: &Decision| folded(STATUS, &explain::status(decision, signals, &missing));
        let with = |action| all(&Decision { action, ..told.clone() });
        let common =
            |tagged| folded(STATUS, &explain::shared_status(tagged, told.score, signals, &missing));
        let status = match decided.telling {
            Telling::All => Status::One(all(told)),
            Telling::ByForm => Status::ByForm {
                marked: with(Action::Accept),
                tagged: with(told.action.max(Action::Tag)),
            },
            Telling::Common => Status::ByForm { marked: common(false), tagged: common(true) },
        };
        Self {
            forged: forged(message, id),
            results: results::format(id, authentication, trust),
            score: told.score,
            status,
            trustmark: trust.field().map(|marks| folded("X-Trustmark", &marks)),
            subject: message
                .field("Subject")
                .filter(|_| decided.tags_subject)
                .map(|field| field.raw_text().into_owned()),
        }
    }

    /// What is changed to bring the message into `form`.
    #[must_use]
    pub fn in_form(&self, form: &Form) -> Changes {
        if *form == Form::AsItCame {
            return Changes::default();
        }
        let tagged = *form > Form::Marked;
        let field = |name, value| AddedField { name, value };
        let mut add = vec![field("Authentication-Results", self.results.clone())];
        if tagged {
            add.push(field("X-Spam-Flag", "YES".to_owned()));
        }
        add.push(field("X-Spam-Score", format!("{:.2}", self.score)));
        let status = match &self.status {
            Status::One(status) => status,
            Status::ByForm { tagged: status, .. } if tagged => status,
            Status::ByForm { marked: status, .. } => status,
        };
        add.push(field(STATUS, status.clone()));
        add.extend(self.trustmark.clone().map(|marks| field("X-Trustmark", marks)));
        let subject = match form {
            Form::TaggedSubject(prefix) => self.prefixed(prefix),
            _ => None,
        };
        Changes { remove: self.forged.clone(), add, subject }
    }

    /// The subject with `prefix`, unless it begins with it already.
    fn prefixed(&self, prefix: &str) -> Option<NewSubject> {
        match &self.subject {
            Some(subject) if subject.starts_with(prefix.trim_end()) => None,
            Some(subject) => {
                Some(NewSubject { value: format!("{prefix}{subject}"), replaces: true })
            }
            None => Some(NewSubject { value: prefix.trim_end().to_owned(), replaces: false }),
        }
    }
}

/// The fields of `message` that claim to be this site's own, the last first.
pub(crate) fn forged(message: &Message<'_>, id: &str) -> Vec<RemovedField> {
    let results = results::forged(message, id).into_iter();
    let ours = OURS.into_iter().flat_map(|name| {
        (1..=message.count(name)).map(move |nth| (name, u32::try_from(nth).unwrap_or(u32::MAX)))
    });
    let mut remove: Vec<RemovedField> = results
        .map(|nth| ("Authentication-Results", nth))
        .chain(ours)
        .take(MOST_REMOVED)
        .map(|(name, nth)| RemovedField { name, nth })
        .collect();
    remove.reverse();
    remove
}

/// Folds at spaces, so that lines stay within 78 columns where words allow (RFC 5322, 2.1.1).
fn folded(name: &str, value: &str) -> String {
    const COLUMNS: usize = 76;
    let mut lines = String::with_capacity(value.len() + value.len() / 32);
    let mut column = name.len() + 1;
    for word in value.split(' ') {
        if !lines.is_empty() && column + 1 + word.len() > COLUMNS {
            lines.push_str("\n\t");
            column = 8;
        } else if !lines.is_empty() {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += word.len();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_status_is_folded_between_words() {
        let value = (0..40).map(|n| format!("SIGNAL_{n}(1.0)")).collect::<Vec<_>>().join(", ");
        let folded = folded(STATUS, &value);
        assert!(folded.lines().all(|line| line.len() <= 78), "{folded}");
        assert_eq!(folded.replace("\n\t", " "), value);
    }
}
