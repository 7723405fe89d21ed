//! The quarantine as the daemon asks it: a judged message becomes a holding, with what is each
//! recipient's own.
//!
//! Invariant: an entry tells its owner the site's signals and their own, and nobody else's.

use anyhow::Context;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tidegate_mail::Address;
use tidegate_policy::explain;
use tidegate_quarantine::{
    CopyNote, EntryId, HeldFor, Holding, Purpose, Quarantine, Said, UnansweredCopies,
};

use crate::daemon::holder::{self, Copy, Copying, Holder, Unsettled};
use crate::knowledge::seconds;

const DAY: u64 = 86_400;

impl Holder for Quarantine {
    fn hold<'h>(
        &'h self,
        holding: &'h holder::Holding<'h>,
    ) -> BoxFuture<'h, anyhow::Result<Vec<EntryId>>> {
        async move {
            let now = u64::try_from(holding.now).unwrap_or(0);
            let signals = explain::by_weight(&holding.judged.signals).into_iter();
            let signals: Vec<Said> = signals.map(Said::from).collect();
            let recipients: Vec<HeldFor> = holding
                .recipients
                .iter()
                .zip(&holding.users)
                .map(|(recipient, user)| {
                    let days = u64::from(recipient.own.policy.keep_days);
                    HeldFor::new(recipient.address.as_str(), &recipient.reason, now + days * DAY)
                        .owned_by(user)
                })
                .collect();
            let holding = Holding {
                raw: holding.raw,
                envelope: &holding.judged.envelope,
                score: holding.judged.decision.score,
                signals: &signals,
                recipients: &recipients,
                now,
            };
            Ok(Self::hold(self, &holding).await?)
        }
        .boxed()
    }

    fn copying<'h>(&'h self, copying: &'h Copying<'h>) -> BoxFuture<'h, Option<CopyNote>> {
        let &Copying { raw, sender, reference, recipients } = copying;
        let copies =
            UnansweredCopies { reference: reference.to_owned(), recipients, since: seconds() };
        async move {
            match self.note_copies(raw, sender, copies).await {
                Ok((note, before)) => {
                    if let Some(UnansweredCopies { reference: before, recipients, .. }) = before {
                        tracing::warn!(
                            reference,
                            before,
                            recipients,
                            "copies of this message were sent before, and the MTA sends it again: their \
                             recipients may get it twice"
                        );
                    }
                    Some(note)
                }
                Err(error) => {
                    tracing::warn!(
                        reference,
                        "that copies are sent could not be noted; after a crash now they may come twice \
                         without a word: {error}"
                    );
                    None
                }
            }
        }
        .boxed()
    }

    fn confirm<'h>(&'h self, unsettled: &'h Unsettled) -> BoxFuture<'h, ()> {
        async move {
            let Unsettled { entries, copies } = unsettled;
            if !entries.is_empty()
                && let Err(error) = Self::confirm(self, entries).await
            {
                tracing::warn!(
                    "held mail could not be confirmed, and says that it may be twice: {error}"
                );
            }
            if !copies.is_empty()
                && let Err(error) = self.forget_copies(copies).await
            {
                tracing::warn!("copies will be said to come twice, and won't: {error}");
            }
        }
        .boxed()
    }

    fn inject<'h>(&'h self, copy: &'h Copy<'h>) -> BoxFuture<'h, anyhow::Result<()>> {
        async move {
            let to: Vec<Address> = copy.recipients.iter().map(|to| Address::new(to)).collect();
            let sender = Address::new(copy.sender);
            let from = self.sender();
            let sent = from.inject_with(copy.raw, &sender, &to, Purpose::Copy, &copy.notices);
            sent.await.context("the MTA at [quarantine] release_to")?;
            Ok(())
        }
        .boxed()
    }
}
