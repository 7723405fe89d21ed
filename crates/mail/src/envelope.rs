//! What SMTP said of a message, apart from the message itself.

use std::net::IpAddr;

use crate::{Address, Hop, Message, registered_domain};

/// The SMTP transaction, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The connecting host.
    pub client: Option<IpAddr>,
    /// Its name, as the MTA has verified it.
    pub client_name: Option<String>,
    /// What it called itself.
    pub helo: Option<String>,
    /// MAIL FROM; the null sender is an empty address.
    pub sender: Option<Address>,
    /// RCPT TO.
    pub recipients: Vec<Address>,
    /// The encryption of the connection.
    pub tls: Option<Tls>,
    /// The user that has logged in (RFC 4954).
    pub authenticated: Option<String>,
    /// The MTA's name for the message.
    pub queue_id: Option<String>,
    /// The MTA's own host name.
    pub receiver: Option<String>,
}

/// The encryption of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Such as `TLSv1.3`.
    pub version: String,
    /// Such as `TLS_AES_256_GCM_SHA384`.
    pub cipher: String,
}

impl Envelope {
    /// Whether the client has a loopback, private or link-local address, which is nobody out there.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.client.is_some_and(is_local)
    }

    /// What SMTP most likely said of a recorded message, by the fields that its receiver added:
    /// the first host on its way that is none of the receiver's own, Return-Path, and for whom it was
    /// delivered.
    #[must_use]
    pub fn infer(message: &Message<'_>) -> Self {
        let field = |name: &str| message.field(name).map(|field| Address::new(&field.text()));
        let hop = message.received().iter().find(|hop| is_from_outside(hop));
        let delivered =
            ["Delivered-To", "X-Original-To", "Envelope-To"].into_iter().find_map(field);
        let recipients = match delivered {
            Some(recipient) => vec![recipient],
            None => message.to().iter().map(|to| to.address.clone()).collect(),
        };
        let Hop { from_ip, from_host, from_name, by, .. } = hop.cloned().unwrap_or_default();
        Self {
            client: from_ip,
            client_name: from_host,
            helo: from_name,
            sender: field("Return-Path").or_else(|| field("X-Envelope-From")),
            recipients,
            receiver: by,
            ..Self::default()
        }
    }
}

/// Whether a host of another site handed the message over: from no local address, and with a reverse
/// name of another domain than the receiving host's.
fn is_from_outside(hop: &Hop) -> bool {
    let domain =
        |name: &Option<String>| name.as_deref().and_then(registered_domain).map(str::to_owned);
    let by = domain(&hop.by);
    let within = by.is_some() && by == domain(&hop.from_host);
    hop.from_ip.is_some_and(|address| !is_local(address)) && !within
}

fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.is_unspecified()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bounds;

    #[test]
    fn the_envelope_of_recorded_mail_is_told_by_what_its_receiver_wrote() {
        let raw = "Return-Path: <bounce@shop.example>\n\
            Delivered-To: bert@example.test\n\
            Received: from localhost (localhost [127.0.0.1])\n\tby mx.example.test with ESMTP; Tue, 24 Nov 2026 10:00:01 +0000\n\
            Received: from mx.example.test (mx.example.test [198.51.100.1])\n\tby store.example.test with LMTP; Tue, 24 Nov 2026 10:00:01 +0000\n\
            Received: from mail.shop.example (out7.shop.example [203.0.113.9])\n\tby mx.example.test (Postfix) with ESMTPS id 4711\n\tfor <bert@example.test>; Tue, 24 Nov 2026 10:00:00 +0000\n\
            Received: from [192.0.2.1] by out7.shop.example with SMTP; Tue, 24 Nov 2026 09:59:00 +0000\n\
            To: everybody@lists.example\n\n";
        let envelope = Envelope::infer(&Message::parse(raw.as_bytes(), &Bounds::default()));
        assert_eq!(envelope.client, Some("203.0.113.9".parse().unwrap()));
        assert_eq!(envelope.client_name.as_deref(), Some("out7.shop.example"));
        assert_eq!(envelope.helo.as_deref(), Some("mail.shop.example"));
        assert_eq!(envelope.sender, Some(Address::new("bounce@shop.example")));
        assert_eq!(envelope.recipients, [Address::new("bert@example.test")]);
        assert_eq!(envelope.receiver.as_deref(), Some("mx.example.test"));
    }

    #[test]
    fn without_such_fields_nothing_is_made_up() {
        let raw = "From: a@b.example\nTo: c@d.example\n\n";
        let envelope = Envelope::infer(&Message::parse(raw.as_bytes(), &Bounds::default()));
        let expect =
            Envelope { recipients: vec![Address::new("c@d.example")], ..Envelope::default() };
        assert_eq!(envelope, expect);
    }
}
