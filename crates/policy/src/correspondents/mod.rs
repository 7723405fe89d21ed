//! Known correspondents: whom users have written to, and what they sent.
//!
//! An outgoing message tells that its sender wants to hear of its recipients ([`Sent`]), or of a list that
//! he joins; an incoming one is compared with that ([`Memory::known`]). Addresses and Message-IDs are kept as tags under a key
//! of this site, and forgotten after a time: the store tells nobody who writes to whom.
//!
//! Only who is proved to be the author counts ([`tidegate_checks::authentication::Authentication::proved_author`]),
//! and of a list what its own domain says, so that nobody gains by guessing whom a user writes to.
//!
//! Invariant: what is remembered is bounded, for the site and for what one user can add in a day; when
//! the store fails, nobody is known, and no mail waits for it.

mod config;
mod lists;
mod memory;
mod sent;
mod wish;

pub use config::Config;
pub use memory::{Memory, Noted};
pub use sent::Sent;

use tidegate_mail::Address;

/// An address as it is compared: in lower case, without a sub-address (RFC 5233, section 4).
fn folded(address: &Address) -> String {
    let local = address.local();
    let local = match local.find('+') {
        Some(at) if at > 0 => &local[..at],
        _ => local,
    };
    let domain = address.domain().unwrap_or_default();
    format!("{}@{domain}", local.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_compared_without_case_and_sub_address() {
        for (text, expect) in [
            ("Anna+Shop@Example.org", "anna@example.org"),
            ("+anna@example.org", "+anna@example.org"),
            ("anna", "anna@"),
        ] {
            assert_eq!(folded(&Address::new(text)), expect);
        }
    }
}
