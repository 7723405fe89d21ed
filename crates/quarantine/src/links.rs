//! Links that release one message: in mail, where nobody has signed in.
//!
//! A token is the id of an entry, a time, and an HMAC of both. It is good until then, and once: the entry
//! is gone when it was used.
//!
//! Invariant: a link does what it was made for, for its entry alone. It must not act when it is merely
//! fetched, as programs fetch links in mail: a page asks first (RFC 9110, section 9.2.1).

use crate::entry::Summary;
use crate::id::{decode, encode};
use crate::quarantine::Quarantine;
use crate::{EntryId, LinkError};

/// Octets of an HMAC that are written.
const TAG: usize = 20;

impl Quarantine {
    /// A token that releases `id` until `expires`, in seconds since 1970. Letters, digits and `-` only.
    #[must_use]
    pub fn release_token(&self, id: &EntryId, expires: u64) -> String {
        let expires = expires.to_be_bytes();
        let tag = self.links.tag(&[b"release", id.as_bytes(), &expires]);
        format!("{id}-{}-{}", encode(&expires), encode(&tag[..TAG]))
    }

    /// The entry that a token was made for, for the page that asks; then [`Quarantine::release`] it.
    ///
    /// # Errors
    /// When the token is not ours or too old, or the entry is no more.
    pub async fn redeem(&self, token: &str, now: u64) -> Result<Summary, LinkError> {
        let id = self.read_token(token, now)?;
        Ok(self.entry(&id).await?.into())
    }

    fn read_token(&self, token: &str, now: u64) -> Result<EntryId, LinkError> {
        let mut parts = token.trim().split('-');
        let (Some(id), Some(expires), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(LinkError::Forged);
        };
        let id: EntryId = id.parse().map_err(|_| LinkError::Forged)?;
        let expires = decode(expires).and_then(|bytes| bytes.try_into().ok());
        let (Some(expires), Some(tag)) = (expires, decode(tag)) else {
            return Err(LinkError::Forged);
        };
        let expires: [u8; 8] = expires;
        if tag.len() != TAG || !self.links.verifies(&[b"release", id.as_bytes(), &expires], &tag) {
            return Err(LinkError::Forged);
        }
        if now > u64::from_be_bytes(expires) {
            return Err(LinkError::Expired);
        }
        Ok(id)
    }
}
