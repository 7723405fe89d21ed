//! Names of entries and objects, and the alphabet that tokens are written in.
//!
//! Crockford's base 32, in lower case: no letter is taken for another, nothing needs quoting in a URL
//! or on a command line, and text sorts as the bytes do.
//!
//! Invariant: entries that were held later have names that sort first, so that a scan of names is a
//! list of the newest; 88 bits of a name can't be guessed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tidegate_store::{StoreError, random};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Bytes of an id: four of the time, the rest random.
const BYTES: usize = 15;
const TIME_BYTES: usize = 4;

/// The name of one recipient's entry: 24 letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntryId(String);

/// Text that is no name of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "that is no id of a held message; it has 24 letters and digits, as 'tidegate quarantine list' shows it"
)]
pub struct NoId;

impl EntryId {
    /// A new one, for what is held at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn new(now: u64) -> Result<Self, StoreError> {
        let time = u32::MAX - u32::try_from(now).unwrap_or(u32::MAX);
        let mut bytes = [0; BYTES];
        bytes[..TIME_BYTES].copy_from_slice(&time.to_be_bytes());
        bytes[TIME_BYTES..].copy_from_slice(&random()?[..BYTES - TIME_BYTES]);
        Ok(Self(encode(&bytes)))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EntryId {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let text = text.trim().to_ascii_lowercase();
        match decode(&text) {
            Some(bytes) if bytes.len() == BYTES => Ok(Self(text)),
            _ => Err(NoId),
        }
    }
}

impl TryFrom<String> for EntryId {
    type Error = NoId;

    fn try_from(text: String) -> Result<Self, NoId> {
        text.parse()
    }
}

impl From<EntryId> for String {
    fn from(id: EntryId) -> Self {
        id.0
    }
}

/// The name of an object: nobody can foretell it, and none is given twice.
pub(crate) fn object_name() -> Result<String, StoreError> {
    Ok(encode(&random()?[..BYTES]))
}

/// `bytes`, five bits a letter, the last one filled up with zeros.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(ALPHABET[(bits >> count & 31) as usize]));
        }
    }
    if count > 0 {
        text.push(char::from(ALPHABET[(bits << (5 - count) & 31) as usize]));
    }
    text
}

/// What [`encode`] wrote; `None` when it didn't write `text`.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut count) = (0u32, 0u32);
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        bits = bits << 5 | u32::try_from(value).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 255) as u8);
        }
    }
    (count < 5 && bits & ((1 << count) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_later_sorts_first() {
        let at = |now| EntryId::new(now).unwrap();
        assert!(at(1_800_000_000) > at(1_800_000_001));
        assert_ne!(at(5), at(5));
        assert_eq!(at(5).as_str().len(), 24);
    }

    #[test]
    fn an_id_is_read_as_it_was_written_and_nothing_else_is() {
        let id = EntryId::new(1_800_000_000).unwrap();
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id.clone()));
        for bad in ["", "../../../etc/passwd", &id.as_str()[1..], "0000000000000000000000u0"] {
            assert_eq!(bad.parse::<EntryId>(), Err(NoId), "{bad}");
        }
    }

    #[test]
    fn bytes_come_back() {
        for length in 0..40 {
            let bytes: Vec<u8> = (0..length).map(|n: u8| n.wrapping_mul(37)).collect();
            assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
        assert_eq!(decode("zz1"), None, "bits that no byte has");
    }
}
