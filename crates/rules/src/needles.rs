//! Many literals, looked for at once.
//!
//! Of each literal, the four bytes are known that are rarest in mail. Each four bytes of a text are
//! looked up in a table of bits that stays in the nearest cache; what passes is compared in full.
//! An automaton would wait for memory at every byte, and these literals' is of several MB.
//!
//! Invariant: every occurrence of every literal is found; the work at one place of a text is
//! bounded by the longest of the lists that literals of the same four bytes share.

use crate::rarity;

/// Literals, by number.
#[derive(Debug)]
pub(crate) struct Needles {
    /// Which hashes of four bytes, and of three for the shortest literals, lead to a list.
    filter: Box<[u64; FILTER_WORDS]>,
    has_short: bool,
    /// Where the list of each hash begins in `entries`; the next one's beginning is its end.
    lists: Box<[u32]>,
    entries: Vec<Entry>,
    /// Where each needle begins in `bytes`; the next one's beginning is its end.
    starts: Vec<u32>,
    bytes: Vec<u8>,
}

/// A needle, as the list of its hash has it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The four bytes, or three with a zero above.
    gram: u32,
    needle: u32,
    /// Where in the needle these bytes stand.
    within: u32,
}

/// As many bytes behind a text are read as if they belonged to it.
pub(crate) const PADDING: [u8; 3] = [0; 3];
const FILTER_BITS: u32 = 16;
const FILTER_WORDS: usize = 1 << (FILTER_BITS - 6);
const SHORTEST: usize = 3;

impl Needles {
    /// Needles shorter than three bytes are found nowhere.
    pub(crate) fn new<'n>(needles: impl Iterator<Item = &'n [u8]>) -> Self {
        let mut filter = Box::new([0; FILTER_WORDS]);
        let (mut starts, mut bytes) = (vec![0], Vec::new());
        let mut by_hash = Vec::new();
        let mut load = vec![0_u16; 1 << FILTER_BITS];
        let mut has_short = false;
        for (needle, text) in needles.enumerate() {
            bytes.extend_from_slice(text);
            starts.push(bytes.len() as u32);
            has_short |= text.len() == SHORTEST;
            let grams = text.windows(text.len().min(4)).enumerate().map(|(within, gram)| {
                let gram = gram.iter().rev().fold(0, |all, &byte| all << 8 | u32::from(byte));
                let hash = hash(gram);
                // Bytes that lead somewhere already cost nothing more but one comparison; a long
                // list would be dear where someone writes them everywhere.
                let new = if load[hash] == 0 { 2 } else { 1 };
                let cost = u64::from(rarity::frequency(gram) * new) << (load[hash] / 8).min(32);
                (cost, hash, Entry { gram, needle: needle as u32, within: within as u32 })
            });
            let Some((_, hash, entry)) = grams.min_by_key(|(cost, ..)| *cost) else { continue };
            if text.len() >= SHORTEST {
                load[hash] = load[hash].saturating_add(1);
                filter[hash / 64] |= 1 << (hash % 64);
                by_hash.push((hash, entry));
            }
        }
        by_hash.sort_by_key(|(hash, _)| *hash);
        let mut lists = vec![0; (1 << FILTER_BITS) + 1];
        by_hash.iter().for_each(|(hash, _)| lists[hash + 1] += 1);
        (1..lists.len()).for_each(|list| lists[list] += lists[list - 1]);
        let entries = by_hash.into_iter().map(|(_, entry)| entry).collect();
        Self { filter, has_short, lists: lists.into(), entries, starts, bytes }
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub(crate) fn memory_usage(&self) -> usize {
        size_of_val(&*self.filter)
            + size_of_val(&*self.lists)
            + size_of_val(&self.entries[..])
            + size_of_val(&self.starts[..])
            + self.bytes.len()
    }

    pub(crate) fn length(&self, needle: u32) -> usize {
        (self.starts[needle as usize + 1] - self.starts[needle as usize]) as usize
    }

    /// Shows each needle in `padded`, a text and [`PADDING`], and where it begins. In no order:
    /// needles that overlap may come with the later one first.
    pub(crate) fn find(&self, padded: &[u8], mut show: impl FnMut(u32, usize)) {
        if self.entries.is_empty() {
            return;
        }
        let length = padded.len().saturating_sub(PADDING.len());
        for (at, four) in padded.array_windows::<4>().enumerate() {
            let gram = u32::from_le_bytes(*four);
            let hash = hash(gram);
            if self.passes(hash) {
                self.compare(gram, hash, &padded[..length], at, &mut show);
            }
            if self.has_short {
                let gram = gram & 0xff_ffff;
                let hash = self::hash(gram);
                if self.passes(hash) {
                    self.compare(gram, hash, &padded[..length], at, &mut show);
                }
            }
        }
    }

    #[inline]
    fn passes(&self, hash: usize) -> bool {
        self.filter[hash / 64 % FILTER_WORDS] >> (hash % 64) & 1 == 1
    }

    fn compare(
        &self,
        gram: u32,
        hash: usize,
        text: &[u8],
        at: usize,
        show: &mut impl FnMut(u32, usize),
    ) {
        let list = self.lists[hash] as usize..self.lists[hash + 1] as usize;
        for entry in self.entries[list].iter().filter(|entry| entry.gram == gram) {
            let needle = self.starts[entry.needle as usize] as usize
                ..self.starts[entry.needle as usize + 1] as usize;
            let Some(begin) = at.checked_sub(entry.within as usize) else { continue };
            if text[begin..].starts_with(&self.bytes[needle]) {
                show(entry.needle, begin);
            }
        }
    }
}

fn hash(gram: u32) -> usize {
    (gram.wrapping_mul(0x9e37_79b1) >> (32 - FILTER_BITS)) as usize
}
