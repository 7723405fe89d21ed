//! Words to numbers: a hash that is quick on short words and fixed for ever.
//!
//! FNV-1a takes a word byte by byte as it is folded, so that no folded copy of it is made; the
//! finaliser of SplitMix64 then spreads it over all bits.
//!
//! Invariant: models and learned messages on disk hold these numbers; what this file computes may
//! not change without [`crate::FEATURES_VERSION`].

use std::fmt::{self, Write};

use crate::kind::Kind;

/// A word being hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hasher(u64);

impl Hasher {
    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    #[inline]
    pub(crate) const fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3))
    }

    #[inline]
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |state, byte| state.byte(*byte))
    }

    /// Letter case of ASCII aside.
    #[inline]
    pub(crate) fn bytes_caseless(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |state, byte| state.byte(byte.to_ascii_lowercase()))
    }

    /// The same for an ASCII character as [`Self::byte`].
    #[inline]
    pub(crate) fn char(self, c: char) -> Self {
        if c.is_ascii() {
            self.byte(c as u8)
        } else {
            self.byte(0xff).number(u64::from(u32::from(c)))
        }
    }

    pub(crate) fn number(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes()[..4])
    }

    /// The name of a variant: its number may change with the order of declarations.
    pub(crate) fn name(mut self, variant: &impl fmt::Debug) -> Self {
        let _ = write!(self, "{variant:?}");
        self
    }

    #[inline]
    pub(crate) const fn finish(self) -> u64 {
        mix(self.0)
    }
}

impl fmt::Write for Hasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        *self = self.bytes(text.as_bytes());
        Ok(())
    }
}

/// The hash of a whole word.
#[inline]
pub(crate) fn of(bytes: &[u8]) -> u64 {
    Hasher::new().bytes(bytes).finish()
}

/// Spreads a number over 64 bits (SplitMix64).
#[inline]
pub(crate) const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Two words in their order, with `gap` words between them.
#[inline]
pub(crate) const fn pair(first: u64, second: u64, gap: u64) -> u64 {
    first.rotate_left(23).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(second ^ gap)
}

/// A feature: a word in its role. The lowest four bits are the role, the others as good as random.
#[inline]
pub(crate) const fn feature(kind: Kind, word: u64) -> u64 {
    let seed = (kind as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mix(word ^ seed) & !0xf) | kind as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_as_they_were_when_models_were_trained() {
        assert_eq!(Hasher::new().bytes(b"foobar").0, 0x8594_4171_f739_67e8, "FNV-1a 64");
        assert_eq!(of(b"viagra"), mix(Hasher::new().bytes(b"viagra").0));
        assert_eq!(feature(Kind::Word, of(b"viagra")), 12_862_468_170_872_306_432);
    }

    #[test]
    fn role_order_and_distance_tell_features_apart() {
        let (a, b) = (of(b"free"), of(b"money"));
        let all = [pair(a, b, 0), pair(b, a, 0), pair(a, b, 1), a, b];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one));
        }
        assert_ne!(feature(Kind::Word, a) >> 4, feature(Kind::Subject, a) >> 4);
        assert_eq!(Kind::of(feature(Kind::Subject, a)), Kind::Subject);
    }
}
