//! A panic within one message, at each step: that message alone is put off or accepted, as configured, and
//! it is counted.

use super::support::load::{Kind, Load};
use super::{Faulty, TCP};

/// Of these, none is to be rejected, held or tagged.
fn unlucky(number: usize) -> bool {
    number % 20 == 3
}

fn panics_at(step: &str, more: &str) -> Option<(Faulty, super::Account)> {
    let named = format!("{step}:X-Unlucky");
    let mut faulty = Faulty::start(TCP, more, &[("TIDEGATE_PANIC", &named)])?;
    let mut load = Load::new();
    load.tries = 3;
    load.field = |number| if unlucky(number) { "X-Unlucky: yes\n" } else { "" };
    let account = faulty.send(&load, |_, _, _| {});
    assert!((0..load.messages).filter(|n| unlucky(*n)).all(|n| Kind::of(n) == Kind::Clean));
    account.is_whole(&format!("panics at step {step}"));
    let log = faulty.site.daemon.log();
    assert!(log.contains("panicked at"), "{log}");
    Some((faulty, account))
}

#[test]
fn while_the_header_is_read_and_the_message_is_put_off() {
    let Some((faulty, account)) = panics_at("headers", "") else { return };
    assert_eq!((account.given_up, account.deferred), (account.sent / 20, account.sent / 20));
    assert_eq!((account.unjudged, account.spared, account.twice), (0, 0, 0), "{account}");
    let failures = faulty.site.metric("tidegate_protocol_errors_total{kind=\"filter\"}");
    assert_eq!(failures as usize, 3 * account.given_up);
}

#[test]
fn while_it_is_judged_and_it_is_accepted_with_a_mark() {
    let Some((faulty, account)) = panics_at("judge", "") else { return };
    assert_eq!((account.unjudged, account.deferred), (account.sent / 20, 0), "{account}");
    let counted = "tidegate_unjudged_total{reason=\"panic\"}";
    assert_eq!(faulty.site.metric(counted) as usize, account.unjudged);
}

#[test]
fn while_it_is_judged_and_it_is_put_off() {
    let more = "[verdict]\non_timeout = \"defer\"\n";
    let Some((_, account)) = panics_at("judge", more) else { return };
    assert_eq!((account.unjudged, account.given_up), (0, account.sent / 20), "{account}");
}

#[test]
fn when_it_was_judged_and_it_is_put_off() {
    let Some((_, account)) = panics_at("answer", "") else { return };
    assert_eq!((account.unjudged, account.given_up), (0, account.sent / 20), "{account}");
}
