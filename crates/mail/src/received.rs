//! The way a message came, as the hosts on it tell (RFC 5321, section 4.4).
//!
//! Invariant: only what hosts of one's own wrote is to be believed; here it is only read.

use std::net::IpAddr;

use mail_parser::{HeaderValue, Host, Protocol};

use crate::date;
use crate::fields::Field;

/// One Received field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hop {
    /// What the sending host called itself.
    pub from_name: Option<String>,
    /// Its reverse name, as the receiving host found it.
    pub from_host: Option<String>,
    /// Its address.
    pub from_ip: Option<IpAddr>,
    /// The receiving host.
    pub by: Option<String>,
    /// The protocol, such as `ESMTPS` (RFC 3848).
    pub with: Option<&'static str>,
    /// When, in seconds since 1970, UTC.
    pub date: Option<i64>,
}

impl Hop {
    pub(crate) fn read(field: &Field<'_>, most: usize) -> Self {
        let HeaderValue::Received(found) = field.stream(most).parse_received() else {
            return Self::default();
        };
        let address = |host: &Host<'_>| match host {
            Host::IpAddr(address) => Some(*address),
            Host::Name(_) => None,
        };
        let name = |host: &Host<'_>| match host {
            Host::Name(name) => {
                Some(name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty())
            }
            Host::IpAddr(address) => Some(format!("[{address}]")),
        };
        let from = found.helo.as_ref().or(found.from.as_ref());
        Self {
            from_name: from.and_then(name),
            from_host: found.from_iprev.as_ref().map(|name| name.to_ascii_lowercase()),
            from_ip: found
                .from_ip
                .or_else(|| found.from.as_ref().and_then(address))
                .map(|address| address.to_canonical()),
            by: found.by.as_ref().and_then(name),
            with: found.with.map(word),
            date: found.date.and_then(date::seconds),
        }
    }
}

const fn word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::SMTP => "SMTP",
        Protocol::ESMTP => "ESMTP",
        Protocol::ESMTPA => "ESMTPA",
        Protocol::ESMTPS => "ESMTPS",
        Protocol::ESMTPSA => "ESMTPSA",
        Protocol::LMTP => "LMTP",
        Protocol::LMTPA => "LMTPA",
        Protocol::LMTPS => "LMTPS",
        Protocol::LMTPSA => "LMTPSA",
        Protocol::MMS => "MMS",
        Protocol::UTF8SMTP => "UTF8SMTP",
        Protocol::UTF8SMTPA => "UTF8SMTPA",
        Protocol::UTF8SMTPS => "UTF8SMTPS",
        Protocol::UTF8SMTPSA => "UTF8SMTPSA",
        Protocol::UTF8LMTP => "UTF8LMTP",
        Protocol::UTF8LMTPA => "UTF8LMTPA",
        Protocol::UTF8LMTPS => "UTF8LMTPS",
        Protocol::UTF8LMTPSA => "UTF8LMTPSA",
        Protocol::HTTP => "HTTP",
        Protocol::HTTPS => "HTTPS",
        Protocol::IMAP => "IMAP",
        Protocol::POP3 => "POP3",
        Protocol::Local => "local",
    }
}
