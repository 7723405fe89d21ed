//! Messages to several recipients who differ, to the last byte that the MTA is told.

use std::sync::atomic::Ordering::Relaxed;

use super::double::{Double, entry_of};
use super::*;

/// One of each kind.
pub(super) const USERS: &str = "[user.'off@example.test']\nfiltering = false\n\
    [user.'patient@example.test']\ntag = 50.0\nquarantine = 60.0\nreject = 70.0\n\
    [user.'subject@example.test']\nat_quarantine = 'tag-subject'\n\
    [user.'hold@example.test']\nkeep_days = 7\n\
    [user.'reject@example.test']\nreject = 8.5\n";

pub(super) const FIVE: [&str; 5] = [
    "off@example.test",
    "patient@example.test",
    "subject@example.test",
    "hold@example.test",
    "reject@example.test",
];

const DOUBTFUL: [(&str, &str); 2] = [("X-Spam-Flag", " NO"), ("Subject", " doubtful")];

pub(super) fn holding(settings: &str, users: &str, double: &Arc<Double>) -> Arc<Daemon> {
    let loaded = load_with(settings, users);
    let lessons = crate::knowledge::alone(&loaded.settings).unwrap();
    let holder: Arc<dyn Holder> = Arc::<Double>::clone(double);
    let remembered = Remembered::nothing(&loaded.settings);
    let metrics = Metrics::new().unwrap();
    Daemon::new(running(loaded), metrics, lessons, remembered, None, None, Some(holder))
}

fn page(daemon: &Daemon) -> String {
    daemon.metrics_page(&Counted::default()).unwrap()
}

#[tokio::test]
async fn each_of_five_gets_what_they_want() {
    let double = Arc::new(Double::default());
    let daemon = holding("", USERS, &double);
    let mut mta = Mta::connect(&daemon).await;
    let told = mta.message_to(&FIVE, &DOUBTFUL).await;
    // The message itself is for the one who wants it as it came: not a field is changed.
    let expect = ["-<hold@example.test>", "-<reject@example.test>", "-<patient@example.test>"];
    assert_eq!(told, [&expect[..], &["-<subject@example.test>", "Continue"]].concat());
    assert_eq!(double.held_for(), ["hold@example.test", "reject@example.test"]);
    assert_eq!(double.copied_to(), [["patient@example.test"], ["subject@example.test"]]);
    let copies = double.copies.lock().unwrap().clone();
    let [(_, patient), (_, subject)] = &copies[..] else { panic!("{copies:?}") };
    assert!(patient.contains("\r\nX-Spam-Status: No, score=1"), "{patient}");
    assert!(patient.contains("\r\nSubject: doubtful\r\n") && !patient.contains("X-Spam-Flag"));
    assert!(subject.contains("X-Spam-Flag: YES\r\n") && !subject.contains("Flag: NO"), "{subject}");
    assert!(subject.contains("\r\nSubject: [SPAM] doubtful\r\n"), "{subject}");
    for copy in [patient, subject] {
        assert!(copy.starts_with("Authentication-Results: mx.example;"), "{copy}");
        assert!(copy.ends_with("\r\n\r\nHello\r\n"), "{copy}");
        assert!(!copy.contains("tag=") && !copy.contains("@example.test"), "no other's: {copy}");
    }
    // Another message: by then the first was answered and its entries confirmed.
    mta.message(&[("Subject", " lunch")]).await;
    let confirmed = double.confirmed.lock().unwrap().clone();
    assert_eq!(confirmed, ["hold@example.test", "reject@example.test"].map(entry_of));
    let page = page(&daemon);
    for line in ["off", "accept", "tag-subject", "quarantine", "reject"] {
        let line = format!("tidegate_recipients_total{{action=\"{line}\"}}");
        let count = if line.contains("accept") { 2 } else { 1 };
        assert!(page.contains(&format!("{line} {count}")), "no {line} {count} in\n{page}");
    }
}

#[tokio::test]
async fn when_holding_fails_or_hangs_it_is_delivered_tagged() {
    for (fails, hangs) in [(true, false), (false, true)] {
        let double = Arc::new(Double::default());
        double.hold_fails.store(fails, Relaxed);
        double.hold_hangs.store(hangs, Relaxed);
        let daemon = holding("policy.split_timeout_ms = 200\n", USERS, &double);
        let mut mta = Mta::connect(&daemon).await;
        let told = mta.message_to(&["hold@example.test"], &DOUBTFUL).await;
        assert!(told.iter().any(|words| words == "+0 X-Spam-Flag: YES"), "{told:?}");
        assert_eq!(told.last().unwrap(), "Continue");
        assert!(page(&daemon).contains("tidegate_split_failures_total{step=\"hold\"} 1"));
    }
}

#[tokio::test]
async fn when_holding_fails_whoever_rejects_gets_a_tagged_copy_and_the_others_their_own_form() {
    let double = Arc::new(Double::default());
    double.hold_fails.store(true, Relaxed);
    let daemon = holding("", USERS, &double);
    let mut mta = Mta::connect(&daemon).await;
    let to = ["patient@example.test", "reject@example.test"];
    let told = mta.message_to(&to, &DOUBTFUL).await;
    assert!(told.contains(&"-<reject@example.test>".to_owned()), "{told:?}");
    assert!(!told.iter().any(|words| words.contains("X-Spam-Flag:")), "{told:?}");
    assert_eq!(double.copied_to(), [["reject@example.test"]]);
}

#[tokio::test]
async fn whoever_should_get_a_copy_that_cannot_be_sent_keeps_the_message() {
    let double = Arc::new(Double::default());
    double.copy_fails.store(true, Relaxed);
    let daemon = holding("", USERS, &double);
    let mut mta = Mta::connect(&daemon).await;
    let told = mta.message_to(&FIVE, &DOUBTFUL).await;
    assert_eq!(told, ["-<hold@example.test>", "-<reject@example.test>", "Continue"]);
    assert!(page(&daemon).contains("tidegate_split_failures_total{step=\"copy\"} 2"));
}

#[tokio::test]
async fn a_message_that_is_held_for_all_is_discarded_and_one_that_all_reject_is_refused() {
    let double = Arc::new(Double::default());
    let daemon = holding("", USERS, &double);
    let mut mta = Mta::connect(&daemon).await;
    let to = ["hold@example.test", "reject@example.test"];
    assert_eq!(mta.message_to(&to, &DOUBTFUL).await, ["Discard"]);
    assert_eq!(double.held_for(), to);
    let told = mta.message_to(&["reject@example.test"], &DOUBTFUL).await;
    assert!(told[0].starts_with("550-5.7.1 "), "{told:?}");
    let told = mta.message_to(&to, &[("Subject", " unwanted")]).await;
    assert!(told[0].starts_with("550-5.7.1 "), "{told:?}");
    assert_eq!(double.held_for().len(), 2, "nothing more is held");
}

#[tokio::test]
async fn without_a_quarantine_it_tags_and_one_who_rejects_takes_it_from_nobody() {
    let daemon = of(load_with("", USERS));
    let mut mta = Mta::connect(&daemon).await;
    let to = ["hold@example.test", "reject@example.test"];
    let told = mta.message_to(&to, &DOUBTFUL).await;
    assert!(told.iter().any(|words| words == "+0 X-Spam-Flag: YES"), "{told:?}");
    assert_eq!(told.last().unwrap(), "Continue");
    let told = mta.message_to(&["subject@example.test"], &DOUBTFUL).await;
    assert!(told.iter().any(|words| words == "=Subject 1: [SPAM] doubtful"), "{told:?}");
    let told = mta.message_to(&["reject@example.test"], &DOUBTFUL).await;
    assert!(told[0].starts_with("550"), "{told:?}");
}

#[tokio::test]
async fn what_nobody_wants_filtered_is_not_judged() {
    let loaded = load_with("", "[domain.'example.test']\nfiltering = false\n");
    let mut loaded = loaded;
    loaded.parts.checks.push(Box::new(Broken));
    let daemon = of(loaded);
    let mut mta = Mta::connect(&daemon).await;
    let told = mta.message_to(&["a@example.test", "b@example.test"], &DOUBTFUL).await;
    assert_eq!(told, ["Continue"], "not even looked at: a check with a bug was not asked");
    let told = mta.message_to(&["a@example.test", "b@other.test"], &DOUBTFUL).await;
    assert_eq!(told, ["Continue"], "judged in vain, and as one of them wants it");
    let page = page(&daemon);
    assert!(page.contains("tidegate_recipients_total{action=\"off\"} 2"), "{page}");
    assert!(page.contains("tidegate_unjudged_total{reason=\"panic\"} 1"), "{page}");
}

#[tokio::test]
async fn a_message_that_was_cut_is_not_held() {
    let double = Arc::new(Double::default());
    let daemon = holding("", USERS, &double);
    let mut limits = ServerLimits::default();
    limits.session.body_octets = 3;
    let mut mta = Mta::connect_within(&daemon, limits).await;
    let told = mta.message_to(&["hold@example.test"], &DOUBTFUL).await;
    assert!(told.iter().any(|words| words == "+0 X-Spam-Flag: YES"), "{told:?}");
    assert!(double.held_for().is_empty(), "the rest of it would be lost");
}

#[tokio::test]
async fn an_only_recipient_is_told_what_is_theirs_and_several_are_not() {
    let users = "[user.'bert@example.test']\nblocked = ['shop.example']\nat_reject = 'tag'\n";
    let daemon = of(load_with("", users));
    let mut mta = Mta::connect(&daemon).await;
    let alone = mta.message(&[("Subject", " lunch")]).await;
    assert!(alone.iter().any(|words| words.contains("SENDER_BLOCKED(100.00)")), "{alone:?}");
    let to = ["bert@example.test", "carl@example.test"];
    let both = mta.message_to(&to, &[("Subject", " lunch")]).await;
    assert!(both.iter().any(|words| words.contains("X-Spam-Status:")), "{both:?}");
    assert!(!both.iter().any(|words| words.contains("SENDER_BLOCKED")), "{both:?}");
    assert!(!both.iter().any(|words| words.contains("tag=")), "{both:?}");
}

#[tokio::test]
async fn what_all_recipients_happen_to_share_is_not_told_either() {
    let users = "[domain.'example.test']\nblocked = ['shop.example']\nat_reject = 'tag'\n";
    let daemon = of(load_with("", users));
    let mut mta = Mta::connect(&daemon).await;
    let to = ["bert@example.test", "carl@example.test"];
    let told = mta.message_to(&to, &[("Subject", " lunch")]).await;
    assert!(told.iter().any(|words| words == "+0 X-Spam-Flag: YES"), "{told:?}");
    let score = told.iter().find_map(|words| words.strip_prefix("+0 X-Spam-Score: ")).unwrap();
    assert!(score.parse::<f32>().unwrap() < 50.0, "without what blocking is worth: {told:?}");
    assert!(!told.iter().any(|words| words.contains("SENDER_BLOCKED")), "{told:?}");
}

/// Whom bert has written to: everybody.
struct OfBert;

impl tidegate_engine::Correspondents for OfBert {
    fn of(
        &self,
        envelope: &Envelope,
        _: &tidegate_mail::Message<'_>,
        _: &tidegate_checks::authentication::Authentication,
    ) -> Vec<Option<tidegate_policy::Correspondence>> {
        let known = |to: &tidegate_mail::Address| {
            (to.local() == "bert").then_some(tidegate_policy::Correspondence::WroteTo)
        };
        envelope.recipients.iter().map(known).collect()
    }
}

#[tokio::test]
async fn a_known_correspondent_is_protected_for_the_one_who_knows_them() {
    let double = Arc::new(Double::default());
    let mut loaded = load_with("", "[domain.'example.test']\ntag = 2.0\n");
    loaded.parts.correspondents = Some(Arc::new(OfBert));
    let lessons = crate::knowledge::alone(&loaded.settings).unwrap();
    let holder: Arc<dyn Holder> = Arc::<Double>::clone(&double);
    let remembered = Remembered::nothing(&loaded.settings);
    let metrics = Metrics::new().unwrap();
    let daemon =
        Daemon::new(running(loaded), metrics, lessons, remembered, None, None, Some(holder));
    let mut mta = Mta::connect(&daemon).await;
    // Most fields that a message must have are missing.
    let to = ["bert@example.test", "carl@example.test"];
    let told = mta.message_to(&to, &[("Subject", " lunch")]).await;
    assert!(told.iter().any(|words| words.starts_with("+0 X-Spam-Status: No,")), "{told:?}");
    assert!(!told.iter().any(|words| words.contains("CORRESPONDENT_KNOWN")), "{told:?}");
    let copies = double.copies.lock().unwrap().clone();
    let [(to, copy)] = &copies[..] else { panic!("{copies:?}") };
    assert_eq!(to, &["carl@example.test"]);
    assert!(copy.contains("X-Spam-Flag: YES") && !copy.contains("CORRESPONDENT"), "{copy}");
}
