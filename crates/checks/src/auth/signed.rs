//! What of a message is signed: its fields as they were hashed, its DKIM signatures and its ARC
//! sets (RFC 6376, section 3; RFC 8617, section 4), before anything is verified.
//!
//! Invariant: how much a message can make us do is fixed here, by counting before parsing: so many
//! signatures, so many names each, so many keys.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::Arc;

use mail_auth::common::crypto::{Algorithm, HashAlgorithm};
use mail_auth::common::headers::Header;
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::resolver::ToFqdn;
use mail_auth::common::verify::{DomainKey, VerifySignature};
use mail_auth::dkim::Signature;
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::{AuthenticatedMessage, DnsError, Error, ResolverCache, Txt};
use memchr::{memchr, memchr_iter};
use tidegate_dns::Answer;

use super::asked::Asked;
use super::body::{BodyDigests, BodyHashes, Way};
use super::seal::Chain;
use crate::authentication::{AuthResult, Dkim};

/// DKIM signatures that are looked at; those of the author's domain come first.
const MOST_SIGNATURES: usize = 8;
/// DKIM-Signature fields that are read in order to choose from.
const MOST_READ: usize = 32;
/// Bytes of one signature field; real ones have 500 to 3,000.
pub(super) const LONGEST_FIELD: usize = 16 * 1024;
/// Names in one `h=`: each costs a walk over all fields.
pub(super) const MOST_NAMES: usize = 250;
/// Fields of a message that signatures may cover.
const MOST_FIELDS: usize = 4_000;

/// A field as it stands: what is before the colon, and what is after it, line end included.
pub(super) type RawField<'x> = (&'x [u8], &'x [u8]);

/// One DKIM signature: what can be said of it, and what can be verified of it.
pub(super) struct Looked<'x> {
    pub(super) shown: Dkim,
    /// None when `shown` holds the final result already.
    pub(super) verifiable: Option<Header<'x, Signature>>,
}

/// The signed side of a message.
pub(super) struct Signed<'x> {
    raw: &'x [u8],
    body: usize,
    fields: Vec<RawField<'x>>,
    pub(super) dkim: Vec<Looked<'x>>,
    pub(super) chain: Chain<'x>,
}

impl<'x> Signed<'x> {
    /// Reads `raw`, whose lines end in CRLF, without hashing anything.
    pub(super) fn read(raw: &'x [u8], author: Option<&str>) -> Self {
        let (fields, body) = split(raw);
        let named = |name: &'static str| {
            fields
                .iter()
                .filter(move |field| field.0.eq_ignore_ascii_case(name.as_bytes()))
                .copied()
        };
        let mut dkim: Vec<Looked<'x>> = named("DKIM-Signature").take(MOST_READ).map(look).collect();
        keep_first(&mut dkim, author);
        let chain = Chain::read(named);
        Self { raw, body, fields, dkim, chain }
    }

    /// The public keys it takes to verify everything.
    pub(super) fn keys(&self, asked: &mut Asked<'_>) -> Keys {
        let dkim = self.dkim.iter().filter_map(|looked| looked.verifiable.as_ref());
        let names = dkim.map(|field| field.header.domain_key()).chain(self.chain.key_names());
        let mut keys: HashMap<Box<str>, Txt> = HashMap::new();
        for name in names {
            if let Entry::Vacant(place) = keys.entry(name.to_fqdn().into()) {
                let answer = asked.txt(place.key().trim_end_matches('.'));
                place.insert(public_key(answer));
            }
        }
        Keys(keys)
    }

    /// Each way in which a signature asks for the body to be hashed, once.
    pub(super) fn ways(&self) -> Vec<Way> {
        let mut ways: Vec<Way> = self.chain.body_hash().into_iter().collect();
        for field in self.dkim.iter().filter_map(|looked| looked.verifiable.as_ref()) {
            let way = (field.header.cb, HashAlgorithm::from(field.header.a), field.header.l);
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        ways
    }

    /// What the body that is here hashes to.
    pub(super) fn digests(&self) -> BodyDigests {
        let mut hashes = BodyHashes::begin(self.ways());
        hashes.write(self.raw.get(self.body..).unwrap_or_default());
        hashes.finish()
    }

    /// Hands everything to mail-auth, with what the whole body hashes to. The results of `dkim` belong to the
    /// `verifiable` ones, in their order.
    pub(super) fn into_verifiable(
        self,
        now: i64,
        digests: BodyDigests,
    ) -> (AuthenticatedMessage<'x>, Vec<Dkim>, Chain<'x>) {
        let mut message = AuthenticatedMessage {
            body_hashes: digests.0,
            headers: self.fields,
            raw_message: self.raw,
            body_offset: u32::try_from(self.body).unwrap_or(u32::MAX),
            ..AuthenticatedMessage::default()
        };
        let mut shown = Vec::with_capacity(self.dkim.len());
        for looked in self.dkim {
            shown.push(looked.shown);
            if let Some(mut field) = looked.verifiable {
                judge_expiry(&mut field.header.t, &mut field.header.x, now);
                message.dkim_headers.push(field);
            }
        }
        (message, shown, self.chain)
    }
}

/// Whether a signature has expired (`x=`) at `now`, said so that the machine's clock, which mail-auth
/// reads, makes no difference: no expiry at all, or one that is not after the time of signing.
pub(super) fn judge_expiry(signed: &mut u64, expires: &mut u64, now: i64) {
    if *expires > *signed && *expires > u64::try_from(now).unwrap_or(0) {
        *expires = 0;
    } else if *expires > 0 {
        *signed = *expires;
    }
}

/// The message as it was signed. Files often have bare LF where the wire had CRLF.
pub(super) fn with_crlf(raw: &[u8]) -> Cow<'_, [u8]> {
    let bare = match memchr(b'\n', raw) {
        Some(0) => true,
        Some(at) => raw.get(at - 1) != Some(&b'\r'),
        None => false,
    };
    if !bare {
        return Cow::Borrowed(raw);
    }
    let mut wire = Vec::with_capacity(raw.len() + raw.len() / 32);
    let mut from = 0;
    for at in memchr_iter(b'\n', raw) {
        let line = &raw[from..at];
        wire.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        wire.extend_from_slice(b"\r\n");
        from = at + 1;
    }
    wire.extend_from_slice(&raw[from..]);
    Cow::Owned(wire)
}

/// The fields and where the body begins. Lines that are no field are skipped.
fn split(raw: &[u8]) -> (Vec<RawField<'_>>, usize) {
    let mut fields = Vec::with_capacity(32);
    let mut at = 0;
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(b"\r\n") {
            return (fields, at + 2);
        }
        let end = field_end(rest);
        let field = rest.get(..end).unwrap_or(rest);
        if let Some(colon) = memchr(b':', field)
            && fields.len() < MOST_FIELDS
        {
            fields.push((&field[..colon], &field[colon + 1..]));
        }
        at += end;
    }
    (fields, raw.len())
}

/// Past the line end that no white space follows.
fn field_end(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(newline) = rest.get(at..).and_then(|rest| memchr(b'\n', rest)) {
        at += newline + 1;
        if !matches!(rest.get(at), Some(b' ' | b'\t')) {
            return at;
        }
    }
    rest.len()
}

/// Reads one DKIM-Signature field; decides what needs no verification.
fn look(field: RawField<'_>) -> Looked<'_> {
    let (name, value) = field;
    let refused = |result, reason: &str, shown: Dkim| Looked {
        shown: Dkim { result, reason: reason.to_owned(), ..shown },
        verifiable: None,
    };
    if value.len() > LONGEST_FIELD {
        return refused(AuthResult::PermError, "the signature field is too long", Dkim::default());
    }
    let mut signature = match Signature::parse(value) {
        Ok(signature) => signature,
        Err(error) => {
            return refused(AuthResult::PermError, &error.to_string(), Dkim::default());
        }
    };
    // Reports (RFC 6651) and third-party signatures (RFC 6541) would make mail-auth look further.
    signature.r = false;
    signature.atps = None;
    let shown = Dkim {
        domain: signature.d.to_ascii_lowercase(),
        identity: identity(&signature),
        selector: signature.s.clone(),
        b: first_of_b(&signature.b),
        algorithm: signature.a.name(),
        covers: signature.h.clone(),
        partial_body: signature.l > 0,
        ..Dkim::default()
    };
    if signature.h.len() > MOST_NAMES {
        return refused(AuthResult::PermError, "h= names too many fields", shown);
    }
    if !signature.h.iter().any(|name| name.eq_ignore_ascii_case("from")) {
        return refused(AuthResult::PermError, "the From field is not signed", shown);
    }
    if signature.a == Algorithm::RsaSha1 {
        // RFC 8301, section 3.1.
        return refused(AuthResult::Neutral, "rsa-sha1 proves nothing any more", shown);
    }
    Looked { shown, verifiable: Some(Header::new(name, value, signature)) }
}

/// The domain of `i=`, which verification holds to be `d=` or below it; `d=` by default.
fn identity(signature: &Signature) -> String {
    let domain = signature.i.rsplit_once('@').map(|(_, domain)| domain);
    domain.filter(|domain| !domain.is_empty()).unwrap_or(&signature.d).to_ascii_lowercase()
}

/// Of many signatures keeps the author's, then the topmost, in the order of the fields.
fn keep_first(dkim: &mut Vec<Looked<'_>>, author: Option<&str>) {
    if dkim.len() <= MOST_SIGNATURES {
        return;
    }
    let organisation = author.and_then(tidegate_mail::registered_domain);
    let aligned = |looked: &Looked<'_>| {
        let domain = looked.shown.domain.as_str();
        author == Some(domain)
            || organisation.is_some() && tidegate_mail::registered_domain(domain) == organisation
    };
    let others = MOST_SIGNATURES - dkim.iter().filter(|l| aligned(l)).count().min(MOST_SIGNATURES);
    let (mut aligned_left, mut others_left) = (MOST_SIGNATURES - others, others);
    dkim.retain(|looked| {
        let left = if aligned(looked) { &mut aligned_left } else { &mut others_left };
        let keep = *left > 0;
        *left = left.saturating_sub(1);
        keep
    });
}

/// The first eight characters of `b=` (RFC 6008): base64 of its first six bytes.
fn first_of_b(signature: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let Some(first) = signature.first_chunk::<6>() else { return String::new() };
    let bits = first.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    (0..8).rev().map(|digit| char::from(DIGITS[(bits >> (digit * 6)) as usize & 63])).collect()
}

fn public_key(answer: &Answer) -> Txt {
    if answer.is_unknown() {
        return Txt::Error(Error::Dns(DnsError::Resolver("no answer in time".to_owned())));
    }
    let mut parsed = answer.txt().iter().map(|text| DomainKey::parse(text));
    match parsed.next() {
        None => Txt::Error(Error::Dns(DnsError::RecordNotFound(ResponseCode::NXDomain))),
        Some(first) => match first.or_else(|error| parsed.find_map(Result::ok).ok_or(error)) {
            Ok(key) => Txt::DomainKey(Arc::new(key)),
            Err(error) => Txt::Error(error),
        },
    }
}

/// Public keys by the name that mail-auth asks for; it never finds one missing, so it never asks
/// the network.
pub(super) struct Keys(HashMap<Box<str>, Txt>);

impl Keys {
    /// Bits of the key that `signature` names; none where there is no key.
    pub(super) fn bits(&self, signature: &Signature) -> Option<usize> {
        match self.0.get(&*signature.domain_key().to_fqdn()) {
            Some(Txt::DomainKey(key)) => Some(key.p.public_key_bits()),
            _ => None,
        }
    }
}

impl ResolverCache<Box<str>, Txt> for Keys {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.get(name).cloned()
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: std::time::Instant) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_bare_lf_reads_as_it_was_on_the_wire() {
        assert_eq!(&*with_crlf(b"A: b\n\nc\n"), b"A: b\r\n\r\nc\r\n");
        assert!(matches!(with_crlf(b"A: b\r\n\r\nc\r\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn fields_keep_their_folds_and_the_body_begins_after_the_empty_line() {
        let (fields, body) = split(b"A: b\r\n c\r\njunk\r\nD:e\r\n\r\nbody");
        assert_eq!(fields, [(&b"A"[..], &b" b\r\n c\r\n"[..]), (b"D", b"e\r\n")]);
        assert_eq!(body, 23);
    }

    #[test]
    fn of_many_signatures_the_authors_are_kept() {
        let field =
            |d: &str| format!(" v=1; a=rsa-sha256; d={d}; s=s; h=from; bh=AAAA; b=AAAAAAAA");
        let values: Vec<String> = (0..20)
            .map(|n| field(&format!("d{n}.example")))
            .chain([field("m.shop.example")])
            .collect();
        let mut dkim: Vec<_> =
            values.iter().map(|value| look((b"DKIM-Signature", value.as_bytes()))).collect();
        keep_first(&mut dkim, Some("shop.example"));
        assert_eq!(dkim.len(), MOST_SIGNATURES);
        assert_eq!(dkim[0].shown.domain, "d0.example");
        assert_eq!(dkim[7].shown.domain, "m.shop.example");
    }

    #[test]
    fn b_is_told_by_its_first_eight_characters() {
        assert_eq!(first_of_b(b"Man is"), "TWFuIGlz");
        assert_eq!(first_of_b(b"Man"), "");
    }
}
