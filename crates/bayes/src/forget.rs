//! What is held of a user's lessons, and forgetting all of it.
//!
//! What the site learned since several users agreed stays: it names nobody, and can't be told apart.
//!
//! Invariant: what was forgotten is gone from the store before it is gone from memory.

use std::ops::ControlFlow;
use std::sync::PoisonError;

use tidegate_store::{Batch, StoreError, Written};

use crate::hash;
use crate::learn::{DAY, Lessons};
use crate::records::{JOURNAL, LEARNED, STATE, TABLE, USERS, VOTES, Votes};
use crate::scope::Scope;

/// How much is held of one user's lessons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HeldOn {
    /// Messages that the user has sorted and that can be taken back.
    pub messages: usize,
    /// Records of what these and older ones say: words as hashes, with counts and weights.
    pub records: usize,
    /// Messages of which it is known how this user sorted them, among others.
    pub votes: usize,
}

impl Lessons {
    /// The users who have taught, as they were named.
    #[must_use]
    pub fn users(&self) -> Vec<String> {
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        users.keys().cloned().collect()
    }

    /// What is held of a user's lessons. Blocks on the disk.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn held_on(&self, user: &str) -> Result<HeldOn, StoreError> {
        let prefix = Scope::prefix(Some(user));
        let snapshot = self.store.snapshot()?;
        let mut held = HeldOn::default();
        for space in [LEARNED, JOURNAL, TABLE, STATE] {
            let count = if space == LEARNED { &mut held.messages } else { &mut held.records };
            snapshot.scan(space, &prefix, &prefix, &mut |_, _| {
                *count += 1;
                ControlFlow::Continue(())
            })?;
        }
        let voter = hash::of(user.as_bytes());
        snapshot.scan(VOTES, b"", b"", &mut |_, value| {
            held.votes += usize::from(Votes::decode(value).0.iter().any(|(by, _)| *by == voter));
            ControlFlow::Continue(())
        })?;
        Ok(held)
    }

    /// Forgets what a user has taught, and that there is such a user. Votes of others on the same messages
    /// are remembered from `now` on. Blocks on the disk.
    ///
    /// # Errors
    /// When the store cannot be read or written; nothing is forgotten then.
    pub fn forget_user(&self, user: &str, now: u64) -> Result<HeldOn, StoreError> {
        let held = self.held_on(user)?;
        let scope = self.read_user(user, now)?;
        // No lesson of this user is in the middle; estimates go on.
        let mut writer = scope.lock();
        let prefix = Scope::prefix(Some(user));
        let voter = hash::of(user.as_bytes());
        loop {
            let mut batch = Batch::new();
            {
                let snapshot = self.store.snapshot()?;
                scope.catch_up(&*snapshot, &mut writer)?;
                scope.expect_head(&mut batch, &writer);
                batch.remove(USERS, user.as_bytes());
                for space in [LEARNED, JOURNAL, TABLE, STATE] {
                    snapshot.scan(space, &prefix, &prefix, &mut |key, _| {
                        batch.remove(space, key);
                        ControlFlow::Continue(())
                    })?;
                }
                snapshot.scan(VOTES, b"", b"", &mut |key, value| {
                    let mut votes = Votes::decode(value);
                    let before = votes.0.len();
                    votes.0.retain(|(by, _)| *by != voter);
                    if votes.0.len() < before {
                        batch.expect(VOTES, key, Some(value));
                        if votes.0.is_empty() {
                            batch.remove(VOTES, key);
                        } else {
                            let until = now + self.limits.remember_days * DAY;
                            batch.put_until(VOTES, key, votes.encode(), until);
                        }
                    }
                    ControlFlow::Continue(())
                })?;
            }
            // A conflict: somebody votes on one of the messages just now, or the user teaches another machine.
            if self.store.write(&batch)? == Written::Done {
                break;
            }
        }
        writer.head = None;
        self.users.write().unwrap_or_else(PoisonError::into_inner).remove(user);
        Ok(held)
    }
}
