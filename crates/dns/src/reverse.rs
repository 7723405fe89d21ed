//! Addresses as names: octets or nibbles in reverse (RFC 1035, section 3.5; RFC 5782, sections 2.1
//! and 2.4).
//!
//! Invariant: an IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.

use std::net::IpAddr;

/// `1.2.0.192` for 192.0.2.1, or the 32 nibbles of an IPv6 address.
pub(crate) fn reversed(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let mut text = String::with_capacity(15);
            for octet in v4.octets().into_iter().rev() {
                push_dot(&mut text);
                for unit in [100, 10, 1] {
                    if octet >= unit || unit == 1 {
                        text.push(char::from(b'0' + octet / unit % 10));
                    }
                }
            }
            text
        }
        IpAddr::V6(v6) => {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            let mut text = String::with_capacity(63);
            for octet in v6.octets().into_iter().rev() {
                for nibble in [octet & 0xf, octet >> 4] {
                    push_dot(&mut text);
                    text.push(char::from(DIGITS[usize::from(nibble)]));
                }
            }
            text
        }
    }
}

fn push_dot(text: &mut String) {
    if !text.is_empty() {
        text.push('.');
    }
}

/// The name that PTR records of `address` stand at.
pub(crate) fn arpa(address: IpAddr) -> String {
    let zone = if address.to_canonical().is_ipv4() { "in-addr.arpa" } else { "ip6.arpa" };
    format!("{}.{zone}", reversed(address))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    /// Reads a reversed address again, to see that nothing was lost.
    fn forward(reversed: &str) -> IpAddr {
        let parts: Vec<&str> = reversed.rsplit('.').collect();
        if let &[a, b, c, d] = parts.as_slice() {
            return IpAddr::V4([a, b, c, d].map(|part| part.parse::<u8>().unwrap()).into());
        }
        assert_eq!(parts.len(), 32);
        IpAddr::V6(Ipv6Addr::from(u128::from_str_radix(&parts.concat(), 16).unwrap()))
    }

    #[test]
    fn an_address_is_reversed_by_octet_or_nibble() {
        assert_eq!(reversed("192.0.2.1".parse().unwrap()), "1.2.0.192");
        assert_eq!(reversed("::ffff:192.0.2.1".parse().unwrap()), "1.2.0.192");
        assert_eq!(
            arpa("2001:db8::567:89ab".parse().unwrap()),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
    }

    proptest! {
        #[test]
        fn reversing_loses_nothing(v4: u32, v6: u128) {
            let v4 = IpAddr::V4(Ipv4Addr::from(v4));
            prop_assert_eq!(forward(&reversed(v4)), v4);
            let v6 = IpAddr::V6(Ipv6Addr::from(v6)).to_canonical();
            prop_assert_eq!(forward(&reversed(v6)), v6);
        }
    }
}
