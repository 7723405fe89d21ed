//! Names that providers give by the thousand, to the lines of their customers: mail servers have
//! names that someone chose.
//!
//! Invariant: a name that says `mail`, `smtp`, `static` and the like is a chosen one, whatever else
//! it says.

use std::net::IpAddr;

use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::{Check, Known, Stage};

/// The reverse name is that of a dial-up, cable or mobile line.
pub static REVERSE_NAME_DYNAMIC: SignalDef = SignalDef::new(
    "REVERSE_NAME_DYNAMIC",
    Family::Client,
    1.5,
    "The client's name is that of a customer's line, not of a mail server",
);
/// The reverse name is the address spelt out.
pub static REVERSE_NAME_GENERIC: SignalDef = SignalDef::new(
    "REVERSE_NAME_GENERIC",
    Family::Client,
    0.5,
    "The client's name is its address spelt out",
);
/// The client itself gives such a name.
pub static HELO_DYNAMIC: SignalDef = SignalDef::new(
    "HELO_DYNAMIC",
    Family::Client,
    1.5,
    "The client presents itself with the name of a customer's line",
);

/// Looks at the shape of the client's names.
#[derive(Default)]
pub struct DynamicName;

impl Check for DynamicName {
    const KEY: &'static str = "client.dynamic_name";
    const STAGE: Stage = Stage::Helo;
    const RAISES: &'static [&'static SignalDef] =
        &[&REVERSE_NAME_DYNAMIC, &REVERSE_NAME_GENERIC, &HELO_DYNAMIC];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(client) = known.stranger() else { return };
        let looked_up = known.authentication.and_then(|found| found.iprev.name.as_deref());
        let reverse = known.envelope.client_name.as_deref().or(looked_up);
        if let Some(name) = reverse {
            match shape(name, client) {
                Shape::Dynamic => signals.raise(&REVERSE_NAME_DYNAMIC, name),
                Shape::Generic => signals.raise(&REVERSE_NAME_GENERIC, name),
                Shape::Chosen => {}
            }
        }
        if let Some(helo) = &known.envelope.helo
            && shape(helo, client) == Shape::Dynamic
        {
            signals.raise(&HELO_DYNAMIC, helo.as_str());
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A line's name.
    Dynamic,
    /// The address, and nothing that says what for.
    Generic,
    /// Anything else.
    Chosen,
}

/// Words of a name that someone chose.
const CHOSEN: [&str; 17] = [
    "mail",
    "smtp",
    "mx",
    "mta",
    "out",
    "outbound",
    "relay",
    "static",
    "sta",
    "stat",
    "fixed",
    "server",
    "srv",
    "vps",
    "dedicated",
    "newsletter",
    "business",
];

/// Words that name a customer's line even alone, given a number beside them.
const LINES: [&str; 24] = [
    "dynamic",
    "dyn",
    "dynip",
    "dhcp",
    "dial",
    "dialup",
    "dialin",
    "ppp",
    "pppoe",
    "adsl",
    "dsl",
    "vdsl",
    "xdsl",
    "catv",
    "cablemodem",
    "broadband",
    "pool",
    "pools",
    "cpe",
    "ftth",
    "gprs",
    "residential",
    "modem",
    "docsis",
];

/// Words that do so where the address is spelt out beside them.
const WITH_ADDRESS: [&str; 16] = [
    "cable",
    "client",
    "clients",
    "customer",
    "customers",
    "cust",
    "user",
    "users",
    "home",
    "res",
    "mobile",
    "wifi",
    "wlan",
    "lte",
    "fiber",
    "fibre",
];

fn shape(name: &str, client: IpAddr) -> Shape {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let Some(domain) = tidegate_mail::registered_domain(&name) else { return Shape::Chosen };
    // A provider may be called what it likes; the words count in what stands before its domain.
    let host = name.strip_suffix(domain).unwrap_or_default().trim_end_matches('.');
    let has = |list: &[&str]| words(host).any(|word| list.contains(&word));
    let spelt_out = spells(host, client);
    if has(&CHOSEN) {
        Shape::Chosen
    } else if has(&LINES) && host.bytes().any(|b| b.is_ascii_digit())
        || spelt_out && has(&WITH_ADDRESS)
    {
        Shape::Dynamic
    } else if spelt_out {
        Shape::Generic
    } else {
        Shape::Chosen
    }
}

/// Runs of letters: `adsl-pool12` has `adsl` and `pool`.
fn words(host: &str) -> impl Iterator<Item = &str> {
    host.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty())
}

/// Whether the IPv4 address stands in the name: its last three octets as numbers, forwards or
/// backwards, or all of it in hexadecimal or as twelve digits.
fn spells(host: &str, client: IpAddr) -> bool {
    let IpAddr::V4(client) = client.to_canonical() else { return false };
    let [a, b, c, d] = client.octets();
    if host.contains(&format!("{a:02x}{b:02x}{c:02x}{d:02x}"))
        || host.contains(&format!("{a:03}{b:03}{c:03}{d:03}"))
    {
        return true;
    }
    let numbers: Vec<u8> = host
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| (1..=3).contains(&digits.len()))
        .filter_map(|digits| digits.parse().ok())
        .collect();
    numbers.windows(3).any(|run| run == [b, c, d] || run == [d, c, b] || run == [a, b, c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expect: Shape) {
        assert_eq!(shape(name, IpAddr::from([203, 0, 113, 47])), expect, "{name}");
    }

    #[test]
    fn names_of_lines_are_told_from_chosen_ones() {
        for line in [
            "203-0-113-47.dynamic.isp.example.net",
            "dsl-113-47.isp.example.net",
            "host47.pool3.isp.example.net",
            "cpe-203-0-113-47.isp.example.net",
            "47.113.0.203.customer.isp.example.net",
            "cb00712f.cable.isp.example.net",
            "ppp203000113047.isp.example.net",
        ] {
            check(line, Shape::Dynamic);
        }
        for chosen in [
            "mail.example.net",
            "dynamic.com",
            "mail.dsl-provider.com",
            "smtp-pool3.example.net",
            "203-0-113-47.static.example.net",
            "a47.example.net",
            "localhost",
            "",
        ] {
            check(chosen, Shape::Chosen);
        }
        check("ec2-203-0-113-47.compute.example.com", Shape::Generic);
        check("47.113.0.203.example.com", Shape::Generic);
    }

    #[test]
    fn another_address_in_the_name_is_no_sign() {
        check("r-198-51-100-1.example.net", Shape::Chosen);
    }
}
