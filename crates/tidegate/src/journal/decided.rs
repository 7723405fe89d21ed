//! What recipients wanted when a message was judged for them, as a record has it.
//!
//! Invariant: nobody is named; those who wanted the same share one policy, then as now.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_engine::{DecidedBy, Telling};
use tidegate_policy::{Correspondence, Layer, UserPolicy};

/// A [`DecidedBy`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Wanted {
    policies: Vec<Layer>,
    /// Which of them, and how the sender is known, in the order of the recipients.
    recipients: Vec<(usize, Option<Correspondence>)>,
    alike: bool,
    telling: Told,
}

/// A [`Telling`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    All,
    ByForm,
    Common,
}

impl Wanted {
    /// Of the recipients that `is_kept` says, by their place.
    pub(super) fn of(by: &DecidedBy, is_kept: impl Fn(usize) -> bool) -> Self {
        let mut shared: Vec<&Arc<UserPolicy>> = Vec::new();
        let mut recipients = Vec::with_capacity(by.recipients.len());
        for (at, (policy, known)) in by.recipients.iter().enumerate() {
            if !is_kept(at) {
                continue;
            }
            let place = shared.iter().position(|other| Arc::ptr_eq(other, policy));
            let place = place.unwrap_or_else(|| {
                shared.push(policy);
                shared.len() - 1
            });
            recipients.push((place, *known));
        }
        Self {
            policies: shared.into_iter().map(|policy| Layer::whole(policy)).collect(),
            recipients,
            alike: by.alike,
            telling: match by.telling {
                Telling::All => Told::All,
                Telling::ByForm => Told::ByForm,
                Telling::Common => Told::Common,
            },
        }
    }

    /// `None` when a recipient's policy is missing, as in no record that was written whole.
    pub(super) fn decided_by(&self) -> Option<DecidedBy> {
        let laid = |layer: &Layer| Arc::new(layer.over(&UserPolicy::default()));
        let policies: Vec<Arc<UserPolicy>> = self.policies.iter().map(laid).collect();
        let recipients = self
            .recipients
            .iter()
            .map(|(place, known)| Some((Arc::clone(policies.get(*place)?), *known)));
        Some(DecidedBy {
            recipients: recipients.collect::<Option<_>>()?,
            alike: self.alike,
            telling: match self.telling {
                Told::All => Telling::All,
                Told::ByForm => Telling::ByForm,
                Told::Common => Telling::Common,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_wanted_is_read_as_it_was_written_and_shared_as_it_was() {
        let patient = UserPolicy { keep_days: 7, digest: Some(3), ..UserPolicy::default() };
        let (patient, usual) = (Arc::new(patient), Arc::new(UserPolicy::default()));
        let known = Some(Correspondence::RepliesToUs);
        let by = DecidedBy {
            recipients: vec![
                (Arc::clone(&usual), None),
                (Arc::clone(&patient), known),
                (usual, known),
                (patient, None),
            ],
            alike: false,
            telling: Telling::ByForm,
        };
        let written = serde_json::to_string(&Wanted::of(&by, |_| true)).unwrap();
        assert_eq!(written.matches("keep_days").count(), 2, "{written}");
        let read: Wanted = serde_json::from_str(&written).unwrap();
        let read = read.decided_by().unwrap();
        assert_eq!(read, by);
        assert!(Arc::ptr_eq(&read.recipients[0].0, &read.recipients[2].0));

        let kept = Wanted::of(&by, |at| at != 0).decided_by().unwrap();
        assert_eq!(kept.recipients, by.recipients[1..]);
        assert!(!kept.alike, "though of those who are left two want the same");
    }
}
