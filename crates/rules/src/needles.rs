//! Many literals, looked for at once.
//!
//! Of each literal, those four bytes are known that are rarest in mail. Each four bytes of a text are
//! looked up in a table of bits that stays in the nearest cache; what passes is compared, first by
//! eight bytes, then in full.
//! An automaton would wait for memory at every byte, and these literals' is of several MB.
//!
//! Invariant: every occurrence of every literal is found; the work at one place of a text is
//! bounded by the longest of the lists that literals of the same bytes share.

use std::collections::HashMap;

use crate::edge::{is_word, without_edges};
use crate::rarity;

/// Literals, by number.
#[derive(Debug)]
pub(crate) struct Needles {
    /// By hash of three bytes, a bit for each fourth one by its last six bits; all of them where
    /// there is a literal of three bytes.
    filter: Box<[u64; FILTER]>,
    /// Of those of four bytes and more.
    lists: Lists,
    /// Of those of three bytes.
    short: Lists,
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
    /// Those of the same bytes: with no edge, the first, the last, and both; [`NONE`] of some.
    needles: [u32; 4],
    /// One of these.
    needle: u32,
    /// Where in the needle those bytes stand, and how long it is.
    within: u16,
    length: u16,
}

const NONE: u32 = u32::MAX;

/// As many bytes behind a text are read as if they belonged to it.
pub(crate) const PADDING: [u8; 7] = [0; 7];
const FILTER_BITS: u32 = 12;
const FILTER: usize = 1 << FILTER_BITS;
/// Lists are looked into for what passes the filter only, so they may be more than it has places.
const LIST_BITS: u32 = 15;
const SHORTEST: usize = 3;

/// Needles, by a hash of their rarest bytes.
#[derive(Debug)]
struct Lists {
    /// By hash, where its list begins in `entries`; the next one's beginning is its end.
    begins: Box<[u32]>,
    entries: Vec<Entry>,
}

impl Needles {
    /// Needles shorter than three bytes are found nowhere. They may have [edges](crate::edge).
    pub(crate) fn new<'n>(needles: impl Iterator<Item = &'n [u8]>) -> Self {
        let mut filter = Box::new([0_u64; FILTER]);
        let (mut starts, mut bytes) = (vec![0], Vec::new());
        let mut by_text: HashMap<&[u8], [u32; 4]> = HashMap::new();
        let mut texts = Vec::new();
        let mut load = vec![0_u16; FILTER];
        for (needle, (text, opens, closes)) in needles.map(without_edges).enumerate() {
            bytes.extend_from_slice(text);
            starts.push(bytes.len() as u32);
            if text.len() < SHORTEST {
                continue;
            }
            let same = by_text.entry(text).or_insert_with(|| {
                texts.push(text);
                [NONE; 4]
            });
            same[usize::from(opens) + 2 * usize::from(closes)] = needle as u32;
        }
        let (mut long, mut short) = (Vec::new(), Vec::new());
        for text in texts {
            let grams = text.windows(text.len().min(4)).enumerate().map(|(within, text)| {
                let gram = word(text).0 as u32;
                let bits = if text.len() < 4 { u64::MAX } else { bit(gram) };
                let place = place(gram);
                // Bytes that lead somewhere already cost nothing more but one comparison; a long
                // list would be dear where someone writes them everywhere.
                let new = if filter[place] & bits == bits { 1_u64 } else { 2 };
                let weight = new << (load[place] / 8).min(32);
                ((rarity::frequency(text) >> 2).saturating_mul(weight), place, bits, within)
            });
            let Some((_, key, bits, within)) = grams.min_by_key(|(cost, ..)| *cost) else {
                continue;
            };
            load[key] = load[key].saturating_add(1);
            filter[key] |= bits;
            let (word, mask) = word(&text[within..]);
            let (needles, within, length) = (by_text[text], within as u16, text.len() as u16);
            let needle = needles.into_iter().min().unwrap_or(NONE);
            let entry = Entry { word, mask, needles, needle, within, length };
            if text.len() < 4 {
                short.push((key, entry));
            } else {
                long.push((list(word as u32), entry));
            }
        }
        let (lists, short) = (Lists::new(LIST_BITS, long), Lists::new(FILTER_BITS, short));
        Self { filter, lists, short, starts, bytes }
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub(crate) fn memory_usage(&self) -> usize {
        size_of_val(&*self.filter)
            + self.lists.memory_usage()
            + self.short.memory_usage()
            + size_of_val(&self.starts[..])
            + self.bytes.len()
    }

    pub(crate) fn length(&self, needle: u32) -> usize {
        self.text(needle).len()
    }

    /// Shows each needle in `padded`, a text and [`PADDING`], and where it begins. Needles that
    /// overlap may come with the later one first.
    pub(crate) fn find(&self, padded: &[u8], mut show: impl FnMut(u32, usize)) {
        if self.len() == 0 {
            return;
        }
        let mut at = 0;
        // Eight places at once, while there are as many: one branch for all of them.
        while let Some(bytes) = padded[at..].first_chunk() {
            let bytes = u128::from_le_bytes(*bytes);
            let mut passed = 0_u32;
            for place in 0..8 {
                passed |= self.passes((bytes >> (8 * place)) as u32) << place;
            }
            while passed != 0 {
                let place = passed.trailing_zeros();
                let word = (bytes >> (8 * place)) as u64;
                self.compare(word, padded, at + place as usize, &mut show);
                passed &= passed - 1;
            }
            at += 8;
        }
        for (within, eight) in padded[at..].array_windows().enumerate() {
            let word = u64::from_le_bytes(*eight);
            if self.passes(word as u32) != 0 {
                self.compare(word, padded, at + within, &mut show);
            }
        }
    }

    /// 1 where needles may be that have `gram`, 0 elsewhere.
    fn passes(&self, gram: u32) -> u32 {
        (self.filter[place(gram)] >> (gram >> 24 & 63) & 1) as u32
    }

    fn compare(&self, word: u64, padded: &[u8], at: usize, show: &mut impl FnMut(u32, usize)) {
        for entry in self.lists.list(list(word as u32)) {
            if word & entry.mask == entry.word {
                self.show(entry, padded, at, show);
            }
        }
        for entry in self.short.list(place(word as u32)) {
            if word & entry.mask == entry.word {
                self.show(entry, padded, at, show);
            }
        }
    }

    fn show(&self, entry: &Entry, padded: &[u8], at: usize, show: &mut impl FnMut(u32, usize)) {
        let Some(begin) = at.checked_sub(entry.within.into()) else { return };
        let end = begin + usize::from(entry.length);
        let is_whole = entry.within == 0 && entry.length <= 8;
        // None of them runs into the padding.
        if end + PADDING.len() > padded.len()
            || !is_whole && padded[begin..end] != *self.text(entry.needle)
        {
            return;
        }
        let opens = begin == 0 || !is_word(padded[begin - 1]);
        let closes = !is_word(padded[end]);
        let [anywhere, opening, closing, whole] = entry.needles;
        for (needle, is_so) in
            [(anywhere, true), (opening, opens), (closing, closes), (whole, opens & closes)]
        {
            if is_so && needle != NONE {
                show(needle, begin);
            }
        }
    }

    /// A needle without its edges.
    fn text(&self, needle: u32) -> &[u8] {
        let (start, end) = (self.starts[needle as usize], self.starts[needle as usize + 1]);
        &self.bytes[start as usize..end as usize]
    }
}

impl Lists {
    fn new(bits: u32, mut by_list: Vec<(usize, Entry)>) -> Self {
        by_list.sort_by_key(|(list, _)| *list);
        let mut begins = vec![0; (1 << bits) + 1];
        by_list.iter().for_each(|(list, _)| begins[list + 1] += 1);
        (1..begins.len()).for_each(|list| begins[list] += begins[list - 1]);
        let entries = by_list.into_iter().map(|(_, entry)| entry).collect();
        Self { begins: begins.into(), entries }
    }

    fn list(&self, number: usize) -> &[Entry] {
        &self.entries[self.begins[number] as usize..self.begins[number + 1] as usize]
    }

    fn memory_usage(&self) -> usize {
        size_of_val(&*self.begins) + size_of_val(&self.entries[..])
    }
}

/// Up to eight bytes, and a mask of as many.
fn word(bytes: &[u8]) -> (u64, u64) {
    let bytes = &bytes[..bytes.len().min(8)];
    let word = bytes.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte));
    (word, u64::MAX >> (64 - 8 * bytes.len()))
}

/// Where the filter has the first three bytes of `gram`.
fn place(gram: u32) -> usize {
    ((gram << 8).wrapping_mul(0x9e37_79b1) >> (32 - FILTER_BITS)) as usize
}

/// The list of `gram`.
fn list(gram: u32) -> usize {
    (gram.wrapping_mul(0x9e37_79b1) >> (32 - LIST_BITS)) as usize
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

    #[test]
    fn a_needle_with_edges_is_found_where_a_word_has_them() {
        let needles = [&b"list"[..], b"\xfelist", b"list\xfe", b"\xfelist\xfe"];
        let finder = Needles::new(needles.into_iter());
        for (text, expect) in [
            ("list", &[0, 1, 2, 3][..]),
            ("enlist, ", &[0, 2]),
            ("a list_", &[0, 1]),
            ("enlisted", &[0]),
            ("the list of lists which is long", &[0, 0, 1, 1, 2, 3]),
            ("\u{e9}list\u{e9}", &[0, 1, 2, 3]),
        ] {
            let mut found = Vec::new();
            finder.find(&[text.as_bytes(), &PADDING].concat(), |needle, _| found.push(needle));
            found.sort_unstable();
            assert_eq!(found, expect, "{text}");
        }
    }
}
