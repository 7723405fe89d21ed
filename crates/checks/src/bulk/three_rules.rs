//! The three rules for mail to many (Directive 2002/58/EC, article 13): its recipients have asked for it,
//! its sender does not hide, and there is a valid way out.
//!
//! Mail that keeps them is bulk mail that may be wanted; mail that breaks one is bulk mail that may not be
//! sent. Neither is spam for that alone: these have no points. What of a disguise is a sign of spam has
//! them elsewhere (DMARC, the author's name, rules on newsletters), and on the shared corpus ham breaks a
//! rule more often than spam does. Recipients have an opinion of their own on bulk mail, which reads these.
//!
//! Whether recipients asked can be vouched for by a trustmark. That nobody vouches breaks no rule: most
//! who ask their recipients have no certifier. A recipient who has written to the sender or its list, or
//! joined it by mail, has asked too; the policy, which knows it, takes it for consent.
//!
//! Invariant: answers that are missing break no rule.

use tidegate_dns::Answers;
use tidegate_mail::{LinkKind, Message, in_angle_brackets};
use tidegate_signal::{Family, SignalDef, Signals};

use super::form::{LONGEST_TEXT, end_of, leads_out};
use super::probability::LIKELY;
use crate::authentication::{AuthResult, Authentication};
use crate::links::owner::{is_host, same_owner};
use crate::trust::practice::{has_one_click, one_click_is_signed};
use crate::words::Words;
use crate::{Check, Known, Stage};

/// Rule one, vouched for.
pub static BULK_CONSENT_VOUCHED: SignalDef = SignalDef::new(
    "BULK_CONSENT_VOUCHED",
    Family::Bulk,
    0.0,
    "A certifier vouches that those who get this bulk mail have asked for it",
);
/// Rule two, broken.
pub static BULK_DISGUISED: SignalDef = SignalDef::new(
    "BULK_DISGUISED",
    Family::Bulk,
    0.0,
    "Bulk mail whose sender hides: author, proof, links and name do not agree",
);
/// Rule three, kept.
pub static BULK_WAY_OUT: SignalDef =
    SignalDef::new("BULK_WAY_OUT", Family::Bulk, 0.0, "Bulk mail with a way out that can be used");
/// Rule three, broken.
pub static BULK_NO_WAY_OUT: SignalDef = SignalDef::new(
    "BULK_NO_WAY_OUT",
    Family::Bulk,
    0.0,
    "Bulk mail without a way out that can be used",
);
/// All that can be known without the recipient.
pub static BULK_KEEPS_RULES: SignalDef = SignalDef::new(
    "BULK_KEEPS_RULES",
    Family::Bulk,
    0.0,
    "Bulk mail whose sender is proved and offers a way out",
);

/// Links from which on it tells something that none leads to the author.
const FEWEST_LINKS: usize = 3;

/// Tells whether bulk mail keeps the rules.
#[derive(Default)]
pub struct ThreeRules;

impl Check for ThreeRules {
    const KEY: &'static str = "bulk.three_rules";
    const STAGE: Stage = Stage::Authenticated;
    const COST: crate::Cost = crate::Cost::Heavy;
    const RAISES: &'static [&'static SignalDef] = &[
        &BULK_CONSENT_VOUCHED,
        &BULK_DISGUISED,
        &BULK_WAY_OUT,
        &BULK_NO_WAY_OUT,
        &BULK_KEEPS_RULES,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let (Some(message), Some(_)) = (known.message, known.authentication) else { return };
        if known.bulk.is_none_or(|bulk| bulk.probability() < LIKELY) {
            return;
        }
        if let Some(mark) = known.trust.and_then(|trust| trust.consent()) {
            signals.raise(&BULK_CONSENT_VOUCHED, mark.to_string());
        }
        let disguise = disguise(known, message);
        let way_out = way_out(known, message);
        if let Some(why) = &disguise {
            signals.raise(&BULK_DISGUISED, why.clone());
        }
        match &way_out {
            Some(way) => signals.raise(&BULK_WAY_OUT, *way),
            None => signals.raise(&BULK_NO_WAY_OUT, ""),
        }
        let proved = known.authentication.is_some_and(|it| it.proved_author(message).is_some());
        if proved && disguise.is_none() && way_out.is_some() {
            signals.raise(&BULK_KEEPS_RULES, "");
        }
    }
}

/// How the sender hides, where he does.
fn disguise(known: &Known<'_>, message: &Message<'_>) -> Option<String> {
    let found = known.authentication?;
    let [author] = message.from() else { return Some("no author, or several".to_owned()) };
    let domain = author.address.domain()?;
    // A list on which members write to each other carries authors of any domain.
    if super::precedence::of_a_list(message) {
        return None;
    }
    let name = author.display.to_ascii_lowercase();
    let shown = name.split(['@', ' ', '"', '<', '>']).find(|word| is_host(word));
    if let Some(shown) = shown.filter(|shown| !same_owner(shown, domain)) {
        return Some(format!("the name shows {shown}, the author is of {domain}"));
    }
    let proved = found.proved_author(message).is_some();
    if !proved && is_settled(found) && known.stranger().is_some() {
        return Some(format!("nothing proves that it is of {domain}"));
    }
    let mut hosts = message.links().iter().filter(|link| link.kind == LinkKind::Href);
    let count = hosts.clone().filter(|link| link.domain.is_some()).count();
    let parties = parties(known, message);
    let leads_home = hosts.any(|link| {
        link.host.as_deref().is_some_and(|host| parties.iter().any(|it| same_owner(host, it)))
    });
    (count >= FEWEST_LINKS && !leads_home && proved)
        .then(|| format!("none of its {count} links leads to {domain}, or to who signed it"))
}

/// Whether every proof that could speak for the author was looked at.
fn is_settled(found: &Authentication) -> bool {
    let late = |result: AuthResult| result == AuthResult::TempError;
    !late(found.spf.result)
        && !late(found.dmarc.result)
        && !found.dkim.iter().any(|it| late(it.result))
}

/// Domains that have to do with who sends it: author, envelope, signers that pass.
fn parties(known: &Known<'_>, message: &Message<'_>) -> Vec<String> {
    let author = message.from().iter().filter_map(|author| author.address.domain());
    let sender = known.envelope.sender.iter().filter_map(|sender| sender.domain());
    let signers = known.authentication.iter().flat_map(|found| &found.dkim);
    let signers = signers.filter(|it| it.result == AuthResult::Pass).map(|it| it.domain.as_str());
    author.chain(sender).chain(signers).map(str::to_owned).collect()
}

/// The way out, where there is one.
fn way_out(known: &Known<'_>, message: &Message<'_>) -> Option<&'static str> {
    let signed = known.authentication.is_some_and(one_click_is_signed);
    if has_one_click(message) && signed {
        return Some("by one click");
    }
    if let Some(field) = message.field("List-Unsubscribe") {
        let text = field.text();
        let parties = parties(known, message);
        let same_party = |address: &str| {
            host_of(address).is_some_and(|host| parties.iter().any(|it| same_owner(&host, it)))
        };
        if in_angle_brackets(&text).any(same_party) {
            return Some("in the header, at the sender's");
        }
    }
    let in_text = message.links().iter().any(|link| {
        matches!(link.kind, LinkKind::Href | LinkKind::Plain)
            && leads_out(&link.url, link.text.as_deref())
    });
    if in_text {
        return Some("by a link in the text");
    }
    static BY_MAIL: Words =
        Words::new(&["unsubscribe", "opt out", "opt-out", "abmelden", "désabonner"]);
    let text = end_of(message.text(), LONGEST_TEXT);
    (text.contains('@') && BY_MAIL.any_in(text)).then_some("by an address in the text")
}

/// The host of a `mailto:` or web address.
fn host_of(address: &str) -> Option<String> {
    let lower = address.to_ascii_lowercase();
    let end = |text: &str, at: &[char]| text.split(at).next().unwrap_or_default().to_owned();
    let host = match lower.strip_prefix("mailto:") {
        Some(mail) => end(mail.rsplit_once('@').map(|(_, rest)| rest)?, &['?', ',']),
        None => {
            let rest = lower.strip_prefix("https://").or(lower.strip_prefix("http://"))?;
            end(rest, &['/', '?', '#', ':'])
        }
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::Case;

    const SHOP: &str = "Return-Path: <bounce@shop.example>\r\nFrom: Shop <hello@shop.example>\r\n\
        To: berta@site.example\r\nPrecedence: bulk\r\n";

    #[track_caller]
    fn check(case: &Case, header: &str, body: &str, expect: &[&str]) {
        let raw = format!("{SHOP}{header}\r\n{body}\r\n");
        assert_eq!(case.judge::<ThreeRules>(raw.as_bytes()), expect, "{header}{body}");
    }

    fn signed() -> Case {
        Case::signed("shop.example", &["from", "list-unsubscribe", "list-unsubscribe-post"])
    }

    #[test]
    fn a_proved_sender_with_a_way_out_keeps_the_rules() {
        let kept = ["BULK_WAY_OUT", "BULK_KEEPS_RULES"];
        check(&signed(), "List-Unsubscribe: <mailto:leave@shop.example>\r\n", "Hi", &kept);
        check(&signed(), "", "Leave at http://shop.example/unsubscribe", &kept);
        check(&signed(), "", "To unsubscribe, write to leave@shop.example", &kept);
    }

    #[test]
    fn a_way_out_at_a_strangers_is_none() {
        let header = "List-Unsubscribe: <mailto:x@elsewhere.example>\r\n";
        check(&signed(), header, "Hi", &["BULK_NO_WAY_OUT"]);
        let one_click = "List-Unsubscribe: <https://esp.example/1>\r\n\
            List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
        check(&signed(), one_click, "Hi", &["BULK_WAY_OUT", "BULK_KEEPS_RULES"]);
        check(&Case::default(), one_click, "Hi", &["BULK_NO_WAY_OUT"]);
    }

    #[test]
    fn a_sender_who_hides_breaks_the_rules() {
        let elsewhere = "<a href='http://a.example/1'>a</a><a href='http://b.example/2'>b</a>\
            <a href='http://c.example/unsubscribe'>c</a>";
        let html = "Content-Type: text/html\r\n";
        check(&signed(), html, elsewhere, &["BULK_DISGUISED", "BULK_WAY_OUT"]);
        let home = elsewhere.replace("a.example", "www.shop.example");
        check(&signed(), html, &home, &["BULK_WAY_OUT", "BULK_KEEPS_RULES"]);
    }

    #[test]
    fn letters_keep_rules_of_their_own() {
        let raw = b"From: Anna <anna@home.example>\r\nTo: B <b@site.example>\r\n\r\nHello\r\n";
        assert_eq!(Case::default().judge::<ThreeRules>(raw), [""; 0]);
    }
}
