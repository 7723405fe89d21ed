//! What users do with mail, remembered: whom they write to, and which signals they correct.
//!
//! Invariant: nothing here keeps a message waiting. What is noted of it is written beside the answer,
//! and when the store fails mail is judged as if nothing were known.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tidegate_bayes::Class;
use tidegate_checks::authentication::Authentication;
use tidegate_checks::table::CHECKS;
use tidegate_engine::{Correspondents, Engine, Judged};
use tidegate_mail::{Address, Envelope, Message};
use tidegate_policy::correspondents::{self, Memory, Noted, Sent};
use tidegate_policy::guard::{self, Correction, Corrections, Damping, Listed, Said, told};
use tidegate_policy::{Correspondence, Verdict};
use tidegate_signal::{Damped, SignalDef};
use tidegate_store::{Store, StoreError};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::config::Settings;
use crate::knowledge;

/// Messages noted and not written yet; past these, more are not noted.
const MOST_WAITING: usize = 1_000;
/// How often hits are written.
const FLUSH: Duration = Duration::from_secs(60);
/// Entries that are removed at a time once they have expired.
const EXPIRED_AT_ONCE: usize = 256;

/// What is remembered.
pub(crate) struct Remembered {
    /// Where it is kept, once that could be read.
    kept: OnceLock<Kept>,
    store: Option<Arc<dyn Store>>,
    damped: Damped,
    guard: ArcSwap<guard::Config>,
    correspondents: ArcSwap<correspondents::Config>,
    /// Outgoing messages to be noted.
    waiting: Mutex<Vec<Sent>>,
    /// Somebody is writing what waits.
    writing: AtomicBool,
}

struct Kept {
    store: Arc<dyn Store>,
    memory: Memory,
    corrections: Corrections,
}

impl Remembered {
    /// Over `store`. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub(crate) fn open(
        store: Arc<dyn Store>,
        settings: &Settings,
    ) -> Result<Arc<Self>, StoreError> {
        let remembered = Self::later(Some(store), settings);
        remembered.follow()?;
        Ok(remembered)
    }

    /// Without a store.
    pub(crate) fn nothing(settings: &Settings) -> Arc<Self> {
        Self::later(None, settings)
    }

    /// Over a store that can't be read now: nothing is known until it is followed.
    pub(crate) fn later(store: Option<Arc<dyn Store>>, settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            kept: OnceLock::new(),
            store,
            damped: Damped::default(),
            guard: ArcSwap::from_pointee(settings.guard.clone()),
            correspondents: ArcSwap::from_pointee(settings.correspondents.clone()),
            waiting: Mutex::default(),
            writing: AtomicBool::new(false),
        })
    }

    /// Opens what could not be opened yet, and learns what others have damped. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub(crate) fn follow(&self) -> Result<(), StoreError> {
        let Some(store) = &self.store else { return Ok(()) };
        if let Some(kept) = self.kept.get() {
            return if store.is_shared() { kept.corrections.publish() } else { Ok(()) };
        }
        let memory = Memory::open(Arc::clone(store))?;
        let corrections = Corrections::open(Arc::clone(store), self.damped.clone())?;
        for name in self.damped.now().iter() {
            tracing::warn!(
                signal = name.as_str(),
                "damped: users corrected it; see 'tidegate guard list'"
            );
        }
        // Another may have been faster, who keeps the same.
        let _ = self.kept.set(Kept { store: Arc::clone(store), memory, corrections });
        Ok(())
    }

    /// Goes on by another configuration.
    pub(crate) fn configure(&self, settings: &Settings) {
        self.guard.store(Arc::new(settings.guard.clone()));
        self.correspondents.store(Arc::new(settings.correspondents.clone()));
    }

    /// The signals that are damped.
    pub(crate) const fn damped(&self) -> &Damped {
        &self.damped
    }

    /// Takes note of a message that was judged.
    pub(crate) fn judged(self: &Arc<Self>, judged: &Judged, header: &[u8], engine: &Engine) {
        let Some(kept) = self.kept.get() else { return };
        if judged.decision.verdict >= Verdict::Tag {
            kept.corrections.hit(&judged.signals);
            // What looks like spam may be sent in a user's name by somebody else.
            return;
        }
        let config = self.correspondents.load();
        if !config.enabled || !config.is_outgoing(&judged.envelope) {
            return;
        }
        let message = Message::parse(header, &engine.parts().bounds);
        let Some(sent) = Sent::of(&judged.envelope, &message, &config) else { return };
        {
            let mut waiting = self.waiting();
            if waiting.len() >= MOST_WAITING {
                return;
            }
            waiting.push(sent);
        }
        if !self.writing.swap(true, Ordering::AcqRel) {
            let remembered = Arc::clone(self);
            tokio::task::spawn_blocking(move || remembered.write_waiting());
        }
    }

    /// Counts what somebody teaches as a correction, where the message was judged otherwise when it
    /// was delivered. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub(crate) fn correct(
        &self,
        engine: &Engine,
        raw: &[u8],
        class: Option<Class>,
        user: Option<&str>,
    ) -> Result<(), StoreError> {
        let message = Message::parse(raw, &engine.parts().bounds);
        let Some(told) = told(&message) else { return Ok(()) };
        let said = match class {
            Some(Class::Ham) if told.spam => Said::Wanted,
            Some(Class::Spam) if !told.spam => Said::Spam,
            // It was judged so, or is taken back: what the same person said otherwise is no more.
            _ => Said::TakenBack,
        };
        self.count(engine, &message, user, said, told.signals)
    }

    /// Counts that somebody wants a message that was held because of `signals`. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub(crate) fn released(
        &self,
        engine: &Engine,
        raw: &[u8],
        user: Option<&str>,
        signals: Vec<(String, f32)>,
    ) -> Result<(), StoreError> {
        let message = Message::parse(raw, &engine.parts().bounds);
        self.count(engine, &message, user, Said::Wanted, signals)
    }

    fn count(
        &self,
        engine: &Engine,
        message: &Message<'_>,
        user: Option<&str>,
        said: Said,
        mut signals: Vec<(String, f32)>,
    ) -> Result<(), StoreError> {
        let Some(kept) = self.kept.get() else { return Ok(()) };
        signals.retain(|(name, _)| can_be_damped(engine, name));
        let id = tidegate_bayes::LessonId::of(message);
        let correction = Correction {
            message: id.bytes(),
            user,
            said,
            signals: &signals,
            now: knowledge::seconds(),
        };
        for damping in kept.corrections.correct(&correction, &self.guard.load())? {
            let guard::Standing { corrections, users, hits, .. } = damping.standing;
            tracing::warn!(
                signal = damping.signal.as_str(),
                corrections,
                users,
                hits,
                "damped: it counts for nothing until 'tidegate guard clear'"
            );
        }
        Ok(())
    }

    /// The signals that are damped, were, or were corrected of late. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) fn guarded(&self, now: u64) -> Result<Vec<Listed>, StoreError> {
        let Some(kept) = self.kept.get() else { return Ok(Vec::new()) };
        kept.corrections.list(&self.guard.load(), now)
    }

    /// Lets a damped signal count again, by whom; `None` when it isn't damped. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub(crate) fn clear(
        &self,
        signal: &str,
        by: &str,
        now: u64,
    ) -> Result<Option<Damping>, StoreError> {
        let Some(kept) = self.kept.get() else { return Ok(None) };
        kept.corrections.clear(signal, by, now)
    }

    /// How many corrections of a user are remembered. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) fn corrections_of(&self, user: &str) -> Result<usize, StoreError> {
        self.kept.get().map_or(Ok(0), |kept| kept.corrections.held_on(user))
    }

    /// Forgets them; how many there were. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub(crate) fn forget_corrections(&self, user: &str) -> Result<usize, StoreError> {
        self.kept.get().map_or(Ok(0), |kept| kept.corrections.forget(user))
    }

    /// How many correspondents and messages of a user are remembered. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) fn correspondents_of(&self, user: &Address) -> Result<(usize, usize), StoreError> {
        self.kept.get().map_or(Ok((0, 0)), |kept| kept.memory.held_on(user))
    }

    /// Forgets them; how many there were. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub(crate) fn forget_correspondents(&self, user: &Address) -> Result<usize, StoreError> {
        self.kept.get().map_or(Ok(0), |kept| kept.memory.forget(user))
    }

    /// As [`Corrections::disown`]. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub(crate) fn disown(
        &self,
        is_theirs: &dyn Fn(&str) -> bool,
        instead: &str,
    ) -> Result<usize, StoreError> {
        self.kept.get().map_or(Ok(0), |kept| kept.corrections.disown(is_theirs, instead))
    }

    /// Writes hits by the minute, and removes what has expired, until aborted.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(FLUSH).await;
            let remembered = Arc::clone(&self);
            let _ = tokio::task::spawn_blocking(move || remembered.write()).await;
        }
    }

    /// Writes what was counted and noted since the last time. Blocks on the disk.
    pub(crate) fn write(&self) {
        let Some(kept) = self.kept.get() else { return };
        let now = knowledge::seconds();
        if kept.store.reachable().is_err() {
            // It is told once, and what waits goes on waiting.
            return;
        }
        if let Err(error) = kept.corrections.flush(&self.guard.load(), now) {
            tracing::warn!("hits of signals are not written: {error}");
        }
        if let Err(error) = kept.store.expire(now, EXPIRED_AT_ONCE) {
            tracing::warn!("what has expired is not removed: {error}");
        }
        self.write_waiting();
    }

    /// Notes what waits, and what comes meanwhile.
    fn write_waiting(&self) {
        let Some(kept) = self.kept.get() else { return };
        loop {
            let sent = std::mem::take(&mut *self.waiting());
            if sent.is_empty() {
                self.writing.store(false, Ordering::Release);
                // What came between the two lines above found somebody writing.
                if self.waiting().is_empty() || self.writing.swap(true, Ordering::AcqRel) {
                    return;
                }
                continue;
            }
            match kept.memory.note(&sent, &self.correspondents.load(), knowledge::seconds()) {
                Ok(Noted { refused: 0, .. }) => {}
                Ok(Noted { refused, .. }) => {
                    tracing::debug!(refused, "correspondents past the bounds of [correspondents]");
                }
                Err(error) if error.is_away() => {
                    let mut waiting = self.waiting();
                    let room = MOST_WAITING.saturating_sub(waiting.len());
                    waiting.extend(sent.into_iter().take(room));
                    self.writing.store(false, Ordering::Release);
                    return;
                }
                Err(error) => tracing::warn!("correspondents are not remembered: {error}"),
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Sent>> {
        // Only whole messages are put in and taken out.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Correspondents for Remembered {
    fn of(
        &self,
        envelope: &Envelope,
        message: &Message<'_>,
        authentication: &Authentication,
    ) -> Vec<Option<Correspondence>> {
        let Some(kept) = self.kept.get() else { return Vec::new() };
        if kept.store.reachable().is_err() {
            return Vec::new();
        }
        let (config, now) = (self.correspondents.load(), knowledge::seconds());
        let look = || kept.memory.known(envelope, message, authentication, &config, now);
        // A file answers before a thread could be found to wait for it; a server may not answer.
        let known = if kept.store.is_shared() { beside(look) } else { look() };
        known.unwrap_or_else(|error| {
            if !error.is_away() {
                tracing::warn!("whom recipients know can't be read: {error}");
            }
            Vec::new()
        })
    }
}

/// Waits for `answer` so that no other message waits with it.
fn beside<T>(answer: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(answer),
        _ => answer(),
    }
}

/// Whether `name` is a signal of this configuration whose points may be taken off.
fn can_be_damped(engine: &Engine, name: &str) -> bool {
    let parts = engine.parts();
    let checks = CHECKS.iter().flat_map(|entry| entry.raises.iter().copied());
    let lists = parts.lists.raises().chain(parts.rules.defs()).map(|def| &**def);
    let is_it = |def: &SignalDef| def.name == name && Damped::touches(def.family);
    checks.chain(lists).any(is_it) || parts.trust.raises().any(|def| is_it(&def))
}
