//! What others have taught: where the store is shared by several machines, each follows the rest.
//!
//! All of them add to one journal of a scope, in one order. A step is added under the next number, expecting that the
//! journal ends where its author believes it does; who was late reads the steps that are new, and tries again. After
//! a checkpoint of another's, or where the store has lost its last words in a crash, all of the scope is read anew.
//!
//! Invariant: what was read of a scope is of one moment; estimates see the table of before or the one of after.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};

use tidegate_store::{Batch, Snapshot, StoreError};

use crate::features::FEATURES_VERSION;
use crate::learn::Lessons;
use crate::overlay::Overlay;
use crate::records::{self, CHUNK, JOURNAL, STATE, State, Step, TABLE, USERS};
use crate::scope::{Faults, Scope, Writer, make};

/// Tries to read what others write meanwhile.
const MOST_TRIES: usize = 5;

/// What is known of a value in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    Value(Option<Vec<u8>>),
    /// It can't be read, so nothing can be expected of it.
    Damaged,
}

impl Held {
    fn read(found: Result<Option<Vec<u8>>, StoreError>) -> Result<Self, StoreError> {
        match found {
            Err(StoreError::Damaged { .. }) => Ok(Self::Damaged),
            found => found.map(Self::Value),
        }
    }

    pub(crate) fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Value(value) => value.as_deref(),
            Self::Damaged => None,
        }
    }
}

/// Where a scope stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// The state at the last checkpoint.
    pub(crate) state: Held,
    /// What a user is registered by, other each time that they are; nothing for the site.
    pub(crate) user: Held,
    /// The last step of the journal, if it has any since the checkpoint.
    pub(crate) last: Held,
}

impl Scope {
    /// Reads a scope as the store has it.
    pub(crate) fn open(
        user: Option<&str>,
        snapshot: &dyn Snapshot,
        now: u64,
    ) -> Result<(Self, Faults), StoreError> {
        let scope = Self::unread(user, now);
        let faults = scope.read(snapshot, &mut scope.lock())?;
        Ok((scope, faults))
    }

    /// Expects that the scope stands in the store where `writer` believes.
    pub(crate) fn expect_head(&self, batch: &mut Batch, writer: &Writer) {
        if let Some(head) = &writer.head {
            let mut expect = |space, key: &[u8], held: &Held| {
                if let Held::Value(value) = held {
                    batch.expect(space, key, value.as_deref());
                }
            };
            expect(STATE, &self.prefix, &head.state);
            if let Some(user) = &self.user {
                expect(USERS, user.as_bytes(), &head.user);
            }
            if let Some(last) = writer.last() {
                expect(JOURNAL, &self.key(&last.to_be_bytes()), &head.last);
            }
        }
        batch.expect(JOURNAL, &self.key(&writer.next.to_be_bytes()), None);
    }

    /// Makes the steps that others have added, or reads all of it anew where that is not enough.
    pub(crate) fn catch_up(
        &self,
        snapshot: &dyn Snapshot,
        writer: &mut Writer,
    ) -> Result<Faults, StoreError> {
        let Some(mut head) = writer.head.clone() else { return self.read(snapshot, writer) };
        let next = self.key(&writer.next.to_be_bytes());
        let last = writer.last().map(|last| self.key(&last.to_be_bytes()));
        let user = self.user.as_deref().unwrap_or_default().as_bytes();
        let mut keys = vec![(JOURNAL, next.as_slice()), (STATE, &self.prefix[..]), (USERS, user)];
        keys.extend(last.as_deref().map(|last| (JOURNAL, last)));
        let found = snapshot.get_many(&keys)?;
        let known = [head.state.value(), head.user.value(), head.last.value()];
        let is_same =
            found.iter().skip(1).map(Option::as_deref).eq(known.into_iter().take(keys.len() - 1));
        if is_same && found.first().is_some_and(Option::is_none) {
            return Ok(Faults::default());
        }
        if is_same {
            self.replay(&self.overlay, snapshot, writer, &mut head, false)?;
            if self.held(snapshot)? == (head.state.clone(), head.user.clone()) {
                writer.head = Some(head);
                return Ok(Faults::default());
            }
        }
        self.read(snapshot, writer)
    }

    /// Reads all of it.
    fn read(&self, snapshot: &dyn Snapshot, writer: &mut Writer) -> Result<Faults, StoreError> {
        for _ in 0..MOST_TRIES {
            let mut faults = Faults::default();
            let (state, user) = self.held(snapshot)?;
            faults.damaged += usize::from(state == Held::Damaged);
            let found = state.value().and_then(State::decode);
            faults.outdated = found.is_some_and(|state| state.version != FEATURES_VERSION);
            let found = found.filter(|_| !faults.outdated);
            let entries = found.map_or(0, |state| state.entries as usize);
            let overlay = Overlay::with_room(entries.min(crate::MOST_ENTRIES));
            let faded = writer.faded;
            let mut read =
                Writer { next: 0, checkpoint: 0, epoch: 0, faded, chunks: 0, head: None };
            if let Some(state) = found {
                overlay.set_messages(state.spam, state.ham);
                read.next = state.next;
                read.checkpoint = state.next;
                (read.epoch, read.faded) = (state.epoch, state.faded);
                read.chunks = state.entries.div_ceil(CHUNK as u32);
                faults.damaged +=
                    snapshot.scan(TABLE, &self.prefix, &self.prefix, &mut |_, chunk| {
                        overlay.restore(records::entries(chunk));
                        ControlFlow::Continue(())
                    })?;
            }
            let mut head = Head { state, user, last: Held::Value(None) };
            faults.damaged +=
                self.replay(&overlay, snapshot, &mut read, &mut head, faults.outdated)?;
            // Whoever wrote the table meanwhile has changed its state as well.
            if self.held(snapshot)? == (head.state.clone(), head.user.clone()) {
                read.head = Some(head);
                self.overlay.replace(&overlay);
                *writer = read;
                return Ok(faults);
            }
        }
        Err(StoreError::Failed("others write what was learned all the time; try again".to_owned()))
    }

    /// The state, and what the user is registered by.
    fn held(&self, snapshot: &dyn Snapshot) -> Result<(Held, Held), StoreError> {
        let state = Held::read(snapshot.get(STATE, &self.prefix))?;
        let user = match &self.user {
            Some(user) => Held::read(snapshot.get(USERS, user.as_bytes()))?,
            None => Held::Value(None),
        };
        Ok((state, user))
    }

    /// Makes steps of the journal again, from the next on; how many are damaged.
    fn replay(
        &self,
        overlay: &Overlay,
        snapshot: &dyn Snapshot,
        writer: &mut Writer,
        head: &mut Head,
        outdated: bool,
    ) -> Result<usize, StoreError> {
        let from = self.key(&writer.next.to_be_bytes());
        let mut damaged = 0;
        damaged += snapshot.scan(JOURNAL, &self.prefix, &from, &mut |key, value| {
            let number = key.get(self.prefix.len()..).and_then(|rest| rest.try_into().ok());
            match (number.map(u64::from_be_bytes), Step::decode(value)) {
                (Some(number), Some(step)) => {
                    writer.next = number + 1;
                    head.last = Held::Value(Some(value.to_vec()));
                    if !outdated {
                        make(overlay, &step);
                    }
                }
                _ => damaged += 1,
            }
            ControlFlow::Continue(())
        })?;
        Ok(damaged)
    }
}

impl Writer {
    /// The number of the last step since the checkpoint, if there is any.
    fn last(&self) -> Option<u64> {
        (self.next > self.checkpoint).then(|| self.next - 1)
    }
}

impl Lessons {
    /// Learns what others have taught the same store since it was last asked; next to nothing where nobody has, or
    /// nobody else can. Blocks on the network.
    ///
    /// # Errors
    /// When the store cannot be read, or cannot be reached; to be tried again.
    pub fn follow(&self) -> Result<(), StoreError> {
        let Some(written) = self.store.written(&[STATE, JOURNAL, USERS])? else { return Ok(()) };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == written {
            return Ok(());
        }
        let snapshot = self.store.snapshot()?;
        {
            let mut writer = self.site.lock();
            if self.site.catch_up(&*snapshot, &mut writer)?.outdated {
                let _ = self.site.checkpoint(&*self.store, &mut writer)?;
            }
        }
        let mut names = HashSet::new();
        snapshot.scan(USERS, b"", b"", &mut |name, _| {
            names.insert(String::from_utf8_lossy(name).into_owned());
            ControlFlow::Continue(())
        })?;
        let loaded: Vec<Arc<Scope>> = {
            let mut users = self.users.write().unwrap_or_else(PoisonError::into_inner);
            users.retain(|name, _| names.contains(name));
            names.into_iter().for_each(|name| {
                users.entry(name).or_default();
            });
            users.values().flatten().cloned().collect()
        };
        for user in loaded {
            user.catch_up(&*snapshot, &mut user.lock())?;
        }
        *seen = written;
        Ok(())
    }
}
