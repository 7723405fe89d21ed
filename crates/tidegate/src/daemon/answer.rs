//! From a verdict to what the MTA is told: changes to the header section, and the final reply.
//!
//! RFC 3463: 5.7.1 and 4.7.1, "delivery not authorised, message refused".
//!
//! Invariant: a message that is refused is not changed, and one that is delivered never carries a
//! field that claims to be ours and isn't.

use std::num::NonZeroU32;

use tidegate_engine::{Changes, Judged, RemovedField};
use tidegate_milter::{
    Disposition, HeaderName, HeaderValue, Modification, OneLine, Outcome, SmtpReply,
};
use tidegate_policy::{Config, Fallback, explain};

/// The answer to a message that nobody wants.
pub(super) fn refusal(judged: &Judged, config: &Config, reference: &str) -> Outcome {
    let lines = explain::rejection(
        &judged.decision,
        judged.told(),
        config.reply_detail,
        reference,
        config.contact.as_deref(),
    );
    reply(550, "5.7.1", &lines.join("\n"))
}

/// The answer to a message that some are to get, with its changes.
pub(super) fn deliver(changes: &Changes) -> Outcome {
    let added = changes.add.iter().map(|field| (field.name, field.value.as_str()));
    let mut outcome = with_fields(&changes.remove, &added.collect::<Vec<_>>());
    let subject = changes.subject.as_ref().and_then(|subject| {
        let (name, value) =
            (HeaderName::new("Subject").ok()?, HeaderValue::new(&subject.value).ok()?);
        Some(match subject.replaces {
            true => Modification::ChangeHeader { name, index: NonZeroU32::MIN, value },
            false => Modification::AddHeader { name, value },
        })
    });
    outcome.modifications.extend(subject);
    outcome
}

/// Takes a recipient off.
pub(super) const fn without(recipient: OneLine) -> Modification {
    Modification::DeleteRecipient(recipient)
}

/// The answer to a message that could not be judged. `forged`: its fields that claim to be ours;
/// `None`: somebody wants it as it came.
pub(super) fn to_unjudged(
    reason: &str,
    fallback: Fallback,
    forged: Option<&[RemovedField]>,
) -> Outcome {
    match fallback {
        Fallback::Defer => {
            reply(451, "4.7.1", "This message could not be judged now. Please try again later.")
        }
        Fallback::Accept => match forged {
            Some(forged) => {
                let status = format!("No, not judged ({reason})");
                let marks = [("X-Spam-Status", &*status), ("X-Tidegate-Unfiltered", reason)];
                with_fields(forged, &marks)
            }
            None => Outcome::default(),
        },
    }
}

/// The answer to a message of our own making: as it is, but for these fields.
pub(super) fn to_our_own(removed: &[RemovedField]) -> Outcome {
    with_fields(removed, &[])
}

/// Delivers with these fields taken off and those put on top, the first of them at the very top.
fn with_fields(removed: &[RemovedField], added: &[(&str, &str)]) -> Outcome {
    let removals = removed.iter().filter_map(|field| {
        let name = HeaderName::new(field.name).ok()?;
        Some(Modification::DeleteHeader { name, index: NonZeroU32::new(field.nth)? })
    });
    // Each goes to the very top, so the last comes first.
    let additions = added.iter().rev().filter_map(|(name, value)| {
        let (name, value) = (HeaderName::new(*name).ok()?, HeaderValue::new(value).ok()?);
        Some(Modification::InsertHeader { index: 0, name, value })
    });
    Outcome {
        modifications: removals.chain(additions).collect(),
        disposition: Disposition::Continue,
    }
}

fn reply(code: u16, status: &str, text: &str) -> Outcome {
    match SmtpReply::new(code, status, text) {
        Ok(words) => Disposition::Reply(words).into(),
        // Without our words the MTA's say the same.
        Err(_) if code < 500 => Disposition::TempFail.into(),
        Err(_) => Disposition::Reject.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_on_top_in_their_order() {
        let removed = [RemovedField { name: "X-Spam-Flag", nth: 2 }];
        let outcome = with_fields(
            &removed,
            &[("Authentication-Results", "x; none"), ("X-Spam-Score", "1.00")],
        );
        let shown: Vec<String> = outcome
            .modifications
            .iter()
            .map(|modification| match modification {
                Modification::DeleteHeader { name, index } => format!("-{} {index}", name.as_str()),
                Modification::InsertHeader { index, name, value } => {
                    format!("+{index} {}: {}", name.as_str(), value.as_str())
                }
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(
            shown,
            ["-X-Spam-Flag 2", "+0 X-Spam-Score: 1.00", "+0 Authentication-Results: x; none"]
        );
    }

    #[test]
    fn what_could_not_be_judged_is_marked_or_asked_to_come_again() {
        let accepted = to_unjudged("overload", Fallback::Accept, Some(&[]));
        let fields = accepted.modifications.iter().map(|modification| match modification {
            Modification::InsertHeader { name, value, .. } => (name.as_str(), value.as_str()),
            other => panic!("{other:?}"),
        });
        let expect =
            [("X-Tidegate-Unfiltered", "overload"), ("X-Spam-Status", "No, not judged (overload)")];
        assert_eq!(fields.collect::<Vec<_>>(), expect);
        let as_it_came = to_unjudged("overload", Fallback::Accept, None);
        assert_eq!(as_it_came, Outcome::default());
        let Disposition::Reply(words) =
            to_unjudged("timeout", Fallback::Defer, Some(&[])).disposition
        else {
            panic!("no words");
        };
        assert!(words.to_string().starts_with("451 4.7.1 "), "{words}");
    }
}
