//! A batch: what is to be written together, and what must hold for that.
//!
//! Invariant: expectations are judged before the first change, on the state all changes apply to.

/// A room of keys with a name of its own, such as `bayes.learned`.
///
/// Names are for ever: what was written under one is read under it by later versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space(&'static str);

impl Space {
    /// Of that name: lower-case letters and dots.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// One entry to be put or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The space of the key.
    pub space: Space,
    /// The key.
    pub key: Vec<u8>,
    /// The new value; `None` removes the entry.
    pub value: Option<Vec<u8>>,
    /// Until when the entry is wanted, in seconds since 1970; 0: for ever.
    pub expires: u64,
}

/// What a key must hold for the batch to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The space of the key.
    pub space: Space,
    /// The key.
    pub key: Vec<u8>,
    /// Its value; `None`: the key must be free.
    pub value: Option<Vec<u8>>,
}

/// Changes that are written together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    pub(crate) expectations: Vec<Expectation>,
    pub(crate) changes: Vec<Change>,
}

impl Batch {
    /// Nothing to write yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { expectations: Vec::new(), changes: Vec::new() }
    }

    /// Writes only if the key holds that value (`None`: if it is free).
    pub fn expect(&mut self, space: Space, key: &[u8], value: Option<&[u8]>) -> &mut Self {
        let value = value.map(<[u8]>::to_vec);
        self.expectations.push(Expectation { space, key: key.to_vec(), value });
        self
    }

    /// Sets a key to a value.
    pub fn put(&mut self, space: Space, key: &[u8], value: Vec<u8>) -> &mut Self {
        self.put_until(space, key, value, 0)
    }

    /// Sets a key to a value that [`crate::Store::expire`] may remove from `expires` on, in seconds
    /// since 1970; 0 keeps it for ever.
    pub fn put_until(
        &mut self,
        space: Space,
        key: &[u8],
        value: Vec<u8>,
        expires: u64,
    ) -> &mut Self {
        self.changes.push(Change { space, key: key.to_vec(), value: Some(value), expires });
        self
    }

    /// Removes a key; one that is free already stays so.
    pub fn remove(&mut self, space: Space, key: &[u8]) -> &mut Self {
        self.changes.push(Change { space, key: key.to_vec(), value: None, expires: 0 });
        self
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}
