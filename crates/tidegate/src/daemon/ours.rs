//! Mail of our own making that comes by again: released, copied, or a digest. It bears a mark.
//!
//! Invariant: only a mark that is genuine and was not used spares a message the judgement; no message
//! that is delivered bears one.

use tidegate_mail::Envelope;
use tidegate_milter::{Outcome, Received};
use tidegate_quarantine::{Found, MARK, Purpose};

use super::{Daemon, Running, answer};
use crate::knowledge;

/// The answer to a message that is ours; `None`: it is to be judged.
pub(super) async fn answer(
    daemon: &Daemon,
    running: &Running,
    envelope: &Envelope,
    received: &Received<'_>,
    reference: &str,
) -> Option<Outcome> {
    let marks = daemon.quarantine()?.marks();
    let (header, now) = (received.header(), knowledge::seconds());
    let purpose = match marks.arrived(received.raw, header, &envelope.recipients, now).await {
        Found::None => return None,
        Found::Void(why) => {
            tracing::warn!(
                reference,
                "a mark of released mail {why}; the message is judged as any other"
            );
            return None;
        }
        Found::Genuine(purpose) => purpose,
    };
    let mut removed = running.engine.forged_fields(header);
    if purpose != Purpose::Release {
        // The rest is as it is to be: a copy tells the verdict on it, or nothing.
        removed.retain(|field| field.name == MARK);
    }
    daemon.metrics.passed();
    tracing::info!(reference, purpose = purpose.word(), "mail of our own passes unjudged");
    Some(answer::to_our_own(&removed))
}
