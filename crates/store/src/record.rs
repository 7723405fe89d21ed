//! How a value lies in a backend: behind a checksum over all that belongs to it.
//!
//! Four octets of CRC-32 over space, key, expiry and value; eight of when it expires, in seconds since 1970, 0 for
//! never; then the value. Numbers are little endian.
//!
//! Invariant: a value is returned as it was written, or not at all.

use crate::{Space, StoreError};

/// Octets before a value.
pub(crate) const HEADER: usize = 12;

/// A value as it is written.
pub(crate) fn wrap(space: &str, key: &[u8], value: &[u8], expires: u64) -> Vec<u8> {
    let mut wrapped = Vec::with_capacity(HEADER + value.len());
    wrapped.extend_from_slice(&[0; 4]);
    wrapped.extend_from_slice(&expires.to_le_bytes());
    wrapped.extend_from_slice(value);
    let sum = checksum(space, key, &wrapped[4..]);
    wrapped[..4].copy_from_slice(&sum.to_le_bytes());
    wrapped
}

/// When an entry expires, and its value.
///
/// # Errors
/// When it is not as it was written.
pub(crate) fn unwrap<'v>(
    space: Space,
    key: &[u8],
    wrapped: &'v [u8],
) -> Result<(u64, &'v [u8]), StoreError> {
    let damaged = StoreError::Damaged { space: space.name() };
    verified(space.name(), key, wrapped).ok_or(damaged)
}

/// Time of expiry and value of an entry; `None` where key or value are not as they were written.
pub(crate) fn verified<'v>(space: &str, key: &[u8], wrapped: &'v [u8]) -> Option<(u64, &'v [u8])> {
    let (sum, rest) = wrapped.split_first_chunk::<4>()?;
    let (expires, value) = rest.split_first_chunk::<8>()?;
    let sound = u32::from_le_bytes(*sum) == checksum(space, key, rest);
    sound.then(|| (u64::from_le_bytes(*expires), value))
}

/// When an entry expires; 0: never, or it is damaged.
pub(crate) fn expires(space: &str, key: &[u8], wrapped: &[u8]) -> u64 {
    verified(space, key, wrapped).map_or(0, |(expires, _)| expires)
}

fn checksum(space: &str, key: &[u8], rest: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    [space.as_bytes(), &[0], key, rest].iter().for_each(|bytes| sum.update(bytes));
    sum.finalize()
}
