//! Hits and corrections of each signal, and which signals are damped for them.
//!
//! Hits are counted in memory and written now and then: a crash loses some, which makes the guard
//! stricter for a while, not laxer. A correction is written before it is acknowledged, under the
//! message and the person, so that saying it twice counts once and saying the contrary takes it back.
//! Names of users are kept as tags under a key of this site.
//!
//! Invariant: what is damped is damped in the store first, and stays so until somebody clears it.

mod forget;

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_mail::Address;
use tidegate_signal::{Damped, Signals};
use tidegate_store::{Batch, Secret, Snapshot, Space, Store, StoreError, Written};

use super::{Cleared, Config, Damping, Listed, Standing};

/// Signal, 0, day: hits.
const HITS: Space = Space::new("guard.hits");
/// Signal, 0, person, message: whether it was wrong against or for the message.
const CORRECTIONS: Space = Space::new("guard.corrections");
/// Signal: the last time it was damped.
const DAMPED: Space = Space::new("guard.damped");

const DAY: u64 = 86_400;
/// Tries at counting hits while other machines count theirs.
const MOST_TRIES: usize = 10;
/// A person: the tag of an address.
type Person = [u8; 8];
/// The person of the operator's corrections.
const OPERATOR: Person = [0; 8];
/// Octets of a message's tag.
const MESSAGE: usize = 16;
/// It spoke against mail that is wanted.
const FALSE_ALARM: u8 = 0;
/// It spoke for mail that is not.
const MISSED: u8 = 1;

/// What a person says of a message after it was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It was taken for spam, and is wanted.
    Wanted,
    /// It was let through, and is spam.
    Spam,
    /// What was said before was a mistake.
    TakenBack,
}

/// A correction of a judgement.
#[derive(Debug, Clone, Copy)]
pub struct Correction<'c> {
    /// Names the message: the same octets for the same message.
    pub message: &'c [u8],
    /// Whose opinion it is; `None`: the operator's.
    pub user: Option<&'c str>,
    /// What it is.
    pub said: Said,
    /// What was said of the message when it was judged: names and points.
    pub signals: &'c [(String, f32)],
    /// The time, in seconds since 1970.
    pub now: u64,
}

/// Hits and corrections, over a store.
pub struct Corrections {
    store: Arc<dyn Store>,
    secret: Secret,
    damped: Damped,
    /// Hits that were not written yet.
    hits: Mutex<HashMap<String, u32>>,
    /// Held while records are read and written, so that no two writers undo each other.
    writer: Mutex<()>,
}

impl Corrections {
    /// Over `store`; what is damped there is put into `damped`. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read, or no key be made.
    pub fn open(store: Arc<dyn Store>, damped: Damped) -> Result<Self, StoreError> {
        let secret = Secret::of(&*store, "guard")?;
        let corrections =
            Self { store, secret, damped, hits: Mutex::default(), writer: Mutex::new(()) };
        corrections.publish()?;
        Ok(corrections)
    }

    /// What is damped now.
    #[must_use]
    pub const fn damped(&self) -> &Damped {
        &self.damped
    }

    /// Counts what speaks against a message that was taken for spam. Never blocks on the disk.
    pub fn hit(&self, signals: &Signals) {
        let mut hits = self.pending();
        for signal in
            signals.iter().filter(|signal| signal.score() > 0.0 && Damped::touches(signal.family()))
        {
            match hits.get_mut(signal.name()) {
                Some(count) => *count = count.saturating_add(1),
                None => drop(hits.insert(signal.name().to_owned(), 1)),
            }
        }
    }

    /// Writes the hits counted since the last time. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read or written; the hits are kept for the next time.
    pub fn flush(&self, config: &Config, now: u64) -> Result<(), StoreError> {
        let _writer = self.lock();
        let hits = std::mem::take(&mut *self.pending());
        if hits.is_empty() {
            return Ok(());
        }
        let write = || {
            for _ in 0..MOST_TRIES {
                let snapshot = self.store.snapshot()?;
                let mut batch = Batch::new();
                let until = (now / DAY + u64::from(config.window_days) + 2) * DAY;
                for (name, count) in &hits {
                    let key = hits_key(name, now / DAY);
                    let known = readable(snapshot.get(HITS, &key))?;
                    if self.store.is_shared() {
                        batch.expect(HITS, &key, known.as_deref());
                    }
                    let count = number(known).saturating_add(*count);
                    batch.put_until(HITS, &key, count.to_le_bytes().to_vec(), until);
                }
                if self.store.write(&batch)? == Written::Done {
                    return Ok(());
                }
            }
            Err(StoreError::Failed("others count hits all the time".to_owned()))
        };
        let written: Result<(), StoreError> = write();
        if written.is_err() {
            let mut pending = self.pending();
            for (name, count) in hits {
                *pending.entry(name).or_default() += count;
            }
        }
        written
    }

    /// Counts a correction, durably; returns what is damped from now on because of it. Blocks on the
    /// disk.
    ///
    /// Signals that can't be damped are to be left out by the caller, who knows families.
    ///
    /// # Errors
    /// When the store can't be read or written; the correction may be given again.
    pub fn correct(
        &self,
        correction: &Correction<'_>,
        config: &Config,
    ) -> Result<Vec<Damping>, StoreError> {
        let _writer = self.lock();
        let Correction { said, now, .. } = *correction;
        let until = now + u64::from(config.window_days) * DAY;
        let mut batch = Batch::new();
        let mut wrong = Vec::new();
        let before = self.store.snapshot()?;
        for (name, points) in correction.signals {
            let key = self.key(name, correction);
            let kind = match said {
                Said::Wanted if *points > 0.0 => FALSE_ALARM,
                Said::Spam if *points < 0.0 => MISSED,
                // Most lessons agree with the judgement, and leave nothing to be written.
                _ => {
                    if readable(before.get(CORRECTIONS, &key))?.is_some() {
                        batch.remove(CORRECTIONS, &key);
                    }
                    continue;
                }
            };
            let day = (now / DAY) as u32;
            let value = [&[kind][..], &day.to_le_bytes()].concat();
            batch.put_until(CORRECTIONS, &key, value, until);
            if kind == FALSE_ALARM {
                wrong.push(name.as_str());
            }
        }
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let (Written::Done | Written::Conflict) = self.store.write(&batch)?;
        let mut damped = Vec::new();
        for name in wrong {
            if self.damped.now().contains(name) {
                continue;
            }
            let standing = self.standing(&*self.store.snapshot()?, name, config, now)?;
            if standing.is_too_often_wrong(config) {
                let signal = name.to_owned();
                damped.push(Damping { signal, since: now, standing, cleared: None });
            }
        }
        if !damped.is_empty() {
            let mut batch = Batch::new();
            for damping in &damped {
                batch.put(DAMPED, damping.signal.as_bytes(), encode(damping)?);
            }
            let (Written::Done | Written::Conflict) = self.store.write(&batch)?;
            self.publish()?;
        }
        Ok(damped)
    }

    /// Puts a signal back to work: what it was damped for is forgotten, who did it is not. `None` when
    /// it is not damped. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn clear(&self, name: &str, by: &str, now: u64) -> Result<Option<Damping>, StoreError> {
        let _writer = self.lock();
        let mut batch = Batch::new();
        let damping = {
            let snapshot = self.store.snapshot()?;
            let found = readable(snapshot.get(DAMPED, name.as_bytes()))?;
            let Some(mut damping) = found.as_deref().and_then(decode) else { return Ok(None) };
            if damping.cleared.is_some() {
                return Ok(None);
            }
            damping.cleared = Some(Cleared { by: by.to_owned(), at: now });
            let prefix = prefix(name);
            snapshot.scan(CORRECTIONS, &prefix, &prefix, &mut |key, _| {
                batch.remove(CORRECTIONS, key);
                ControlFlow::Continue(())
            })?;
            damping
        };
        batch.put(DAMPED, name.as_bytes(), encode(&damping)?);
        let (Written::Done | Written::Conflict) = self.store.write(&batch)?;
        self.publish()?;
        Ok(Some(damping))
    }

    /// Every signal that is damped, was, or has been corrected within the window, by name. Blocks on
    /// the disk.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn list(&self, config: &Config, now: u64) -> Result<Vec<Listed>, StoreError> {
        let snapshot = self.store.snapshot()?;
        let mut names = BTreeSet::new();
        for space in [DAMPED, CORRECTIONS] {
            snapshot.scan(space, b"", b"", &mut |key, _| {
                let name = key.split(|octet| *octet == 0).next().unwrap_or_default();
                names.insert(String::from_utf8_lossy(name).into_owned());
                ControlFlow::Continue(())
            })?;
        }
        let listed = names.into_iter().map(|signal| {
            let found = readable(snapshot.get(DAMPED, signal.as_bytes()))?;
            let damping = found.as_deref().and_then(decode);
            let standing = self.standing(&*snapshot, &signal, config, now)?;
            Ok(Listed { signal, standing, damping })
        });
        listed.collect()
    }

    /// How a signal stands.
    fn standing(
        &self,
        snapshot: &dyn Snapshot,
        name: &str,
        config: &Config,
        now: u64,
    ) -> Result<Standing, StoreError> {
        let first = (now / DAY).saturating_sub(u64::from(config.window_days));
        let prefix = prefix(name);
        let mut hits = self.pending().get(name).copied().unwrap_or_default();
        snapshot.scan(HITS, &prefix, &hits_key(name, first), &mut |_, value| {
            hits = hits.saturating_add(number(Some(value.to_vec())));
            ControlFlow::Continue(())
        })?;
        let (mut by_user, mut by_operator, mut missed) = (HashMap::new(), 0, 0);
        snapshot.scan(CORRECTIONS, &prefix, &prefix, &mut |key, value| {
            let (Some(person), Some((kind, day))) = (parts(key), value.split_first()) else {
                return ControlFlow::Continue(());
            };
            if u64::from(number(Some(day.to_vec()))) < first {
                return ControlFlow::Continue(());
            }
            match *kind {
                FALSE_ALARM if person == OPERATOR => by_operator += 1,
                FALSE_ALARM => *by_user.entry(person).or_insert(0) += 1,
                _ => missed += 1,
            }
            ControlFlow::Continue(())
        })?;
        Ok(Standing::new(hits, missed, &by_user, by_operator, config))
    }

    /// Tells whoever weighs what the store has damped: for whoever shares it, who may not have damped it here.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn publish(&self) -> Result<(), StoreError> {
        let mut names = BTreeSet::new();
        self.store.snapshot()?.scan(DAMPED, b"", b"", &mut |_, value| {
            let damping = decode(value).filter(|damping| damping.cleared.is_none());
            names.extend(damping.map(|damping| damping.signal));
            ControlFlow::Continue(())
        })?;
        self.damped.set(names);
        Ok(())
    }

    fn key(&self, name: &str, correction: &Correction<'_>) -> Vec<u8> {
        let message = self.secret.tag(&[b"message", correction.message]);
        [&prefix(name)[..], &self.person(correction.user), &message[..MESSAGE]].concat()
    }

    fn person(&self, user: Option<&str>) -> Person {
        let Some(user) = user else { return OPERATOR };
        let user = Address::new(user).as_str().to_lowercase();
        let tag = self.secret.tag(&[b"user", user.as_bytes()]);
        let mut person = OPERATOR;
        person.copy_from_slice(&tag[..OPERATOR.len()]);
        person
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        // Counts are changed one by one: a panic leaves each of them right.
        self.hits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins all keys of a signal; no signal's begins another's.
fn prefix(name: &str) -> Vec<u8> {
    [name.as_bytes(), &[0]].concat()
}

fn hits_key(name: &str, day: u64) -> Vec<u8> {
    [&prefix(name)[..], &(day as u32).to_be_bytes()].concat()
}

/// Who said it, of the key of a correction.
fn parts(key: &[u8]) -> Option<Person> {
    let name = key.iter().position(|octet| *octet == 0)?;
    let rest = key.get(name + 1..)?;
    rest.first_chunk::<8>().copied().filter(|_| rest.len() == OPERATOR.len() + MESSAGE)
}

/// An entry that is damaged is as good as none: it is written anew.
fn readable(found: Result<Option<Vec<u8>>, StoreError>) -> Result<Option<Vec<u8>>, StoreError> {
    match found {
        Err(StoreError::Damaged { .. }) => Ok(None),
        found => found,
    }
}

fn number(value: Option<Vec<u8>>) -> u32 {
    value.and_then(|value| value.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn encode(damping: &Damping) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(damping).map_err(|error| StoreError::Failed(error.to_string()))
}

fn decode(value: &[u8]) -> Option<Damping> {
    serde_json::from_slice(value).ok()
}
