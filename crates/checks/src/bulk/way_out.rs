//! The way out of a mailing: List-Unsubscribe (RFC 2369, section 3.2) and one click (RFC 8058).
//!
//! Invariant: a way out counts in favour only where a passing DKIM signature covers both fields, as
//! RFC 8058, section 4, asks.

use tidegate_dns::Answers;
use tidegate_mail::in_angle_brackets;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::trust::practice::one_click_is_signed;
use crate::{Check, Known, Stage};

/// An address in angle brackets to unsubscribe at.
pub static UNSUBSCRIBE_OFFERED: SignalDef = SignalDef::new(
    "UNSUBSCRIBE_OFFERED",
    Family::Bulk,
    0.0,
    "The header names a way to unsubscribe",
);
/// By one click, and signed.
pub static UNSUBSCRIBE_BY_ONE_CLICK: SignalDef = SignalDef::new(
    "UNSUBSCRIBE_BY_ONE_CLICK",
    Family::Bulk,
    -0.2,
    "One click unsubscribes, and a signature vouches for it",
);
/// No address that a program could use.
pub static UNSUBSCRIBE_MALFORMED: SignalDef = SignalDef::new(
    "UNSUBSCRIBE_MALFORMED",
    Family::Bulk,
    0.5,
    "The way to unsubscribe in the header can't be used",
);
/// One click announced where there is no web address.
pub static ONE_CLICK_LEADS_NOWHERE: SignalDef = SignalDef::new(
    "ONE_CLICK_LEADS_NOWHERE",
    Family::Bulk,
    0.3,
    "One click is said to unsubscribe, and there is nothing to click",
);

/// Reads List-Unsubscribe and List-Unsubscribe-Post.
#[derive(Default)]
pub struct WayOut;

impl Check for WayOut {
    const KEY: &'static str = "bulk.way_out";
    const STAGE: Stage = Stage::Authenticated;
    const RAISES: &'static [&'static SignalDef] = &[
        &UNSUBSCRIBE_OFFERED,
        &UNSUBSCRIBE_BY_ONE_CLICK,
        &UNSUBSCRIBE_MALFORMED,
        &ONE_CLICK_LEADS_NOWHERE,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        let post = message.field("list-unsubscribe-post");
        let Some(field) = message.field("list-unsubscribe") else {
            if let Some(post) = post {
                signals.raise(&ONE_CLICK_LEADS_NOWHERE, post.raw_text());
            }
            return;
        };
        // Some senders, against RFC 2047, section 5, encode the addresses; programs read them.
        let text = field.text();
        let Ways { web, mail } = ways(&text);
        if !web && !mail {
            signals.raise(&UNSUBSCRIBE_MALFORMED, text);
            return;
        }
        signals.raise(&UNSUBSCRIBE_OFFERED, if web { "by web" } else { "by mail" });
        let one_click = post.is_some_and(|post| {
            post.raw_text().trim().eq_ignore_ascii_case("List-Unsubscribe=One-Click")
        });
        let signed = known.authentication.is_some_and(one_click_is_signed);
        if one_click && !web {
            signals.raise(&ONE_CLICK_LEADS_NOWHERE, text);
        } else if one_click && signed {
            signals.raise(&UNSUBSCRIBE_BY_ONE_CLICK, "");
        }
    }
}

/// What kinds of address are in the field.
struct Ways {
    web: bool,
    mail: bool,
}

fn ways(text: &str) -> Ways {
    let mut found = Ways { web: false, mail: false };
    for address in in_angle_brackets(text) {
        let starts = |scheme: &str| {
            address.len() > scheme.len()
                && address
                    .get(..scheme.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        found.web |= starts("https://") || starts("http://");
        found.mail |= starts("mailto:");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::{Case, raised};

    const ONE_CLICK: &str = "List-Unsubscribe: <https://shop.example/u?1>, <mailto:u@shop.example>\n\
                             List-Unsubscribe-Post: List-Unsubscribe=One-Click";

    #[track_caller]
    fn check(header: &str, expect: &[&str]) {
        assert_eq!(raised::<WayOut>(&format!("{header}\n\nHello\n")), expect, "{header}");
    }

    #[test]
    fn a_way_out_is_told() {
        check("From: a@b.example", &[]);
        check("List-Unsubscribe: <mailto:leave@lists.example.org>", &["UNSUBSCRIBE_OFFERED"]);
        check(ONE_CLICK, &["UNSUBSCRIBE_OFFERED"]);
    }

    #[test]
    fn a_way_that_leads_nowhere_is_told() {
        check("List-Unsubscribe: unsubscribe here", &["UNSUBSCRIBE_MALFORMED"]);
        check("List-Unsubscribe: <>", &["UNSUBSCRIBE_MALFORMED"]);
        check("List-Unsubscribe-Post: List-Unsubscribe=One-Click", &["ONE_CLICK_LEADS_NOWHERE"]);
    }

    #[test]
    fn one_click_counts_when_signed() {
        let raw = format!("{ONE_CLICK}\n\nHello\n").replace('\n', "\r\n");
        let both = ["from", "list-unsubscribe", "list-unsubscribe-post"];
        let names = Case::signed("shop.example", &both).judge::<WayOut>(raw.as_bytes());
        assert_eq!(names, ["UNSUBSCRIBE_OFFERED", "UNSUBSCRIBE_BY_ONE_CLICK"]);
        let names = Case::signed("shop.example", &["from"]).judge::<WayOut>(raw.as_bytes());
        assert_eq!(names, ["UNSUBSCRIBE_OFFERED"]);
    }
}
