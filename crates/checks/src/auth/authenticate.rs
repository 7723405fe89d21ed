//! The façade over mail-auth: authentication as a pure function of envelope, message and answers.
//!
//! SPF, DMARC and the reverse name are chains of lookups, so one call may not be enough: it tells
//! what it [`Needs`](Verified::Needs), the caller finds the answers and calls again. Signatures are
//! hashed and verified only once all keys are known, so that this costs what it costs once.
//!
//! mail-auth parses records and verifies DKIM (RFC 6376) and ARC (RFC 8617). For whether a signature
//! has expired it reads the machine's clock; what it is handed says so by the time of arrival, so that
//! mail judged later, or again, comes out as it did.
//!
//! Invariant: no I/O. What mail-auth looks up it finds in `Keys`, and the resolver that it insists
//! on has no servers.

use futures_util::FutureExt;
use mail_auth::common::crypto::CryptoError;
use mail_auth::dkim::DkimError;
use mail_auth::hickory_resolver::TokioResolver;
use mail_auth::hickory_resolver::config::ResolverConfig;
use mail_auth::hickory_resolver::net::runtime::TokioRuntimeProvider;
use mail_auth::{
    AuthenticatedMessage, DkimResult, DnsError, Error, MessageAuthenticator, Parameters,
};
use tidegate_dns::{Answers, Question};
use tidegate_mail::{Envelope, Message};

use super::alignment::{self, Author};
use super::asked::Asked;
use super::body::{BodyDigests, BodyHashes, Extent};
use super::check_host::{Identity, check_host};
use super::reverse::iprev;
use super::seal::{self, Chain};
use super::signed::{Keys, Signed, with_crlf};
use crate::Questions;
use crate::authentication::{Arc, AuthResult, Authentication, Dkim, Spf};

/// RFC 8301, section 3.2.
const FEWEST_BITS: usize = 1024;

/// What a call found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified<T> {
    /// All of it.
    Done(T),
    /// Call again when these are answered.
    Needs {
        /// None was answered before; at least one.
        questions: Vec<Question>,
        /// With temporary errors for what is missing, for when time is up.
        so_far: T,
    },
}

impl<T> Verified<T> {
    /// The results as far as they are known.
    #[must_use]
    pub fn so_far(self) -> T {
        match self {
            Self::Done(found) | Self::Needs { so_far: found, .. } => found,
        }
    }

    fn of(found: T, asked: Asked<'_>) -> Self {
        if asked.complete() {
            Self::Done(found)
        } else {
            Self::Needs { questions: asked.into_missing(), so_far: found }
        }
    }
}

/// Verifies who sent a message.
#[derive(Default)]
pub struct Authenticator {
    /// Absent only if hickory refuses a resolver without servers; then signatures are not verified.
    verifier: Option<MessageAuthenticator>,
}

impl Authenticator {
    /// Builds it; cheap to use from then on.
    #[must_use]
    pub fn new() -> Self {
        let config = ResolverConfig::from_name_servers(Vec::new());
        let resolver =
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build();
        Self { verifier: resolver.ok().map(MessageAuthenticator) }
    }

    /// SPF of the sender, or of the HELO name when the sender is null (RFC 7208, section 2.4).
    /// `None` for clients that SPF doesn't speak of: authenticated users, private networks.
    #[must_use]
    pub fn spf(&self, envelope: &Envelope, answers: &Answers) -> Verified<Spf> {
        let (Some(client), Some(sender)) = (envelope.client, &envelope.sender) else {
            return Verified::Done(Spf::default());
        };
        if envelope.is_local() || envelope.authenticated.is_some() {
            return Verified::Done(Spf::default());
        }
        let helo = envelope.helo.as_deref().unwrap_or_default();
        let helo_domain = helo.trim_end_matches('.').to_ascii_lowercase();
        let of_helo = sender.is_null();
        let domain = if of_helo { Some(helo_domain.as_str()) } else { sender.domain() };
        let Some(domain) = domain else { return Verified::Done(Spf::default()) };
        let local =
            if of_helo || sender.local().is_empty() { "postmaster" } else { sender.local() };
        let identity = Identity {
            client: client.to_canonical(),
            domain,
            sender: &format!("{local}@{domain}"),
            helo: &helo_domain,
            name: envelope.client_name.as_deref(),
            receiver: envelope.receiver.as_deref().unwrap_or("unknown"),
        };
        let mut asked = Asked::of(answers);
        let spf = Spf { of_helo, ..check_host(&identity, &mut asked) };
        Verified::of(spf, asked)
    }

    /// Names what [`verify`](Self::verify) will need, as soon as the header section is known.
    pub fn prefetch(
        &self,
        envelope: &Envelope,
        header_view: &Message<'_>,
        questions: &mut Questions,
    ) {
        let answers = Answers::default();
        let mut asked = Asked::of(&answers);
        let author = alignment::author(header_view);
        let raw = with_crlf(header_view.header_bytes());
        iprev(envelope, &mut asked);
        alignment::prefetch(&author, &mut asked);
        Signed::read(&raw, domain_of(&author)).keys(&mut asked);
        for question in asked.into_missing() {
            questions.ask(question);
        }
    }

    /// Begins to hash the body behind this header section, which will not be kept whole.
    #[must_use]
    pub fn hash_body(&self, header_view: &Message<'_>) -> BodyHashes {
        let author = alignment::author(header_view);
        let raw = with_crlf(header_view.header_bytes());
        BodyHashes::begin(Signed::read(&raw, domain_of(&author)).ways())
    }

    /// Everything but SPF, whose result is handed in. `extent`: how much of the message there is to verify its
    /// signatures by. `now`: when it arrived, in seconds since 1970, UTC.
    #[must_use]
    pub fn verify(
        &self,
        envelope: &Envelope,
        message: &Message<'_>,
        extent: Extent<'_>,
        spf: Spf,
        answers: &Answers,
        now: i64,
    ) -> Verified<Authentication> {
        let mut asked = Asked::of(answers);
        let author = alignment::author(message);
        let raw = with_crlf(message.raw());
        let iprev = iprev(envelope, &mut asked);
        alignment::prefetch(&author, &mut asked);
        let signed = Signed::read(&raw, domain_of(&author));
        let keys = signed.keys(&mut asked);

        let (dkim, arc) = match extent {
            Extent::HeaderCut => unverified(signed, "not all of the header section was read"),
            _ if !asked.complete() => unverified(signed, ""),
            Extent::Whole => {
                let digests = signed.digests();
                self.verify_signatures(signed, &keys, digests, now)
            }
            Extent::Hashed(digests) => self.verify_signatures(signed, &keys, digests.clone(), now),
        };
        let dmarc = alignment::evaluate(&author, &spf, &dkim, &mut asked);
        let found = Authentication { iprev, spf, dkim, dmarc, arc, ..Authentication::default() };
        Verified::of(found, asked)
    }

    fn verify_signatures(
        &self,
        signed: Signed<'_>,
        keys: &Keys,
        digests: BodyDigests,
        now: i64,
    ) -> (Vec<Dkim>, Arc) {
        let verifiable: Vec<bool> = signed.dkim.iter().map(|l| l.verifiable.is_some()).collect();
        let (mut message, mut dkim, chain) = signed.into_verifiable(now, digests);
        let mut arc = chain.shown();
        let passed_before = chain.passed_before();
        let has_chain = matches!(chain, Chain::Sets { .. });
        chain.into_message(&mut message, now);

        let awaiting = dkim.iter_mut().zip(verifiable).filter(|(_, verifiable)| *verifiable);
        for ((shown, _), (result, reason)) in awaiting.zip(self.verify_dkim(&message, keys)) {
            shown.result = result;
            shown.reason = reason;
        }
        if has_chain {
            (arc.result, arc.reason) = self.verify_arc(&message, keys);
            arc.passed_before = arc.result == AuthResult::Pass && passed_before;
        }
        (dkim, arc)
    }

    /// A result and its reason for each of `message.dkim_headers`, in their order.
    fn verify_dkim(
        &self,
        message: &AuthenticatedMessage<'_>,
        keys: &Keys,
    ) -> Vec<(AuthResult, String)> {
        if message.dkim_headers.is_empty() {
            return Vec::new();
        }
        let parameters = Parameters::new(message).with_txt_cache(keys);
        // Nothing in it can wait: all keys are in the cache.
        let output = self
            .verifier
            .as_ref()
            .and_then(|verifier| verifier.verify_dkim(parameters).now_or_never())
            .unwrap_or_default();
        let mut results = output.iter().map(|output| dkim_result(output.result()));
        message
            .dkim_headers
            .iter()
            .map(|field| match keys.bits(&field.header) {
                // A signature that any laptop can forge proves nothing, whether or not it fits.
                Some(bits @ 1..FEWEST_BITS) => {
                    results.next();
                    (AuthResult::Neutral, format!("the key has {bits} bits only"))
                }
                _ => results.next().unwrap_or_else(unverified_yet),
            })
            .collect()
    }

    fn verify_arc(&self, message: &AuthenticatedMessage<'_>, keys: &Keys) -> (AuthResult, String) {
        let parameters = Parameters::new(message).with_txt_cache(keys);
        self.verifier
            .as_ref()
            .and_then(|verifier| verifier.verify_arc(parameters).now_or_never())
            .map_or_else(unverified_yet, |output| seal::result(output.result()))
    }
}

fn unverified_yet() -> (AuthResult, String) {
    (AuthResult::TempError, "not verified".to_owned())
}

/// What is shown while keys, or fields, are missing.
fn unverified(signed: Signed<'_>, reason: &str) -> (Vec<Dkim>, Arc) {
    let mut arc = signed.chain.shown();
    if arc.result == AuthResult::TempError {
        reason.clone_into(&mut arc.reason);
    }
    let shown = signed.dkim.into_iter().map(|looked| match looked.verifiable {
        Some(_) => {
            Dkim { result: AuthResult::TempError, reason: reason.to_owned(), ..looked.shown }
        }
        None => looked.shown,
    });
    (shown.collect(), arc)
}

fn domain_of(author: &Author) -> Option<&str> {
    match author {
        Author::One(domain) | Author::Many(domain) => Some(domain),
        Author::Nobody => None,
    }
}

/// mail-auth's result in RFC 8601's words (section 2.7.1), with the reason.
fn dkim_result(result: &DkimResult) -> (AuthResult, String) {
    match result {
        DkimResult::Pass => (AuthResult::Pass, String::new()),
        DkimResult::None => (AuthResult::None, String::new()),
        DkimResult::TempError(_) => (AuthResult::TempError, "no answer for its key".to_owned()),
        DkimResult::PermError(error) | DkimResult::Fail(error) | DkimResult::Neutral(error) => {
            (failed(error), reason(error))
        }
    }
}

const fn failed(error: &Error) -> AuthResult {
    match error {
        Error::Dkim(DkimError::FailedBodyHashMatch | DkimError::FailedAuidMatch)
        | Error::Crypto(CryptoError::FailedVerification) => AuthResult::Fail,
        Error::Dkim(DkimError::SignatureExpired) => AuthResult::Neutral,
        _ => AuthResult::PermError,
    }
}

fn reason(error: &Error) -> String {
    let words = match error {
        Error::Dkim(DkimError::FailedBodyHashMatch) => "the body was changed",
        Error::Dkim(DkimError::FailedAuidMatch) => "i= is outside d=",
        Error::Dkim(DkimError::SignatureExpired) => "the signature has expired",
        Error::Dkim(DkimError::RevokedPublicKey) => "the key was revoked",
        Error::Crypto(CryptoError::FailedVerification) => {
            "a signed field was changed, or the key is another"
        }
        Error::Crypto(CryptoError::IncompatibleAlgorithms) => "the key is of another algorithm",
        Error::Dns(DnsError::RecordNotFound(_)) => "no key is published",
        Error::Dns(DnsError::InvalidRecordType) => "the key record is malformed",
        other => return other.to_string(),
    };
    words.to_owned()
}
