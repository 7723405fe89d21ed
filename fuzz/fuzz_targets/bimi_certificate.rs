//! Whatever is fetched is verified or refused, as text and as the certificates in it; nothing holds that was
//! not issued below the root.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tidegate_checks::trust::bimi::certificate::{Evidence, Roots};
use tidegate_checks::trust::bimi::testing::{Authority, Mark};

static ISSUED: LazyLock<(Roots, String)> = LazyLock::new(|| {
    let authority = Authority::default();
    let mut roots = Roots::default();
    roots.add(authority.root_pem.as_bytes()).unwrap();
    (roots, authority.issue(&Mark::default()))
});

fuzz_target!(|input: (u16, Vec<u8>)| {
    let (roots, chain) = &*ISSUED;
    let (at, bytes) = input;
    let _ = Roots::default().add(&bytes);
    assert!(!matches!(roots.verify(&bytes, 1_800_000_000), Evidence::Holds(_)));
    // One that was issued, with other bytes somewhere in it.
    let at = usize::from(at) % chain.len();
    let mut changed = chain.clone().into_bytes();
    let end = changed.len().min(at + bytes.len());
    changed.splice(at..end, bytes);
    if let Evidence::Holds(certificate) = roots.verify(&changed, 1_800_000_000) {
        assert_eq!(certificate.names, ["shop.example"]);
    }
});
