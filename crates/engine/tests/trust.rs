//! Trustmarks by certifiers on loopback: who proves them gets credit, and nobody else.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod world;

use std::time::{Duration, Instant};

use tidegate_checks::trust::MarkKind::{self, Addresses, CodedList, Practice, Vbr, Vetted};
use tidegate_checks::trust::MarkResult::{
    self, Claimed, Denied, None as Nothing, Unknown, Verified,
};
use tidegate_dns::Question;
use tidegate_dns::testing::Failure;
use world::{MAIL, STRANGER, World, field, points, results, signed};

const KINDS: [MarkKind; 5] = [Vbr, CodedList, Addresses, Practice, Vetted];

#[tokio::test]
async fn a_sender_who_proves_his_marks_gets_credit_for_each_kind() {
    let judged = World::new().of_shop(&signed(MAIL, "shop.example")).await;
    assert_eq!(results(&judged, Vbr), [Verified]);
    assert_eq!(results(&judged, CodedList), [Verified, Verified]);
    assert_eq!(results(&judged, Addresses), [Verified]);
    assert_eq!(results(&judged, Practice), [Verified; 4]);
    assert_eq!(results(&judged, Vetted), [Verified]);
    for (name, points) in [
        ("VOUCHED_BY_REFERENCE", -2.0),
        ("CERTIFIED_CONFIRMED", -2.0),
        ("CERTIFIED_SIGNER", -0.8),
        ("ADDRESS_CERTIFIED", -1.0),
        ("SENDER_VETTED", -3.0),
        ("BULK_KEEPS_RULES", 0.0),
        ("BULK_CONSENT_VOUCHED", 0.0),
    ] {
        let signal = judged.signals.get(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(signal.score(), points, "{name}: {}", signal.detail());
    }
    let said = judged.signals.get("VOUCHED_BY_REFERENCE").unwrap().detail();
    assert_eq!(said, "vouch.test for shop.example (list mail, opt-in confirmed)");
}

#[tokio::test]
async fn marks_are_told_in_the_header_and_in_authentication_results() {
    let judged = World::new().of_shop(&signed(MAIL, "shop.example")).await;
    let told = field(&judged, "Authentication-Results").unwrap();
    assert!(told.contains("vbr=pass header.md=shop.example header.mv=vouch.test"), "{told}");
    assert!(told.contains("dnswl=pass dns.zone=dwl.test policy.ip=127.0.15.2"), "{told}");
    let marks = field(&judged, "X-Trustmark").unwrap();
    assert!(marks.contains("vbr: vouch.test for shop.example (list mail"), "{marks}");
    assert!(marks.contains("vetted: the operator for shop.example"), "{marks}");
    let forged = MAIL.replacen("From:", "X-Trustmark: vbr: all the world\r\nFrom:", 1);
    let judged =
        World::new().judge(STRANGER, "x@evil.example", "berta@site.example", &forged).await;
    let removed = judged.fields.in_form(&tidegate_policy::Form::Marked).remove;
    assert!(removed.iter().any(|field| field.name == "X-Trustmark"), "{removed:?}");
    assert_eq!(field(&judged, "X-Trustmark"), None);
}

/// Of one kind: every header of a marked message, copied over another text by another host.
async fn copied(kind: MarkKind) {
    let world = World::new();
    let copy = signed(MAIL, "shop.example").replace("They have come.", "Buy these pills.");
    for sender in ["bounce@shop.example", "x@evil.example"] {
        let judged = world.judge(STRANGER, sender, "berta@site.example", &copy).await;
        let found = results(&judged, kind);
        assert!(!found.contains(&Verified), "{sender}: {found:?}");
        assert_eq!(points(&judged), (0.0, 0.0), "{sender}: {:?}", judged.signals);
        assert!(
            !judged.signals.has("BULK_KEEPS_RULES") && !judged.signals.has("BULK_CONSENT_VOUCHED")
        );
        assert_eq!(field(&judged, "X-Trustmark"), None);
    }
    // Signed anew by whoever copied it: his signature proves him, and not the shop.
    let own = signed(&MAIL.replace("They have come.", "Buy these pills."), "evil.example");
    let judged = world.judge(STRANGER, "x@evil.example", "berta@site.example", &own).await;
    assert!(!results(&judged, kind).contains(&Verified), "{:?}", judged.trust.marks);
    assert_eq!(points(&judged).0, 0.0, "{:?}", judged.signals);
}

#[tokio::test]
async fn copied_vouching_gains_nothing() {
    copied(Vbr).await;
}

#[tokio::test]
async fn copied_headers_of_a_listed_sender_gain_nothing() {
    copied(CodedList).await;
}

#[tokio::test]
async fn copied_claims_of_a_certified_address_gain_nothing() {
    copied(Addresses).await;
}

#[tokio::test]
async fn copied_marks_of_good_practice_gain_nothing() {
    copied(Practice).await;
}

#[tokio::test]
async fn copied_headers_of_a_vetted_sender_gain_nothing() {
    copied(Vetted).await;
}

#[tokio::test]
async fn a_marked_message_that_another_host_sends_to_others_gains_nothing() {
    let world = World::new();
    let mail = signed(MAIL, "shop.example");
    let replayed = world.judge(STRANGER, "x@evil.example", "victim@site.example", &mail).await;
    for kind in KINDS {
        let found = results(&replayed, kind);
        assert!(!found.contains(&Verified), "{kind:?}: {found:?}");
    }
    assert_eq!(points(&replayed), (0.0, 0.0), "{:?}", replayed.signals);
    let why = &replayed.trust.marks.iter().find(|it| it.mark.kind == Vbr).unwrap().why;
    assert!(why.contains("came by another host"), "{why}");
    // What a forwarder hands on to whom the message names keeps the marks that its signature proves.
    let forwarded = world.judge(STRANGER, "x@evil.example", "berta@site.example", &mail).await;
    assert_eq!(results(&forwarded, Vbr), [Verified]);
    assert_eq!(results(&forwarded, Addresses), [Claimed]);
}

#[tokio::test]
async fn a_claim_that_its_certifier_denies_counts_against() {
    let world = World::new();
    world.dns.remove("shop.example._vouch.vouch.test");
    let withdrawn = world.of_shop(&signed(MAIL, "shop.example")).await;
    assert_eq!(results(&withdrawn, Vbr), [Denied]);
    assert_eq!(points(&withdrawn).1, 1.5, "{:?}", withdrawn.signals);
    let forged = MAIL.replace("md=shop.example", "md=bank.example");
    let judged = world.judge(STRANGER, "x@evil.example", "berta@site.example", &forged).await;
    assert_eq!(results(&judged, Vbr), [Denied]);
    let told = field(&judged, "Authentication-Results").unwrap();
    assert!(told.contains("vbr=fail"), "{told}");
}

#[tokio::test]
async fn vouching_for_another_class_of_mail_is_none() {
    let world = World::new();
    world.dns.remove("shop.example._vouch.vouch.test");
    world.dns.txt("shop.example._vouch.vouch.test", "transaction");
    assert_eq!(results(&world.of_shop(&signed(MAIL, "shop.example")).await, Vbr), [Denied]);
    let transaction = MAIL.replace("mc=list", "mc=transaction");
    assert_eq!(
        results(&world.of_shop(&signed(&transaction, "shop.example")).await, Vbr),
        [Verified]
    );
}

#[tokio::test]
async fn certifiers_who_do_not_answer_change_nothing() {
    let world = World::new();
    for zone in ["vouch.test", "iadb.test", "dwl.test"] {
        world.dns.fail(zone, Failure::ServFail);
    }
    let judged = world.of_shop(&signed(MAIL, "shop.example")).await;
    assert_eq!(results(&judged, Vbr), [Unknown]);
    assert_eq!(results(&judged, CodedList), [Unknown, Unknown]);
    // What the operator and his files say needs no answer.
    assert_eq!(points(&judged), (-4.0, 0.0), "{:?}", judged.signals);
    let told = field(&judged, "Authentication-Results").unwrap();
    assert!(told.contains("vbr=temperror") && told.contains("dnswl=temperror"), "{told}");
}

#[tokio::test]
async fn marks_that_have_expired_count_for_nothing() {
    let world = World::but("until = \"2027-06-30\"", "until = \"2026-11-23\"");
    let judged = world.of_shop(&signed(MAIL, "shop.example")).await;
    assert_eq!(results(&judged, Vetted), [Nothing]);
    assert!(judged.signals.has("VETTING_EXPIRED") && !judged.signals.has("SENDER_VETTED"));
    let file =
        World::with("[addresses.a]\ncertifier = 'A'\nfile = 'a'\n", "203.0.113.9 2026-11-23\n");
    assert_eq!(results(&file.of_shop(MAIL).await, Addresses), [] as [MarkResult; 0]);
    let today =
        World::with("[addresses.a]\ncertifier = 'A'\nfile = 'a'\n", "203.0.113.9 2026-11-24\n");
    assert_eq!(results(&today.of_shop(MAIL).await, Addresses), [Verified]);
}

#[tokio::test]
async fn certifiers_who_are_not_trusted_are_not_asked() {
    let world = World::new();
    let mail = MAIL.replace("mv=vouch.test", "mv=friends.test:other.test");
    let judged = world.of_shop(&signed(&mail, "shop.example")).await;
    assert_eq!(results(&judged, Vbr), [] as [MarkResult; 0]);
    for certifier in ["friends.test", "other.test"] {
        let name = format!("shop.example._vouch.{certifier}");
        let question = Question::Txt(name.as_str().try_into().unwrap());
        assert_eq!(world.dns.asked(&question), 0, "{name}");
    }
}

#[tokio::test]
async fn vouching_counts_by_spf_or_by_a_signature_that_covers_it() {
    let world = World::new();
    assert_eq!(results(&world.of_shop(MAIL).await, Vbr), [Verified], "by SPF of the same domain");
    let other = |sender| world.judge(world::SHOP, sender, "berta@site.example", MAIL);
    assert_eq!(results(&other("x@mail.shop.example").await, Vbr), [Claimed]);
    // A field that was added below a signature over the rest.
    let bare = MAIL.replace("VBR-Info: md=shop.example; mc=list; mv=vouch.test;\r\n", "");
    let info = "VBR-Info: md=shop.example; mc=list; mv=vouch.test;\r\n";
    let added = signed(&bare, "shop.example").replacen("From:", &format!("{info}From:"), 1);
    let judged = world.judge(STRANGER, "x@evil.example", "berta@site.example", &added).await;
    assert!(!results(&judged, Vbr).contains(&Verified), "{:?}", judged.trust.marks);
}

#[tokio::test]
async fn codes_mean_what_the_map_says_and_refusals_mean_nothing() {
    for (codes, points) in [
        (&["127.0.0.2"][..], Some(("CERTIFIED_KNOWN", 0.0))),
        (&["127.0.0.2", "127.3.100.0", "127.3.100.10"], Some(("CERTIFIED_SPAMMER", 2.0))),
        (&["127.0.1.6"], Some(("CERTIFIED_BIT", -1.0))),
        (&["127.0.1.2"], None),
        (&["127.255.255.255"], None),
        (&["127.255.255.254", "127.3.100.10"], None),
        (&["192.0.2.1", "127.3.100.10"], None),
    ] {
        let world = World::new();
        world.dns.remove("9.113.0.203.iadb.test");
        for code in codes {
            world.dns.a("9.113.0.203.iadb.test", code);
        }
        let judged = world.of_shop(MAIL).await;
        let certified = judged.signals.iter().find(|it| it.name().starts_with("CERTIFIED_"));
        assert_eq!(certified.map(|it| (it.name(), it.score())), points, "{codes:?}");
    }
}

#[tokio::test]
async fn a_message_with_all_kinds_asks_nothing_more_when_its_body_has_come() {
    const ROUND: Duration = Duration::from_millis(30);
    let mail = signed(MAIL, "shop.example");
    let world = World::new();
    world.dns.delay("", ROUND);
    let (before, in_all, took) = world.questions(&mail).await;
    let judged = World::new().of_shop(&mail).await;
    assert!(KINDS.iter().all(|kind| results(&judged, *kind).contains(&Verified)));
    // What certifiers cost is a question each, put before the body comes: what is asked at the end is
    // what is asked without them, the address of the name that the client goes by.
    let none = World::with("", "");
    none.dns.delay("", ROUND);
    let (before_without, without, took_without) = none.questions(&mail).await;
    assert_eq!(in_all - before, without - before_without, "a round of lookups was added");
    assert_eq!(in_all - without, 3, "one for VBR, one for each list");
    eprintln!("from the body to the verdict: {took:?} with marks, {took_without:?} without");
    // Of a client that brings all at once, nothing could be asked before: a round at most is added. The
    // shortest of three times, since the machine may have other things to do.
    let at_once = async |world: &dyn Fn() -> World| {
        let mut shortest = Duration::MAX;
        for _ in 0..3 {
            let world = world();
            world.dns.delay("", ROUND);
            let began = Instant::now();
            assert!(!world.of_shop(&mail).await.missing.any());
            shortest = shortest.min(began.elapsed());
        }
        shortest
    };
    let (with, without) = (at_once(&World::new).await, at_once(&|| World::with("", "")).await);
    eprintln!("all at once: {with:?} with marks, {without:?} without");
    assert!(with < without + ROUND, "{with:?} with marks, {without:?} without");
}

/// Recorded spam, under the header of a marked message: `TIDEGATE_CORPUS` names a folder with an `index`.
/// Mail is not part of the project, so its absence fails no test.
#[tokio::test]
async fn no_spam_gains_by_the_claims_that_it_copies() {
    let Some(folder) = std::env::var_os("TIDEGATE_CORPUS").map(std::path::PathBuf::from) else {
        return eprintln!("skipped: no corpus");
    };
    let index = std::fs::read_to_string(folder.join("index")).unwrap();
    let marked = signed(MAIL, "shop.example");
    let claims: String = marked
        .split_inclusive("\r\n")
        .take_while(|line| *line != "\r\n")
        .filter(|line| !["From:", "To:", "Date:"].iter().any(|name| line.starts_with(name)))
        .collect();
    let world = World::new();
    let mut judged = 0;
    for name in index.lines().filter_map(|line| line.strip_prefix("spam ")) {
        let spam = String::from_utf8_lossy(&std::fs::read(folder.join(name)).unwrap()).into_owned();
        for mail in [format!("{claims}{spam}"), spam] {
            let found = world.judge(STRANGER, "x@evil.example", "berta@site.example", &mail).await;
            assert_eq!(points(&found).0, 0.0, "{name}: {:?}", found.signals);
            assert_eq!(field(&found, "X-Trustmark"), None, "{name}");
        }
        judged += 1;
    }
    eprintln!("{judged} messages of spam");
}
