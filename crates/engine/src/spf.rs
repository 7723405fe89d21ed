//! SPF of a transaction: a chain of lookups, each known only by the answer to the one before, that runs
//! beside the SMTP dialogue.
//!
//! Invariant: a chain whose answers are all known is over when it has begun, and takes no task.

use std::sync::Arc;

use futures_util::FutureExt;
use tidegate_checks::auth::Verified;
use tidegate_checks::authentication::Spf;
use tidegate_dns::Answers;
use tidegate_mail::Envelope;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::Engine;
use crate::pending::Pending;
use crate::transaction::MOST_ROUNDS;

/// What SPF says, and by which answers.
type Found = (Spf, Answers);

pub(crate) enum Chain {
    Over(Box<Found>),
    UnderWay(JoinHandle<Found>),
}

impl Chain {
    /// Begins with what `pending` knows, and asks it for the rest.
    pub(crate) fn begin(engine: &Arc<Engine>, envelope: &Envelope, pending: Pending) -> Self {
        let mut chain = Box::pin(follow(Arc::clone(engine), envelope.clone(), pending));
        match chain.as_mut().now_or_never() {
            Some(found) => Self::Over(Box::new(found)),
            None => Self::UnderWay(tokio::spawn(chain)),
        }
    }

    /// What was found by `deadline`; `None`: it is late, or was lost.
    pub(crate) async fn end(self, deadline: Instant) -> Option<Found> {
        match self {
            Self::Over(found) => Some(*found),
            Self::UnderWay(task) => timeout_at(deadline, task).await.ok().and_then(Result::ok),
        }
    }

    /// Nobody wants to know any more.
    pub(crate) fn give_up(&self) {
        if let Self::UnderWay(task) = self {
            task.abort();
        }
    }
}

/// Asks what each answer gives rise to, and waits for it, to the end of the chain.
async fn follow(engine: Arc<Engine>, envelope: Envelope, mut pending: Pending) -> Found {
    let deadline = Instant::now() + engine.parts.deadline;
    let mut verified = engine.authenticator.spf(&envelope, pending.answers());
    for _ in 0..MOST_ROUNDS {
        let Verified::Needs { questions, .. } = verified else { break };
        pending.ask(questions);
        pending.join(deadline).await;
        verified = engine.authenticator.spf(&envelope, pending.answers());
    }
    (verified.so_far(), pending.into_answers())
}
