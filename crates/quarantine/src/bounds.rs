//! The bounds: how long entries stay, and how much there may be.
//!
//! Invariant: what is younger than `keep_at_least_hours` goes for nobody's sake but its owner's; holding
//! fails before that.

use tidegate_store::StoreError;

use crate::counters::Counters;
use crate::index::Room;
use crate::quarantine::Quarantine;
use crate::{Done, EntryId, HoldError};

/// Entries that go in one round.
const ROUND: usize = 500;

impl Quarantine {
    /// Room for a message of `size` bytes; the oldest go for it, where they may.
    pub(crate) async fn make_room(&self, size: u64, now: u64) -> Result<Room<'_>, HoldError> {
        if size > self.config.max_bytes {
            return Err(HoldError::TooLarge);
        }
        loop {
            if let Some(room) = self.index.room(size, self.most()) {
                return Ok(room);
            }
            // None lacks: somebody made room a moment ago.
            if let Some(lacks) = self.index.lacks((1, size), self.most())
                && self.let_go_of_oldest(now, lacks).await? == 0
            {
                return Err(HoldError::Full);
            }
        }
    }

    /// Lets go of what is kept no longer, and of the oldest while there is more than may be. Returns how
    /// many entries went.
    ///
    /// # Errors
    /// When the index can't be read or written.
    pub async fn expire(&self, now: u64) -> Result<usize, StoreError> {
        let mut gone = 0;
        loop {
            let due = self.indexed(move |index| index.due(now, ROUND)).await?;
            let went = self.let_go(&due, now).await?;
            gone += went;
            if went == 0 {
                break;
            }
        }
        while let Some(lacks) = self.index.lacks((0, 0), self.most()) {
            let went = self.let_go_of_oldest(now, lacks).await?;
            gone += went;
            if went == 0 {
                break;
            }
        }
        Ok(gone)
    }

    /// Lets go of the oldest that it takes, and no more of them: `lacks` is how many messages, and bytes,
    /// there are too many of. Those that are being released stay, and younger ones go instead.
    async fn let_go_of_oldest(&self, now: u64, lacks: (u64, u64)) -> Result<usize, StoreError> {
        let Some(until) = now.checked_sub(self.config.keep_at_least()) else { return Ok(0) };
        let busy = self.busy.clone();
        let oldest = self
            .indexed(move |index| index.oldest(until, lacks, ROUND, &|id| busy.has(id.as_str())));
        let oldest = oldest.await?;
        self.let_go(&oldest, now).await
    }

    /// Lets go of those of `ids` that nobody is at.
    async fn let_go(&self, ids: &[EntryId], now: u64) -> Result<usize, StoreError> {
        let free = ids.iter().filter_map(|id| Some((id.clone(), self.busy.begin(id.as_str())?)));
        let (free, _at_work): (Vec<_>, Vec<_>) = free.unzip();
        if free.is_empty() {
            return Ok(0);
        }
        let gone = self.remove(free, Done::Expired, now).await?.len();
        Counters::add(&self.counters.expired, gone);
        Ok(gone)
    }

    const fn most(&self) -> (u64, u64) {
        (self.config.max_messages, self.config.max_bytes)
    }
}
