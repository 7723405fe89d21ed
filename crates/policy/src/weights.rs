//! What a point of one family of signals is worth.
//!
//! Invariant: a weight scales what the family says either way; its cap bounds what comes of that.

use std::collections::BTreeMap;

use tidegate_signal::Family;

/// The weight of each family; 1 leaves its points as they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights([f32; Family::ALL.len()]);

impl Default for Weights {
    fn default() -> Self {
        Self([1.0; Family::ALL.len()])
    }
}

impl Weights {
    /// The weight of `family`.
    #[must_use]
    pub const fn of(&self, family: Family) -> f32 {
        self.0[family as usize]
    }

    /// All 1, but those that a configuration names.
    #[must_use]
    pub fn with(set: &BTreeMap<Family, f32>) -> Self {
        Self(Family::ALL.map(|family| set.get(&family).copied().unwrap_or(1.0)))
    }

    /// The same with another weight for `family`.
    #[must_use]
    pub const fn set(mut self, family: Family, weight: f32) -> Self {
        self.0[family as usize] = weight;
        self
    }
}
