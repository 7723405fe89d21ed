//! One message on its way, from the connection to the verdict.
//!
//! Invariant: what waits on the network is started by [`Transaction::reached`] and
//! [`Transaction::headers`], so that its wait overlaps the SMTP dialogue.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_bayes::Estimate;
use tidegate_checks::auth::{BodyDigests, BodyHashes, Extent, Verified};
use tidegate_checks::authentication::{Authentication, Spf};
use tidegate_checks::bulk::probability::Bulk;
use tidegate_checks::trust::bimi;
use tidegate_checks::trust::bimi::certificate::Evidence;
use tidegate_checks::{Known, Questions, Stage};
use tidegate_dns::{Answers, Name};
use tidegate_mail::{Address, Envelope, Header, Message};
use tidegate_policy::Book;

use crate::carry::Fields;
use crate::judged::{Judged, Timings};
use crate::pending::Pending;
use crate::recipients::DecidedBy;
use crate::recording::{Again, Recording};
use crate::spf::Chain;
use crate::{Engine, Pressure, recipients};

/// Rounds of lookups that an SPF record or a key may lead through. SPF allows ten lookups in a
/// chain (RFC 7208, section 4.6.4); whatever needs more is not worth the wait.
pub(crate) const MOST_ROUNDS: usize = 16;

/// One message on its way.
pub struct Transaction {
    /// What SMTP has said so far; filled in by the caller, who then tells that the stage is
    /// [`reached`](Self::reached).
    pub envelope: Envelope,
    engine: Arc<Engine>,
    now: i64,
    pending: Pending,
    spf: Option<Chain>,
    /// What was read, and asked, of the header section before the body.
    header: Option<Header>,
    /// A message of before is judged by what was recorded of it.
    again: Option<Again>,
    /// What SPF found out by itself, where that is recorded; `None`: it was lost.
    of_spf: Option<Answers>,
    book: Arc<Book>,
    /// Stages reached while nobody was known to want the message looked at; `None`: somebody does.
    held_back: Option<Vec<Stage>>,
    pressure: Pressure,
    kept: Kept,
}

/// How much of the message its caller keeps.
enum Kept {
    Whole,
    /// The header section, and a part of the body.
    InPart(BodyHashes),
    /// Not even all of the header section.
    HeaderCut,
}

impl Transaction {
    pub(crate) fn new(engine: Arc<Engine>, now: i64, again: Option<Again>) -> Self {
        let pending = match &again {
            None => Pending::new(engine.parts.resolver.clone()),
            Some(again) => {
                let further = again.further.then(|| engine.parts.resolver.clone());
                Pending::knowing(again.recording.answers.clone(), further)
            }
        };
        let book = engine.parts.policies.book();
        // Where filtering is what some have asked for, nothing is asked before one of them receives.
        let is_known = again.as_ref().is_some_and(|again| again.decided().is_some());
        let pressure = again.as_ref().map(|again| again.recording.pressure).unwrap_or_default();
        let held_back = (!book.default_policy().filtering && !is_known).then(Vec::new);
        Self {
            envelope: Envelope::default(),
            engine,
            now,
            pending,
            spf: None,
            header: None,
            again,
            of_spf: Some(Answers::default()),
            book,
            held_back,
            pressure,
            kept: Kept::Whole,
        }
    }

    /// Tells how much there is to judge, and so what of it is left out.
    pub const fn under(&mut self, pressure: Pressure) {
        self.pressure = pressure;
    }

    /// Tells that `address` is to receive the message.
    pub fn recipient(&mut self, address: &Address) {
        if self.held_back.is_some() && self.book.policy(address).filtering {
            self.ask_what_was_held_back();
        }
    }

    /// Whether none of the envelope's recipients wants the message looked at.
    #[must_use]
    pub fn is_unfiltered(&self) -> bool {
        let recipients = &self.envelope.recipients;
        let default = self.book.default_policy().filtering;
        if recipients.is_empty() || default && !self.book.has_own() {
            return false;
        }
        recipients.iter().all(|address| !self.book.policy(address).filtering)
    }

    /// Whether some of the envelope's recipients want the message as it came.
    #[must_use]
    pub fn has_unfiltered(&self) -> bool {
        let mut recipients = self.envelope.recipients.iter();
        recipients.any(|address| !self.book.policy(address).filtering)
    }

    fn ask_what_was_held_back(&mut self) {
        for stage in self.held_back.take().unwrap_or_default() {
            self.reached(stage);
        }
    }

    /// Tells that the envelope now holds what `stage` brings. Starts lookups; doesn't wait.
    pub fn reached(&mut self, stage: Stage) {
        if let Some(held_back) = &mut self.held_back {
            held_back.push(stage);
            return;
        }
        let questions = self.engine.questions(stage, &self.known(None, None));
        self.pending.ask(questions);
        if stage == Stage::Mail {
            self.start_spf();
        }
    }

    /// Tells the header section, as it came, before the body. Optional: what is not told now is
    /// asked at the end of the message. Nothing is asked when nobody wants it.
    pub fn headers(&mut self, header_section: &[u8]) {
        if self.held_back.is_some() || self.is_unfiltered() {
            return;
        }
        let message = Message::parse(header_section, &self.engine.parts.bounds);
        let questions = self.header_questions(&message);
        self.pending.ask(questions);
        self.header = Some(message.into_header());
    }

    /// Tells that fields of the header section are left out of what will be judged.
    pub fn header_cut(&mut self) {
        self.kept = Kept::HeaderCut;
    }

    /// Tells a piece of the body that is left out of what will be judged, for its signatures. `header_section`
    /// and `body`: what is kept of the message before the first such piece.
    pub fn beyond(&mut self, header_section: &[u8], body: &[u8], piece: &[u8]) {
        if self.is_unfiltered() {
            return;
        }
        if let Kept::Whole = self.kept {
            let header_view = Message::parse(header_section, &self.engine.parts.bounds);
            let mut hashes = self.engine.authenticator.hash_body(&header_view);
            hashes.write(body);
            self.kept = Kept::InPart(hashes);
        }
        if let Kept::InPart(hashes) = &mut self.kept {
            hashes.write(piece);
        }
    }

    /// Judges the message that has arrived: header section, empty line, body.
    ///
    /// Waits for answers until the engine's deadline at the longest.
    pub async fn judge(mut self, raw: &[u8]) -> Judged {
        if self.is_unfiltered() {
            return self.unfiltered();
        }
        self.ask_what_was_held_back();
        let began = Instant::now();
        let pressure = self.pressure;
        let patience = match pressure {
            Pressure::None => self.engine.parts.deadline,
            Pressure::Hurried | Pressure::Pressed => Duration::ZERO,
        };
        let deadline = tokio::time::Instant::now() + patience;
        let engine = Arc::clone(&self.engine);
        let mut timings = Timings::default();

        let message = match self.header.take() {
            Some(header) => header.with_body(raw, &engine.parts.bounds),
            None => {
                let message = Message::parse(raw, &engine.parts.bounds);
                let questions = self.header_questions(&message);
                self.pending.ask(questions);
                message
            }
        };
        let questions = engine.questions(Stage::Message, &self.known(Some(&message), None));
        self.pending.ask(questions);
        timings.parse = began.elapsed();

        let waited = Instant::now();
        let spf = self.finish_spf(deadline).await;
        self.pending.join(deadline).await;
        timings.network = waited.elapsed();

        let verified = Instant::now();
        let digests: BodyDigests;
        let extent = match std::mem::replace(&mut self.kept, Kept::Whole) {
            Kept::Whole => Extent::Whole,
            Kept::HeaderCut => Extent::HeaderCut,
            Kept::InPart(hashes) => {
                digests = hashes.finish();
                Extent::Hashed(&digests)
            }
        };
        let mut authentication = self.authenticate(&message, extent, spf, deadline).await;
        let mark = self.assess_mark(&message, &mut authentication);
        let questions = engine
            .questions(Stage::Authenticated, &self.known(Some(&message), Some(&authentication)));
        self.pending.ask(questions);
        self.pending.join(deadline).await;
        timings.authentication = verified.elapsed();

        let checked = Instant::now();
        let set_aside = engine.set_aside();
        self.pending.forget_below(&set_aside);
        let known = self.known(Some(&message), Some(&authentication));
        let trust = engine.parts.trust.find(&known, self.pending.answers());
        let bulk = Bulk::of(&message, &self.envelope);
        let known = Known { trust: Some(&trust), bulk: Some(&bulk), ..known };
        let mut signals = engine.signals(&known, self.pending.answers(), pressure);
        timings.checks = checked.elapsed();

        let scanned = Instant::now();
        if pressure < Pressure::Pressed {
            engine.parts.rules.judge(&message, &self.envelope, &mut signals);
        }
        timings.rules = scanned.elapsed();

        let estimated = Instant::now();
        let given = self.again.as_ref().filter(|again| again.recorded_estimate);
        let given = given.and_then(|again| again.recording.estimate);
        let said = engine
            .parts
            .statistics
            .as_ref()
            .filter(|_| pressure < Pressure::Pressed)
            .map(|statistics| statistics.judge(&message, &self.envelope, given, &mut signals));
        let (estimate, learnable) =
            said.map_or((None, None), |said| (Some(said.estimate), said.learnable));
        timings.statistics = estimated.elapsed();

        let left_out = engine.shedding.tell(pressure, self.pending.unanswered(), &mut signals);
        match &self.again {
            None => signals.weigh(&engine.parts.scores),
            Some(again) => signals.weigh(&again.recording.weights(&engine.parts.scores)),
        }
        let missing = self.pending.missing();
        let mut decided = recipients::decide(
            &engine,
            &self.book,
            &self.envelope,
            &message,
            &authentication,
            &signals,
            missing,
            self.again.as_ref().and_then(Again::decided),
        );
        let fields = Fields::of(
            &message,
            &engine.parts.site.id,
            &authentication,
            &trust,
            &decided,
            &signals,
            missing,
        );
        let by = decided.by.take();
        let recording = engine.parts.records.then(|| self.recording(set_aside, estimate, mark, by));
        timings.total = began.elapsed();
        Judged::new(
            self.envelope,
            decided,
            signals,
            authentication,
            trust,
            fields,
            missing,
            left_out,
            learnable,
            recording,
            timings,
        )
    }

    /// What it takes to judge this message again.
    fn recording(
        &mut self,
        set_aside: Vec<Name>,
        estimate: Option<Estimate>,
        mark: Option<Evidence>,
        decided: Option<DecidedBy>,
    ) -> Arc<Recording> {
        let answers = self.pending.take_answers();
        let spf_lost = self.of_spf.is_none();
        let mut of_spf = self.of_spf.take().unwrap_or_default();
        of_spf.retain(|question, answer| answers.get(question) != answer);
        let damped = match &self.again {
            None => self.engine.parts.scores.damped().now(),
            Some(again) => Arc::clone(&again.recording.damped),
        };
        Arc::new(Recording {
            answers,
            of_spf,
            spf_lost,
            set_aside,
            damped,
            estimate,
            mark,
            decided,
            pressure: self.pressure,
        })
    }

    /// Finds out of the mark of the author, where marks are looked at; what was known of its certificate,
    /// where that was asked.
    fn assess_mark(
        &self,
        message: &Message<'_>,
        authentication: &mut Authentication,
    ) -> Option<Evidence> {
        let indicators = self.engine.parts.indicators.as_ref()?;
        let recorded = self.again.as_ref().map(|again| again.recording.mark.clone());
        let mut known = None;
        let evidence = |location: &str| {
            let evidence = match recorded {
                Some(recorded) => recorded.unwrap_or(Evidence::Unknown),
                None => indicators.evidence(location, self.now),
            };
            known.insert(evidence).clone()
        };
        let (answers, about) = (self.pending.answers(), self.known(Some(message), None));
        authentication.bimi = bimi::assess(&about, authentication, answers, evidence);
        known
    }

    /// The message of whose recipients nobody wants it looked at. What was asked before they were
    /// known is not waited for.
    #[must_use]
    pub fn unfiltered(self) -> Judged {
        if let Some(spf) = &self.spf {
            spf.give_up();
        }
        let recipients = recipients::all_unfiltered(&self.book, &self.envelope);
        Judged::unfiltered(self.envelope, recipients, self.book.default_policy().thresholds)
    }

    fn known<'a>(
        &'a self,
        message: Option<&'a Message<'a>>,
        authentication: Option<&'a Authentication>,
    ) -> Known<'a> {
        let site = &self.engine.parts.site;
        let (envelope, now) = (&self.envelope, self.now);
        Known { envelope, message, authentication, trust: None, bulk: None, site, now }
    }

    /// What the header section gives rise to: keys, policies, domain lists.
    fn header_questions(&self, message: &Message<'_>) -> Questions {
        let mut questions = self.engine.questions(Stage::Headers, &self.known(Some(message), None));
        self.engine.authenticator.prefetch(&self.envelope, message, &mut questions);
        questions
    }

    fn start_spf(&mut self) {
        let resolver = self.engine.parts.resolver.clone();
        let pending = match &self.again {
            None => Pending::new(resolver),
            Some(again) if again.recording.spf_lost => return,
            Some(again) => {
                let further = again.further.then_some(resolver);
                Pending::knowing(again.recording.for_spf(), further)
            }
        };
        self.spf = Some(Chain::begin(&self.engine, &self.envelope, pending));
    }

    /// The outcome of SPF, when it was begun and has come in time.
    async fn finish_spf(&mut self, deadline: tokio::time::Instant) -> Spf {
        let lost_before = self.again.as_ref().is_some_and(|again| again.recording.spf_lost);
        let found = match self.spf.take() {
            None if lost_before => None,
            None => return Spf::default(),
            Some(chain) => chain.end(deadline).await,
        };
        match found {
            Some((spf, answers)) => {
                if self.engine.parts.records {
                    self.of_spf = Some(answers.clone());
                }
                self.pending.extend(answers);
                spf
            }
            // Late, or the task was lost: as good as a resolver that did not answer.
            None => {
                self.of_spf = None;
                self.engine.authenticator.spf(&self.envelope, &Answers::default()).so_far()
            }
        }
    }

    async fn authenticate(
        &mut self,
        message: &Message<'_>,
        extent: Extent<'_>,
        spf: Spf,
        deadline: tokio::time::Instant,
    ) -> Authentication {
        let engine = Arc::clone(&self.engine);
        for _ in 0..MOST_ROUNDS {
            let answers = self.pending.answers();
            match engine.authenticator.verify(
                &self.envelope,
                message,
                extent,
                spf.clone(),
                answers,
                self.now,
            ) {
                Verified::Done(authentication) => return authentication,
                Verified::Needs { questions, .. } => {
                    self.pending.ask(questions);
                    self.pending.join(deadline).await;
                }
            }
        }
        let answers = self.pending.answers();
        engine
            .authenticator
            .verify(&self.envelope, message, extent, spf, answers, self.now)
            .so_far()
    }
}
