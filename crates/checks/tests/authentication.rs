//! DKIM, ARC, DMARC and the reverse name, over messages that are signed here.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "tests")]

#[path = "data/ed25519.rs"]
mod ed25519;
mod support;

use mail_auth::arc::ArcSealer;
use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{Canonicalization, DkimSigner};
use mail_auth::{ArcOutput, AuthenticatedMessage, AuthenticationResults, DmarcOutput, DmarcResult};
use support::{World, envelope, now};
use tidegate_checks::Questions;
use tidegate_checks::auth::{Authenticator, Extent, Verified};
use tidegate_checks::authentication::AuthResult::{self, *};
use tidegate_checks::authentication::{Authentication, DmarcPolicy, Spf};
use tidegate_dns::Answers;
use tidegate_mail::{Bounds, Envelope, Message};

const CLIENT: &str = "8.8.4.4";
/// Signs in these tests and nowhere else.
const RSA: &str = include_str!("data/rsa2048.pem");
const RSA_PUBLIC: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4u52ON1O5JsEXrAzcO/TROgXztIY1+rE2OTZTVIWb1IYfrdeO1W486i7fUADVJMa34/twxKjdkaL1aexteNR945pFl0/V2pCMH1o/gFrsLr04ntZ64OmAXCEwQU955znyMjoTvd9VvxqP1eOWfauJwCTeHtXJlxhfU5qf5A8SbBtGFS3gzglM16hzUKr7qgzB/o4OdCGKvXPPUw+TrzbwNlXmuKcL8d59kje5RBx0lvyjqvBDnrwr1dLM6oCSdQdIdS0hTWgUOQjzCVT1mxR9/G0CoEPEWt0iJmKm67cxNosX9Wp86EiTmClZOkoD9jXDgd4o2n0iddH5aKUPIwl3QIDAQAB";
const RSA_OTHER: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtaBPHjAjfHS3C3Iu7sdyDnH3JvlwmFTRF47jysBKzDZxAmD24ws2SuWnsD0vbSS0asX38d1mngZVyBhCII8FILtjCXISpQjVfqqwq3nr/wrWORotglHmsnz1OOzDkSrlazBI53LxZWjXv2WFwmk+Y4v8yk+GvjKUBMSrT9NAauicImx/TIACCoK6eM70X28o4eGmRiT+oLBYuCaCgycv9SwYlxniyhuEjx1qjqApfvi6BvHjsf52jeAMD7wQcUPf2x9MeF1/9sM9JGUdQDCt+kyTwjPlDkNOuMdlWSR3FbVXE8tSWAGx78x5zIfkDNmHpdLscB5cL165wocVYozJlQIDAQAB";
const RSA_512: &str = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALZf6KKcrbDMiorzMXq874aFAaX87hTPCCMtk5FQTbH3jxqfL5rOEdoktXsVkk7gmfQ3P3fL8OrADjFkgyPLHZ0CAwEAAQ==";
const MAIL: &str = "From: <someone@shop.example.com>\r\nTo: <you@site.example>\r\n\
    Subject: An order\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\n\r\nThank you  \r\nfor it.\r\n\r\n";
const SIGNED: [&str; 4] = ["From", "To", "Subject", "Date"];

fn rsa() -> RsaKey<Sha256> {
    #[allow(deprecated, reason = "spares a dependency on the key format's crate")]
    RsaKey::from_rsa_pem(RSA).unwrap()
}

fn signed_rsa(mail: &str, domain: &str, relaxed: bool) -> String {
    let how = if relaxed { Canonicalization::Relaxed } else { Canonicalization::Simple };
    let signer = DkimSigner::from_key(rsa()).domain(domain).selector("rsa").headers(SIGNED);
    let signer = signer.header_canonicalization(how).body_canonicalization(how);
    format!("{}{mail}", signer.sign(mail.as_bytes()).unwrap().to_header())
}

fn signed_ed25519(mail: &str, domain: &str) -> String {
    let key = Ed25519Key::from_seed_and_public_key(&ed25519::SEED, &ed25519::PUBLIC).unwrap();
    let signer = DkimSigner::from_key(key).domain(domain).selector("ed").headers(SIGNED);
    format!("{}{mail}", signer.sign(mail.as_bytes()).unwrap().to_header())
}

/// Publishes both keys for `domain`.
fn keys(world: World, domain: &str) -> World {
    world
        .txt(&format!("rsa._domainkey.{domain}"), &format!("v=DKIM1; k=rsa; p={RSA_PUBLIC}"))
        .txt(&format!("ed._domainkey.{domain}"), ed25519::RECORD)
}

fn shop() -> World {
    keys(World::default(), "shop.example.com")
}

fn sender() -> Envelope {
    envelope(CLIENT, "bounces@shop.example.com")
}

fn judged(world: &World, mail: &str) -> Authentication {
    world.authenticate(&sender(), mail.as_bytes())
}

#[track_caller]
fn check_dkim(world: &World, mail: &str, expect: &[AuthResult]) {
    let found = judged(world, mail).dkim;
    assert_eq!(found.iter().map(|it| it.result).collect::<Vec<_>>(), expect, "{found:#?}");
}

#[test]
fn signatures_of_both_kinds_verify() {
    check_dkim(&shop(), &signed_rsa(MAIL, "shop.example.com", true), &[Pass]);
    check_dkim(&shop(), &signed_rsa(MAIL, "shop.example.com", false), &[Pass]);
    check_dkim(&shop(), &signed_ed25519(MAIL, "shop.example.com"), &[Pass]);
    check_dkim(&shop(), MAIL, &[]);
}

#[test]
fn two_signatures_are_told_in_the_order_of_the_fields() {
    let mail = signed_ed25519(&signed_rsa(MAIL, "shop.example.com", true), "shop.example.com");
    let found = judged(&shop(), &mail).dkim;
    let told: Vec<_> = found.iter().map(|it| (it.result, it.algorithm, &*it.selector)).collect();
    assert_eq!(told, [(Pass, "ed25519-sha256", "ed"), (Pass, "rsa-sha256", "rsa")]);
    assert!(found[0].covers.iter().any(|name| name.eq_ignore_ascii_case("subject")));
    assert_eq!(found[0].b.len(), 8);
    assert!(mail.contains(&found[0].b), "{}", found[0].b);
}

#[test]
fn a_message_with_bare_lf_verifies_as_it_was_on_the_wire() {
    for relaxed in [true, false] {
        let mail = signed_rsa(MAIL, "shop.example.com", relaxed).replace("\r\n", "\n");
        check_dkim(&shop(), &mail, &[Pass]);
    }
}

/// What is found of a message of whose body nothing is kept, but its hashes, taken in pieces of so many octets.
fn hashed(mail: &str, octets: usize) -> Authentication {
    let (header, body) = mail.split_once("\r\n\r\n").unwrap();
    let kept = format!("{header}\r\n\r\n");
    let view = Message::parse(kept.as_bytes(), &Bounds::default());
    let authenticator = Authenticator::new();
    let mut hashes = authenticator.hash_body(&view);
    body.as_bytes().chunks(octets).for_each(|piece| hashes.write(piece));
    let digests = hashes.finish();
    let verify = |answers: &Answers| {
        let extent = Extent::Hashed(&digests);
        authenticator.verify(&sender(), &view, extent, Spf::default(), answers, now())
    };
    keys(shop(), "relay.example").complete(&mut Answers::default(), verify).0
}

#[test]
fn a_body_that_is_hashed_as_it_comes_verifies_as_the_whole_does() {
    for relaxed in [true, false] {
        let once = signed_rsa(MAIL, "shop.example.com", relaxed);
        let mail = signed_ed25519(&once, "shop.example.com");
        let changed = mail.replace("for it", "for all");
        for octets in 1..30 {
            let results = |mail| hashed(mail, octets).dkim.into_iter().map(|it| it.result);
            assert_eq!(results(&mail).collect::<Vec<_>>(), [Pass, Pass], "{relaxed} {octets}");
            assert_eq!(results(&changed).collect::<Vec<_>>(), [Fail, Fail], "{relaxed} {octets}");
        }
    }
}

#[test]
fn a_chain_over_a_body_that_is_hashed_as_it_comes_verifies() {
    let mail = sealed(MAIL, &ArcOutput::default(), true);
    assert_eq!(hashed(&mail, 7).arc.result, Pass);
    assert_eq!(hashed(&mail.replace("for it", "for all"), 7).arc.result, Fail);
    // A set has one of each field (RFC 8617, section 5.2): whose word would count?
    let more =
        "ARC-Authentication-Results: i=1; relay.example; dmarc=pass header.from=bank.example\r\n";
    assert_eq!(hashed(&format!("{more}{mail}"), 7).arc.result, Fail);
}

#[test]
fn signatures_of_a_header_section_that_is_cut_are_not_said_to_fail() {
    let mail = signed_rsa(MAIL, "shop.example.com", true).replace("Subject: An order\r\n", "");
    let view = Message::parse(mail.as_bytes(), &Bounds::default());
    let authenticator = Authenticator::new();
    let (found, _) = shop().complete(&mut Answers::default(), |answers| {
        let spf = Spf::default();
        authenticator.verify(&sender(), &view, Extent::HeaderCut, spf, answers, now())
    });
    assert_eq!(found.dkim[0].result, TempError);
    assert!(found.dkim[0].reason.contains("header section"), "{:?}", found.dkim);
}

#[test]
fn what_was_changed_fails() {
    let mail = signed_rsa(MAIL, "shop.example.com", true);
    check_dkim(&shop(), &mail.replace("Thank you", "Thank me"), &[Fail]);
    check_dkim(&shop(), &mail.replace("An order", "A lottery"), &[Fail]);
    check_dkim(&shop(), &mail.replace("Thank you  ", "Thank you "), &[Pass]);
    let strict = signed_rsa(MAIL, "shop.example.com", false);
    check_dkim(&shop(), &strict.replace("Thank you  ", "Thank you "), &[Fail]);
}

#[test]
fn keys_that_prove_nothing_are_told_apart() {
    let mail = signed_rsa(MAIL, "shop.example.com", true);
    let published = |key: &str| World::default().txt("rsa._domainkey.shop.example.com", key);
    check_dkim(&published(&format!("p={RSA_OTHER}")), &mail, &[Fail]);
    check_dkim(&published(&format!("p={RSA_512}")), &mail, &[Neutral]);
    check_dkim(&published("p="), &mail, &[PermError]);
    check_dkim(&published("hello"), &mail, &[PermError]);
    check_dkim(&published("p=AAAA"), &mail, &[Fail]);
    check_dkim(&published(ed25519::RECORD.trim_start_matches("v=DKIM1; ")), &mail, &[PermError]);
    check_dkim(&World::default(), &mail, &[PermError]);
    check_dkim(&World::default().lost_txt("rsa._domainkey.shop.example.com"), &mail, &[TempError]);
}

#[test]
fn signatures_that_cannot_count_are_not_verified() {
    let mail = signed_rsa(MAIL, "shop.example.com", true);
    check_dkim(&shop(), &mail.replace("a=rsa-sha256", "a=rsa-sha1"), &[Neutral]);
    let signer = DkimSigner::from_key(rsa()).domain("shop.example.com").selector("rsa");
    let signature = signer.headers(["To", "Subject"]).sign(MAIL.as_bytes()).unwrap();
    check_dkim(&shop(), &format!("{}{MAIL}", signature.to_header()), &[PermError]);
    check_dkim(&shop(), "DKIM-Signature: v=1; nonsense\r\nFrom: a@b.example\r\n\r\n", &[PermError]);
    let long = format!("DKIM-Signature: v=1; x={}\r\n{MAIL}", "y".repeat(20_000));
    check_dkim(&shop(), &long, &[PermError]);
}

#[test]
fn text_below_a_partial_signature_is_told() {
    let signer = DkimSigner::from_key(rsa()).domain("shop.example.com").selector("rsa");
    let signature = signer.headers(SIGNED).body_length(true).sign(MAIL.as_bytes()).unwrap();
    let mail = format!("{}{MAIL}Buy this.\r\n", signature.to_header());
    let found = judged(&shop(), &mail).dkim;
    assert_eq!((found[0].result, found[0].partial_body), (Pass, true), "{found:?}");
}

#[test]
fn thousands_of_signatures_cost_as_much_as_a_few() {
    let many: String = (0..5_000)
        .map(|n| format!(
            "DKIM-Signature: v=1; a=rsa-sha256; d=d{n}.example; s=s; h=from; l={n}; bh=AAAA; b=AAAAAAAA\r\n"
        ))
        .collect();
    let mail = format!("{many}{}", signed_rsa(MAIL, "shop.example.com", true));
    let message = Message::parse(mail.as_bytes(), &Bounds::default());
    let mut questions = Questions::default();
    Authenticator::new().prefetch(&sender(), &message, &mut questions);
    assert!(questions.into_iter().count() < 16);
    assert_eq!(judged(&shop(), &mail).dkim.len(), 8);
}

#[test]
fn a_signature_expires_by_the_time_of_arrival() {
    let signer = DkimSigner::from_key(rsa()).domain("shop.example.com").selector("rsa");
    let signer = signer.headers(SIGNED).expiration(3_600);
    let mail = format!("{}{MAIL}", signer.sign(MAIL.as_bytes()).unwrap().to_header());
    let at = |now| shop().authenticate_at(&sender(), mail.as_bytes(), now).dkim[0].clone();
    assert_eq!(at(now()).result, Pass);
    let late = at(now() + 7_200);
    assert_eq!((late.result, late.reason.as_str()), (Neutral, "the signature has expired"));
}

#[test]
fn what_is_asked_ahead_is_all_that_is_needed() {
    let mail = signed_rsa(MAIL, "shop.example.com", true);
    let message = Message::parse(mail.as_bytes(), &Bounds::default());
    let header_view = mail.split_inclusive("\r\n\r\n").next().unwrap();
    let header_view = Message::parse(header_view.as_bytes(), &Bounds::default());
    let envelope = Envelope { client_name: Some("mail.example.com".to_owned()), ..sender() };
    let authenticator = Authenticator::new();

    let mut questions = Questions::default();
    authenticator.prefetch(&envelope, &header_view, &mut questions);
    let ahead: Vec<_> = questions.into_iter().collect();
    let Verified::Needs { questions, so_far } = authenticator.verify(
        &envelope,
        &message,
        Extent::Whole,
        Spf::default(),
        &Answers::default(),
        0,
    ) else {
        panic!("verified without a key");
    };
    assert_eq!(questions, ahead);
    assert_eq!(so_far.dkim[0].result, TempError);
    assert_eq!(so_far.dmarc.result, TempError);
    assert_eq!(so_far.iprev.result, Pass);
}

/// The message of RFC 8463, appendix A, with its ed25519 signature.
#[test]
fn the_example_of_rfc_8463_verifies() {
    let mail = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
        d=football.example.com; i=@football.example.com;\r\n \
        q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
        subject : date : message-id : from : subject : date;\r\n \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n \
        b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n \
        Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n\
        From: Joe SixPack <joe@football.example.com>\r\n\
        To: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\n\
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n\
        Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    let world = World::default().txt("brisbane._domainkey.football.example.com", ed25519::RECORD);
    check_dkim(&world, mail, &[Pass]);
}

#[track_caller]
fn check_dmarc(world: &World, mail: &str, expect: (AuthResult, DmarcPolicy)) {
    let found = judged(world, mail).dmarc;
    assert_eq!((found.result, found.policy), expect, "{found:?}");
}

#[test]
fn dmarc_passes_by_an_aligned_identity_alone() {
    let policy = |world: World, text: &str| world.txt("_dmarc.shop.example.com", text);
    let strict = "v=DMARC1; p=reject; adkim=s; aspf=s";
    let other = keys(World::default(), "mailer.example.net");
    let parent = || keys(World::default(), "example.com");
    let reject = DmarcPolicy::Reject;

    let own = signed_rsa(MAIL, "shop.example.com", true);
    check_dmarc(&policy(shop(), strict), &own, (Pass, reject));
    check_dmarc(&policy(shop(), strict), MAIL, (Fail, reject));
    let by_parent = signed_rsa(MAIL, "example.com", true);
    check_dmarc(&policy(parent(), "v=DMARC1; p=reject"), &by_parent, (Pass, reject));
    check_dmarc(&policy(parent(), strict), &by_parent, (Fail, reject));
    let by_other = signed_rsa(MAIL, "mailer.example.net", true);
    check_dmarc(&policy(other, "v=DMARC1; p=reject"), &by_other, (Fail, reject));
    let by_spf = World::default().txt("shop.example.com", "v=spf1 ip4:8.8.4.4 -all");
    check_dmarc(&policy(by_spf, strict), MAIL, (Pass, reject));
}

#[test]
fn dmarc_waits_for_an_aligned_identity_that_was_lost() {
    let mail = signed_rsa(MAIL, "shop.example.com", true);
    let world = World::default()
        .txt("_dmarc.shop.example.com", "v=DMARC1; p=reject")
        .lost_txt("rsa._domainkey.shop.example.com");
    check_dmarc(&world, &mail, (TempError, DmarcPolicy::Reject));
    let world = World::default().lost_txt("_dmarc.shop.example.com");
    check_dmarc(&world, &mail, (TempError, DmarcPolicy::None));
}

#[test]
fn a_subdomain_follows_its_organisation() {
    let organisation = |text: &str| World::default().txt("_dmarc.example.com", text);
    let exists = |world: World| world.address("shop.example.com", CLIENT);
    let (none, quarantine) = (DmarcPolicy::None, DmarcPolicy::Quarantine);
    check_dmarc(&organisation("v=DMARC1; p=reject"), MAIL, (Fail, DmarcPolicy::Reject));
    check_dmarc(&organisation("v=DMARC1; p=reject; sp=none"), MAIL, (Fail, none));
    let absent = "v=DMARC1; p=reject; sp=none; np=quarantine";
    check_dmarc(&organisation(absent), MAIL, (Fail, quarantine));
    check_dmarc(&exists(organisation(absent)), MAIL, (Fail, none));
    check_dmarc(&organisation("v=DMARC1; p=reject; t=y"), MAIL, (Fail, quarantine));
}

#[test]
fn a_policy_is_enforced_for_all_mail_of_domain_and_organisation() {
    let world = |own: Option<&str>, organisation: Option<&str>| {
        let world = World::default();
        let world = match own {
            Some(text) => world.txt("_dmarc.shop.example.com", text),
            _ => world,
        };
        match organisation {
            Some(text) => world.txt("_dmarc.example.com", text),
            _ => world,
        }
    };
    let check = |own, organisation, expect: bool| {
        let found = judged(&world(own, organisation), MAIL).dmarc;
        assert_eq!(found.enforced, expect, "{own:?} {organisation:?}");
    };
    let reject = Some("v=DMARC1; p=reject");
    check(reject, Option::None, true);
    check(Option::None, reject, true);
    check(Some("v=DMARC1; p=quarantine"), reject, true);
    check(Some("v=DMARC1; p=quarantine; pct=100"), reject, true);
    check(Some("v=DMARC1; p=quarantine; PCT = 99"), reject, false);
    check(Some("v=DMARC1; p=quarantine; pct=all"), reject, false);
    check(Some("v=DMARC1; p=reject; pct=20"), reject, true);
    check(Some("v=DMARC1; p=reject; sp=none"), reject, false);
    check(Some("v=DMARC1; p=reject; t=y"), reject, false);
    check(Some("v=DMARC1; p=none"), reject, false);
    check(reject, Some("v=DMARC1; p=none"), false);
    check(reject, Some("v=DMARC1; p=reject; sp=none"), false);
    check(Option::None, Option::None, false);
    let lost = world(reject, Option::None).lost_txt("_dmarc.example.com");
    assert!(!judged(&lost, MAIL).dmarc.enforced);
}

#[test]
fn a_public_suffix_is_nobodys_organisation() {
    let mail = MAIL.replace("shop.example.com", "shop.co.uk");
    let world = keys(World::default(), "other.co.uk").txt("_dmarc.co.uk", "v=DMARC1; p=reject");
    check_dmarc(&world, &signed_rsa(&mail, "other.co.uk", true), (None, DmarcPolicy::None));
    let world =
        keys(World::default(), "other.co.uk").txt("_dmarc.shop.co.uk", "v=DMARC1; p=reject");
    check_dmarc(&world, &signed_rsa(&mail, "other.co.uk", true), (Fail, DmarcPolicy::Reject));
}

#[test]
fn dmarc_records_are_one_and_well_formed() {
    let policy = |text: &str| World::default().txt("_dmarc.shop.example.com", text);
    check_dmarc(&policy("v=DMARC1; p=whatever"), MAIL, (PermError, DmarcPolicy::None));
    check_dmarc(&policy("v=spf1 -all"), MAIL, (None, DmarcPolicy::None));
    let twice = policy("v=DMARC1; p=reject").txt("_dmarc.shop.example.com", "v=DMARC1; p=none");
    check_dmarc(&twice, MAIL, (None, DmarcPolicy::None));
}

#[test]
fn several_authors_never_pass() {
    let world = || shop().txt("_dmarc.shop.example.com", "v=DMARC1; p=reject");
    let mail = signed_rsa(MAIL, "shop.example.com", true);
    let above = format!("From: <boss@bank.example>\r\n{mail}");
    check_dmarc(&world(), &above, (PermError, DmarcPolicy::None));
    let beside = MAIL.replace("From: ", "From: <boss@bank.example>, ");
    check_dmarc(
        &world(),
        &signed_rsa(&beside, "shop.example.com", true),
        (PermError, DmarcPolicy::None),
    );
}

fn sealed(mail: &str, chain: &ArcOutput<'_>, passed: bool) -> String {
    let message = AuthenticatedMessage::parse(mail.as_bytes()).unwrap();
    let result = if passed { DmarcResult::Pass } else { DmarcResult::None };
    let dmarc = DmarcOutput::default().with_domain("shop.example.com").with_dkim_result(result);
    let results = AuthenticationResults::new("relay.example").with_dmarc_result(&dmarc);
    let sealer = ArcSealer::from_key(rsa()).domain("relay.example").selector("rsa").headers(SIGNED);
    format!("{}{mail}", sealer.seal(&message, &results, chain).unwrap().to_header())
}

#[test]
fn a_sealed_history_holds_until_it_is_touched() {
    let world = keys(World::default(), "relay.example");
    let mail = sealed(MAIL, &ArcOutput::default(), true);
    let arc = judged(&world, &mail).arc;
    assert_eq!((arc.result, arc.sets, arc.passed_before), (Pass, 1, true), "{arc:?}");
    assert_eq!(arc.sealer.as_deref(), Some("relay.example"));

    let arc = judged(&world, &mail.replace("Thank you", "Thank me")).arc;
    assert_eq!((arc.result, arc.passed_before), (Fail, false));
    let arc = judged(&world, &mail.replace("dmarc=pass", "dmarc=fail")).arc;
    assert_eq!((arc.result, arc.passed_before), (Fail, false));
    let arc = judged(&world, &sealed(MAIL, &ArcOutput::default(), false)).arc;
    assert_eq!((arc.result, arc.passed_before), (Pass, false));
    assert_eq!(
        judged(&World::default().lost_txt("rsa._domainkey.relay.example"), &mail).arc.result,
        TempError
    );
    assert_eq!(judged(&world, MAIL).arc.result, None);
}

#[test]
fn a_chain_that_is_too_long_or_incomplete_is_void() {
    let world = keys(World::default(), "relay.example");
    let mail = sealed(MAIL, &ArcOutput::default(), true);
    let many = format!(
        "{}{mail}",
        "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=x.example; s=s; b=AAAA\r\n".repeat(3_000)
    );
    assert_eq!(judged(&world, &many).arc.result, PermError);
    let torn = mail.replacen("ARC-Seal", "X-Seal", 1);
    assert_eq!(judged(&world, &torn).arc.result, Fail);
}

#[test]
fn a_reverse_name_must_lead_back() {
    let iprev = |world: World| judged(&world, MAIL).iprev;
    let named = || World::default().ptr(CLIENT, &["a.example.com", "b.example.com"]);
    assert_eq!(
        iprev(named().address("b.example.com", CLIENT)).name.as_deref(),
        Some("b.example.com")
    );
    assert_eq!(iprev(named().address("b.example.com", CLIENT)).result, Pass);
    let astray = iprev(named().address("b.example.com", "8.8.8.8"));
    assert_eq!((astray.result, astray.name.as_deref()), (Fail, Some("a.example.com")));
    let nameless = iprev(World::default());
    assert_eq!((nameless.result, nameless.name), (Fail, Option::None));
    let lost = World::default().lost(tidegate_dns::Question::Ptr(CLIENT.parse().unwrap()));
    assert_eq!(iprev(lost).result, TempError);
}
