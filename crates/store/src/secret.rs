//! Keys that never leave the store: to sign what comes back to us, and to keep names without
//! keeping them.
//!
//! One random key is made when it is first asked for; each purpose has its own, derived from it, so
//! that a tag made for one says nothing where another is expected. HMAC-SHA256 (RFC 2104, FIPS 180-4).
//!
//! Invariant: two purposes never share a key, and parts that are tagged together can't be cut
//! differently to the same tag.

use ring::{hmac, rand};

use crate::{Batch, Space, Store, StoreError, Written};

const SPACE: Space = Space::new("secret");
const ROOT: &[u8] = b"root";
const KEY_OCTETS: usize = 32;

/// A key for one purpose.
#[derive(Clone)]
pub struct Secret(hmac::Key);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// The key of `store` for `purpose`, such as `release`; the same each time.
    ///
    /// # Errors
    /// When the store can't be read or written, or the system has no randomness.
    pub fn of(store: &dyn Store, purpose: &str) -> Result<Self, StoreError> {
        loop {
            if let Some(root) = store.get(SPACE, ROOT)? {
                return Ok(Self::derived(&root, purpose));
            }
            let mut batch = Batch::new();
            batch.expect(SPACE, ROOT, None).put(SPACE, ROOT, random()?.to_vec());
            // A conflict: another made it just now, and it is read again.
            if store.write(&batch)? == Written::Done {
                continue;
            }
        }
    }

    /// Of a key that somebody else keeps.
    #[must_use]
    pub fn from_key(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    fn derived(root: &[u8], purpose: &str) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, root);
        Self(hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, purpose.as_bytes()).as_ref()))
    }

    /// The tag of `parts`, in this order: 32 octets that nobody without the key can make.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut tag = [0; 32];
        tag.copy_from_slice(self.sign(parts).as_ref());
        tag
    }

    /// Whether `tag` is that of `parts`, compared in constant time. A tag that was cut short at 16
    /// octets or more is compared as far as it goes.
    #[must_use]
    pub fn verifies(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        const SHORTEST: usize = 16;
        let whole = self.tag(parts);
        let long_enough = (SHORTEST..=whole.len()).contains(&tag.len());
        long_enough && whole.iter().zip(tag).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    }

    fn sign(&self, parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            // The length first: ("ab", "c") is not ("a", "bc").
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign()
    }
}

/// Octets that nobody can foretell.
///
/// # Errors
/// When the system has no randomness.
pub fn random() -> Result<[u8; KEY_OCTETS], StoreError> {
    let mut octets = [0; KEY_OCTETS];
    rand::SecureRandom::fill(&rand::SystemRandom::new(), &mut octets)
        .map_err(|_| StoreError::Failed("the system has no randomness to make a key of".into()))?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    #[test]
    fn a_purpose_has_one_key_and_no_other_has_it() {
        let store = Memory::new();
        let tag = |purpose| Secret::of(&store, purpose).unwrap().tag(&[b"x"]);
        assert_eq!(tag("release"), tag("release"));
        assert_ne!(tag("release"), tag("login"));
        assert_ne!(tag("release"), Secret::of(&Memory::new(), "release").unwrap().tag(&[b"x"]));
    }

    #[test]
    fn a_tag_holds_for_its_parts_alone() {
        let secret = Secret::of(&Memory::new(), "test").unwrap();
        let tag = secret.tag(&[b"ab", b"c"]);
        assert!(secret.verifies(&[b"ab", b"c"], &tag));
        assert!(secret.verifies(&[b"ab", b"c"], &tag[..16]));
        assert!(!secret.verifies(&[b"ab", b"c"], &tag[..15]), "too short to mean anything");
        assert!(!secret.verifies(&[b"a", b"bc"], &tag));
        assert!(!secret.verifies(&[b"ab", b"c"], &[0; 32]));
    }
}
