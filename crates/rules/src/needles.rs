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
    /// Where each list begins in `entries`; the next one's beginning is its end.
    lists: Box<[u32]>,
    entries: Vec<Entry>,
    /// Where each needle begins in `bytes`; the next one's beginning is its end.
    starts: Vec<u32>,
    bytes: Vec<u8>,
}

/// A needle, as the list of its hash has it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The four bytes, or three with a zero below.
    gram: u32,
    /// The four bytes of the needle that are furthest from those: they tell nearly all needles of
    /// one list apart without reading them.
    other: u32,
    needle: u32,
    /// Where in the needle `gram` and `other` stand, and how long it is.
    within: u16,
    other_within: u16,
    length: u16,
}

/// As many bytes behind a text are read as if they belonged to it.
pub(crate) const PADDING: [u8; 3] = [0; 3];
const FILTER_BITS: u32 = 18;
const FILTER_WORDS: usize = 1 << (FILTER_BITS - 6);
/// There are fewer lists than bits: most bits are never set.
const LIST_BITS: u32 = 14;
const LISTS: usize = 1 << LIST_BITS;
const SHORTEST: usize = 3;

impl Needles {
    /// Needles shorter than three bytes are found nowhere.
    pub(crate) fn new<'n>(needles: impl Iterator<Item = &'n [u8]>) -> Self {
        let mut filter = Box::new([0_u64; FILTER_WORDS]);
        let (mut starts, mut bytes) = (vec![0], Vec::new());
        let mut by_list = Vec::new();
        let mut load = vec![0_u16; LISTS];
        let mut has_short = false;
        for (needle, text) in needles.enumerate() {
            bytes.extend_from_slice(text);
            starts.push(bytes.len() as u32);
            if text.len() < SHORTEST {
                continue;
            }
            has_short |= text.len() == SHORTEST;
            let grams = text.windows(text.len().min(4)).enumerate().map(|(within, text)| {
                let gram = word(text) << (8 * (4 - text.len()));
                let hash = of_product(product(gram));
                let load = load[list(hash)];
                // Bytes that lead somewhere already cost nothing more but one comparison; a long
                // list would be dear where someone writes them everywhere.
                let new: u64 = if filter[hash / 64] >> (hash % 64) & 1 == 0 { 2 } else { 1 };
                let cost = (rarity::frequency(text) >> 2).saturating_mul(new << (load / 8).min(32));
                (cost, hash, gram, within)
            });
            let Some((_, hash, gram, within)) = grams.min_by_key(|(cost, ..)| *cost) else {
                continue;
            };
            let last = text.len().saturating_sub(4);
            let other_within = if within > last - within { 0 } else { last };
            load[list(hash)] = load[list(hash)].saturating_add(1);
            filter[hash / 64] |= 1 << (hash % 64);
            by_list.push((
                list(hash),
                Entry {
                    gram,
                    other: word(&text[other_within..text.len().min(other_within + 4)]),
                    needle: needle as u32,
                    within: within as u16,
                    other_within: other_within as u16,
                    length: text.len() as u16,
                },
            ));
        }
        by_list.sort_by_key(|(list, _)| *list);
        let mut lists = vec![0; LISTS + 1];
        by_list.iter().for_each(|(list, _)| lists[list + 1] += 1);
        (1..lists.len()).for_each(|list| lists[list] += lists[list - 1]);
        let entries = by_list.into_iter().map(|(_, entry)| entry).collect();
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

    /// Shows each needle in `padded`, a text and [`PADDING`], and where it begins. Needles that
    /// overlap may come with the later one first.
    pub(crate) fn find(&self, padded: &[u8], mut show: impl FnMut(u32, usize)) {
        if self.entries.is_empty() {
            return;
        }
        match self.has_short {
            true => self.find_in::<true>(padded, &mut show),
            false => self.find_in::<false>(padded, &mut show),
        }
    }

    fn find_in<const HAS_SHORT: bool>(&self, padded: &[u8], show: &mut impl FnMut(u32, usize)) {
        for (at, four) in padded.array_windows::<4>().enumerate() {
            let gram = u32::from_le_bytes(*four);
            let product = product(gram);
            let (four, three) = (of_product(product), of_product(product << 8));
            // One branch for both: either seldom passes.
            if self.passes(four) | (HAS_SHORT & self.passes(three)) {
                if self.passes(four) {
                    self.compare::<false>(gram, four, padded, at, show);
                }
                if HAS_SHORT && self.passes(three) {
                    self.compare::<true>(gram << 8, three, padded, at, show);
                }
            }
        }
    }

    #[inline]
    fn passes(&self, hash: usize) -> bool {
        self.filter[hash / 64 % FILTER_WORDS] >> (hash % 64) & 1 == 1
    }

    fn compare<const IS_SHORT: bool>(
        &self,
        gram: u32,
        hash: usize,
        padded: &[u8],
        at: usize,
        show: &mut impl FnMut(u32, usize),
    ) {
        let list = list(hash);
        let entries = self.lists[list] as usize..self.lists[list + 1] as usize;
        let same = |entry: &&Entry| {
            entry.gram == gram && (usize::from(entry.length) == SHORTEST) == IS_SHORT
        };
        for entry in self.entries[entries].iter().filter(same) {
            let Some(begin) = at.checked_sub(entry.within.into()) else { continue };
            let end = begin + usize::from(entry.length);
            if end + PADDING.len() > padded.len() {
                continue;
            }
            let other = begin + usize::from(entry.other_within);
            if entry.length > 4 && word(&padded[other..other + 4]) != entry.other {
                continue;
            }
            let bytes = self.starts[entry.needle as usize] as usize;
            let bytes = &self.bytes[bytes..bytes + usize::from(entry.length)];
            if entry.length <= 4 || padded[begin..end] == *bytes {
                show(entry.needle, begin);
            }
        }
    }
}

/// Up to four bytes.
fn word(bytes: &[u8]) -> u32 {
    match bytes.first_chunk() {
        Some(four) => u32::from_le_bytes(*four),
        None => bytes.iter().rev().fold(0, |all, &byte| all << 8 | u32::from(byte)),
    }
}

/// Of the first three bytes alone, it is this of all four, shifted by a byte.
fn product(gram: u32) -> u32 {
    gram.wrapping_mul(0x9e37_79b1)
}

fn of_product(product: u32) -> usize {
    (product >> (32 - FILTER_BITS)) as usize
}

fn list(hash: usize) -> usize {
    hash >> (FILTER_BITS - LIST_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_needle_is_found_wherever_it_is() {
        let needles = ["abc", "abcd", "bcde", "abcdefgh", " you are", "zz\0", "счёт", "aaaaaa"];
        let finder = Needles::new(needles.iter().map(|needle| needle.as_bytes()));
        for text in [
            "abcdefgh",
            "xabcd",
            "abc",
            "ab",
            "",
            "if you are",
            "aaaaaaaaa",
            "ваш счёт",
            "zz",
            "\0abc",
        ] {
            let mut found = Vec::new();
            let padded = [text.as_bytes(), &PADDING].concat();
            finder.find(&padded, |needle, at| found.push((at, needle as usize)));
            found.sort_unstable();
            let mut expect = Vec::new();
            for at in 0..text.len() {
                let here = |one: &&str| text.as_bytes()[at..].starts_with(one.as_bytes());
                expect.extend(
                    (0..needles.len()).filter(|&one| here(&needles[one])).map(|one| (at, one)),
                );
            }
            assert_eq!(found, expect, "{text}");
        }
    }
}
