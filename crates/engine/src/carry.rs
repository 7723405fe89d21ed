//! What a delivered message carries out: the fields that are taken off it, and those put on.
//!
//! RFC 8601, section 5: fields that claim to be this site's own are removed, since whoever reads
//! the mail would believe them. The same goes for the verdict of a spam filter.
//!
//! Invariant: the fields that came in and stay are not touched, so that signatures still verify.

use tidegate_checks::auth::results;
use tidegate_checks::authentication::Authentication;
use tidegate_mail::Message;
use tidegate_policy::{Decision, Verdict, explain};
use tidegate_signal::Signals;

use crate::judged::Missing;

/// Fields that speak in this filter's name; incoming ones are removed.
const OURS: [&str; 5] =
    ["X-Spam-Flag", "X-Spam-Score", "X-Spam-Status", "X-Spam-Level", "X-Tidegate-Release"];

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

/// The changes to the header section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// The last of a name first, so that removing one leaves the numbers of the others right.
    pub remove: Vec<RemovedField>,
    /// In the order in which they stand, the first on top of the message.
    pub add: Vec<AddedField>,
}

impl Fields {
    pub(crate) fn of(
        message: &Message<'_>,
        id: &str,
        authentication: &Authentication,
        decision: &Decision,
        signals: &Signals,
        missing: Missing,
    ) -> Self {
        let remove = forged(message, id);
        let field = |name, value| AddedField { name, value };
        let status = explain::status(decision, signals, &missing.word());
        let mut add = vec![field("Authentication-Results", results::format(id, authentication))];
        if decision.verdict >= Verdict::Tag {
            add.push(field("X-Spam-Flag", "YES".to_owned()));
        }
        add.push(field("X-Spam-Score", format!("{:.2}", decision.score)));
        add.push(field("X-Spam-Status", folded(&status)));
        Self { remove, add }
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
fn folded(value: &str) -> String {
    const COLUMNS: usize = 76;
    let mut lines = String::with_capacity(value.len() + value.len() / 32);
    let mut column = "X-Spam-Status:".len();
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
        let folded = folded(&value);
        assert!(folded.lines().all(|line| line.len() <= 78), "{folded}");
        assert_eq!(folded.replace("\n\t", " "), value);
    }
}
