//! The quarantine as the daemon asks it: a judged message becomes a holding, with what is each
//! recipient's own.
//!
//! Invariant: an entry tells its owner the site's signals and their own, and nobody else's.

use anyhow::Context;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tidegate_mail::Address;
use tidegate_policy::explain;
use tidegate_quarantine::{EntryId, HeldFor, Holding, Purpose, Quarantine, Said};

use crate::daemon::holder::{self, Copy, Holder};

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

    fn confirm<'h>(&'h self, entries: &'h [EntryId]) -> BoxFuture<'h, ()> {
        async move {
            if let Err(error) = Self::confirm(self, entries).await {
                tracing::warn!(
                    "held mail could not be confirmed, and says that it may be twice: {error}"
                );
            }
        }
        .boxed()
    }

    fn inject<'h>(&'h self, copy: &'h Copy<'h>) -> BoxFuture<'h, anyhow::Result<()>> {
        async move {
            let to: Vec<Address> = copy.recipients.iter().map(|to| Address::new(to)).collect();
            let sender = Address::new(copy.sender);
            let sent = self.sender().inject(copy.raw, &sender, &to, Purpose::Copy);
            sent.await.context("the MTA at [quarantine] release_to")?;
            Ok(())
        }
        .boxed()
    }
}
