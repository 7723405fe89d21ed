//! Real parts for the end-to-end tests: the built daemon, a throwaway Postfix, and mail.
//!
//! Everything listens on loopback, lives below one temporary folder, and ends with its value.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test binary uses its part of it"
)]

pub mod account;
pub mod browser;
pub mod bucket;
pub mod corpus;
pub mod daemon;
pub mod five;
pub mod load;
pub mod mounted;
pub mod outcomes;
pub mod postfix;
pub mod redis;
pub mod sendmail;
pub mod signed;
pub mod site;
pub mod smtp;
pub mod tls;

use std::net::TcpListener;
use std::path::PathBuf;

/// A loopback port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A message of `tests/mail`.
pub fn mail(name: &str) -> String {
    std::fs::read_to_string(root().join("tests/mail").join(name)).unwrap()
}

/// Says why a test can't run here; where everything is required, that is a failure.
pub fn skip(why: &str) {
    assert!(std::env::var_os("TIDEGATE_REQUIRE_ALL").is_none(), "required, but {why}");
    eprintln!("skipped: {why}");
}
