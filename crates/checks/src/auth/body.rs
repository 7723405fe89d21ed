//! The hashes of a body, taken of the whole or as it streams by where it is not kept whole (RFC 6376, section 3.7).
//!
//! Invariant: a signature is never said to fail for what of its message was not kept.

use mail_auth::common::crypto::{HashAlgorithm, HashContext, HashImpl, Sha1, Sha256};
use mail_auth::dkim::Canonicalization;
use mail_auth::dkim::canonicalize::BodyHasher;

/// How a signature wants a body hashed: canonicalisation, algorithm, and the octets of `l=`, 0 for all.
pub(super) type Way = (Canonicalization, HashAlgorithm, u64);

type Context = <Sha256 as HashImpl>::Context;

/// Hashes of a body on its way, one for each way that the signatures of its message ask for.
pub struct BodyHashes {
    under_way: Vec<(Way, BodyHasher<Context>)>,
}

impl BodyHashes {
    pub(super) fn begin(ways: Vec<Way>) -> Self {
        let begin = |way: Way| {
            let (how, hash, length) = way;
            let context = match hash {
                HashAlgorithm::Sha1 => <Sha1 as HashImpl>::hasher(),
                HashAlgorithm::Sha256 => <Sha256 as HashImpl>::hasher(),
            };
            (way, BodyHasher::new(context, how, length))
        };
        Self { under_way: ways.into_iter().map(begin).collect() }
    }

    /// Takes the next piece of the body, as it is on the wire.
    pub fn write(&mut self, piece: &[u8]) {
        self.under_way.iter_mut().for_each(|(_, hasher)| hasher.write(piece));
    }

    /// The body has ended.
    #[must_use]
    pub fn finish(self) -> BodyDigests {
        let finish = |((how, hash, length), hasher): (Way, BodyHasher<Context>)| {
            (how, hash, length, hasher.finish().0.complete().as_ref().to_vec())
        };
        BodyDigests(self.under_way.into_iter().map(finish).collect())
    }
}

/// What a body hashes to, in each way that was asked for.
#[derive(Debug, Clone)]
pub struct BodyDigests(pub(super) Vec<(Canonicalization, HashAlgorithm, u64, Vec<u8>)>);

/// How much of a message there is to verify its signatures by.
#[derive(Debug, Clone, Copy)]
pub enum Extent<'a> {
    /// All of it.
    Whole,
    /// The header section, and what all of the body hashes to.
    Hashed(&'a BodyDigests),
    /// Not all fields: nothing can be said of signatures.
    HeaderCut,
}
