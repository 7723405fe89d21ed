//! Policies asked of real messages.

use tidegate_checks::authentication::{AuthResult, Authentication, Dkim, Spf};
use tidegate_checks::bulk::probability::Bulk;
use tidegate_mail::{Address, Bounds, Envelope, Message};

use super::*;
use crate::Layer;

const FROM_ANNA: &str = "From: Anna <anna@shop.example>\r\nSubject: x\r\n";

fn signed(domain: &str, covers: &[&str], result: AuthResult) -> Authentication {
    let covers = covers.iter().map(|name| (*name).to_owned()).collect();
    let dkim = vec![Dkim { result, domain: domain.to_owned(), covers, ..Dkim::default() }];
    Authentication { dkim, ..Authentication::default() }
}

fn spf(domain: &str) -> Authentication {
    let spf = Spf { result: AuthResult::Pass, domain: domain.to_owned(), ..Spf::default() };
    Authentication { spf, ..Authentication::default() }
}

fn personal(policy: &str, header: &str, body: &str, authentication: &Authentication) -> Personal {
    let policy = toml::from_str::<Layer>(policy).unwrap().over(&UserPolicy::default());
    let raw = format!("{header}\r\n{body}\r\n");
    let message = Message::parse(raw.as_bytes(), &Bounds::default());
    let sender = Some(Address::new("bounce@shop.example"));
    let envelope = Envelope { sender, ..Envelope::default() };
    let partial = authentication.dkim.iter().any(|it| it.result == AuthResult::TempError);
    let said = said(&message, &envelope, authentication);
    let facts = Facts::new(&envelope, &message, authentication, &said, partial);
    Personal::of(&policy, &facts, None)
}

/// What the checks of bulk mail say.
fn said(message: &Message<'_>, envelope: &Envelope, authentication: &Authentication) -> Signals {
    let (site, trust) = (tidegate_checks::Site::default(), Default::default());
    let known = tidegate_checks::Known {
        envelope,
        message: Some(message),
        authentication: Some(authentication),
        trust: Some(&trust),
        bulk: Some(&Bulk::of(message, envelope)),
        site: &site,
        now: 0,
    };
    let mut signals = Signals::new();
    for entry in tidegate_checks::table::CHECKS.iter().filter(|it| it.key.starts_with("bulk.")) {
        let check = (entry.load)(toml::Table::new()).unwrap();
        check.judge(&known, &tidegate_dns::Answers::default(), &mut signals);
    }
    signals
}

#[track_caller]
fn check(policy: &str, header: &str, authentication: &Authentication, expect: &[&str]) {
    let personal = personal(policy, header, "Hello", authentication);
    let names: Vec<&str> = personal.signals.iter().map(|signal| signal.name()).collect();
    assert_eq!(names, expect, "{policy}: {header}");
}

#[test]
fn an_allowed_sender_counts_when_proved() {
    let allow = "allowed = ['anna@shop.example']";
    let of_shop = signed("shop.example", &["from"], AuthResult::Pass);
    check(allow, FROM_ANNA, &of_shop, &["SENDER_ALLOWED"]);
    check(allow, FROM_ANNA, &spf("mail.shop.example"), &["SENDER_ALLOWED"]);
    check(allow, FROM_ANNA, &Authentication::default(), &[]);
    check(allow, FROM_ANNA, &signed("spam.example", &["from"], AuthResult::Pass), &[]);
    check(allow, FROM_ANNA, &signed("shop.example", &["from"], AuthResult::Fail), &[]);
    check(allow, FROM_ANNA, &signed("shop.example", &["subject"], AuthResult::Pass), &[]);
    let two = "From: anna@shop.example, eve@spam.example\r\n";
    check(allow, two, &of_shop, &[]);
}

#[test]
fn proof_that_everybody_or_half_a_message_has_is_none() {
    let allow = "allowed = ['shop.example']";
    let mut lax = spf("shop.example");
    lax.spf.allows_all = true;
    check(allow, FROM_ANNA, &lax, &[]);
    let mut half = signed("shop.example", &["from"], AuthResult::Pass);
    half.dkim[0].partial_body = true;
    check(allow, FROM_ANNA, &half, &[]);
}

#[test]
fn a_blocked_sender_counts_always_and_the_closer_choice_goes_before() {
    let none = Authentication::default();
    check("blocked = ['shop.example']", FROM_ANNA, &none, &["SENDER_BLOCKED"]);
    check("blocked = ['bounce@shop.example']", FROM_ANNA, &none, &["SENDER_BLOCKED"]);
    let both = "blocked = ['shop.example']\nallowed = ['anna@shop.example']";
    check(both, FROM_ANNA, &spf("shop.example"), &["SENDER_ALLOWED"]);
    check(both, FROM_ANNA, &none, &["SENDER_BLOCKED"]);
    let even = "blocked = ['shop.example']\nallowed = ['shop.example']";
    check(even, FROM_ANNA, &spf("shop.example"), &["SENDER_BLOCKED"]);
}

#[test]
fn proof_that_did_not_come_is_told() {
    let late = signed("shop.example", &["from"], AuthResult::TempError);
    let personal = personal("allowed = ['shop.example']", FROM_ANNA, "Hello", &late);
    assert!(personal.unproven && personal.signals.is_empty());
}

#[test]
fn a_trusted_list_is_proved_by_a_signature_over_its_id() {
    let trust = "trusted_lists = ['friends.lists.example']\nbulk = 'quarantine'";
    let header = format!("{FROM_ANNA}List-Id: Friends <Friends.lists.example>\r\n");
    let signed_by = |domain, covers| signed(domain, covers, AuthResult::Pass);
    check(trust, &header, &signed_by("lists.example", &["from", "list-id"]), &["LIST_TRUSTED"]);
    check(trust, &header, &signed_by("lists.example", &["from"]), &["BULK_UNWANTED"]);
    check(trust, &header, &signed_by("spam.example", &["from", "list-id"]), &["BULK_UNWANTED"]);
    let twice = format!("{header}List-Id: <other.lists.example>\r\n");
    check(trust, &twice, &signed_by("lists.example", &["from", "list-id"]), &["BULK_UNWANTED"]);
}

#[test]
fn bulk_mail_is_set_apart_and_lists_of_members_are_not() {
    let none = Authentication::default();
    let bulk = format!("{FROM_ANNA}List-Unsubscribe: <https://shop.example/u>\r\n");
    check("bulk = 'tag'", &bulk, &none, &["BULK_UNWANTED"]);
    check("bulk = 'want'", &bulk, &none, &[]);
    check("bulk = 'tag'", FROM_ANNA, &none, &[]);
    check("bulk = 'tag'", &format!("{bulk}List-Post: <mailto:l@shop.example>\r\n"), &none, &[]);
    let allowed = "bulk = 'quarantine'\nallowed = ['shop.example']";
    check(allowed, &bulk, &spf("shop.example"), &["SENDER_ALLOWED"]);
}

#[test]
fn bulk_mail_that_is_wanted_was_asked_for_and_keeps_the_rules() {
    let sent = |header: &str, known, authentication: &Authentication| {
        let raw = format!("{FROM_ANNA}{header}\r\nHello\r\n");
        let message = Message::parse(raw.as_bytes(), &Bounds::default());
        let sender = Some(Address::new("bounce@shop.example"));
        let envelope = Envelope { sender, ..Envelope::default() };
        let policy = toml::from_str::<Layer>("bulk = 'tag-unwanted'").unwrap();
        let said = said(&message, &envelope, authentication);
        let facts = Facts::new(&envelope, &message, authentication, &said, false);
        Personal::of(&policy.over(&UserPolicy::default()), &facts, known).bulk
    };
    let bulk = "List-Unsubscribe: <https://shop.example/u>\r\n";
    let (of_shop, known) = (spf("shop.example"), Some(Correspondence::WroteTo));
    assert_eq!(sent(bulk, known, &of_shop), Some(true));
    assert_eq!(sent(bulk, None, &of_shop), Some(false), "nobody asked for it");
    assert_eq!(sent(bulk, known, &spf("spam.example")), Some(false), "nothing proves the sender");
    assert_eq!(sent("Precedence: bulk\r\n", known, &of_shop), Some(false), "there is no way out");
    assert_eq!(sent("", known, &of_shop), None, "it is not bulk mail");
    let joined = Some(Correspondence::Joined(crate::ListAddress::Organisation));
    assert_eq!(sent(bulk, joined, &of_shop), Some(true));
    assert_eq!(sent(bulk, joined, &spf("spam.example")), Some(false));
}

#[test]
fn consent_is_told_with_what_it_rests_on_and_a_list_is_no_correspondent() {
    use crate::ListAddress::{Id, Organisation};
    let told = |header: &str, known| {
        let raw = format!("{FROM_ANNA}{header}\r\nHello\r\n");
        let message = Message::parse(raw.as_bytes(), &Bounds::default());
        let (envelope, proof) = (Envelope::default(), spf("shop.example"));
        let said = said(&message, &envelope, &proof);
        let facts = Facts::new(&envelope, &message, &proof, &said, false);
        let personal = Personal::of(&UserPolicy::default(), &facts, Some(known));
        let each = personal.signals.iter().map(|it| format!("{} {}", it.name(), it.detail()));
        each.collect::<Vec<_>>()
    };
    let bulk = "List-Unsubscribe: <https://shop.example/u>\r\n";
    let wrote = "the recipient has written to the sender";
    let both = [format!("CORRESPONDENT_KNOWN {wrote}"), format!("BULK_CONSENT_KNOWN {wrote}")];
    assert_eq!(told(bulk, Correspondence::WroteTo), both);
    assert_eq!(told("", Correspondence::WroteTo), both[..1], "it is not bulk mail");
    assert_eq!(
        told(bulk, Correspondence::WroteToList(Id)),
        ["BULK_CONSENT_KNOWN the recipient has written to its list, by List-Id"]
    );
    assert_eq!(
        told(bulk, Correspondence::Joined(Organisation)),
        [
            "BULK_CONSENT_KNOWN the recipient has asked to join, or confirmed it, by the sender's organisation"
        ]
    );
    assert!(told("", Correspondence::Joined(Organisation)).is_empty());
}

#[test]
fn a_language_that_is_not_read_is_told_of_long_texts() {
    let german = "Anbei das Protokoll unserer Besprechung vom Montag. Wir haben beschlossen, die \
        neuen Regale noch vor dem Ende des Monats zu bestellen, und Bert wird die beiden Lieferanten \
        nach einem Preis fragen. Bitte sagt mir bis Freitag, ob etwas fehlt oder falsch ist.";
    let header = format!("{FROM_ANNA}Content-Type: text/plain; charset=utf-8\r\n");
    let told = |policy: &str, body: &str| {
        !personal(policy, &header, body, &Authentication::default()).signals.is_empty()
    };
    assert!(told("languages = ['en', 'fr']", german));
    assert!(!told("languages = ['en', 'de']", german));
    assert!(!told("languages = ['en']", "Bitte um Antwort bis Freitag"));
    assert!(!told("", german));
}

#[test]
fn without_a_policy_of_their_own_nothing_is_said() {
    let bulk = format!("{FROM_ANNA}List-Unsubscribe: <https://shop.example/u>\r\n");
    assert!(personal("", &bulk, "Hello", &Authentication::default()).is_none());
}
