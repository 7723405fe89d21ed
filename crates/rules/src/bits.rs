//! Sets of numbers, a bit each: small enough to stay in the nearest cache.

/// Numbers from 0 on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// Of the numbers under `end`, those that `are` in it.
    pub(crate) fn new(end: usize, are: impl IntoIterator<Item = usize>) -> Self {
        let mut bits = Self::default();
        bits.clear(end);
        are.into_iter().for_each(|number| bits.insert(number));
        bits
    }

    /// Leaves none, and room for those under `end`.
    pub(crate) fn clear(&mut self, end: usize) {
        self.0.clear();
        self.0.resize(end.div_ceil(64), 0);
    }

    /// Makes this the same as another.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.0.clone_from(&other.0);
    }

    pub(crate) fn insert(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }

    pub(crate) fn has(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 != 0
    }

    /// The first one that is `from` or more.
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        let mut word = from / 64;
        let mut bits = self.0.get(word)? & u64::MAX << (from % 64);
        while bits == 0 {
            word += 1;
            bits = *self.0.get(word)?;
        }
        Some(word * 64 + bits.trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_are_in_it_come_in_order() {
        let bits = Bits::new(200, [130, 0, 63, 64, 199]);
        let all = std::iter::successors(bits.next(0), |last| bits.next(last + 1));
        assert_eq!(all.collect::<Vec<_>>(), [0, 63, 64, 130, 199]);
        assert!(bits.has(63) && !bits.has(62));
        assert_eq!(Bits::new(0, []).next(0), None);
    }
}
