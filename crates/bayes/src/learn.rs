//! Lessons: what people say of messages, learned once each, durably.
//!
//! A lesson is one transaction: the mark that the message was learned, and the step in the journal of
//! its scope. What was acknowledged is therefore learned exactly once, whenever the process ends. The
//! other class is taken back before it is learned anew.
//!
//! A user's lessons change that user's scores only. The site learns from its operator, and from users
//! where several of them said the same of one message and nobody the contrary.
//!
//! Invariant: estimates never wait for lessons; lessons of one scope are made one after another.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tidegate_store::{Batch, Store, StoreError, Written, random};

use crate::Kind;
use crate::estimate::{Estimate, Knowledge};
use crate::follow::Held;
use crate::hash;
use crate::lesson::{Found, LearnError, Lesson, Limits, Taught};
use crate::logistic;
use crate::model::Model;
use crate::records::{Class, LEARNED, Learned, Step, USERS, VOTES, Votes};
use crate::scope::{Faults, Scope, Writer, make};

/// What was learned at this site, over a model.
pub struct Lessons {
    pub(crate) store: Arc<dyn Store>,
    model: Arc<Model>,
    pub(crate) limits: Limits,
    pub(crate) site: Scope,
    /// Scopes of users; those that were not needed yet are not read.
    pub(crate) users: RwLock<HashMap<String, Option<Arc<Scope>>>>,
    /// How often the store had been written when it was followed last.
    pub(crate) seen: Mutex<Vec<u64>>,
}

/// Bytes of the longest name of a user.
const LONGEST_USER: usize = 320;
/// Tries at a lesson while others teach the same scope.
const MOST_TRIES: usize = 20;

pub(crate) const DAY: u64 = 86_400;

impl Lessons {
    /// Reads what was learned. Blocks on the disk.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(
        store: Arc<dyn Store>,
        model: Arc<Model>,
        limits: Limits,
        now: u64,
    ) -> Result<(Self, Found), StoreError> {
        let mut users = HashMap::new();
        let (site, faults) = {
            let snapshot = store.snapshot()?;
            snapshot.scan(USERS, b"", b"", &mut |name, _| {
                users.insert(String::from_utf8_lossy(name).into_owned(), None);
                ControlFlow::Continue(())
            })?;
            Scope::open(None, &*snapshot, now)?
        };
        let Faults { damaged, outdated } = faults;
        let users = RwLock::new(users);
        let lessons = Self { store, model, limits, site, users, seen: Mutex::default() };
        if outdated {
            let _ = lessons.site.checkpoint(&*lessons.store, &mut lessons.site.lock())?;
        }
        Ok((lessons, Found { damaged, outdated }))
    }

    /// Over a store that can't be read now: the model alone counts until [`Self::follow`] has read it.
    #[must_use]
    pub fn unread(store: Arc<dyn Store>, model: Arc<Model>, limits: Limits, now: u64) -> Self {
        let site = Scope::unread(None, now);
        Self { store, model, limits, site, users: RwLock::default(), seen: Mutex::default() }
    }

    /// What statistics make of features, for a user or for nobody in particular. Never blocks: what
    /// a user taught counts once [`Self::prepare`] has read it.
    #[must_use]
    pub fn estimate(&self, features: &[u64], user: Option<&str>) -> Estimate {
        let user = user.and_then(|name| self.known_user(name));
        self.knowledge(user.as_deref()).estimate(features)
    }

    pub(crate) fn knowledge<'k>(&'k self, user: Option<&'k Scope>) -> Knowledge<'k> {
        Knowledge::new(&self.model, Some(&self.site.overlay), user.map(|user| &user.overlay))
    }

    /// Whether a user has taught, and [`Self::prepare`] has not read it yet. Never blocks on the disk.
    #[must_use]
    pub fn is_unread(&self, user: &str) -> bool {
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        matches!(users.get(user), Some(None))
    }

    /// Reads what a user taught, so that estimates can use it. Blocks on the disk, the first time.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn prepare(&self, user: &str, now: u64) -> Result<(), StoreError> {
        if self.is_unread(user) {
            self.read_user(user, now)?;
        }
        Ok(())
    }

    /// The model that lessons are laid over.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// How many spam and ham messages were learned for the site, and features known of them.
    #[must_use]
    pub fn size(&self) -> (u32, u32, usize) {
        let (spam, ham) = self.site.overlay.messages();
        (spam, ham, self.site.overlay.len())
    }

    /// Learns, moves or takes back a message. When it returns, the lesson survives a crash. Blocks on
    /// the disk.
    ///
    /// # Errors
    /// When the lesson was not learned; it may be given again.
    pub fn teach(&self, lesson: &Lesson<'_>) -> Result<Taught, LearnError> {
        let Some(name) = lesson.user else { return self.teach_scope(&self.site, None, lesson) };
        let user = self.user(name, lesson.now)?;
        let taught = self.teach_scope(&user, Some(name), lesson)?;
        if self.vote(name, lesson)? {
            self.teach_scope(&self.site, None, lesson)?;
        }
        Ok(taught)
    }

    fn teach_scope(
        &self,
        scope: &Scope,
        user: Option<&str>,
        lesson: &Lesson<'_>,
    ) -> Result<Taught, LearnError> {
        let mut writer = scope.lock();
        if writer.head.is_none() {
            scope.catch_up(&*self.store.snapshot()?, &mut writer)?;
        }
        let mut was_known = false;
        for _ in 0..MOST_TRIES {
            match self.try_to_teach(scope, &mut writer, user, lesson, &mut was_known) {
                Err(LearnError::Conflict) => {
                    scope.catch_up(&*self.store.snapshot()?, &mut writer)?;
                }
                taught => return taught,
            }
        }
        Err(LearnError::Conflict)
    }

    /// Teaches, unless somebody else was faster. `was_known`: as what else it was learned was taken back already.
    fn try_to_teach(
        &self,
        scope: &Scope,
        writer: &mut Writer,
        user: Option<&str>,
        lesson: &Lesson<'_>,
        was_known: &mut bool,
    ) -> Result<Taught, LearnError> {
        let key = scope.key(&lesson.id.0);
        let found = match self.store.get(LEARNED, &key) {
            // A mark that is damaged marks nothing any more; it is written anew.
            Err(StoreError::Damaged { .. }) => {
                let (Written::Done | Written::Conflict) =
                    self.store.write(Batch::new().remove(LEARNED, &key))?;
                None
            }
            found => found?,
        };
        let known = found.as_deref().and_then(Learned::decode);
        let same = known.as_ref().map(|known| known.class) == lesson.class;
        if same && known.is_some() {
            return Ok(Taught::Already);
        }
        let is_new = known.is_none() && !*was_known;
        let mut outcome = if is_new { Taught::New } else { Taught::Moved };
        let mut held = found;
        if let Some(known) = known {
            let counted = known.epoch == writer.epoch;
            let Learned { class, push, features, .. } = known;
            let back = Step { class, forward: false, counted, push, features };
            let mut batch = Batch::new();
            batch.expect(LEARNED, &key, held.as_deref()).remove(LEARNED, &key);
            self.take(scope, writer, batch, &back)?;
            held = None;
            *was_known = true;
        }
        match lesson.class {
            None if outcome == Taught::New => outcome = Taught::Unknown,
            None => outcome = Taught::Forgotten,
            Some(class) => {
                let step = self.forward(scope, user.is_some(), lesson.features, class);
                let mut batch = Batch::new();
                let Step { push, ref features, .. } = step;
                let features = features.clone();
                let learned = Learned { class, push, epoch: writer.epoch, features };
                let until = lesson.now + self.limits.remember_days * DAY;
                batch.expect(LEARNED, &key, held.as_deref());
                batch.put_until(LEARNED, &key, learned.encode(), until);
                let mut registered = None;
                if let Some(name) = user
                    && writer.head.as_ref().is_some_and(|head| head.user.value().is_none())
                {
                    let by = random()?[..8].to_vec();
                    batch.put(USERS, name.as_bytes(), by.clone());
                    registered = Some(by);
                }
                self.take(scope, writer, batch, &step)?;
                if let (Some(by), Some(head)) = (registered, &mut writer.head) {
                    head.user = Held::Value(Some(by));
                }
            }
        }
        if writer.next - writer.checkpoint >= self.limits.checkpoint_every {
            // A conflict: another teaches just now, and one of us is the next to try.
            let (Written::Done | Written::Conflict) = scope.checkpoint(&*self.store, writer)?;
        }
        Ok(outcome)
    }

    /// Writes a step down, then makes it.
    fn take(
        &self,
        scope: &Scope,
        writer: &mut Writer,
        mut batch: Batch,
        step: &Step,
    ) -> Result<(), LearnError> {
        if scope.overlay.is_full(step.features.len()) {
            let faded = writer.faded;
            if self.fade(scope, writer, faded)? == Written::Conflict {
                return Err(LearnError::Conflict);
            }
        }
        let last = scope.journal(&mut batch, writer, step);
        if self.store.write(&batch)? == Written::Conflict {
            return Err(LearnError::Conflict);
        }
        writer.next += 1;
        if let Some(head) = &mut writer.head {
            head.last = Held::Value(Some(last));
        }
        make(&scope.overlay, step);
        Ok(())
    }

    /// The step that learns a message: as often as it is still wrong after the last time.
    fn forward(&self, scope: &Scope, user: bool, features: &[u64], class: Class) -> Step {
        let own = user.then_some(scope);
        let knowledge = self.knowledge(own);
        let mut log_odds = knowledge.estimate(features).logistic;
        let norm = logistic::norm(features);
        let reader = scope.overlay.reader();
        // What one unit of push adds to the log-odds of this very message.
        let mut gain = 0.0;
        for feature in features {
            let seen = reader.know(*feature).map_or(0, |e| u32::from(e.spam) + u32::from(e.ham));
            let kind = Kind::of(*feature);
            gain += logistic::scale(kind) * logistic::share(kind, seen + 1);
        }
        let mut push = 0.0;
        for _ in 0..logistic::ONLINE_STEPS {
            let (rate, thick) = (logistic::ONLINE_RATE, logistic::ONLINE_THICKNESS);
            let Some(step) = logistic::step(log_odds, class == Class::Spam, rate, thick) else {
                break;
            };
            push += step * norm;
            log_odds += step * norm * norm * gain;
        }
        Step { class, forward: true, counted: true, push, features: features.to_vec() }
    }

    /// Notes what a user said; whether that makes the site learn it.
    fn vote(&self, name: &str, lesson: &Lesson<'_>) -> Result<bool, LearnError> {
        let wanted = self.limits.agreeing_users;
        let user = hash::of(name.as_bytes());
        for _ in 0..MOST_TRIES {
            let mut batch = Batch::new();
            let known = match self.store.get(VOTES, &lesson.id.0) {
                Err(StoreError::Damaged { .. }) => None,
                known => {
                    let known = known?;
                    batch.expect(VOTES, &lesson.id.0, known.as_deref());
                    known
                }
            };
            let mut votes = known.as_deref().map(Votes::decode).unwrap_or_default();
            votes.0.retain(|(voter, _)| *voter != user);
            votes.0.extend(lesson.class.map(|class| (user, class)));
            // More than are needed change nothing.
            votes.0.truncate(4 * wanted.max(1));
            let until = lesson.now + self.limits.remember_days * DAY;
            batch.put_until(VOTES, &lesson.id.0, votes.encode(), until);
            if self.store.write(&batch)? == Written::Done {
                let agree = votes.0.iter().all(|(_, class)| Some(*class) == lesson.class);
                return Ok(wanted > 0 && agree && votes.0.len() >= wanted);
            }
        }
        Err(LearnError::Conflict)
    }

    pub(crate) fn known_user(&self, name: &str) -> Option<Arc<Scope>> {
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        users.get(name).and_then(Option::clone)
    }

    /// The scope of a user, made where it is missing.
    fn user(&self, name: &str, now: u64) -> Result<Arc<Scope>, LearnError> {
        if let Some(scope) = self.known_user(name) {
            return Ok(scope);
        }
        if name.is_empty() || name.len() > LONGEST_USER || name.contains(char::is_control) {
            return Err(LearnError::UserName);
        }
        {
            let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
            if !users.contains_key(name) && users.len() >= self.limits.most_users {
                return Err(LearnError::TooManyUsers(users.len()));
            }
        }
        Ok(self.read_user(name, now)?)
    }

    pub(crate) fn read_user(&self, name: &str, now: u64) -> Result<Arc<Scope>, StoreError> {
        if let Some(scope) = self.known_user(name) {
            return Ok(scope);
        }
        // Before the lock, which estimates wait for.
        let (scope, _) = Scope::open(Some(name), &*self.store.snapshot()?, now)?;
        let mut users = self.users.write().unwrap_or_else(PoisonError::into_inner);
        // Another may have read it meanwhile.
        let scope =
            users.entry(name.to_owned()).or_default().get_or_insert_with(|| Arc::new(scope));
        Ok(Arc::clone(scope))
    }

    /// Ages what is due and forgets what is no longer remembered. To be called now and then; blocks
    /// on the disk.
    ///
    /// # Errors
    /// When the store cannot be written; to be tried again later.
    pub fn maintain(&self, now: u64) -> Result<(), StoreError> {
        // Another may have aged it already.
        self.follow()?;
        let half_life = self.limits.half_life_days.max(1) * DAY;
        let loaded: Vec<Arc<Scope>> = {
            let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
            users.values().flatten().cloned().collect()
        };
        for scope in loaded.iter().map(|user| &**user).chain([&self.site]) {
            let mut writer = scope.lock();
            let (spam, ham) = scope.overlay.messages();
            let old = now.saturating_sub(writer.faded) >= half_life;
            if old || spam.saturating_add(ham) > self.limits.most_messages {
                // A conflict: it is read again, and aged the next time.
                let (Written::Done | Written::Conflict) = self.fade(scope, &mut writer, now)?;
            }
        }
        // In pieces, so that lessons get their turn.
        while self.store.expire(now, 256)? == 256 {}
        Ok(())
    }

    fn fade(&self, scope: &Scope, writer: &mut Writer, now: u64) -> Result<Written, StoreError> {
        scope.overlay.fade();
        // Only compared: any other number will do.
        writer.epoch = writer.epoch.wrapping_add(1);
        writer.faded = now;
        scope.checkpoint(&*self.store, writer)
    }

    /// Writes all tables down, so that the next start need not make the last steps again. Not needed
    /// for safety.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        let loaded: Vec<Arc<Scope>> = {
            let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
            users.values().flatten().cloned().collect()
        };
        for scope in loaded.iter().map(|user| &**user).chain([&self.site]) {
            let mut writer = scope.lock();
            if writer.next > writer.checkpoint {
                let (Written::Done | Written::Conflict) =
                    scope.checkpoint(&*self.store, &mut writer)?;
            }
        }
        Ok(())
    }

    pub(crate) fn user_scope(&self, name: &str) -> Option<Arc<Scope>> {
        self.known_user(name)
    }
}
