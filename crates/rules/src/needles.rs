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
use std::ops::Range;

use crate::edge::{is_word, without_edges};
use crate::rarity;

/// Literals, by number.
#[derive(Debug)]
pub(crate) struct Needles {
    /// By hash of three bytes, a bit for each fourth one by its last six bits; all of them where
    /// there is a literal of three bytes.
    filter: Box<[u64; FILTER]>,
    /// Those of four bytes and more.
    long: Lists,
    /// Those of three bytes.
    short: Lists,
    /// What is asked for at every place that passes the filter, apart from what is needed where a
    /// needle is likely: of the long ones, then of the short ones.
    entries: Vec<Entry>,
    wanted: Vec<Wanted>,
    /// Where each needle begins in `bytes`; the next one's beginning is its end.
    starts: Vec<u32>,
    bytes: Vec<u8>,
}

/// Up to eight bytes of a needle, from its rarest four on: they tell nearly all needles of one list
/// apart.
#[derive(Debug, Clone, Copy)]
struct Entry {
    word: u64,
    /// How many bits of eight bytes are not looked at.
    rest: u32,
}

/// The needles of the same bytes, and what tells whether one of them is where its [`Entry`] is.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    /// By [`edges`]; some are none.
    needles: [u32; 4],
    /// A bit for each that is one.
    edges: u8,
    /// Their four bytes before the entry's, or where there are less than four, the first of all.
    before: u32,
    /// Where in [`Needles::bytes`] their bytes begin.
    start: u32,
    /// Where in the needle the entry's bytes stand, and how long it is.
    within: u16,
    length: u16,
}

/// With no edge, the first, the last, and both.
fn edges(opens: bool, closes: bool) -> usize {
    usize::from(opens) + 2 * usize::from(closes)
}

/// As many bytes behind a text are read as if they belonged to it.
pub(crate) const PADDING: [u8; 7] = [0; 7];
const FILTER_BITS: u32 = 12;
const FILTER: usize = 1 << FILTER_BITS;
const SHORTEST: usize = 3;

/// Where needles are, by a hash of their rarest bytes.
#[derive(Debug)]
struct Lists {
    /// How many bytes count, and how many bits their hash has.
    bytes: u32,
    bits: u32,
    /// By hash, where its list begins in [`Needles::entries`]; the next one's beginning is its end.
    begins: Vec<u32>,
}

impl Needles {
    /// Needles shorter than three bytes are found nowhere. They may have [edges](crate::edge).
    pub(crate) fn new<'n>(needles: impl Iterator<Item = &'n [u8]>) -> Self {
        let mut filter = Box::new([0_u64; FILTER]);
        let (mut starts, mut bytes) = (vec![0], Vec::new());
        let mut by_text: HashMap<&[u8], [Option<u32>; 4]> = HashMap::new();
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
                [None; 4]
            });
            same[edges(opens, closes)] = Some(needle as u32);
        }
        let (mut long, mut short) = (Vec::new(), Vec::new());
        for text in texts {
            let grams = text.windows(text.len().min(4)).enumerate().map(|(within, text)| {
                let gram = Entry::new(text).word as u32;
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
            let entry = Entry::new(&text[within..]);
            let wanted = Wanted::new(by_text[text], &starts, within, text);
            let lists = if text.len() < 4 { &mut short } else { &mut long };
            lists.push((entry, wanted));
        }
        let (mut entries, mut wanted) = (Vec::new(), Vec::new());
        let [long, short] = [(4, long), (3, short)]
            .map(|(bytes, needles)| Lists::new(bytes, needles, &mut entries, &mut wanted));
        Self { filter, long, short, entries, wanted, starts, bytes }
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub(crate) fn memory_usage(&self) -> usize {
        size_of_val(&*self.filter)
            + size_of_val(&self.long.begins[..])
            + size_of_val(&self.short.begins[..])
            + size_of_val(&self.entries[..])
            + size_of_val(&self.wanted[..])
            + size_of_val(&self.starts[..])
            + self.bytes.len()
    }

    pub(crate) fn length(&self, needle: u32) -> usize {
        self.text(needle).len()
    }

    /// Shows each needle in `padded`, a text and [`PADDING`], and where it begins. Needles that
    /// overlap may come with the later one first. `passed` is for [`Self::pass`].
    pub(crate) fn find(
        &self,
        padded: &[u8],
        passed: &mut Vec<u32>,
        mut show: impl FnMut(u32, usize),
    ) {
        if self.len() == 0 {
            return;
        }
        self.pass(padded, passed);
        for at in passed.iter().map(|&at| at as usize) {
            let Some(eight) = padded[at..].first_chunk() else { return };
            let word = u64::from_le_bytes(*eight);
            // Only where a needle of three bytes may be does the filter not ask for the fourth.
            let is_short = self.filter[place(word as u32)] == u64::MAX;
            let short = if is_short { self.short.list(word) } else { 0..0 };
            for list in [self.long.list(word), short] {
                for number in list {
                    if self.entries[number].is_in(word) {
                        self.show(&self.wanted[number], padded, at, &mut show);
                    }
                }
            }
        }
    }

    /// Collects the places of `padded` at which needles may have their rarest bytes.
    fn pass(&self, padded: &[u8], passed: &mut Vec<u32>) {
        passed.clear();
        let mut at = 0;
        // Eight places at once, while there are as many: one branch for all of them.
        while let Some(bytes) = padded[at..].first_chunk() {
            let bytes = u128::from_le_bytes(*bytes);
            let mut here = 0_u32;
            for place in 0..8 {
                here |= self.passes((bytes >> (8 * place)) as u32) << place;
            }
            while here != 0 {
                passed.push(at as u32 + here.trailing_zeros());
                here &= here - 1;
            }
            at += 8;
        }
        for (within, eight) in padded[at..].array_windows::<8>().enumerate() {
            if self.passes(u64::from_le_bytes(*eight) as u32) != 0 {
                passed.push((at + within) as u32);
            }
        }
    }

    /// 1 where needles may be that have `gram`, 0 elsewhere.
    fn passes(&self, gram: u32) -> u32 {
        (self.filter[place(gram)] >> (gram >> 24 & 63) & 1) as u32
    }

    #[inline(always)]
    fn show(&self, wanted: &Wanted, padded: &[u8], at: usize, show: &mut impl FnMut(u32, usize)) {
        let Some(begin) = at.checked_sub(wanted.within.into()) else { return };
        let end = begin + usize::from(wanted.length);
        // None of them runs into the padding.
        if end + PADDING.len() > padded.len() {
            return;
        }
        // Many needles end alike, and most of them are told from others by what is before.
        let is_whole = wanted.within == 0 && wanted.length <= 8;
        let before = begin + usize::from(wanted.within.saturating_sub(4));
        if !is_whole && padded[before..].first_chunk() != Some(&wanted.before.to_le_bytes()) {
            return;
        }
        let opens = begin == 0 || !is_word(padded[begin - 1]);
        let closes = !is_word(padded[end]);
        let mut here = wanted.edges & [0b1, 0b11, 0b101, 0b1111][edges(opens, closes)];
        let text = || &self.bytes[wanted.start as usize..][..wanted.length.into()];
        if here == 0 || !is_whole && padded[begin..end] != *text() {
            return;
        }
        while here != 0 {
            show(wanted.needles[here.trailing_zeros() as usize & 3], begin);
            here &= here - 1;
        }
    }

    /// A needle without its edges.
    fn text(&self, needle: u32) -> &[u8] {
        let (start, end) = (self.starts[needle as usize], self.starts[needle as usize + 1]);
        &self.bytes[start as usize..end as usize]
    }
}

impl Entry {
    fn new(bytes: &[u8]) -> Self {
        let bytes = &bytes[..bytes.len().min(8)];
        let word = bytes.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte));
        Self { word, rest: 64 - 8 * bytes.len() as u32 }
    }

    fn is_in(&self, word: u64) -> bool {
        (word ^ self.word) << self.rest == 0
    }
}

impl Wanted {
    fn new(needles: [Option<u32>; 4], starts: &[u32], within: usize, text: &[u8]) -> Self {
        // All of them have the same bytes.
        let any = needles.iter().flatten().next().map_or(0, |&needle| needle as usize);
        let bits = needles.iter().enumerate().map(|(bit, one)| u8::from(one.is_some()) << bit);
        Self {
            needles: needles.map(Option::unwrap_or_default),
            edges: bits.fold(0, |all, bit| all | bit),
            before: Entry::new(&text[within.saturating_sub(4)..]).word as u32,
            start: starts[any],
            within: within as u16,
            length: text.len() as u16,
        }
    }
}

impl Lists {
    /// Appends `needles` to all.
    fn new(
        bytes: u32,
        needles: Vec<(Entry, Wanted)>,
        entries: &mut Vec<Entry>,
        wanted: &mut Vec<Wanted>,
    ) -> Self {
        // Half of the lists are empty, so that the others have hardly more than one entry.
        let bits = (2 * needles.len().max(1)).next_power_of_two().ilog2();
        let list =
            |(entry, wanted): (Entry, Wanted)| (hash(entry.word, bytes, bits), entry, wanted);
        let mut by_list: Vec<_> = needles.into_iter().map(list).collect();
        by_list.sort_by_key(|(list, ..)| *list);
        let mut begins = vec![0; (1 << bits) + 1];
        begins[0] = entries.len() as u32;
        by_list.iter().for_each(|(list, ..)| begins[list + 1] += 1);
        (1..begins.len()).for_each(|list| begins[list] += begins[list - 1]);
        entries.extend(by_list.iter().map(|(_, entry, _)| *entry));
        wanted.extend(by_list.iter().map(|(.., wanted)| *wanted));
        Self { bytes, bits, begins }
    }

    fn list(&self, word: u64) -> Range<usize> {
        let list = hash(word, self.bytes, self.bits);
        self.begins[list] as usize..self.begins[list + 1] as usize
    }
}

/// Where the filter has the first three bytes of `gram`.
fn place(gram: u32) -> usize {
    hash(gram.into(), 3, FILTER_BITS)
}

/// So many `bits` that tell the first three or four `bytes` of `word` apart.
fn hash(word: u64, bytes: u32, bits: u32) -> usize {
    // What is shifted out of the factor is what the bytes that don't count would be multiplied by.
    (word as u32).wrapping_mul(0x9e37_79b1 << (32 - 8 * bytes)).unbounded_shr(32 - bits) as usize
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
            finder.find(&padded, &mut Vec::new(), |needle, at| found.push((at, needle as usize)));
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
            let padded = [text.as_bytes(), &PADDING].concat();
            finder.find(&padded, &mut Vec::new(), |needle, _| found.push(needle));
            found.sort_unstable();
            assert_eq!(found, expect, "{text}");
        }
    }
}
