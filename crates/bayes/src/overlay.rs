//! What was learned here, laid over the model: a table that is read while it is written.
//!
//! Open addressing over atomic words: a reader finds a feature by one or two loads and never waits;
//! the one writer, who holds the lessons, changes entries in place and replaces the table where it
//! must grow. A reader may see a weight of before and a count of after one lesson, which is as good as
//! either.
//!
//! Invariant: at most [`MOST_ENTRIES`] features; 12 bytes each, and less than half of the room free.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwap;

use crate::naive::Counts;

/// The most features that are kept of one scope.
pub const MOST_ENTRIES: usize = 2 << 20;

/// Places of a new table; a power of two.
const FIRST_PLACES: usize = 1 << 10;

/// What was learned of a feature.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Entry {
    /// Added to the model's weight.
    pub(crate) weight: f32,
    /// Messages it stood in.
    pub(crate) spam: u16,
    pub(crate) ham: u16,
}

impl Entry {
    pub(crate) fn counts(self) -> Counts {
        Counts { spam: f32::from(self.spam), ham: f32::from(self.ham) }
    }
}

/// Features of one scope (the site's, or one user's) with what was learned of them.
pub struct Overlay {
    table: ArcSwap<Table>,
    spam: AtomicU32,
    ham: AtomicU32,
}

struct Table {
    /// Key, weight and counts of each place; key 0 is free.
    words: Box<[AtomicU32]>,
    mask: usize,
    used: AtomicU32,
}

impl Default for Overlay {
    fn default() -> Self {
        Self::new()
    }
}

impl Overlay {
    /// Nothing learned.
    #[must_use]
    pub fn new() -> Self {
        Self::with_room(0)
    }

    /// With room for that many features.
    pub(crate) fn with_room(features: usize) -> Self {
        let places = (features * 3 / 2).next_power_of_two().max(FIRST_PLACES);
        Self {
            table: ArcSwap::from_pointee(Table::new(places)),
            spam: AtomicU32::new(0),
            ham: AtomicU32::new(0),
        }
    }

    /// How many messages were learned, faded ones by what is left of them.
    #[must_use]
    pub fn messages(&self) -> (u32, u32) {
        (self.spam.load(Ordering::Relaxed), self.ham.load(Ordering::Relaxed))
    }

    /// How many features something was learned of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.load().used.load(Ordering::Relaxed) as usize
    }

    /// Whether nothing was learned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A view to ask many features.
    pub(crate) fn reader(&self) -> Reader {
        let (spam, ham) = self.messages();
        Reader {
            table: self.table.load_full(),
            messages: Counts { spam: spam as f32, ham: ham as f32 },
        }
    }

    /// Sets the number of messages.
    pub(crate) fn set_messages(&self, spam: u32, ham: u32) {
        self.spam.store(spam, Ordering::Relaxed);
        self.ham.store(ham, Ordering::Relaxed);
    }

    /// Changes what is known of features, which are added where they are new. One writer at a time.
    pub(crate) fn change(&self, features: &[u64], change: impl Fn(u64, Entry) -> Entry) {
        self.make_room(features.len());
        let table = self.table.load();
        for feature in features {
            let key = key(*feature);
            let at = table.find(key).unwrap_or_else(|free| {
                table.used.fetch_add(1, Ordering::Relaxed);
                free
            });
            let entry = change(*feature, table.entry(at));
            table.put(at, key, entry);
        }
    }

    /// Puts entries back that were saved. One writer at a time.
    pub(crate) fn restore(&self, saved: impl Iterator<Item = (u32, Entry)>) {
        self.make_room(saved.size_hint().1.unwrap_or(0));
        let table = self.table.load();
        let mut added = 0;
        for (key, entry) in saved {
            let at = table.find(key).unwrap_or_else(|free| {
                added += 1;
                free
            });
            table.put(at, key, entry);
        }
        table.used.fetch_add(added, Ordering::Relaxed);
    }

    /// All entries, as they are kept.
    pub(crate) fn entries(&self, mut visit: impl FnMut(u32, Entry)) {
        let table = self.table.load();
        for at in 0..=table.mask {
            match table.words[3 * at].load(Ordering::Relaxed) {
                0 => {}
                key => visit(key, table.entry(at)),
            }
        }
    }

    /// Halves all counts, and forgets what then says next to nothing. One writer at a time.
    pub(crate) fn fade(&self) {
        let mut kept = Vec::new();
        self.entries(|key, entry| {
            let faded = Entry { spam: entry.spam / 2, ham: entry.ham / 2, ..entry };
            if faded.spam > 0 || faded.ham > 0 || faded.weight.abs() > 0.5 {
                kept.push((key, faded));
            }
        });
        // However little is left of a full table, some room must come of it.
        kept.sort_by(|a, b| (b.1.spam + b.1.ham).cmp(&(a.1.spam + a.1.ham)).then(a.0.cmp(&b.0)));
        kept.truncate(MOST_ENTRIES / 2);
        let fresh = Self::with_room(kept.len());
        fresh.restore(kept.iter().copied());
        self.table.store(fresh.table.load_full());
        let (spam, ham) = self.messages();
        self.set_messages(spam / 2, ham / 2);
    }

    /// Becomes `other`. One writer at a time.
    pub(crate) fn replace(&self, other: &Self) {
        self.table.store(other.table.load_full());
        let (spam, ham) = other.messages();
        self.set_messages(spam, ham);
    }

    /// Whether another message might not fit.
    pub(crate) fn is_full(&self, features: usize) -> bool {
        self.len() + features > MOST_ENTRIES
    }

    fn make_room(&self, more: usize) {
        let table = self.table.load();
        if (self.len() + more) * 3 / 2 <= table.mask {
            return;
        }
        let grown = Table::new(((self.len() + more) * 2).next_power_of_two());
        self.entries(|key, entry| {
            if let Err(at) = grown.find(key) {
                grown.put(at, key, entry);
                grown.used.fetch_add(1, Ordering::Relaxed);
            }
        });
        self.table.store(Arc::new(grown));
    }
}

/// A table as it is while one message is judged.
pub(crate) struct Reader {
    table: Arc<Table>,
    pub(crate) messages: Counts,
}

impl Reader {
    #[inline]
    pub(crate) fn know(&self, feature: u64) -> Option<Entry> {
        self.table.find(key(feature)).ok().map(|at| self.table.entry(at))
    }
}

impl Table {
    fn new(places: usize) -> Self {
        let words = std::iter::repeat_with(|| AtomicU32::new(0)).take(3 * places).collect();
        Self { words, mask: places - 1, used: AtomicU32::new(0) }
    }

    /// The place of a key, or the free one where it would stand.
    #[inline]
    fn find(&self, key: u32) -> Result<usize, usize> {
        let mut at = key as usize & self.mask;
        loop {
            match self.words[3 * at].load(Ordering::Acquire) {
                0 => return Err(at),
                known if known == key => return Ok(at),
                _ => at = (at + 1) & self.mask,
            }
        }
    }

    #[inline]
    fn entry(&self, at: usize) -> Entry {
        let counts = self.words[3 * at + 2].load(Ordering::Relaxed);
        Entry {
            weight: f32::from_bits(self.words[3 * at + 1].load(Ordering::Relaxed)),
            spam: (counts >> 16) as u16,
            ham: counts as u16,
        }
    }

    fn put(&self, at: usize, key: u32, entry: Entry) {
        let counts = u32::from(entry.spam) << 16 | u32::from(entry.ham);
        self.words[3 * at + 1].store(entry.weight.to_bits(), Ordering::Relaxed);
        self.words[3 * at + 2].store(counts, Ordering::Relaxed);
        self.words[3 * at].store(key, Ordering::Release);
    }
}

/// The half of a feature's hash that it is kept by: among two million, one stranger of two thousand is
/// taken for another.
#[inline]
pub(crate) const fn key(feature: u64) -> u32 {
    let key = (feature >> 32) as u32;
    if key == 0 { 1 } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;

    fn learned(features: std::ops::Range<u64>) -> Overlay {
        let overlay = Overlay::new();
        let features: Vec<u64> = features.map(hash::mix).collect();
        for chunk in features.chunks(700) {
            overlay.change(chunk, |_, entry| Entry {
                weight: entry.weight + 1.0,
                spam: entry.spam + 2,
                ham: entry.ham,
            });
        }
        overlay
    }

    #[test]
    fn a_table_grows_and_keeps_what_it_knows() {
        let overlay = learned(1..20_000);
        let reader = overlay.reader();
        assert!((1..20_000).all(|n| reader.know(hash::mix(n)).is_some()));
        assert_eq!((20_000..21_000).filter(|n| reader.know(hash::mix(*n)).is_some()).count(), 0);
        assert!(overlay.len() > 19_990);
    }

    #[test]
    fn what_fades_out_makes_room() {
        let overlay = learned(1..1000);
        overlay.set_messages(9, 4);
        overlay.fade();
        assert_eq!((overlay.messages(), overlay.len()), ((4, 2), 999));
        assert_eq!(overlay.reader().know(hash::mix(5)).unwrap().spam, 1);
        overlay.change(&[hash::mix(5)], |_, _| Entry { weight: 0.1, spam: 1, ham: 1 });
        overlay.fade();
        assert_eq!(overlay.reader().know(hash::mix(5)), None);
    }

    #[test]
    fn readers_see_whole_entries_while_a_writer_works() {
        let overlay = Overlay::new();
        let features: Vec<u64> = (1..5000).map(hash::mix).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..20 {
                    for chunk in features.chunks(100) {
                        overlay.change(chunk, |_, entry| Entry {
                            weight: 1.0,
                            spam: entry.spam + 1,
                            ham: entry.ham + 1,
                        });
                    }
                }
            });
            for _ in 0..200 {
                let reader = overlay.reader();
                for feature in &features {
                    if let Some(entry) = reader.know(*feature) {
                        assert_eq!((entry.weight, entry.spam), (1.0, entry.ham));
                    }
                }
            }
        });
    }
}
