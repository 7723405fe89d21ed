//! What is read of the fields that programs write; what mail-parser reads is read here, too.

use mail_parser::parsers::MessageStream;
use mail_parser::{HeaderValue, Host, Protocol};
use proptest::prelude::*;

use super::Hop;
use crate::date;

/// What mail-parser reads of a field.
fn theirs(value: &[u8]) -> Hop {
    let HeaderValue::Received(found) = MessageStream::new(value).parse_received() else {
        return Hop::default();
    };
    let address = |host: &Host<'_>| match host {
        Host::IpAddr(address) => Some(*address),
        Host::Name(_) => None,
    };
    let name = |host: &Host<'_>| match host {
        Host::Name(name) => Some(name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty()),
        Host::IpAddr(address) => Some(format!("[{address}]")),
    };
    let from = found.helo.as_ref().or(found.from.as_ref());
    Hop {
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

#[track_caller]
fn check(value: &str, expect: [&str; 6]) {
    let hop = Hop::read(value.as_bytes());
    assert_eq!(hop, theirs(value.as_bytes()), "{value}");
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let found = [
        text(&hop.from_name),
        text(&hop.from_host),
        hop.from_ip.map(|address| address.to_string()).unwrap_or_default(),
        text(&hop.by),
        hop.with.unwrap_or_default().to_owned(),
        hop.date.map(|date| date.to_string()).unwrap_or_default(),
    ];
    assert_eq!(found, expect, "{value}");
}

#[test]
fn fields_of_common_programs_are_read() {
    check(
        " from mail.a.example (out.a.example [192.0.2.9])\r\n\tby mx.b.example (Postfix) with ESMTPS id 4711\r\n\tfor <c@b.example>; Thu, 22 Aug 2002 07:06:40 +0000 (UTC)",
        ["mail.a.example", "out.a.example", "192.0.2.9", "mx.b.example", "ESMTPS", "1030000000"],
    );
    check(
        " from [2001:db8::1] (helo=a.example) by b.example with esmtpsa (TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim 4.96) id 1a-2b-3c; Thu, 22 Aug 02 03:06:40 -0400",
        ["a.example", "", "2001:db8::1", "b.example", "ESMTPSA", "1030000000"],
    );
    check(
        " (qmail 123 invoked by uid 89); 22 Aug 2002 07:06:40 -0000",
        ["", "", "", "", "", "1030000000"],
    );
    check(
        " by 10.1.2.3 with SMTP id x1y2; Thu, 22 Aug 2002 00:06:40 -0700 (PDT)",
        ["", "", "", "[10.1.2.3]", "SMTP", "1030000000"],
    );
    check(
        " from unknown (HELO x) (user@192.0.2.1) by y with local; soon",
        ["x", "", "", "y", "local", ""],
    );
    check("", [""; 6]);
}

const PARTS: &str = "((from|by|for|id|via|with|ident|helo|EHLO|lhlo|a\\.example|b-c\\.d1\\.example|é\\.example|x|user@a\\.example|<c@d>|\\[?192\\.0\\.2\\.1\\]?|300\\.1\\.2\\.3|\\[2001:db8::1\\]|::ffff:192\\.0\\.2\\.1|fe80::|dead:beef|IPv6:::1|smtp|ESMTPS|esmtpsa|local-esmtp|local-esmtps|localbsmtp|esmtp-tls|asmtp|smtpsvc|smtpd|bsmtp|lsmtp|imap|mms|utf8smtps|utf8lmtpsa|httprest|httpu|pop3|stdin|socket|TLSv1\\.2|TLS1_3|tls-1.1|sslv3|tls1|dtlsv1\\.2|Thu,|22|Aug|aug|dec|feb|may|2002|02|07:06:40|\\+0100|-0730|\\(UTC\\)|TLS_AES_256|1\\+|-|_|=|:|;|/|,|<|>|\\[|\\]|\\(|\\)|\"|@|\\.|\\PC)( |\r\n\t|)){0,30}";

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_field_is_read_as_mail_parser_reads_it(value in PARTS) {
        prop_assert_eq!(Hop::read(value.as_bytes()), theirs(value.as_bytes()), "{:?}", value);
    }

    #[test]
    fn no_bytes_make_it_fail(value in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Hop::read(&value);
    }
}
