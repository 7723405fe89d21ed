//! The form of the Message-ID (RFC 5322, section 3.6.4).
//!
//! Invariant: one Message-ID raises one of these signals, the most telling one.

use std::net::IpAddr;

use tidegate_dns::Answers;
use tidegate_mail::registered_domain;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::bulk::precedence::of_a_list;
use crate::{Check, Known};

/// No `<left@right>`.
pub static MESSAGE_ID_MALFORMED: SignalDef =
    SignalDef::new("MESSAGE_ID_MALFORMED", Family::Headers, 0.5, "The Message-ID is malformed");
/// Nothing to the right of the `@`, or no `@`.
pub static MESSAGE_ID_WITHOUT_DOMAIN: SignalDef = SignalDef::new(
    "MESSAGE_ID_WITHOUT_DOMAIN",
    Family::Headers,
    0.8,
    "The Message-ID names no host",
);
/// An address where the host's name belongs.
pub static MESSAGE_ID_OF_NUMBER: SignalDef = SignalDef::new(
    "MESSAGE_ID_OF_NUMBER",
    Family::Headers,
    0.1,
    "The Message-ID names an address instead of a host",
);
/// `localhost`.
pub static MESSAGE_ID_OF_LOCALHOST: SignalDef = SignalDef::new(
    "MESSAGE_ID_OF_LOCALHOST",
    Family::Headers,
    0.0,
    "The Message-ID was made on localhost",
);
/// A host without a dot.
pub static MESSAGE_ID_HOST_BARE: SignalDef = SignalDef::new(
    "MESSAGE_ID_HOST_BARE",
    Family::Headers,
    0.0,
    "The Message-ID names a host without a domain",
);
/// Of a recipient's domain, and the author is from elsewhere.
pub static MESSAGE_ID_OF_RECIPIENT: SignalDef = SignalDef::new(
    "MESSAGE_ID_OF_RECIPIENT",
    Family::Headers,
    1.2,
    "The Message-ID claims to be made by the recipient's own site",
);

/// Looks at the Message-ID.
#[derive(Default)]
pub struct MessageId;

/// Those after them are of the same sites.
const MOST_RECIPIENTS: usize = 50;

impl Check for MessageId {
    const KEY: &'static str = "headers.message_id";
    const RAISES: &'static [&'static SignalDef] = &[
        &MESSAGE_ID_MALFORMED,
        &MESSAGE_ID_WITHOUT_DOMAIN,
        &MESSAGE_ID_OF_NUMBER,
        &MESSAGE_ID_OF_LOCALHOST,
        &MESSAGE_ID_HOST_BARE,
        &MESSAGE_ID_OF_RECIPIENT,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        let Some(field) = message.field("message-id") else { return };
        let raw = field.raw_text();
        let id = raw.trim();
        if let Some(def) = fault(id) {
            signals.raise(def, id);
            return;
        }
        let host = id.rsplit('@').next().unwrap_or_default().trim_end_matches('>');
        let host = host.to_ascii_lowercase();
        let Some(maker) = registered_domain(&host) else { return };
        let of = |domain: Option<&str>| domain.and_then(registered_domain) == Some(maker);
        let author = message.from().iter().any(|from| of(from.address.domain()));
        let ours = known.envelope.authenticated.is_some() || known.envelope.is_local();
        let recipients = known.envelope.recipients.iter().take(MOST_RECIPIENTS);
        let recipient = !ours && recipients.into_iter().any(|to| of(to.domain()));
        if recipient && !author && !of_a_list(message) {
            signals.raise(&MESSAGE_ID_OF_RECIPIENT, id);
        }
    }
}

fn fault(id: &str) -> Option<&'static SignalDef> {
    if id.is_empty() {
        return Some(&MESSAGE_ID_MALFORMED);
    }
    let bare = id.strip_prefix('<').and_then(|id| id.strip_suffix('>'));
    let inner = bare.unwrap_or(id);
    let Some((left, host)) = inner.rsplit_once('@') else {
        return Some(&MESSAGE_ID_WITHOUT_DOMAIN);
    };
    let host = host.trim();
    if host.is_empty() {
        return Some(&MESSAGE_ID_WITHOUT_DOMAIN);
    }
    if bare.is_none()
        || left.is_empty()
        || inner.contains(['<', '>'])
        || inner.contains(char::is_whitespace)
    {
        return Some(&MESSAGE_ID_MALFORMED);
    }
    if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Some(&MESSAGE_ID_OF_NUMBER);
    }
    let name = host.get(.."localhost".len()).unwrap_or_default();
    if name.eq_ignore_ascii_case("localhost") {
        return Some(&MESSAGE_ID_OF_LOCALHOST);
    }
    (!host.contains('.')).then_some(&MESSAGE_ID_HOST_BARE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::Case;

    #[track_caller]
    fn check(id: &str, expect: &[&str]) {
        let raw = format!("From: a@sender.example.com\r\nMessage-ID: {id}\r\n\r\nHello\r\n");
        let names = Case::to("me@site.example.org").judge::<MessageId>(raw.as_bytes());
        assert_eq!(names, expect, "{id}");
    }

    #[test]
    fn ids_of_honest_programs_raise_nothing() {
        check("<20261124091500.4712@shop.example>", &[]);
        check("<CAF+x=Ab_c@mail.gmail.com>", &[]);
        check("<\"odd left\"@example.com>".replace(' ', "").as_str(), &[]);
        check("<1@sender.example.com>", &[]);
    }

    #[test]
    fn each_fault_is_told() {
        check("20261124@shop.example", &["MESSAGE_ID_MALFORMED"]);
        check("<2026 1124@shop.example>", &["MESSAGE_ID_MALFORMED"]);
        check("<@shop.example>", &["MESSAGE_ID_MALFORMED"]);
        check("<20261124>", &["MESSAGE_ID_WITHOUT_DOMAIN"]);
        check("<20261124@>", &["MESSAGE_ID_WITHOUT_DOMAIN"]);
        check("<1@[192.0.2.1]>", &["MESSAGE_ID_OF_NUMBER"]);
        check("<1@192.0.2.1>", &["MESSAGE_ID_OF_NUMBER"]);
        check("<1@localhost.localdomain>", &["MESSAGE_ID_OF_LOCALHOST"]);
        check("<1@desktop>", &["MESSAGE_ID_HOST_BARE"]);
    }

    #[test]
    fn an_id_of_the_recipients_site_is_told() {
        check("<1@mx.site.example.org>", &["MESSAGE_ID_OF_RECIPIENT"]);
    }
}
