//! Digests: each day, at the hour a user chose, a mail that lists what was held since the last one.
//!
//! Each entry notes whether a digest has told of it, and each user the last day that is done with, both
//! written after the MTA has taken the mail. A crash in between sends the same list again, under the same
//! Message-ID.
//!
//! Invariant: no day is done with before its digest was taken, and none has two unless a crash made them;
//! an entry is told of once, whatever clocks do.

use std::ops::ControlFlow;

use chrono::{Local, Offset, TimeZone};
use tidegate_mail::Address;
use tidegate_store::{Batch, Space, StoreError, Written};

use crate::counters::Counters;
use crate::entry::owner;
use crate::id::encode;
use crate::index::{ENTRY, Index, entry_key};
use crate::letter::{Letter, Line};
use crate::quarantine::Quarantine;
use crate::{Entry, EntryId, Purpose, SendError};

/// The last day that is done with, by owner.
const DIGEST: Space = Space::new("quarantine.digest");

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
/// Messages that a digest lists; of more it tells the number.
const MOST_LINES: usize = 100;

/// Who gets a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// Whose quarantine.
    pub owner: String,
    /// Where the mail goes.
    pub address: String,
    /// At which hour, 0 to 23, of local time.
    pub hour: u8,
}

/// What became of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digested {
    /// It isn't time yet, or today's is done with.
    NotNow,
    /// Nothing is new; today is done with.
    Nothing,
    /// It was sent, and lists so many.
    Sent(usize),
}

/// A digest that was not sent; the next call tries again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// Digests are switched off, or nobody is configured to send them.
    #[error("digests are not configured")]
    Off,
    /// The MTA did not take it.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The index can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How many seconds clocks here are ahead of UTC at `now`, in seconds since 1970.
#[must_use]
pub fn local_time(now: u64) -> i32 {
    let time = Local.timestamp_opt(i64::try_from(now).unwrap_or(0), 0).earliest();
    time.map_or(0, |time| time.offset().fix().local_minus_utc())
}

/// A time as lists show it, such as `2026-11-26 08:00`; `offset` as of [`local_time`].
#[must_use]
pub fn time_text(time: u64, offset: i32) -> String {
    let shown = i64::try_from(time).unwrap_or(0) + i64::from(offset);
    let shown = chrono::DateTime::from_timestamp(shown, 0).unwrap_or_default();
    shown.format("%Y-%m-%d %H:%M").to_string()
}

impl Quarantine {
    /// Sends a user today's digest, if the hour has come and it wasn't sent. `offset`: how many seconds
    /// clocks here are ahead of UTC, [`local_time`].
    ///
    /// # Errors
    /// When it could not be sent, or it could not be noted that it was.
    pub async fn digest(
        &self,
        to: &Addressee,
        now: u64,
        offset: i32,
    ) -> Result<Digested, DigestError> {
        let settings = &self.config.digest;
        let Some(from) = settings.from.as_deref().filter(|_| settings.enabled) else {
            return Err(DigestError::Off);
        };
        let clock = i64::try_from(now).unwrap_or(0) + i64::from(offset);
        let (day, hour) = (clock.div_euclid(DAY), clock.rem_euclid(DAY) / HOUR);
        if hour < i64::from(to.hour) {
            return Ok(Digested::NotNow);
        }
        let whose = owner(&to.owner);
        let asked = whose.clone();
        let new = self.indexed(move |index| index.untold(&asked, day)).await?;
        let Some(new) = new else { return Ok(Digested::NotNow) };
        let ids: Vec<EntryId> = new.iter().map(|entry| entry.id.clone()).collect();
        let count = ids.len();
        if count > 0 {
            let mail = self.letter(&to.address, from, &new, now, offset, day);
            let (sender, to) = (Address::new(from), [Address::new(&to.address)]);
            match self.sender().inject(&mail, &sender, &to, Purpose::Digest).await {
                // It was most likely taken; sending it every few minutes is worse than not at all.
                Ok(_) | Err(SendError::Unknown { .. }) => Counters::add(&self.counters.digests, 1),
                Err(error) => return Err(error.into()),
            }
        }
        self.indexed(move |index| index.told(&whose, &ids, day)).await?;
        Ok(if count == 0 { Digested::Nothing } else { Digested::Sent(count) })
    }

    fn letter(
        &self,
        to: &str,
        from: &str,
        new: &[Entry],
        now: u64,
        offset: i32,
        day: i64,
    ) -> Vec<u8> {
        let base = self.config.digest.public_url.as_deref().map(|url| url.trim_end_matches('/'));
        let lines: Vec<Line> = new
            .iter()
            .take(MOST_LINES)
            .map(|entry| Line {
                from: entry.from.clone(),
                subject: entry.subject.clone(),
                held_at: entry.held_at,
                keep_until: entry.keep_until,
                score: entry.score,
                reason: entry.reason.clone(),
                link: base.map(|base| {
                    let token = self.release_token(&entry.id, entry.keep_until);
                    format!("{base}/q/release?token={token}")
                }),
            })
            .collect();
        // The same for the same list, so that who gets it twice sees it once.
        let first = new.first().map_or("", |entry| entry.id.as_str());
        let tag = encode(&self.links.tag(&[b"digest", to.as_bytes(), first.as_bytes()])[..10]);
        Letter {
            to,
            from,
            id: &format!("digest.{day}.{tag}@{}", self.site),
            now,
            offset,
            more: new.len() - lines.len(),
            lines: &lines,
            page: base.map(|base| format!("{base}/q")).as_deref(),
        }
        .compose()
    }
}

impl Index {
    /// What no digest has told of, the newest first; `None` when `day` is done with.
    fn untold(&self, whose: &str, day: i64) -> Result<Option<Vec<Entry>>, StoreError> {
        let snapshot = self.store.snapshot()?;
        let last = snapshot.get(DIGEST, whose.as_bytes())?;
        let last = last.and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes);
        if last.is_some_and(|last| last >= day) {
            return Ok(None);
        }
        let mut new = Vec::new();
        let prefix = [whose.as_bytes(), &[0]].concat();
        snapshot.scan(ENTRY, &prefix, b"", &mut |_, value| {
            new.extend(serde_json::from_slice::<Entry>(value).ok().filter(|entry| !entry.told));
            ControlFlow::Continue(())
        })?;
        Ok(Some(new))
    }

    /// Forgets that an owner ever had a digest.
    pub(crate) fn forget_digest(&self, whose: &str) -> Result<(), StoreError> {
        self.store.write(Batch::new().remove(DIGEST, whose.as_bytes())).map(drop)
    }

    /// Notes that these were told, and that `day` is done with.
    fn told(&self, whose: &str, ids: &[EntryId], day: i64) -> Result<(), StoreError> {
        loop {
            let mut batch = Batch::new();
            let snapshot = self.store.snapshot()?;
            for id in ids {
                let key = entry_key(whose, id);
                let Some(bytes) = snapshot.get(ENTRY, &key)? else { continue };
                let Ok(entry) = serde_json::from_slice::<Entry>(&bytes) else { continue };
                let told = serde_json::to_vec(&Entry { told: true, ..entry });
                let told = told.map_err(|error| StoreError::Failed(error.to_string()))?;
                batch.expect(ENTRY, &key, Some(&bytes)).put(ENTRY, &key, told);
            }
            drop(snapshot);
            // Past the next day it is compared with nothing any more.
            let until = u64::try_from((day + 2) * DAY).unwrap_or(0);
            batch.put_until(DIGEST, whose.as_bytes(), day.to_be_bytes().to_vec(), until);
            if self.store.write(&batch)? == Written::Done {
                return Ok(());
            }
        }
    }
}
