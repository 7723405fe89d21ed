//! Many literals, looked for at once.
//!
//! Of each literal, those four bytes are known that are rarest in mail. Each four bytes of a text are
//! looked up in a table of bits that stays in the nearest cache; what passes is compared, first by
//! eight bytes, then in full.
//! An automaton would wait for memory at every byte, and these literals' is of several MB.
//!
//! Invariant: every occurrence of every literal is found; the work at one place of a text is
//! bounded by the longest of the lists that literals of the same three bytes share.

use crate::edge::{is_word, without_edges};
use crate::rarity;

/// Literals, by number.
#[derive(Debug)]
pub(crate) struct Needles {
    /// By hash of three bytes, a bit for each fourth one by its last six bits; all of them where
    /// there is a literal of three bytes.
    filter: Box<[u64; LISTS]>,
    /// By the same hash, where its list begins in `entries`; the next one's beginning is its end.
    lists: Box<[u32]>,
    entries: Vec<Entry>,
    /// Where each needle begins in `bytes`; the next one's beginning is its end.
    starts: Vec<u32>,
    bytes: Vec<u8>,
}

/// A needle, as the list of its hash has it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// From its rarest four bytes on, up to eight, and a mask of as many: they tell nearly all
    /// needles of one list apart.
    word: u64,
    mask: u64,
    needle: u32,
    /// Where in the needle those bytes stand, and how long it is.
    within: u16,
    length: u16,
    /// Whether it begins and ends with the edge of a word.
    opens: bool,
    closes: bool,
}

/// As many bytes behind a text are read as if they belonged to it.
pub(crate) const PADDING: [u8; 7] = [0; 7];
const HASH_BITS: u32 = 12;
const LISTS: usize = 1 << HASH_BITS;
const SHORTEST: usize = 3;

impl Needles {
    /// Needles shorter than three bytes are found nowhere. They may have [edges](crate::edge).
    pub(crate) fn new<'n>(needles: impl Iterator<Item = &'n [u8]>) -> Self {
        let mut filter = Box::new([0_u64; LISTS]);
        let (mut starts, mut bytes) = (vec![0], Vec::new());
        let mut by_list: Vec<(usize, Entry)> = Vec::new();
        let mut load = vec![0_u16; LISTS];
        for (needle, (text, opens, closes)) in needles.map(without_edges).enumerate() {
            bytes.extend_from_slice(text);
            starts.push(bytes.len() as u32);
            if text.len() < SHORTEST {
                continue;
            }
            let grams = text.windows(text.len().min(4)).enumerate().map(|(within, text)| {
                let gram = word(text).0 as u32;
                let bits = if text.len() < 4 { u64::MAX } else { bit(gram) };
                let list = list(gram);
                // Bytes that lead somewhere already cost nothing more but one comparison; a long
                // list would be dear where someone writes them everywhere.
                let new = if filter[list] & bits == bits { 1_u64 } else { 2 };
                let weight = new << (load[list] / 8).min(32);
                ((rarity::frequency(text) >> 2).saturating_mul(weight), list, bits, within)
            });
            let Some((_, list, bits, within)) = grams.min_by_key(|(cost, ..)| *cost) else {
                continue;
            };
            load[list] = load[list].saturating_add(1);
            filter[list] |= bits;
            let (word, mask) = word(&text[within..]);
            let (needle, within, length) = (needle as u32, within as u16, text.len() as u16);
            let entry = Entry { word, mask, needle, within, length, opens, closes };
            by_list.push((list, entry));
        }
        by_list.sort_by_key(|(list, _)| *list);
        let mut lists = vec![0; LISTS + 1];
        by_list.iter().for_each(|(list, _)| lists[list + 1] += 1);
        (1..lists.len()).for_each(|list| lists[list] += lists[list - 1]);
        let entries = by_list.into_iter().map(|(_, entry)| entry).collect();
        Self { filter, lists: lists.into(), entries, starts, bytes }
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
        self.text(needle).len()
    }

    /// Shows each needle in `padded`, a text and [`PADDING`], and where it begins. Needles that
    /// overlap may come with the later one first.
    pub(crate) fn find(&self, padded: &[u8], mut show: impl FnMut(u32, usize)) {
        if self.entries.is_empty() {
            return;
        }
        for (at, eight) in padded.array_windows().enumerate() {
            let word = u64::from_le_bytes(*eight);
            let gram = word as u32;
            if self.filter[list(gram)] & bit(gram) != 0 {
                self.compare(word, padded, at, &mut show);
            }
        }
    }

    fn compare(&self, word: u64, padded: &[u8], at: usize, show: &mut impl FnMut(u32, usize)) {
        let list = list(word as u32);
        let entries = self.lists[list] as usize..self.lists[list + 1] as usize;
        for entry in self.entries[entries].iter().filter(|entry| word & entry.mask == entry.word) {
            let Some(begin) = at.checked_sub(entry.within.into()) else { continue };
            let end = begin + usize::from(entry.length);
            if end + PADDING.len() > padded.len()
                || entry.opens && begin > 0 && is_word(padded[begin - 1])
                || entry.closes && is_word(padded[end])
            {
                continue;
            }
            let is_whole = entry.within == 0 && entry.length <= 8;
            if is_whole || padded[begin..end] == *self.text(entry.needle) {
                show(entry.needle, begin);
            }
        }
    }

    /// A needle without its edges.
    fn text(&self, needle: u32) -> &[u8] {
        let (start, end) = (self.starts[needle as usize], self.starts[needle as usize + 1]);
        &self.bytes[start as usize..end as usize]
    }
}

/// Up to eight bytes, and a mask of as many.
fn word(bytes: &[u8]) -> (u64, u64) {
    let bytes = &bytes[..bytes.len().min(8)];
    let word = bytes.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte));
    (word, u64::MAX >> (64 - 8 * bytes.len()))
}

/// The list of the first three bytes of `gram`.
fn list(gram: u32) -> usize {
    ((gram << 8).wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as usize
}

/// The bit of its fourth byte.
fn bit(gram: u32) -> u64 {
    1 << (gram >> 24 & 63)
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
