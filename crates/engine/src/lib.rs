//! Runs the stages for one transaction, and nothing else.
//!
//! A [`Transaction`] is told what SMTP says, as it says it, and starts every lookup at the first
//! moment its input is known. At the end of the message [`Transaction::judge`] parses once, awaits
//! only the answers that are still missing, under one deadline, and goes in one direction: checks,
//! rules, statistics, policy. The result, a [`Judged`], borrows nothing.
//!
//! Invariant: an answer that is late or failed counts as unknown. It is told in
//! [`Judged::missing`] and never counts against a message.

mod carry;
mod correspondents;
mod indicators;
mod judged;
mod pending;
mod recipients;
mod recording;
mod rewrite;
pub mod shed;
mod spf;
mod statistics;
mod transaction;

use std::sync::Arc;
use std::time::Duration;

use tidegate_checks::auth::Authenticator;
use tidegate_checks::bulk::probability::Bulk;
use tidegate_checks::lists::Lists;
use tidegate_checks::trust::{Trust, Trustmarks};
use tidegate_checks::{AnyCheck, Cost, Known, Questions, Site, Stage};
use tidegate_dns::{Answers, Name, Resolver};
use tidegate_mail::{Bounds, Envelope, Message};
use tidegate_policy::{Policies, Policy};
use tidegate_rules::RuleSet;
use tidegate_signal::{Scores, Signals};

use crate::shed::Shedding;

pub use carry::{AddedField, Changes, Fields, NewSubject, RemovedField};
pub use correspondents::Correspondents;
pub use indicators::{Indicators, Unfetched};
pub use judged::{Judged, Missing, Timings};
pub use recipients::{DecidedBy, Own, Recipient, Telling};
pub use recording::{Again, Recording};
pub use shed::Pressure;
pub use statistics::{Learnable, Statistics};
pub use transaction::Transaction;

/// Everything an engine is put together from; each part is built, and so valid.
pub struct Parts {
    /// The receiving site.
    pub site: Site,
    /// What is read of a message at most.
    pub bounds: Bounds,
    /// The checks that are switched on.
    pub checks: Vec<Box<dyn AnyCheck>>,
    /// The DNS lists.
    pub lists: Lists,
    /// The certifiers that are trusted.
    pub trust: Trustmarks,
    /// The compiled rules.
    pub rules: RuleSet,
    /// What was learned; `None` when statistics are switched off.
    pub statistics: Option<Statistics>,
    /// Thresholds and caps.
    pub policy: Policy,
    /// What each recipient wants. Replaced by edits while the engine runs; a transaction ends with
    /// the book that it began with.
    pub policies: Arc<Policies>,
    /// Who has written to whom; `None` where nobody keeps it.
    pub correspondents: Option<Arc<dyn Correspondents>>,
    /// What is known of mark certificates; `None` where marks are not looked at.
    pub indicators: Option<Arc<dyn Indicators>>,
    /// Scores that the configuration sets.
    pub scores: Scores,
    /// Who answers questions.
    pub resolver: Resolver,
    /// How long the end of a message waits for answers in all.
    pub deadline: Duration,
    /// Whether what each verdict was made of is kept, so that it can be made again.
    pub records: bool,
}

/// One configuration at work. Immutable: a reload builds another, and transactions that began
/// with this one end with it.
pub struct Engine {
    parts: Parts,
    shedding: Shedding,
    authenticator: Authenticator,
}

impl Engine {
    /// Puts an engine together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { shedding: Shedding::of(&parts), parts, authenticator: Authenticator::new() }
    }

    /// The parts it was put together from.
    #[must_use]
    pub const fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Begins a transaction at `now`, in seconds since 1970, UTC.
    #[must_use]
    pub fn begin(self: &Arc<Self>, now: i64) -> Transaction {
        Transaction::new(Arc::clone(self), now, None)
    }

    /// Judges a message of which everything is known already. The same as a transaction that is
    /// told it in steps.
    pub async fn judge(self: &Arc<Self>, envelope: Envelope, raw: &[u8], now: i64) -> Judged {
        self.judge_whole(self.begin(now), envelope, raw).await
    }

    /// Judges a message of before, as of `now`, by what was recorded of it.
    pub async fn judge_again(
        self: &Arc<Self>,
        envelope: Envelope,
        raw: &[u8],
        now: i64,
        again: Again,
    ) -> Judged {
        let transaction = Transaction::new(Arc::clone(self), now, Some(again));
        self.judge_whole(transaction, envelope, raw).await
    }

    async fn judge_whole(
        &self,
        mut transaction: Transaction,
        envelope: Envelope,
        raw: &[u8],
    ) -> Judged {
        envelope.recipients.iter().for_each(|address| transaction.recipient(address));
        transaction.envelope = envelope;
        for stage in [Stage::Connect, Stage::Helo, Stage::Mail] {
            transaction.reached(stage);
        }
        transaction.judge(raw).await
    }

    /// What it takes to learn a message. Asks nothing of the network: what checks and rules say of
    /// form and content is known without.
    #[must_use]
    pub fn learnable(&self, raw: &[u8]) -> Learnable {
        let message = Message::parse(raw, &self.parts.bounds);
        let envelope = Envelope::infer(&message);
        let arrived = message.received().iter().find_map(|hop| hop.date);
        let trust = Trust::default();
        let known = Known {
            envelope: &envelope,
            message: Some(&message),
            authentication: None,
            trust: Some(&trust),
            bulk: Some(&Bulk::of(&message, &envelope)),
            site: &self.parts.site,
            // Of a message that tells no arrival, its own date is as good.
            now: arrived.or(message.date()).unwrap_or(0),
        };
        let mut signals = self.signals(&known, &Answers::default(), Pressure::None);
        self.parts.rules.judge(&message, &envelope, &mut signals);
        statistics::learnable(&message, &signals)
    }

    /// The fields of a message that claim to be this site's own, for whoever delivers one without a
    /// verdict: they would be believed.
    #[must_use]
    pub fn forged_fields(&self, header_section: &[u8]) -> Vec<RemovedField> {
        let message = Message::parse(header_section, &self.parts.bounds);
        carry::forged(&message, &self.parts.site.id)
    }

    /// The questions of all checks at `stage`.
    fn questions(&self, stage: Stage, known: &Known<'_>) -> Questions {
        let mut questions = Questions::default();
        for check in &self.parts.checks {
            check.ask(stage, known, &mut questions);
        }
        self.parts.lists.ask(stage, known, &mut questions);
        self.parts.trust.ask(stage, known, &mut questions);
        questions
    }

    /// Names of zones that are not believed at the time.
    fn set_aside(&self) -> Vec<Name> {
        [self.parts.lists.set_aside(), self.parts.trust.set_aside()].concat()
    }

    /// What all checks say that are not left out.
    fn signals(&self, known: &Known<'_>, answers: &Answers, pressure: Pressure) -> Signals {
        let mut signals = Signals::new();
        let is_left_out = |cost| pressure == Pressure::Pressed && cost == Cost::Heavy;
        for check in self.parts.checks.iter().filter(|check| !is_left_out(check.cost())) {
            check.judge(known, answers, &mut signals);
        }
        self.parts.lists.judge(known, answers, &mut signals);
        known.trust.into_iter().for_each(|trust| self.parts.trust.judge(trust, &mut signals));
        signals
    }
}
