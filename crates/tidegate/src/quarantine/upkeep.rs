//! What is done for held mail from time to time: set right at the start, expired each minute, told of in
//! digests at their hours.
//!
//! Invariant: what fails is logged and tried again; it ends nothing else.

use std::sync::Arc;
use std::time::Duration;

use tidegate_mail::Address;
use tidegate_policy::Policies;
use tidegate_quarantine::{
    Addressee, Digested, Quarantine, Recovered, UnansweredCopies, local_time,
};
use tidegate_store::Store;

use crate::knowledge::seconds;
use crate::steady;

/// Gives the policies at work.
pub(crate) type PoliciesAtWork = Box<dyn Fn() -> Arc<Policies> + Send + Sync>;

/// How often bounds are kept to.
const ROUND: Duration = Duration::from_secs(60);
/// Rounds between looking for digests that are due, and between removals of what the store need not keep.
const DIGEST_ROUNDS: u64 = 5;
const STORE_ROUNDS: u64 = 60;
/// Entries of the store that are removed in one round.
const MOST_EXPIRED: usize = 10_000;

/// Looks after `quarantine` and its store until aborted.
pub(crate) async fn look_after(
    quarantine: Arc<Quarantine>,
    store: Arc<dyn Store>,
    policies: PoliciesAtWork,
) {
    recover(&quarantine).await;
    for round in 0_u64.. {
        let now = steady::ageing();
        match quarantine.expire(now).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "held mail has expired"),
            Err(error) => tracing::error!("held mail could not be let go: {error}"),
        }
        if round % DIGEST_ROUNDS == 0 && quarantine.config().digest.enabled {
            digests(&quarantine, &policies).await;
        }
        if round % STORE_ROUNDS == 0 {
            let store = Arc::clone(&store);
            let expire = move || store.expire(now, MOST_EXPIRED);
            if let Ok(Err(error)) = tokio::task::spawn_blocking(expire).await {
                tracing::error!("the store could not be tidied: {error}");
            }
        }
        tokio::time::sleep(ROUND).await;
    }
}

/// Compares objects and index once.
async fn recover(quarantine: &Quarantine) {
    match quarantine.recover().await {
        Ok(Recovered { messages: 0, removed: 0, unreadable: 0 }) => {}
        Ok(Recovered { messages, removed, unreadable }) => {
            tracing::warn!(
                messages,
                removed,
                unreadable,
                "held mail was set right after a crash or loss"
            );
        }
        Err(error) => tracing::error!("held mail could not be looked through: {error}"),
    }
    match quarantine.unanswered_copies().await {
        Ok(copies) => {
            for UnansweredCopies { reference, recipients, .. } in copies {
                tracing::warn!(
                    reference,
                    recipients,
                    "copies of a message were sent and its MTA was not answered: if it sends the message \
                     again, their recipients may get it twice"
                );
            }
        }
        Err(error) => tracing::error!("what was copied could not be looked through: {error}"),
    }
}

/// Sends the digests that are due.
async fn digests(quarantine: &Quarantine, policies: &PoliciesAtWork) {
    let owners = match quarantine.owners().await {
        Ok(owners) => owners,
        Err(error) => return tracing::error!("no digest could be made: {error}"),
    };
    for owner in owners {
        let Some(hour) = policies().book().policy(&Address::new(&owner)).digest else { continue };
        let now = seconds();
        let to = Addressee { address: owner.clone(), owner, hour };
        match quarantine.digest(&to, now, local_time(now)).await {
            Ok(Digested::NotNow | Digested::Nothing) => {}
            Ok(Digested::Sent(messages)) => tracing::info!(messages, "a digest was sent"),
            Err(error) => tracing::warn!("a digest was not sent, and will be tried again: {error}"),
        }
    }
}
