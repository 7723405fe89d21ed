//! Signatures of the senders, and the keys that they publish.

use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{Canonicalization, DkimSigner};

#[path = "../../../crates/checks/tests/data/ed25519.rs"]
pub(crate) mod ed25519;

/// Signs in tests and benches and nowhere else.
const RSA: &str = include_str!("../../../crates/checks/tests/data/rsa2048.pem");
const RSA_PUBLIC: &str = include_str!("rsa2048.pub");

/// The record of the RSA key.
pub(crate) fn rsa_record() -> String {
    format!("v=DKIM1; k=rsa; p={}", RSA_PUBLIC.trim())
}

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
    let key = Ed25519Key::from_seed_and_public_key(&ed25519::SEED, &ed25519::PUBLIC).unwrap();
    let signer = DkimSigner::from_key(key).domain(domain).selector("ed").headers(SIGNED);
    let signer = signer
        .header_canonicalization(Canonicalization::Relaxed)
        .body_canonicalization(Canonicalization::Relaxed);
    format!("{}{mail}", signer.sign(mail.as_bytes()).unwrap().to_header())
}
