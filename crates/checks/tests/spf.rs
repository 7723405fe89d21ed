//! SPF against records written down here (RFC 7208).

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "tests")]

mod support;

use support::{World, envelope};
use tidegate_checks::auth::{Authenticator, Verified};
use tidegate_checks::authentication::AuthResult::{self, *};
use tidegate_dns::Answers;
use tidegate_mail::{Address, Envelope};

/// Public, so that nothing is skipped as local.
const CLIENT: &str = "8.8.4.4";

#[track_caller]
fn check(world: World, expect: AuthResult) {
    let spf = world.spf(&envelope(CLIENT, "someone@shop.example.com"));
    assert_eq!(spf.result, expect, "{spf:?}");
    assert_eq!(spf.domain, "shop.example.com");
}

fn shop(record: &str) -> World {
    World::default().txt("shop.example.com", record)
}

#[test]
fn mechanisms_match_the_client_or_not() {
    check(shop("v=spf1 ip4:8.8.4.0/24 -all"), Pass);
    check(shop("v=spf1 ip4:8.8.5.0/24 -all"), Fail);
    check(shop("v=spf1 ip4:8.8.5.0/24 ~all"), SoftFail);
    check(shop("v=spf1 ip4:8.8.5.0/24 ?all"), Neutral);
    check(shop("v=spf1 ip4:8.8.5.0/24"), Neutral);
    check(shop("v=spf1 a -all").address("shop.example.com", CLIENT), Pass);
    check(shop("v=spf1 a:out.example.com/24 -all").address("out.example.com", "8.8.4.77"), Pass);
    check(
        shop("v=spf1 mx -all")
            .mx("shop.example.com", &["mx1.example.com", "mx2.example.com"])
            .address("mx1.example.com", "8.8.8.8")
            .address("mx2.example.com", CLIENT),
        Pass,
    );
    check(
        shop("v=spf1 exists:%{ir}.%{l}._spf.%{d} -all")
            .address("4.4.8.8.someone._spf.shop.example.com", "127.0.0.2"),
        Pass,
    );
    check(
        shop("v=spf1 ptr -all")
            .ptr(CLIENT, &["liar.shop.example.com", "out.shop.example.com"])
            .address("liar.shop.example.com", "8.8.8.8")
            .address("out.shop.example.com", CLIENT),
        Pass,
    );
}

/// RFC 7208, section 5: what follows one `/` is a prefix of IPv4, and of IPv6 all bits count.
#[test]
fn a_prefix_of_ipv4_opens_no_ipv6_network() {
    let from = |client: &str, record: &str| {
        let world = shop(record).address("shop.example.com", "2001:4860:4860::8888");
        world.spf(&envelope(client, "someone@shop.example.com")).result
    };
    assert_eq!(from("2001:4860:4860::8888", "v=spf1 a/24 -all"), Pass);
    assert_eq!(from("2001:4860:4860::8844", "v=spf1 a/24 -all"), Fail);
    assert_eq!(from("2001:4860:4860::8844", "v=spf1 a/24//64 -all"), Pass);
}

/// The examples of RFC 7208, section 7.4.
#[test]
fn macros_are_cut_and_turned_round_as_they_say() {
    for (macros, name) in [
        ("%{d}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "4.4.8.8.in-addr._spf.example.com"),
    ] {
        let world = World::default()
            .txt("email.example.com", &format!("v=spf1 exists:{macros}.x.test -all"))
            .address(&format!("{name}.x.test"), "127.0.0.2");
        let spf = world.spf(&envelope(CLIENT, "strong-bad@email.example.com"));
        assert_eq!(spf.result, Pass, "{macros}: {spf:?}");
    }
}

#[test]
fn includes_and_redirects_are_followed() {
    let world = || shop("v=spf1 include:a.example.com include:b.example.com -all");
    check(
        world().txt("a.example.com", "v=spf1 -all").txt("b.example.com", "v=spf1 ip4:8.8.4.4 -all"),
        Pass,
    );
    check(world().txt("a.example.com", "v=spf1 ~all").txt("b.example.com", "v=spf1 -all"), Fail);
    check(world().txt("a.example.com", "v=spf1 -all"), PermError);
    check(
        shop("v=spf1 redirect=_spf.example.com").txt("_spf.example.com", "v=spf1 ip4:8.8.4.4 -all"),
        Pass,
    );
    check(shop("v=spf1 redirect=_spf.example.com"), PermError);
}

#[test]
fn records_are_one_or_none() {
    check(World::default(), None);
    check(shop("google-site-verification=x").txt("shop.example.com", "v=spf1 -all"), Fail);
    check(shop("v=spf1 -all").txt("shop.example.com", "v=spf1 +all"), PermError);
    check(shop("v=spf10 -all"), None);
    check(shop("v=spf1 ipv4:1.2.3.4 nonsense:: -all"), PermError);
}

#[test]
fn an_endless_chain_ends_at_ten_lookups() {
    check(shop("v=spf1 include:shop.example.com -all"), PermError);
    let chain = (0..20).fold(shop("v=spf1 include:c0.example.com -all"), |world, n| {
        let (at, next) = (format!("c{n}.example.com"), n + 1);
        world.txt(&at, &format!("v=spf1 include:c{next}.example.com -all"))
    });
    check(chain, PermError);
}

#[test]
fn ten_lookups_are_allowed() {
    let names: Vec<String> = (0..10).map(|n| format!("i{n}.example.com")).collect();
    let record =
        names.iter().fold("v=spf1".to_owned(), |text, name| format!("{text} include:{name}"));
    let world = names.iter().fold(shop(&format!("{record} -all")), |world, name| {
        world.txt(name, "v=spf1 ip4:192.0.2.1 -all")
    });
    check(world, Fail);
}

#[test]
fn a_third_lookup_that_finds_nothing_is_an_error() {
    check(shop("v=spf1 a:x.example.com a:y.example.com ip4:8.8.4.4 -all"), Pass);
    check(
        shop("v=spf1 a:x.example.com a:y.example.com a:z.example.com ip4:8.8.4.4 -all"),
        PermError,
    );
}

#[test]
fn more_than_ten_exchangers_are_an_error() {
    let names: Vec<String> = (0..11).map(|n| format!("mx{n}.example.com")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    check(shop("v=spf1 mx -all").mx("shop.example.com", &names), PermError);
}

#[test]
fn an_answer_that_is_lost_is_a_temporary_error() {
    check(World::default().lost_txt("shop.example.com"), TempError);
    check(shop("v=spf1 include:a.example.com -all").lost_txt("a.example.com"), TempError);
}

#[test]
fn letting_everyone_pass_is_told() {
    let allows_all =
        |record: &str| shop(record).spf(&envelope(CLIENT, "someone@shop.example.com")).allows_all;
    assert!(allows_all("v=spf1 +all"));
    assert!(allows_all("v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all"));
    assert!(!allows_all("v=spf1 ip4:8.8.4.0/24 +all"));
    assert!(!allows_all("v=spf1 ?all"));
}

#[test]
fn a_failure_is_explained_in_the_domains_words() {
    let world = shop("v=spf1 -all exp=why.%{d}")
        .txt("why.shop.example.com", "%{i} may not send for %{d}\r\nX: y");
    let spf = world.spf(&envelope(CLIENT, "someone@shop.example.com"));
    assert_eq!(spf.reason, "8.8.4.4 may not send for shop.example.comX: y");
}

#[test]
fn a_bounce_is_checked_by_its_helo() {
    let world = World::default().txt("mail.client.example.net", "v=spf1 ip4:8.8.4.4 -all");
    let spf = world.spf(&envelope(CLIENT, ""));
    assert_eq!((spf.result, spf.of_helo), (Pass, true));
    assert_eq!(spf.domain, "mail.client.example.net");
}

#[test]
fn our_own_users_and_networks_are_not_checked() {
    let world = || shop("v=spf1 -all");
    let user = Envelope {
        authenticated: Some("someone".to_owned()),
        ..envelope(CLIENT, "someone@shop.example.com")
    };
    assert_eq!(world().spf(&user).result, None);
    assert_eq!(world().spf(&envelope("10.0.0.1", "someone@shop.example.com")).result, None);
}

#[test]
fn terms_that_wait_together_are_asked_together() {
    let names: Vec<String> = (0..8).map(|n| format!("i{n}.example.com")).collect();
    let record =
        names.iter().fold("v=spf1".to_owned(), |text, name| format!("{text} include:{name}"));
    let world = names.iter().fold(shop(&format!("{record} -all")), |world, name| {
        world.txt(name, "v=spf1 ip4:192.0.2.1 -all")
    });
    let authenticator = Authenticator::new();
    let envelope = envelope(CLIENT, "someone@shop.example.com");
    let (spf, rounds) =
        world.complete(&mut Answers::default(), |answers| authenticator.spf(&envelope, answers));
    assert_eq!((spf.result, rounds), (Fail, 2));
}

#[test]
fn without_answers_the_result_so_far_is_temporary() {
    let envelope = envelope(CLIENT, "someone@shop.example.com");
    let verified = Authenticator::new().spf(&envelope, &Answers::default());
    assert!(matches!(&verified, Verified::Needs { questions, .. } if questions.len() == 1));
    assert_eq!(verified.so_far().result, TempError);
}

#[test]
fn a_sender_that_is_no_domain_has_no_record() {
    for sender in ["someone@localhost", "someone", "a@b@..", "x@[8.8.4.4]"] {
        let envelope = Envelope { sender: Some(Address::new(sender)), ..envelope(CLIENT, "") };
        assert_eq!(World::default().spf(&envelope).result, None, "{sender}");
    }
}
