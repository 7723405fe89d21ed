//! The part of a host name that somebody registered, by the public suffix list.

use std::net::Ipv4Addr;

/// The registered (organisational) domain of `host`: one label more than its public suffix, as
/// DMARC (RFC 7489, section 3.2) and domain lists use it. `None` for addresses and public suffixes.
///
/// Expects lower case; a final dot is ignored.
#[must_use]
pub fn registered_domain(host: &str) -> Option<&str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let ends_in_digit = host.as_bytes().last().is_some_and(u8::is_ascii_digit);
    if ends_in_digit && host.parse::<Ipv4Addr>().is_ok() || host.contains(['[', ':', '@', ' ']) {
        return None;
    }
    psl::domain_str(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registered_domain_has_one_label_more_than_its_suffix() {
        for (host, expect) in [
            ("mail.example.co.uk", Some("example.co.uk")),
            ("example.org.", Some("example.org")),
            ("co.uk", None),
            ("a.b.unknowntld", Some("b.unknowntld")),
            ("192.0.2.7", None),
            ("[2001:db8::1]", None),
            ("localhost", None),
            ("", None),
        ] {
            assert_eq!(registered_domain(host), expect, "{host}");
        }
    }
}
