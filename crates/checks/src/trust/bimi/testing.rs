//! A certificate authority for marks, which certifies whatever a test writes down.
//!
//! Invariant: what a test doesn't change is as it should be, so that one thing alone is wrong.

#![allow(clippy::expect_used, reason = "a mistake in a test should end that test, loudly")]

use std::io::Write;

use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use ring::digest::{SHA256, digest};

/// A picture within the limits of the profile.
pub const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.2\" baseProfile=\"tiny-ps\" \
    viewBox=\"0 0 10 10\"><title>Shop</title><circle cx=\"5\" cy=\"5\" r=\"4\"/></svg>";

const BRAND_INDICATOR: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 3, 31];
const SHA256_OID: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];

/// A root, and an authority below it that issues.
pub struct Authority {
    root: CertificateParams,
    root_key: KeyPair,
    /// The root's certificate, in PEM.
    pub root_pem: String,
    /// Bytes of the extended key usage of the issuing authority.
    pub usage: Vec<u64>,
    /// The issuing authority is one.
    pub may_issue: bool,
}

/// A mark certificate to be issued.
#[derive(Debug, Clone)]
pub struct Mark<'t> {
    /// Its alternative names.
    pub names: Vec<&'t str>,
    /// What kind of mark it says it is.
    pub kind: Option<&'t str>,
    /// What it may be used for.
    pub usage: &'t [u64],
    /// The policy by which it is issued.
    pub policy: &'t [u64],
    /// First and last year.
    pub years: (i32, i32),
    /// Its picture.
    pub logo: Option<Logo>,
    /// The version of the log's timestamp in it.
    pub logged: Option<u8>,
}

impl Default for Mark<'_> {
    fn default() -> Self {
        Self {
            names: vec!["shop.example"],
            kind: Some("Registered Mark"),
            usage: BRAND_INDICATOR,
            policy: &[1, 3, 6, 1, 4, 1, 53087, 1, 1],
            years: (2000, 2100),
            logo: Some(Logo::default()),
            logged: Some(0),
        }
    }
}

/// A logotype.
#[derive(Debug, Clone)]
pub struct Logo {
    /// The document.
    pub svg: String,
    /// Its type.
    pub media_type: &'static str,
    /// Whether it is carried compressed.
    pub compressed: bool,
    /// Whether the digest is of the document and not of what is carried.
    pub of_expanded: bool,
    /// Of what else the digest is.
    pub digest_of: Option<String>,
    /// What kind of digest it is said to be.
    pub digest_kind: &'static [u64],
}

impl Default for Logo {
    fn default() -> Self {
        Self {
            svg: SVG.to_owned(),
            media_type: "image/svg+xml",
            compressed: true,
            of_expanded: false,
            digest_of: None,
            digest_kind: SHA256_OID,
        }
    }
}

impl Logo {
    /// The value of the extension.
    #[must_use]
    pub fn extension(&self) -> Vec<u8> {
        let carried = match self.compressed {
            true => packed(self.svg.as_bytes()),
            false => self.svg.clone().into_bytes(),
        };
        let digested: &[u8] = match &self.digest_of {
            Some(other) => other.as_bytes(),
            None if self.of_expanded => self.svg.as_bytes(),
            None => &carried,
        };
        let uri = format!("data:image/svg+xml;base64,{}", BASE64.encode(&carried));
        let hash = digest(&SHA256, digested);
        let algorithm = sequence(&[element(0x06, &object_identifier(self.digest_kind))]);
        let hashes = sequence(&[sequence(&[algorithm, element(0x04, hash.as_ref())])]);
        let locations = sequence(&[element(0x16, uri.as_bytes())]);
        let details = sequence(&[element(0x16, self.media_type.as_bytes()), hashes, locations]);
        let data = element(0xa0, &sequence(&[sequence(&[details])]));
        sequence(&[element(0xa2, &data)])
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new("Marks Root")
    }
}

impl Authority {
    /// With a root of that name.
    ///
    /// # Panics
    /// When no key can be made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut root = CertificateParams::default();
        root.distinguished_name = named(name);
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root_key = KeyPair::generate().expect("a key");
        let root_pem = root.self_signed(&root_key).expect("a root").pem();
        Self { root, root_key, root_pem, usage: BRAND_INDICATOR.to_vec(), may_issue: true }
    }

    /// Issues a certificate; with the one of the issuing authority, in PEM.
    ///
    /// # Panics
    /// When it can't be written.
    #[must_use]
    pub fn issue(&self, mark: &Mark<'_>) -> String {
        let root = Issuer::from_params(&self.root, &self.root_key);
        let mut above = CertificateParams::default();
        above.distinguished_name = named("Marks Authority");
        if self.may_issue {
            above.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        }
        above.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(self.usage.clone())];
        let above_key = KeyPair::generate().expect("a key");
        let above_pem = above.signed_by(&above_key, &root).expect("an authority").pem();

        let mut leaf = CertificateParams::default();
        leaf.distinguished_name = named("Shop Inc");
        if let Some(kind) = mark.kind {
            let attribute = DnType::CustomDnType(vec![1, 3, 6, 1, 4, 1, 53087, 1, 13]);
            leaf.distinguished_name.push(attribute, kind);
        }
        let name = |name: &&str| SanType::DnsName((*name).try_into().expect("a name"));
        leaf.subject_alt_names = mark.names.iter().map(name).collect();
        leaf.not_before = date_time_ymd(mark.years.0, 1, 1);
        leaf.not_after = date_time_ymd(mark.years.1, 1, 1);
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(mark.usage.to_vec())];
        let policy = sequence(&[sequence(&[element(0x06, &object_identifier(mark.policy))])]);
        leaf.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 32], policy)];
        if let Some(logo) = &mark.logo {
            let oid = [1, 3, 6, 1, 5, 5, 7, 1, 12];
            leaf.custom_extensions.push(CustomExtension::from_oid_content(&oid, logo.extension()));
        }
        if let Some(version) = mark.logged {
            let oid = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
            let content = element(0x04, &timestamps(version));
            leaf.custom_extensions.push(CustomExtension::from_oid_content(&oid, content));
        }
        let leaf_key = KeyPair::generate().expect("a key");
        let issuer = Issuer::from_params(&above, &above_key);
        leaf.signed_by(&leaf_key, &issuer).expect("a certificate").pem() + &above_pem
    }
}

/// A list with one timestamp (RFC 6962, section 3.3), which no log has signed.
fn timestamps(version: u8) -> Vec<u8> {
    let log = [7; 32];
    let time = 1_700_000_000_000_u64.to_be_bytes();
    let (no_extensions, signature) = ([0, 0], [4, 3, 0, 2, 1, 2]);
    let timestamp = [&[version][..], &log, &time, &no_extensions, &signature].concat();
    let measured = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).expect("a length").to_be_bytes();
        [&length[..], bytes].concat()
    };
    measured(&measured(&timestamp))
}

fn named(name: &str) -> DistinguishedName {
    let mut full = DistinguishedName::new();
    full.push(DnType::OrganizationName, name);
    full
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// An element in DER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let length = match u8::try_from(length) {
        Ok(short @ ..=0x7f) => vec![short],
        _ => {
            let bytes = length.to_be_bytes();
            let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
            let count = u8::try_from(bytes.len()).expect("a length");
            [&[0x80 | count], bytes].concat()
        }
    };
    [&[tag], &length[..], content].concat()
}

fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &elements.concat())
}

/// The content of an object identifier.
fn object_identifier(arcs: &[u64]) -> Vec<u8> {
    let mut content = Vec::new();
    let first = std::iter::once(arcs[0] * 40 + arcs[1]);
    for arc in first.chain(arcs[2..].iter().copied()) {
        let groups = (1..10).take_while(|group| arc >> (7 * group) > 0).count();
        let group = |at: usize| ((arc >> (7 * at)) & 0x7f) as u8;
        content.extend((1..=groups).rev().map(|at| 0x80 | group(at)));
        content.push(group(0));
    }
    content
}
