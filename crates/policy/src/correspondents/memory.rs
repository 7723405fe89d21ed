//! What is remembered, in the store.
//!
//! Invariant: an entry is written at most once a day, and read as absent from its last day on, whether
//! the store has removed it yet or not.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_checks::authentication::Authentication;
use tidegate_mail::{Address, Envelope, Message};
use tidegate_store::{Batch, Secret, Snapshot, Space, Store, StoreError, Written};

use super::lists;
use super::{Config, Sent, folded};
use crate::Correspondence;

/// A user and a correspondent, or a list or an organisation that he joined: the day of the last message.
const PAIRS: Space = Space::new("correspondents.pairs");
/// A user and a Message-ID of his: the day it was sent.
const MESSAGES: Space = Space::new("correspondents.messages");

const DAY: u64 = 86_400;
/// Octets of a user's tag, with which his keys begin, so that all of them can be found.
const USER: usize = 8;
/// Octets of the rest of a key.
const REST: usize = 12;
/// Message-IDs looked up of one message: the one it answers, and the last ones of its thread.
const MOST_REFERENCES: usize = 8;
/// Users whose new entries are counted; past these, a day's new users add nothing.
const MOST_USERS: usize = 100_000;

/// What became of messages that were noted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Noted {
    /// Entries that are new.
    pub new: usize,
    /// Entries that were renewed.
    pub renewed: usize,
    /// Entries that a bound kept out.
    pub refused: usize,
}

/// The memory of correspondents over a store.
pub struct Memory {
    store: Arc<dyn Store>,
    secret: Secret,
    today: Mutex<Today>,
}

/// How full it is. Counted anew each day, since what expires is not told.
#[derive(Default)]
struct Today {
    day: u64,
    entries: usize,
    /// What each user added.
    added: HashMap<[u8; USER], u32>,
}

type Key = [u8; USER + REST];

impl Memory {
    /// Over `store`.
    ///
    /// # Errors
    /// When the store can't be read, or no key be made.
    pub fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let secret = Secret::of(&*store, "correspondents")?;
        Ok(Self { store, secret, today: Mutex::default() })
    }

    /// What connects the author of an incoming message, or the list that it is of, to each of its
    /// recipients at `now`, in seconds since 1970; nothing, unless it is proved who that is. One question to the
    /// store.
    ///
    /// # Errors
    /// When the store can't be read: then nobody is known.
    pub fn known(
        &self,
        envelope: &Envelope,
        message: &Message<'_>,
        authentication: &Authentication,
        config: &Config,
        now: u64,
    ) -> Result<Vec<Option<Correspondence>>, StoreError> {
        let recipients = &envelope.recipients;
        // Whoever writes to so many answers none of them.
        if !config.enabled || recipients.len() > config.max_recipients {
            return Ok(vec![None; recipients.len()]);
        }
        let author = authentication.proved_author(message).map(folded);
        let names = lists::names(envelope, message, authentication);
        if author.is_none() && names.is_empty() {
            return Ok(vec![None; recipients.len()]);
        }
        // Anybody may name a message that he saw.
        let references = author.as_ref().map(|_| references(message)).unwrap_or_default();
        let mut ties = Vec::new();
        for (place, recipient) in recipients.iter().enumerate() {
            let user = self.user(&folded(recipient));
            let mut tie = |space, other: &str, means| {
                ties.push(Tie { place, space, key: self.key(&user, other), means });
            };
            if let Some(author) = &author {
                tie(PAIRS, author, Correspondence::WroteTo);
            }
            references.iter().for_each(|id| tie(MESSAGES, id, Correspondence::RepliesToUs));
            for name in &names {
                tie(PAIRS, &joined(&name.joined), Correspondence::Joined(name.at));
            }
            for name in &names {
                if let Some(address) = &name.address {
                    tie(PAIRS, address, Correspondence::WroteToList(name.at));
                }
            }
        }
        let keys: Vec<(Space, &[u8])> = ties.iter().map(|tie| (tie.space, &tie.key[..])).collect();
        let found = self.store.snapshot()?.get_many(&keys)?;
        let mut known = vec![None; recipients.len()];
        for (tie, value) in ties.iter().zip(found) {
            let days = if tie.space == PAIRS { config.keep_days } else { config.reply_days };
            if known[tie.place].is_none() && is_fresh(value, days, now) {
                known[tie.place] = Some(tie.means);
            }
        }
        Ok(known)
    }

    /// Remembers messages that users sent. Blocks on the disk.
    ///
    /// # Errors
    /// When the store can't be read or written; nothing is remembered then.
    pub fn note(&self, sent: &[Sent], config: &Config, now: u64) -> Result<Noted, StoreError> {
        // One at a time, so that the counts hold.
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        let day = now / DAY;
        let snapshot = self.store.snapshot()?;
        if today.day != day {
            let entries = count(&*snapshot, PAIRS)? + count(&*snapshot, MESSAGES)?;
            *today = Today { day, entries, added: HashMap::new() };
        }
        let (mut batch, mut seen, mut noted) = (Batch::new(), HashSet::new(), Noted::default());
        let mut added: HashMap<[u8; USER], u32> = HashMap::new();
        let mut left: HashSet<Key> = HashSet::new();
        for sent in sent {
            let user = self.user(&sent.user);
            for of in &sent.leaves {
                let key = self.key(&user, &joined(of));
                // What is wished last holds, also where both are noted at once.
                if seen.remove(&(PAIRS, key)) || day_of(&*snapshot, PAIRS, &key)?.is_some() {
                    batch.remove(PAIRS, &key);
                    left.insert(key);
                }
            }
            let pairs = sent.recipients.iter().map(|to| (PAIRS, Cow::from(to), config.keep_days));
            let id = sent.message_id.iter();
            let id = id.map(|id| (MESSAGES, Cow::from(id), config.reply_days));
            let joined = sent.joins.iter().map(|of| (PAIRS, joined(of).into(), config.keep_days));
            for (space, other, days) in pairs.chain(id).chain(joined) {
                let key = self.key(&user, &other);
                if !seen.insert((space, key)) {
                    continue;
                }
                let known = match space == PAIRS && left.remove(&key) {
                    true => None,
                    false => day_of(&*snapshot, space, &key)?,
                };
                if known == Some(day) {
                    continue;
                }
                if known.is_none() {
                    let already = today.added.get(&user.tag).copied().unwrap_or_default();
                    let own = added.entry(user.tag).or_default();
                    let is_full = today.entries + noted.new >= config.max_entries
                        || already + *own >= config.max_new_per_day
                        || (already == 0 && today.added.len() >= MOST_USERS);
                    if is_full {
                        noted.refused += 1;
                        continue;
                    }
                    *own += 1;
                    noted.new += 1;
                } else {
                    noted.renewed += 1;
                }
                let until = now + u64::from(days) * DAY;
                batch.put_until(space, &key, (day as u32).to_le_bytes().to_vec(), until);
            }
        }
        if !batch.is_empty() {
            // Nothing is expected, so nothing can stand against it.
            let (Written::Done | Written::Conflict) = self.store.write(&batch)?;
            today.entries += noted.new;
            for (user, count) in added.into_iter().filter(|(_, count)| *count > 0) {
                *today.added.entry(user).or_default() += count;
            }
        }
        Ok(noted)
    }

    /// How many correspondents and messages of a user are remembered.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn held_on(&self, user: &Address) -> Result<(usize, usize), StoreError> {
        let keys = self.keys_of(user)?;
        let pairs = keys.iter().filter(|(space, _)| *space == PAIRS).count();
        Ok((pairs, keys.len() - pairs))
    }

    /// Forgets all correspondents and messages of a user; returns how many entries that were.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn forget(&self, user: &Address) -> Result<usize, StoreError> {
        let keys = self.keys_of(user)?;
        let mut batch = Batch::new();
        for (space, key) in &keys {
            batch.remove(*space, key);
        }
        let (Written::Done | Written::Conflict) = self.store.write(&batch)?;
        Ok(keys.len())
    }

    fn keys_of(&self, user: &Address) -> Result<Vec<(Space, Vec<u8>)>, StoreError> {
        let prefix = self.user(&folded(user)).tag;
        let snapshot = self.store.snapshot()?;
        let mut keys = Vec::new();
        for space in [PAIRS, MESSAGES] {
            snapshot.scan(space, &prefix, &prefix, &mut |key, _| {
                keys.push((space, key.to_vec()));
                ControlFlow::Continue(())
            })?;
        }
        Ok(keys)
    }

    /// The key of what a user has with another: an address, or a Message-ID of his own.
    fn key(&self, user: &User, other: &str) -> Key {
        let mut key = [0; USER + REST];
        key[..USER].copy_from_slice(&user.tag);
        let rest = self.secret.tag(&[user.name.as_bytes(), other.as_bytes()]);
        key[USER..].copy_from_slice(&rest[..REST]);
        key
    }

    fn user(&self, name: &str) -> User {
        let mut tag = [0; USER];
        tag.copy_from_slice(&self.secret.tag(&[name.as_bytes()])[..USER]);
        User { name: name.to_owned(), tag }
    }
}

/// A user, with the tag by which his keys begin.
struct User {
    name: String,
    tag: [u8; USER],
}

/// One way in which a recipient may know who wrote, the strongest first.
struct Tie {
    /// Of which recipient.
    place: usize,
    space: Space,
    key: Key,
    means: Correspondence,
}

/// What a wish to join is filed by, apart from whom one writes to.
fn joined(of: &str) -> String {
    format!("joined {of}")
}

fn count(snapshot: &dyn Snapshot, space: Space) -> Result<usize, StoreError> {
    let mut entries = 0;
    snapshot.scan(space, b"", b"", &mut |_, _| {
        entries += 1;
        ControlFlow::Continue(())
    })?;
    Ok(entries)
}

/// The day that an entry holds; an entry that is damaged says nothing.
fn day_of(snapshot: &dyn Snapshot, space: Space, key: &Key) -> Result<Option<u64>, StoreError> {
    let value = match snapshot.get(space, key) {
        Err(StoreError::Damaged { .. }) => None,
        value => value?,
    };
    Ok(day(value))
}

fn day(value: Option<Vec<u8>>) -> Option<u64> {
    let day = value.and_then(|value| value.try_into().ok()).map(u32::from_le_bytes);
    day.map(u64::from)
}

fn is_fresh(value: Option<Vec<u8>>, days: u32, now: u64) -> bool {
    day(value).is_some_and(|day| now / DAY <= day + u64::from(days))
}

/// The Message-IDs that a message names as those it answers (RFC 5322, section 3.6.4), without their
/// brackets: In-Reply-To first, then References from the last.
fn references(message: &Message<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in ["In-Reply-To", "References"] {
        let Some(field) = message.field(name) else { continue };
        let text = field.text();
        let ids = text.rsplit('<').filter_map(|rest| rest.split_once('>'));
        for (id, _) in ids {
            if found.len() < MOST_REFERENCES && !found.iter().any(|known| known == id) {
                found.push(id.to_owned());
            }
        }
    }
    found
}
