//! Corrections and damping, over a store on disk.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::sync::Arc;

use tempfile::TempDir;
use tidegate_policy::guard::{Config, Correction, Corrections, Said};
use tidegate_signal::{Damped, Family, SignalDef, Signals};
use tidegate_store::Embedded;

const DAY: u64 = 86_400;
const NOW: u64 = 1_795_000_000;

static LIES: SignalDef = SignalDef::new("LINK_LIES", Family::Links, 7.5, "A link lies");
static TEST: SignalDef = SignalDef::new("GTUBE", Family::Policy, 100.0, "A test string");
static WORDS: SignalDef = SignalDef::new("STAT_SPAM", Family::Statistics, 4.0, "Words of spam");

fn open(dir: &TempDir) -> Corrections {
    let store = Embedded::open(dir.path()).unwrap().store;
    Corrections::open(Arc::new(store), Damped::default()).unwrap()
}

/// A user's word on a message; what is damped because of it.
fn says(corrections: &Corrections, user: &str, message: u32, said: Said, now: u64) -> Vec<String> {
    let signals = [("LINK_LIES".to_owned(), 7.5), ("DKIM_PASS".to_owned(), -0.1)];
    let correction = Correction {
        message: &message.to_le_bytes(),
        user: (!user.is_empty()).then_some(user),
        said,
        signals: &signals,
        now,
    };
    let damped = corrections.correct(&correction, &Config::default()).unwrap();
    damped.into_iter().map(|damping| damping.signal).collect()
}

/// Six messages of three users, which is one too many; what the last of them damps.
fn six(corrections: &Corrections, now: u64) -> Vec<String> {
    let users = ["anna@s", "bert@s", "carl@s"];
    (0..6).flat_map(|n| says(corrections, users[n as usize % 3], n, Said::Wanted, now)).collect()
}

#[test]
fn a_rule_that_users_keep_correcting_counts_for_nothing_until_an_admin_looks() {
    let dir = TempDir::new().unwrap();
    let corrections = open(&dir);
    assert_eq!(six(&corrections, NOW), ["LINK_LIES"]);
    assert!(corrections.damped().now().contains("LINK_LIES"));
    drop(corrections);

    // Another start has not forgotten it, nor has time.
    let corrections = open(&dir);
    assert!(corrections.damped().now().contains("LINK_LIES"));
    let listed = corrections.list(&Config::default(), NOW + 90 * DAY).unwrap();
    let lies = listed.iter().find(|listed| listed.signal == "LINK_LIES").unwrap();
    assert!(lies.is_damped());
    assert_eq!(lies.damping.as_ref().unwrap().standing.corrections, 6);

    let cleared = corrections.clear("LINK_LIES", "root", NOW + DAY).unwrap().unwrap();
    assert_eq!(cleared.cleared.unwrap().by, "root");
    assert!(corrections.damped().now().is_empty());
    assert_eq!(corrections.clear("LINK_LIES", "root", NOW + DAY).unwrap(), None);
    assert_eq!(corrections.clear("NO_SUCH", "root", NOW + DAY).unwrap(), None);
    let listed = corrections.list(&Config::default(), NOW + DAY).unwrap();
    assert!(!listed[0].is_damped() && listed[0].damping.is_some(), "{listed:?}");
    assert_eq!(listed[0].standing.corrections, 0, "it begins anew");
    assert_eq!(six(&corrections, NOW + DAY), ["LINK_LIES"], "and may be damped again");
}

#[test]
fn saying_it_twice_counts_once_and_the_contrary_takes_it_back() {
    let dir = TempDir::new().unwrap();
    let corrections = open(&dir);
    let standing = || {
        let listed = corrections.list(&Config::default(), NOW).unwrap();
        let of = |name: &str| listed.iter().find(|it| it.signal == name).map(|it| it.standing);
        (of("LINK_LIES"), of("DKIM_PASS"))
    };
    for _ in 0..3 {
        says(&corrections, "anna@s", 1, Said::Wanted, NOW);
        says(&corrections, "Anna@S", 1, Said::Wanted, NOW);
    }
    let (lies, passes) = standing();
    assert_eq!((lies.unwrap().corrections, lies.unwrap().users, passes), (1, 1, None));
    says(&corrections, "anna@s", 1, Said::Spam, NOW);
    let (lies, passes) = standing();
    assert_eq!((lies, passes.unwrap().missed, passes.unwrap().corrections), (None, 1, 0));
    says(&corrections, "anna@s", 1, Said::TakenBack, NOW);
    assert_eq!(standing(), (None, None));
}

#[test]
fn a_rule_that_is_most_often_right_is_not_damped() {
    let dir = TempDir::new().unwrap();
    let corrections = open(&dir);
    let mut signals = Signals::new();
    [&LIES, &TEST, &WORDS].into_iter().for_each(|def| signals.raise(def, ""));
    for _ in 0..200 {
        corrections.hit(&signals);
    }
    corrections.flush(&Config::default(), NOW).unwrap();
    drop(corrections);
    let corrections = open(&dir);
    corrections.hit(&signals);
    assert_eq!(six(&corrections, NOW + DAY), [""; 0]);
    let listed = corrections.list(&Config::default(), NOW + DAY).unwrap();
    assert_eq!(listed[0].standing.hits, 201, "those written and those that are not yet");
    // Six of the 201 hits are few, and what happened before the window counts no more.
    assert_eq!(six(&corrections, NOW + 40 * DAY), ["LINK_LIES"]);
}

#[test]
fn one_user_damps_nothing_and_can_be_forgotten() {
    let dir = TempDir::new().unwrap();
    let corrections = open(&dir);
    for message in 0..50 {
        assert_eq!(says(&corrections, "anna@s", message, Said::Wanted, NOW), [""; 0]);
    }
    assert_eq!(corrections.forget("anna@s").unwrap(), 50);
    assert!(corrections.list(&Config::default(), NOW).unwrap().is_empty());
    let operator: Vec<String> =
        (0..6).flat_map(|message| says(&corrections, "", message, Said::Wanted, NOW)).collect();
    assert_eq!(operator, ["LINK_LIES"], "the operator's word is enough");
}
