//! The ARC chain of a message (RFC 8617): what stood in its sets, and what a verified one says.
//!
//! Invariant: the chain is verified as a whole or not at all; one set that can't be read makes all
//! of it void (section 5.2).

use mail_auth::arc::{Results, Seal, Signature};
use mail_auth::common::crypto::{Algorithm, HashAlgorithm};
use mail_auth::common::headers::Header;
use mail_auth::common::verify::VerifySignature;
use mail_auth::dkim::Canonicalization;
use mail_auth::{AuthenticatedMessage, DkimResult};

use super::results;
use super::signed::{LONGEST_FIELD, MOST_NAMES, RawField, judge_expiry};
use crate::authentication::{Arc, AuthResult};

/// RFC 8617, section 4.2.1.
const MOST_SETS: usize = 50;
/// Each seal signs all sets below it, so that bytes count as often as there are seals.
const MOST_BYTES: usize = 128 * 1024;
/// Different keys, and so lookups, of one chain.
const MOST_KEYS: usize = 10;

/// The sets as they came.
pub(super) enum Chain<'x> {
    Absent,
    /// Not worth verifying, and why.
    Void(String),
    Sets {
        seals: Vec<Header<'x, Seal>>,
        signatures: Vec<Header<'x, Signature>>,
        results: Vec<Header<'x, Results>>,
    },
}

impl<'x> Chain<'x> {
    /// Reads the sets among the fields that `named` finds.
    pub(super) fn read<I>(named: impl Fn(&'static str) -> I) -> Self
    where
        I: Iterator<Item = RawField<'x>> + Clone,
    {
        let seals = named("ARC-Seal");
        let signatures = named("ARC-Message-Signature");
        let results = named("ARC-Authentication-Results");
        let sets = seals.clone().count();
        if sets + signatures.clone().count() + results.clone().count() == 0 {
            return Self::Absent;
        }
        let all = || seals.clone().chain(signatures.clone()).chain(results.clone());
        if sets > MOST_SETS
            || all().count() > 3 * MOST_SETS
            || all().any(|field| field.1.len() > LONGEST_FIELD)
            || all().map(|field| field.1.len()).sum::<usize>() > MOST_BYTES
        {
            return Self::Void("the chain is too long".to_owned());
        }
        Self::parse(seals, signatures, results)
            .unwrap_or_else(|error| Self::Void(error.to_string()))
    }

    fn parse(
        seals: impl Iterator<Item = RawField<'x>>,
        signatures: impl Iterator<Item = RawField<'x>>,
        results: impl Iterator<Item = RawField<'x>>,
    ) -> mail_auth::Result<Self> {
        let mut seals: Vec<_> = seals
            .map(|(name, value)| Seal::parse(value).map(|seal| Header::new(name, value, seal)))
            .collect::<mail_auth::Result<_>>()?;
        let mut signatures: Vec<_> = signatures
            .map(|(name, value)| Signature::parse(value).map(|it| Header::new(name, value, it)))
            .collect::<mail_auth::Result<_>>()?;
        let mut results: Vec<_> = results
            .map(|(name, value)| Results::parse(value).map(|it| Header::new(name, value, it)))
            .collect::<mail_auth::Result<_>>()?;
        seals.sort_by_key(|field| field.header.i);
        signatures.sort_by_key(|field| field.header.i);
        results.sort_by_key(|field| field.header.i);

        let void = |reason: &str| Ok(Self::Void(reason.to_owned()));
        if signatures.iter().any(|field| field.header.h.len() > MOST_NAMES) {
            return void("h= names too many fields");
        }
        if seals.iter().any(|field| field.header.a == Algorithm::RsaSha1)
            || signatures.iter().any(|field| field.header.a == Algorithm::RsaSha1)
        {
            return void("rsa-sha1 proves nothing any more");
        }
        let mut keys: Vec<_> = seals.iter().map(|f| (&f.header.d, &f.header.s)).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() > MOST_KEYS {
            return void("the chain has too many keys");
        }
        Ok(Self::Sets { seals, signatures, results })
    }

    /// Names of the keys it takes to verify.
    pub(super) fn key_names(&self) -> Vec<String> {
        let Self::Sets { seals, signatures, .. } = self else { return Vec::new() };
        let newest = signatures.last().map(|field| field.header.domain_key());
        seals.iter().map(|field| field.header.domain_key()).chain(newest).collect()
    }

    /// How the newest signature hashes the body; the others no longer need to match.
    pub(super) fn body_hash(&self) -> Option<(Canonicalization, HashAlgorithm, u64)> {
        let Self::Sets { signatures, .. } = self else { return None };
        let newest = &signatures.last()?.header;
        Some((newest.cb, HashAlgorithm::from(newest.a), newest.l))
    }

    /// What can be said before verification.
    pub(super) fn shown(&self) -> Arc {
        match self {
            Self::Absent => Arc::default(),
            Self::Void(reason) => {
                Arc { result: AuthResult::PermError, reason: reason.clone(), ..Arc::default() }
            }
            Self::Sets { seals, .. } => Arc {
                result: AuthResult::TempError,
                sealer: seals.last().map(|field| field.header.d.to_ascii_lowercase()),
                sets: u32::try_from(seals.len()).unwrap_or(u32::MAX),
                ..Arc::default()
            },
        }
    }

    /// Whether the oldest set tells of an author who was proven on arrival.
    pub(super) fn passed_before(&self) -> bool {
        let Self::Sets { results, .. } = self else { return false };
        results.first().is_some_and(|field| results::tells_of_pass(field.value))
    }

    /// Hands the sets to mail-auth.
    pub(super) fn into_message(self, message: &mut AuthenticatedMessage<'x>, now: i64) {
        if let Self::Sets { seals, mut signatures, results } = self {
            for field in &mut signatures {
                judge_expiry(&mut field.header.t, &mut field.header.x, now);
            }
            message.as_headers = seals;
            message.ams_headers = signatures;
            message.aar_headers = results;
        }
    }
}

/// mail-auth's word for the chain, with the reason. A chain passes or fails as a whole (section 5.2).
pub(super) fn result(result: &DkimResult) -> (AuthResult, String) {
    match result {
        DkimResult::Pass => (AuthResult::Pass, String::new()),
        DkimResult::None => (AuthResult::None, String::new()),
        DkimResult::TempError(_) => (AuthResult::TempError, "no answer for its key".to_owned()),
        DkimResult::PermError(error) => (AuthResult::PermError, error.to_string()),
        DkimResult::Fail(error) | DkimResult::Neutral(error) => {
            (AuthResult::Fail, error.to_string())
        }
    }
}
