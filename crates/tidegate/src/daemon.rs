//! The engine behind a milter: each step of the SMTP dialogue is told to a transaction, and its
//! verdict becomes changes to the message and a final reply.
//!
//! Invariant: every message is answered, whatever happens while it is judged, and counted once.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use tidegate_bayes::{AutoLearn, LearnError, Lesson, Lessons};
use tidegate_checks::Stage;
use tidegate_engine::{Engine, Judged, Transaction};
use tidegate_mail::{Address, Envelope, Tls};
use tidegate_milter::{
    Actions, Counted, Disposition, Filter, Mailbox, Outcome, Peer, Received, Wants,
};
use tidegate_policy::{Config, Fallback, Verdict};
use tidegate_quarantine::Quarantine;

use crate::beside::Beside;
use crate::logging;
use crate::metrics::Metrics;
use crate::names::Names;
use crate::overload::{Client, Overload};
use crate::policies::StoredPolicies;
use crate::remembered::Remembered;
use crate::steady::now;
use crate::{control, fault, knowledge, quarantine};

mod answer;
pub(crate) mod holder;
mod ours;
mod split;
#[cfg(test)]
mod tests;

use holder::Holder;
pub(crate) use split::Counts;
use split::{Parted, Parting, Unanswered};

/// What all connections share.
pub(crate) struct Daemon {
    running: ArcSwap<Running>,
    pub(crate) metrics: Metrics,
    lessons: Arc<Lessons>,
    pub(crate) remembered: Arc<Remembered>,
    /// The policies that the store keeps; `None`: this process does not have it.
    pub(crate) policies: Option<Arc<StoredPolicies>>,
    /// Where mail is held; `None`: quarantine is off, and tags.
    quarantine: Option<Arc<Quarantine>>,
    /// Who holds messages and sends copies: the quarantine.
    holder: Option<Arc<dyn Holder>>,
}

/// One configuration at work. A message ends with the one it began with.
pub(crate) struct Running {
    pub(crate) engine: Arc<Engine>,
    pub(crate) verdict: Config,
    /// How addresses are logged.
    pub(crate) names: Arc<Names>,
    auto_learn: AutoLearn,
    split_timeout_ms: u64,
    pub(crate) overload: Overload,
    pub(crate) beside: Option<Beside>,
}

impl Running {
    pub(crate) fn new(
        engine: Arc<Engine>,
        verdict: Config,
        names: Arc<Names>,
        auto_learn: AutoLearn,
        split_timeout_ms: u64,
    ) -> Self {
        let overload = Overload::new(&verdict);
        Self { engine, verdict, names, auto_learn, split_timeout_ms, overload, beside: None }
    }

    /// With those who are told of judged messages.
    pub(crate) fn telling(self, beside: Beside) -> Self {
        Self { beside: Some(beside).filter(Beside::is_wanted), ..self }
    }
}

impl Daemon {
    pub(crate) fn new(
        running: Running,
        metrics: Metrics,
        lessons: Arc<Lessons>,
        remembered: Arc<Remembered>,
        policies: Option<Arc<StoredPolicies>>,
        quarantine: Option<Arc<Quarantine>>,
        holder: Option<Arc<dyn Holder>>,
    ) -> Arc<Self> {
        let running = ArcSwap::from_pointee(running);
        Arc::new(Self { running, metrics, lessons, remembered, policies, quarantine, holder })
    }

    /// What was learned.
    pub(crate) const fn lessons(&self) -> &Arc<Lessons> {
        &self.lessons
    }

    /// Where mail is held.
    pub(crate) const fn quarantine(&self) -> Option<&Arc<Quarantine>> {
        self.quarantine.as_ref()
    }

    /// Learns a message on which enough kinds of evidence agree, beside the answer to it.
    fn learn_by_itself(self: &Arc<Self>, running: &Running, judged: &Judged) {
        let (Some(learnable), Some(class)) =
            (&judged.learnable, running.auto_learn.class(&judged.signals))
        else {
            return;
        };
        let (daemon, learnable) = (Arc::clone(self), learnable.clone());
        tokio::task::spawn_blocking(move || {
            let taught = daemon.lessons.teach(&Lesson {
                id: learnable.id,
                features: &learnable.features,
                class: Some(class),
                user: None,
                now: knowledge::seconds(),
            });
            match taught {
                Ok(taught) => daemon.metrics.learned(control::word(taught)),
                Err(error) => {
                    daemon.metrics.learned("refused");
                    let is_told = matches!(&error, LearnError::Store(error) if error.is_away());
                    if !is_told {
                        tracing::warn!("a message was not learned: {error}");
                    }
                }
            }
        });
    }

    /// Reads what the only recipient has taught, unless that is known already.
    async fn prepare(&self, envelope: &Envelope) {
        let [only] = &envelope.recipients[..] else { return };
        let (lessons, user) = (Arc::clone(&self.lessons), only.as_str().to_owned());
        if !lessons.is_unread(&user) {
            return;
        }
        let now = knowledge::seconds();
        // Without it, the message is judged by what the site knows.
        if let Ok(Err(error)) =
            tokio::task::spawn_blocking(move || lessons.prepare(&user, now)).await
            && !error.is_away()
        {
            tracing::warn!("what a user taught could not be read: {error}");
        }
    }

    /// Puts another configuration to work, for messages that begin from now on.
    pub(crate) fn put_to_work(&self, running: Running) {
        self.running.store(Arc::new(running));
    }

    /// The configuration at work.
    pub(crate) fn running(&self) -> Arc<Running> {
        self.running.load_full()
    }

    /// The metrics, in Prometheus's text form.
    pub(crate) fn metrics_page(&self, milter: &Counted) -> prometheus::Result<String> {
        let running = self.running.load();
        self.metrics.overload.holds(running.overload.held());
        let page = self.metrics.page(milter, &running.engine)?;
        let held = self.quarantine().map(|held| quarantine::metrics(&held.counted()));
        Ok(page + &held.unwrap_or_default())
    }
}

/// One client's session with an MTA.
pub(crate) struct Session {
    daemon: Arc<Daemon>,
    current: Option<Current>,
    unanswered: Unanswered,
}

/// A message on its way, or the greeting before it.
struct Current {
    running: Arc<Running>,
    transaction: Transaction,
    /// When it began, in seconds since 1970, UTC.
    now: i64,
    /// MAIL was told: the next MAIL begins another message.
    begun: bool,
}

/// Why a message could not be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unjudged {
    Overload,
    Timeout,
    Panic,
}

impl Session {
    pub(crate) fn new(daemon: Arc<Daemon>) -> Self {
        Self { daemon, current: None, unanswered: Unanswered::default() }
    }

    /// Begins a message: what the connection is known by is told again, and answered from the
    /// cache.
    fn begin(&mut self, envelope: &tidegate_milter::Envelope) -> &mut Current {
        let running = self.daemon.running();
        let now = now();
        let mut transaction = running.engine.begin(now);
        connection(&mut transaction.envelope, envelope);
        transaction.reached(Stage::Connect);
        self.current.insert(Current { running, transaction, now, begun: false })
    }
}

impl Filter for Session {
    fn wants(&self) -> Wants {
        let changes = Actions::ADD_HEADERS | Actions::CHANGE_HEADERS;
        Wants {
            required: changes,
            // Without it nobody can be taken off a message.
            optional: Actions::DELETE_RECIPIENTS,
            ..Wants::default()
        }
    }

    async fn connect(&mut self, envelope: &tidegate_milter::Envelope) -> Disposition {
        self.begin(envelope);
        Disposition::Continue
    }

    async fn helo(&mut self, envelope: &tidegate_milter::Envelope) -> Disposition {
        let current = match self.current.take() {
            Some(current) => self.current.insert(current),
            None => self.begin(envelope),
        };
        connection(&mut current.transaction.envelope, envelope);
        current.transaction.reached(Stage::Helo);
        Disposition::Continue
    }

    async fn mail(&mut self, envelope: &tidegate_milter::Envelope) -> Disposition {
        let current = match self.current.take().filter(|current| !current.begun) {
            Some(current) => self.current.insert(current),
            None => {
                let current = self.begin(envelope);
                current.transaction.reached(Stage::Helo);
                current
            }
        };
        current.begun = true;
        connection(&mut current.transaction.envelope, envelope);
        current.transaction.envelope.sender = envelope.sender().map(address);
        current.transaction.reached(Stage::Mail);
        Disposition::Continue
    }

    async fn rcpt(&mut self, _: &tidegate_milter::Envelope, recipient: Mailbox<'_>) -> Disposition {
        if let Some(current) = &mut self.current {
            current.transaction.recipient(&address(recipient));
        }
        Disposition::Continue
    }

    async fn headers(&mut self, received: Received<'_>) -> Disposition {
        fault::panic_at("headers", received.header());
        if let Some(current) = &mut self.current {
            current.transaction.envelope.recipients =
                received.envelope.recipients().map(address).collect();
            if received.truncated {
                current.transaction.header_cut();
            }
            // With the whole message there, it is read once, and asks then.
            if !received.ended {
                current.transaction.headers(received.header());
            }
        }
        Disposition::Continue
    }

    async fn beyond(&mut self, received: Received<'_>, piece: &[u8]) {
        if let Some(current) = &mut self.current {
            current.transaction.beyond(received.header(), received.body(), piece);
        }
    }

    async fn message(&mut self, received: Received<'_>) -> Outcome {
        if self.current.as_ref().is_none_or(|current| !current.begun) {
            // The MTA left out MAIL; what is judged is the message alone.
            self.begin(received.envelope);
        }
        let Some(current) = self.current.take() else {
            return Disposition::TempFail.into();
        };
        let Current { running, mut transaction, now, .. } = current;
        transaction.envelope.recipients = received.envelope.recipients().map(address).collect();
        transaction.envelope.queue_id = text(received.envelope.macro_value("i"));
        let envelope = transaction.envelope.clone();
        let reference = envelope.queue_id.clone().unwrap_or_else(made_up_reference);
        let ours = ours::answer(&self.daemon, &running, &envelope, &received, &reference).await;
        if let Some(outcome) = ours {
            return outcome;
        }
        if transaction.is_unfiltered() {
            self.daemon.metrics.judged(&transaction.unfiltered());
            logging::unfiltered(&envelope, &reference, received.octets);
            return Outcome::default();
        }
        self.daemon.prepare(&envelope).await;
        let wanted_as_it_came = transaction.has_unfiltered();

        match judge(&self.daemon, &running, transaction, &received).await {
            Ok(judged) => {
                fault::panic_at("answer", received.header());
                self.daemon.metrics.judged(&judged);
                self.daemon.learn_by_itself(&running, &judged);
                self.daemon.remembered.judged(&judged, received.header(), &running.engine);
                let Parted { outcome, unsettled, counts } = Parting {
                    daemon: &self.daemon,
                    running: &running,
                    judged: &judged,
                    received,
                    reference: &reference,
                }
                .part()
                .await;
                self.unanswered.add(unsettled, counts);
                logging::judged(&judged, &reference, received.octets, &running.names, counts);
                // What was kept in part could not be judged again to the same end.
                if let Some(beside) = running.beside.as_ref().filter(|_| !received.truncated) {
                    let (raw, octets) = (received.raw, received.octets);
                    let unfiltered = judged.recipients.iter().filter(|it| !it.is_filtered());
                    let left_out = unfiltered.map(|it| it.address.clone()).collect();
                    beside.tell(judged, raw, octets, &reference, now, left_out);
                }
                outcome
            }
            Err(why) => {
                let fallback = why.fallback(&running.verdict);
                let verdict = match fallback {
                    Fallback::Accept => Verdict::Accept,
                    Fallback::Defer => Verdict::Defer,
                };
                self.daemon.metrics.unjudged(why.word(), verdict);
                logging::unjudged(
                    &envelope,
                    why.word(),
                    verdict.as_str(),
                    &reference,
                    received.octets,
                    &running.names,
                );
                let forged = running.engine.forged_fields(received.header());
                let forged = (!wanted_as_it_came).then_some(&forged[..]);
                answer::to_unjudged(why.word(), fallback, forged)
            }
        }
    }

    async fn answered(&mut self) {
        self.unanswered.answered(self.daemon.holder.as_ref()).await;
    }

    async fn abort(&mut self) {
        self.current = None;
    }
}

/// Judges within the bounds of the configuration.
async fn judge(
    daemon: &Daemon,
    running: &Running,
    mut transaction: Transaction,
    received: &Received<'_>,
) -> Result<Judged, Unjudged> {
    let client = Client::of(transaction.envelope.client, received.envelope.mta());
    let counted = &daemon.metrics.overload;
    let entered = running.overload.enter(client, received.raw.len()).await;
    let (_place, pressure) = entered.map_err(|why| {
        counted.refused(why);
        Unjudged::Overload
    })?;
    counted.entered(pressure);
    transaction.under(pressure);
    let judging = async {
        fault::panic_at("judge", received.header());
        transaction.judge(received.raw).await
    };
    let judging = AssertUnwindSafe(judging).catch_unwind();
    let time = Duration::from_millis(running.verdict.timeout_ms);
    match tokio::time::timeout(time, Box::pin(judging)).await {
        Ok(Ok(judged)) => Ok(judged),
        Ok(Err(_panic)) => Err(Unjudged::Panic),
        Err(_late) => Err(Unjudged::Timeout),
    }
}

impl Unjudged {
    const fn word(self) -> &'static str {
        match self {
            Self::Overload => "overload",
            Self::Timeout => "timeout",
            Self::Panic => "panic",
        }
    }

    const fn fallback(self, config: &Config) -> Fallback {
        match self {
            Self::Overload => config.on_overload,
            Self::Timeout | Self::Panic => config.on_timeout,
        }
    }
}

/// What the MTA knows of the connection.
fn connection(to: &mut Envelope, from: &tidegate_milter::Envelope) {
    to.client = match from.client() {
        Peer::Inet(peer) => Some(peer.ip().to_canonical()),
        Peer::Unix(_) | Peer::Unknown => None,
    };
    to.client_name = text(Some(from.client_name())).filter(|name| is_host_name(name));
    to.helo = text(from.helo());
    to.receiver = text(from.macro_value("j"));
    to.authenticated = text(from.macro_value("{auth_authen}"));
    to.tls = text(from.macro_value("{tls_version}")).map(|version| Tls {
        version,
        cipher: text(from.macro_value("{cipher}")).unwrap_or_default(),
    });
}

/// MTAs write `unknown`, or the address in brackets, for a client without a verified name.
fn is_host_name(name: &str) -> bool {
    !name.eq_ignore_ascii_case("unknown")
        && !name.starts_with('[')
        && name.parse::<IpAddr>().is_err()
}

fn address(mailbox: Mailbox<'_>) -> Address {
    Address::new(&String::from_utf8_lossy(mailbox.address()))
}

/// Text that is there; empty is as good as none.
fn text(bytes: Option<&[u8]>) -> Option<String> {
    bytes.filter(|bytes| !bytes.is_empty()).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// A reference for the rejection of a message that has no queue id.
fn made_up_reference() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("T{:X}-{:X}", now(), COUNT.fetch_add(1, Relaxed))
}
