//! What is written down of lessons: bytes of the store and back.
//!
//! Invariant: what was encoded decodes to the same, and no bytes panic; numbers are little endian but
//! in keys, where their order is that of the bytes.

use tidegate_store::Space;

use crate::features::FEATURES_VERSION;
use crate::overlay::{self, Entry};

/// Messages that were learned: scope and id to [`Learned`].
pub(crate) const LEARNED: Space = Space::new("bayes.learned");
/// Steps since the last checkpoint: scope and number to [`Step`].
pub(crate) const JOURNAL: Space = Space::new("bayes.journal");
/// The table at the last checkpoint, in chunks: scope and number to entries.
pub(crate) const TABLE: Space = Space::new("bayes.table");
/// How things stood at the last checkpoint: scope to [`State`].
pub(crate) const STATE: Space = Space::new("bayes.state");
/// Users who ever taught something: name to nothing.
pub(crate) const USERS: Space = Space::new("bayes.users");
/// Who sorted a message how: id to [`Votes`].
pub(crate) const VOTES: Space = Space::new("bayes.votes");

/// Entries of one chunk of the table.
pub(crate) const CHUNK: usize = 4096;

/// Spam or ham.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Wanted mail.
    Ham,
    /// Unwanted mail.
    Spam,
}

/// A message that was learned, as it must be known to unlearn it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Learned {
    pub(crate) class: Class,
    /// How far the weights were moved.
    pub(crate) push: f32,
    /// How often counts had been halved before.
    pub(crate) epoch: u32,
    /// Half of each feature's hash, and its kind.
    pub(crate) features: Vec<u64>,
}

/// One change of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) class: Class,
    /// Learned (true), or taken back.
    pub(crate) forward: bool,
    /// Whether counts change: those of a message that has faded stay as they are.
    pub(crate) counted: bool,
    pub(crate) push: f32,
    pub(crate) features: Vec<u64>,
}

/// A scope at its last checkpoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct State {
    /// Version of the features, of which all numbers of the scope are.
    pub(crate) version: u16,
    /// Steps of the journal before this number are in the table.
    pub(crate) next: u64,
    pub(crate) spam: u32,
    pub(crate) ham: u32,
    pub(crate) epoch: u32,
    /// When counts were halved last, in seconds since 1970.
    pub(crate) faded: u64,
    /// Entries in the table.
    pub(crate) entries: u32,
}

impl Learned {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![1, self.class as u8];
        out.extend_from_slice(&FEATURES_VERSION.to_le_bytes());
        out.extend_from_slice(&self.push.to_le_bytes());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        put_features(&self.features, &mut out);
        out
    }

    /// `None` for bytes that are no record, and for one of features of another version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        bytes.expect(1)?;
        let class = bytes.class()?;
        if u16::from_le_bytes(bytes.take()?) != FEATURES_VERSION {
            return None;
        }
        Some(Self { class, push: bytes.real()?, epoch: bytes.u32()?, features: bytes.features()? })
    }
}

impl Step {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let flags = u8::from(self.forward) | u8::from(self.counted) << 1;
        let mut out = vec![1, self.class as u8, flags];
        out.extend_from_slice(&self.push.to_le_bytes());
        put_features(&self.features, &mut out);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        bytes.expect(1)?;
        let class = bytes.class()?;
        let flags = bytes.u8()?;
        let (forward, counted) = (flags & 1 != 0, flags & 2 != 0);
        Some(Self { class, forward, counted, push: bytes.real()?, features: bytes.features()? })
    }
}

impl State {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![1];
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&self.next.to_le_bytes());
        for number in [self.spam, self.ham, self.epoch] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.faded.to_le_bytes());
        out.extend_from_slice(&self.entries.to_le_bytes());
        out
    }

    /// `None` for bytes that are no state: no journal gets as long as half of the numbers.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        bytes.expect(1)?;
        Some(Self {
            version: u16::from_le_bytes(bytes.take()?),
            next: bytes.u64().filter(|next| *next <= u64::MAX / 2)?,
            spam: bytes.u32()?,
            ham: bytes.u32()?,
            epoch: bytes.u32()?,
            faded: bytes.u64()?,
            entries: bytes.u32()?,
        })
    }
}

/// Adds an entry of the table to a chunk.
pub(crate) fn put_entry(key: u32, entry: Entry, out: &mut Vec<u8>) {
    out.extend_from_slice(&key.to_le_bytes());
    out.extend_from_slice(&entry.weight.to_le_bytes());
    out.extend_from_slice(&entry.spam.to_le_bytes());
    out.extend_from_slice(&entry.ham.to_le_bytes());
}

/// The entries of a chunk; what is no whole entry is left out.
pub(crate) fn entries(chunk: &[u8]) -> impl Iterator<Item = (u32, Entry)> + '_ {
    chunk.chunks_exact(12).filter_map(|bytes| {
        let mut bytes = Bytes(bytes);
        let (key, weight) = (bytes.u32()?, bytes.real()?);
        let spam = u16::from_le_bytes(bytes.take()?);
        let ham = u16::from_le_bytes(bytes.take()?);
        (key != 0 && weight.is_finite()).then_some((key, Entry { weight, spam, ham }))
    })
}

/// Users who sorted one message, by a hash of their name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Votes(pub(crate) Vec<(u64, Class)>);

impl Votes {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let vote = |(user, class): &(u64, Class)| {
            let mut bytes = user.to_le_bytes().to_vec();
            bytes.push(*class as u8);
            bytes
        };
        self.0.iter().flat_map(vote).collect()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let vote = |bytes: &[u8]| {
            let mut bytes = Bytes(bytes);
            Some((bytes.u64()?, bytes.class()?))
        };
        Self(bytes.chunks_exact(9).filter_map(vote).collect())
    }
}

/// Features by kind: how many, then the differences of their keys in order, seven bits a byte.
fn put_features(features: &[u64], out: &mut Vec<u8>) {
    for kind in 0..16 {
        let of_kind = features.iter().filter(|feature| **feature & 0xf == kind);
        let mut keys: Vec<u32> = of_kind.map(|feature| overlay::key(*feature)).collect();
        keys.sort_unstable();
        put_number(keys.len() as u32, out);
        let mut before = 0;
        for key in keys {
            put_number(key - before, out);
            before = key;
        }
    }
}

fn put_number(mut number: u32, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Bytes that are taken from the front.
struct Bytes<'b>(&'b [u8]);

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn real(&mut self) -> Option<f32> {
        self.take().map(f32::from_le_bytes)
    }

    fn expect(&mut self, version: u8) -> Option<()> {
        (self.u8()? == version).then_some(())
    }

    fn class(&mut self) -> Option<Class> {
        match self.u8()? {
            0 => Some(Class::Ham),
            1 => Some(Class::Spam),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.u8()?;
            number |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn features(&mut self) -> Option<Vec<u64>> {
        let mut features = Vec::new();
        for kind in 0..16 {
            let mut key = 0_u32;
            for _ in 0..self.number()? {
                key = key.checked_add(self.number()?)?;
                features.push(u64::from(key) << 32 | kind);
            }
        }
        Some(features)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(features: &[u64]) -> Vec<u64> {
        let mut kept: Vec<u64> = features
            .iter()
            .map(|feature| u64::from(overlay::key(*feature)) << 32 | feature & 0xf)
            .collect();
        kept.sort_by_key(|feature| (feature & 0xf, *feature));
        kept
    }

    proptest! {
        #[test]
        fn records_read_back(features in prop::collection::vec(any::<u64>(), 0..300), push: i32, spam: bool, flags: (bool, bool), epoch: u32) {
            let class = if spam { Class::Spam } else { Class::Ham };
            let push = push as f32;
            let features = kept(&features);
            let learned = Learned { class, push, epoch, features: features.clone() };
            prop_assert_eq!(Learned::decode(&learned.encode()), Some(learned));
            let step = Step { class, forward: flags.0, counted: flags.1, push, features };
            prop_assert_eq!(Step::decode(&step.encode()), Some(step));
            let state = State { version: 3, next: u64::from(epoch), spam: epoch, ham: 1, epoch, faded: 9, entries: 7 };
            prop_assert_eq!(State::decode(&state.encode()), Some(state));
            let votes = Votes(vec![(u64::from(epoch), class), (1, Class::Ham)]);
            prop_assert_eq!(Votes::decode(&votes.encode()), votes);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (Learned::decode(&bytes), Step::decode(&bytes), State::decode(&bytes), Votes::decode(&bytes));
            let _ = entries(&bytes).count();
        }
    }
}
