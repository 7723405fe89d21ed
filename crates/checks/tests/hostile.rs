//! Senders who own their DNS: records and signatures that would have a reader ask, read and verify
//! without end.
//!
//! Work is counted: the questions put, and what was allocated.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use allocation_counter::measure;
use support::{World, envelope, now};
use tidegate_checks::auth::{Authenticator, Extent, Verified};
use tidegate_checks::authentication::AuthResult::{self, PermError};
use tidegate_dns::{Answers, Question};
use tidegate_mail::hostile::classes;

const CLIENT: &str = "203.0.113.66";
const SENDER: &str = "mallory@evil.example";

/// The result of SPF, and how many questions it took.
fn spf(world: &World) -> (AuthResult, usize) {
    let (authenticator, mut answers) = (Authenticator::new(), Answers::default());
    let envelope = envelope(CLIENT, SENDER);
    let mut asked = 0;
    loop {
        match authenticator.spf(&envelope, &answers) {
            Verified::Done(spf) => return (spf.result, asked),
            Verified::Needs { questions, .. } => {
                asked += questions.len();
                for question in questions {
                    let answer = world.answer(&question);
                    answers.insert(question, answer);
                }
            }
        }
    }
}

#[track_caller]
fn refused(world: &World, most: usize) {
    let (result, asked) = spf(world);
    assert_eq!(result, PermError);
    assert!(asked <= most, "{asked} questions");
}

#[test]
fn spf_records_that_lead_to_each_other_end() {
    refused(&World::default().txt("evil.example", "v=spf1 include:evil.example -all"), 12);
    refused(&World::default().txt("evil.example", "v=spf1 redirect=evil.example"), 12);
    let ring = World::default()
        .txt("evil.example", "v=spf1 include:a.example include:b.example -all")
        .txt("a.example", "v=spf1 include:b.example redirect=b.example")
        .txt("b.example", "v=spf1 include:a.example redirect=evil.example");
    refused(&ring, 12);
    // Each record doubles what was asked before, were it not counted.
    let tree = (0..30).fold(World::default(), |world, n| {
        let name = if n == 0 { "evil.example".to_owned() } else { format!("t{n}.example") };
        let next = n + 1;
        world.txt(&name, &format!("v=spf1 include:t{next}.example include:t{next}.example -all"))
    });
    refused(&tree, 12);
}

#[test]
fn spf_records_of_thousands_of_terms_ask_for_ten() {
    let terms = |term: &str| (0..4_000).map(|n| format!(" {term}{n}.example")).collect::<String>();
    for term in ["a:x", "mx:x", "exists:x", "include:x", "ptr:x"] {
        let world = World::default().txt("evil.example", &format!("v=spf1{} -all", terms(term)));
        let (result, asked) = spf(&world);
        assert_ne!(result, AuthResult::Pass);
        assert!(asked <= 40, "{term}: {asked} questions");
    }
    let exchanges: Vec<String> = (0..3_000).map(|n| format!("mx{n}.example")).collect();
    let exchanges: Vec<&str> = exchanges.iter().map(String::as_str).collect();
    let world =
        World::default().txt("evil.example", "v=spf1 mx -all").mx("evil.example", &exchanges);
    refused(&world, 14);
    let names: Vec<String> = (0..3_000).map(|n| format!("p{n}.evil.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let world = World::default().txt("evil.example", "v=spf1 ptr -all").ptr(CLIENT, &names);
    assert!(spf(&world).1 <= 24);
}

#[test]
fn macros_make_no_long_names() {
    for macros in ["%{l}.".repeat(500), "%{s200r.+-/}".repeat(300), "%{d}%{d}%{d}%{d}.".repeat(200)]
    {
        let record = format!("v=spf1 exists:{macros}x.example exp={macros}e.example -all");
        let world = World::default().txt("evil.example", &record);
        let measured = measure(|| {
            spf(&world);
        });
        assert!(measured.bytes_max < 1 << 20, "{} bytes", measured.bytes_max);
    }
    for broken in ["%{", "%{d", "%{d999999999999r}", "%", "%%%", "%{é}", "%{d}%{x}", "%{d-1}"] {
        let record = format!("v=spf1 exists:{broken} a:{broken} exp={broken} -all");
        assert!(spf(&World::default().txt("evil.example", &record)).1 <= 24, "{broken}");
    }
}

#[test]
fn junk_in_records_is_no_record() {
    let long = "x".repeat(60_000);
    for junk in [
        "v=DMARC1".to_owned(),
        "v=DMARC1; p".to_owned(),
        "v=DMARC1; p=reject; p=none; p=reject".to_owned(),
        format!(
            "v=DMARC1; p=reject; rua={}",
            "mailto:a@b.example!99999999999999999999,".repeat(1_500)
        ),
        format!("v=DMARC1; {long}={long}; p=reject"),
        "v=DMARC1;;;;;;=;=;p=reject;pct=-1;pct=9999999999999999999;ri=\u{feff}".to_owned(),
        "v=DMARC1;\0p=reject\0".to_owned(),
        long.clone(),
    ] {
        let world = World::default()
            .txt("_dmarc.evil.example", &junk)
            .txt("evil.example", "v=spf1 -all")
            .txt("s1._domainkey.d1.example", &junk);
        for class in ["signatures", "body-hashes", "arc-sets"] {
            let raw = message(class, 40);
            world.authenticate(&envelope(CLIENT, SENDER), &raw);
        }
    }
}

#[test]
fn keys_of_any_length_and_shape_verify_nothing() {
    let long = "A".repeat(64_000);
    for key in [
        format!("v=DKIM1; k=rsa; p={long}"),
        format!("v=DKIM1; k=ed25519; p={long}"),
        "v=DKIM1; k=ed25519; p=AA==".to_owned(),
        "v=DKIM1; k=rsa; p=====".to_owned(),
        "v=DKIM1; k=rsa; p=MAA=".to_owned(),
        format!("v=DKIM1; h={}; p=AAAA", "sha256:".repeat(9_000)),
        "v=DKIM1; p=".to_owned(),
    ] {
        let world = (0..60).fold(World::default(), |world, at| {
            world.txt(&format!("s{at}._domainkey.d{at}.example"), &key)
        });
        for class in ["signatures", "signed-names", "body-hashes", "signed-lengths"] {
            let found = world.authenticate(&envelope(CLIENT, SENDER), &message(class, 60));
            assert!(
                found.dkim.iter().all(|it| it.result != AuthResult::Pass),
                "{class}: {key:.40}"
            );
        }
    }
}

/// Twice as many signatures, names in `h=` or lengths in `l=` are read twice, and verified no more.
#[test]
fn what_is_signed_a_thousand_times_is_verified_a_few() {
    for class in ["signatures", "signed-names", "body-hashes", "arc-sets", "signed-lengths"] {
        let cost = |n: usize| {
            let (raw, envelope) = (message(class, n), envelope(CLIENT, SENDER));
            let message = tidegate_mail::Message::parse(&raw, &Default::default());
            let (authenticator, mut asked) = (Authenticator::new(), 0);
            let world = World::default();
            let mut answers = Answers::default();
            let measured = measure(|| {
                while let Verified::Needs { questions, .. } = authenticator.verify(
                    &envelope,
                    &message,
                    Extent::Whole,
                    Default::default(),
                    &answers,
                    now(),
                ) {
                    asked += questions.iter().filter(|it| matches!(it, Question::Txt(_))).count();
                    questions.into_iter().for_each(|question| {
                        let answer = world.answer(&question);
                        answers.insert(question, answer);
                    });
                }
            });
            (asked, measured.bytes_total, raw.len() as u64)
        };
        let ((_, once, _), (asked, twice, octets)) = (cost(1_500), cost(3_000));
        assert!(asked <= 30, "{class}: {asked} questions");
        assert!(twice < once * 5 / 2 + (1 << 20), "{class}: {once} and {twice}");
        assert!(twice < 64 * octets + (4 << 20), "{class}: {twice} bytes for {octets}");
    }
}

fn message(class: &str, n: usize) -> Vec<u8> {
    classes().find(|it| it.name == class).unwrap().message(n)
}
