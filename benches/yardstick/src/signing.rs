//! Signatures of the senders, and the keys that they publish.

use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{Canonicalization, DkimSigner};

/// Signs in tests and benches and nowhere else.
const RSA: &str = include_str!("../../../crates/checks/tests/data/rsa2048.pem");
const RSA_PUBLIC: &str = include_str!("rsa2048.pub");

/// The record of the RSA key.
pub(crate) fn rsa_record() -> String {
    format!("v=DKIM1; k=rsa; p={}", RSA_PUBLIC.trim())
}

/// RFC 8032, section 7.1, test 1.
const ED25519_SEED: [u8; 32] = [
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
    0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
];
const ED25519: [u8; 32] = [
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
    0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];
pub(crate) const ED25519_RECORD: &str =
    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// Fields that are signed where a message has them.
const SIGNED: [&str; 12] = [
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "List-Id",
    "List-Unsubscribe",
];

/// `mail` with a signature of `domain` on top, with an RSA key of 2,048 bits, as most are.
pub(crate) fn with_rsa(mail: &str, domain: &str) -> String {
    #[allow(deprecated, reason = "spares a dependency on the key format's crate")]
    let key = RsaKey::<Sha256>::from_rsa_pem(RSA).unwrap();
    let signer = DkimSigner::from_key(key).domain(domain).selector("s2026").headers(SIGNED);
    let signer = signer
        .header_canonicalization(Canonicalization::Relaxed)
        .body_canonicalization(Canonicalization::Relaxed);
    format!("{}{mail}", signer.sign(mail.as_bytes()).unwrap().to_header())
}

/// The same with an Ed25519 key (RFC 8463).
pub(crate) fn with_ed25519(mail: &str, domain: &str) -> String {
    let key = Ed25519Key::from_seed_and_public_key(&ED25519_SEED, &ED25519).unwrap();
    let signer = DkimSigner::from_key(key).domain(domain).selector("ed").headers(SIGNED);
    let signer = signer
        .header_canonicalization(Canonicalization::Relaxed)
        .body_canonicalization(Canonicalization::Relaxed);
    format!("{}{mail}", signer.sign(mail.as_bytes()).unwrap().to_header())
}
