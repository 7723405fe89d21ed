//! Mark certificates: whether one leads to a root that is trusted here, and what it vouches for
//! (draft-fetch-validation-vmc-wchuang, section 5).
//!
//! The path is found and verified by rustls-webpki (RFC 5280, section 6.1: signatures, validity, basic
//! constraints, length of the path, name constraints, extended key usage in each certificate);
//! x509-parser reads what is particular to marks. That a certificate was logged (Certificate Transparency,
//! RFC 6962) is taken from its issuer's word: a timestamp of a log must be in it, as the policy of marks asks,
//! while the log's signature over it is not verified, for want of a list of logs. Revocation lists are not
//! looked at, which would be further connections: a revoked certificate serves until it expires.
//!
//! Invariant: only a certificate that leads to a root of the configuration says anything for or against
//! anybody.

use std::time::Duration;

use ring::digest::{Context, SHA256, digest};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use serde::{Deserialize, Serialize};
use webpki::{EndEntityCert, Error, KeyUsage, VerifiedPath, anchor_from_trusted_cert};
use x509_parser::asn1_rs::{FromDer, Oid, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{CtVersion, GeneralName, ParsedExtension};
use x509_parser::x509::X509Name;

use super::logotype::{LOGOTYPE, subject_svg};
use super::svg::{self, Unfit};

/// Bytes of a chain in PEM. A certificate with a picture of 32 KiB has some 60 KiB.
pub const MOST_BYTES: usize = 256 * 1_024;
/// Certificates of a chain.
const MOST_CERTIFICATES: usize = 8;
/// Names that one certificate may have.
const MOST_NAMES: usize = 250;
/// Letters of a name that is shown.
const LONGEST_NAME: usize = 100;

/// `id-kp-BrandIndicatorforMessageIdentification`, 1.3.6.1.5.5.7.3.31.
const BRAND_INDICATOR: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 31];
/// The policy under which mark certificates are issued.
const MARK_POLICY: Oid<'static> = oid!(1.3.6.1.4.1.53087.1.1);
/// The subject's attribute that tells what kind of mark it is.
const MARK_TYPE: Oid<'static> = oid!(1.3.6.1.4.1.53087.1.13);

/// What is known of a mark certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// It was not fetched yet, or could not be.
    Unknown,
    /// It holds.
    Holds(Box<MarkCertificate>),
    /// It does not.
    Fails(Failure),
}

/// A certificate that leads to a trusted root, and what it vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkCertificate {
    /// Domains, and names such as `default._bimi.shop.example`; in lower case.
    pub names: Vec<String>,
    /// Who has certified the mark.
    pub certifier: String,
    /// Whose mark it is.
    pub holder: String,
    /// How firmly it is theirs.
    pub kind: MarkKind,
    /// From when on it is valid, with the whole path, in seconds since 1970, UTC.
    pub not_before: i64,
    /// Until when.
    pub not_after: i64,
    /// SHA-256 of the picture, expanded, in hexadecimal.
    pub indicator: String,
}

/// Kinds of marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    /// A registered trademark, or the mark of a government: a Verified Mark Certificate (VMC).
    Verified,
    /// A mark that was in use for a year, or one derived from a registered one: a Common Mark
    /// Certificate (CMC).
    Common,
    /// Not said.
    Unsaid,
}

/// Why a certificate does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whether somebody claims what a trusted certifier has not said; else it proves nothing, as one
    /// that has expired or is by somebody unknown.
    pub denied: bool,
    /// In words.
    pub reason: String,
}

/// The roots that mark certificates may lead to.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    anchors: Vec<TrustAnchor<'static>>,
    /// Each certificate's digest.
    digests: Vec<[u8; 32]>,
}

/// A file that can't be used for roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RootsError {
    /// No certificate in PEM.
    #[error("holds no certificate in PEM")]
    Empty,
    /// One that can't be read.
    #[error("holds a certificate that can't be read")]
    Malformed,
}

impl Roots {
    /// Adds the certificates of a file in PEM.
    ///
    /// # Errors
    /// When there is none, or one can't be read; then none is added.
    pub fn add(&mut self, pem: &[u8]) -> Result<(), RootsError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = read.map_err(|_| RootsError::Malformed)?;
        if certificates.is_empty() {
            return Err(RootsError::Empty);
        }
        let anchor = |it| anchor_from_trusted_cert(it).map(|anchor| anchor.to_owned());
        let anchors: Result<Vec<_>, _> = certificates.iter().map(anchor).collect();
        self.anchors.extend(anchors.map_err(|_| RootsError::Malformed)?);
        for certificate in &certificates {
            let digest = digest(&SHA256, certificate);
            self.digests.extend(<[u8; 32]>::try_from(digest.as_ref()));
        }
        self.digests.sort_unstable();
        Ok(())
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// A name of the whole, by which what was verified by other roots is told apart.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        self.digests.iter().for_each(|digest| context.update(digest));
        context.finish().as_ref().try_into().unwrap_or_default()
    }

    /// Verifies a chain in PEM, the mark certificate first, at `now`, in seconds since 1970, UTC.
    #[must_use]
    pub fn verify(&self, pem: &[u8], now: i64) -> Evidence {
        match self.certificate(pem, now) {
            Ok(certificate) => Evidence::Holds(Box::new(certificate)),
            Err(failure) => Evidence::Fails(failure),
        }
    }

    fn certificate(&self, pem: &[u8], now: i64) -> Result<MarkCertificate, Failure> {
        let mut chain = chain(pem)?;
        // A root that is carried along is none of ours, and would only hide why the path ends.
        chain.retain(|certificate| !is_self_issued(certificate));
        let [leaf, above @ ..] = &chain[..] else {
            return Err(proves_nothing("no mark certificate is there"));
        };
        let entity = EndEntityCert::try_from(leaf).map_err(|error| unverified(&error))?;
        let now = u64::try_from(now).unwrap_or(0);
        let path = entity
            .verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                &self.anchors,
                above,
                UnixTime::since_unix_epoch(Duration::from_secs(now)),
                KeyUsage::required(BRAND_INDICATOR),
                None,
                None,
            )
            .map_err(|error| unverified(&error))?;
        let (not_before, not_after) = validity(&path, leaf);
        let leaf = parsed(leaf).ok_or_else(|| denied("the certificate can't be read"))?;
        if !has_policy(&leaf) {
            return Err(denied("the certificate is not issued by the policy of marks"));
        }
        if !has_timestamp(&leaf) {
            return Err(proves_nothing("the certificate does not say in which log it is"));
        }
        let names = names(&leaf)?;
        let logotype = leaf.extensions().iter().find(|extension| extension.oid == LOGOTYPE);
        let logotype = logotype.ok_or_else(|| denied("the certificate has no logotype"))?;
        let document = subject_svg(logotype.value).map_err(denied)?;
        match svg::inspect(&document) {
            Ok(_) => {}
            Err(Unfit::Active(why)) => return Err(denied(why)),
            Err(Unfit::OutsideProfile(why)) => return Err(proves_nothing(why)),
        }
        Ok(MarkCertificate {
            names,
            certifier: organization(leaf.issuer()),
            holder: organization(leaf.subject()),
            kind: kind(leaf.subject()),
            not_before,
            not_after,
            indicator: hexadecimal(digest(&SHA256, &document).as_ref()),
        })
    }
}

impl MarkCertificate {
    /// Whether it vouches for the record of `selector` at `domain`, both in lower case and ASCII.
    #[must_use]
    pub fn names(&self, selector: &str, domain: &str) -> bool {
        let organisation = tidegate_mail::registered_domain(domain);
        std::iter::once(domain).chain(organisation).any(|domain| {
            let with_selector = format!("{selector}._bimi.{domain}");
            self.names.iter().any(|name| name == domain || *name == with_selector)
        })
    }

    /// Whether it is valid at `now`, in seconds since 1970, UTC.
    #[must_use]
    pub const fn is_valid(&self, now: i64) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

impl MarkKind {
    /// As certificates of the kind are called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "VMC",
            Self::Common => "CMC",
            Self::Unsaid => "mark certificate",
        }
    }
}

fn denied(reason: &str) -> Failure {
    Failure { denied: true, reason: reason.to_owned() }
}

fn proves_nothing(reason: &str) -> Failure {
    Failure { denied: false, reason: reason.to_owned() }
}

/// The certificates in `pem`, in their order.
fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Failure> {
    if pem.len() > MOST_BYTES {
        return Err(proves_nothing("the certificate is too large"));
    }
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(pem).take(MOST_CERTIFICATES + 1).collect();
    match certificates {
        Ok(chain) if chain.len() > MOST_CERTIFICATES => {
            Err(proves_nothing("the chain of certificates is too long"))
        }
        Ok(chain) => Ok(chain),
        Err(_) => Err(proves_nothing("the certificate can't be read")),
    }
}

/// What a path that can't be verified means. Whatever stops short of a trusted root says nothing: anybody
/// can write it.
fn unverified(error: &Error) -> Failure {
    match error {
        Error::CertExpired { .. } => proves_nothing("the certificate has expired"),
        Error::CertNotValidYet { .. } => proves_nothing("the certificate is not valid yet"),
        Error::UnknownIssuer => proves_nothing("no trusted root has issued the certificate"),
        Error::RequiredEkuNotFoundContext(_) => {
            proves_nothing("the certificate is not for brand indicators")
        }
        other => proves_nothing(&format!("the certificate can't be verified: {other:?}")),
    }
}

/// The time in which all certificates of the path are valid. Roots are trusted as long as they are
/// configured.
fn validity(path: &VerifiedPath<'_>, leaf: &CertificateDer<'_>) -> (i64, i64) {
    let intermediates = path.intermediate_certificates().map(|it| it.der().to_vec());
    let all = std::iter::once(leaf.to_vec()).chain(intermediates);
    all.fold((i64::MIN, i64::MAX), |(from, until), certificate| {
        let Some(certificate) = parsed(&certificate) else { return (from, i64::MIN) };
        let validity = certificate.validity();
        (from.max(validity.not_before.timestamp()), until.min(validity.not_after.timestamp()))
    })
}

fn parsed(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate)
}

fn is_self_issued(certificate: &[u8]) -> bool {
    parsed(certificate).is_some_and(|it| it.subject().as_raw() == it.issuer().as_raw())
}

fn has_policy(leaf: &X509Certificate<'_>) -> bool {
    leaf.extensions().iter().any(|extension| match extension.parsed_extension() {
        ParsedExtension::CertificatePolicies(policies) => {
            policies.iter().any(|policy| policy.policy_id == MARK_POLICY)
        }
        _ => false,
    })
}

/// Whether a timestamp of a log is in it (RFC 6962, section 3.3), of the version that there is.
fn has_timestamp(leaf: &X509Certificate<'_>) -> bool {
    leaf.extensions().iter().any(|extension| match extension.parsed_extension() {
        ParsedExtension::SCT(timestamps) => timestamps.iter().any(|it| it.version == CtVersion::V1),
        _ => false,
    })
}

/// The subject's alternative names in DNS.
fn names(leaf: &X509Certificate<'_>) -> Result<Vec<String>, Failure> {
    let names = leaf.extensions().iter().filter_map(|it| match it.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
        _ => None,
    });
    let names = names.flatten().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.trim_end_matches('.').to_ascii_lowercase()),
        _ => None,
    });
    let names: Vec<String> = names.take(MOST_NAMES + 1).collect();
    match names.len() {
        0 => Err(denied("the certificate names no domain")),
        1..=MOST_NAMES => Ok(names),
        _ => Err(proves_nothing("the certificate has too many names")),
    }
}

fn kind(subject: &X509Name<'_>) -> MarkKind {
    let stated = subject.iter_by_oid(&MARK_TYPE).find_map(|it| it.as_str().ok());
    match stated.map(str::to_ascii_lowercase).as_deref() {
        Some("registered mark" | "government mark") => MarkKind::Verified,
        Some(_) => MarkKind::Common,
        None => MarkKind::Unsaid,
    }
}

/// The organisation that a name tells, else its common name.
fn organization(name: &X509Name<'_>) -> String {
    let mut stated = name.iter_organization().chain(name.iter_common_name());
    let stated = stated.find_map(|it| it.as_str().ok()).unwrap_or_default();
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    stated.chars().map(printable).take(LONGEST_NAME).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
