//! The daemon killed at each step of a message that is held and copied, and the message sent again as its
//! client would: for each recipient it is accounted for, by its Message-ID, where the message came to be.
//!
//! Only with the feature `faults`, by which `TIDEGATE_FAULT` names the step.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::time::{Duration, Instant};

use serde_json::Value;
use support::five::{FIVE, Site, all_delivered, doubtful};
use support::postfix::fields;

/// What became of a message.
struct Account {
    site: Site,
    /// How often it was in a mailbox, by the order of the recipients.
    mailboxes: [usize; 5],
    /// What is held of it, likewise.
    held: [Vec<Value>; 5],
    /// What was logged since the kill.
    log: String,
}

/// A message with a name of its own.
fn named(step: &str) -> String {
    let message = doubtful();
    let id = fields(&message, "Message-ID").concat();
    assert!(!id.is_empty());
    message.replace(&id, &format!("<{step}@shop.example>"))
}

/// Kills a new daemon at `step` of a message to all five, starts it again with `more` configured, and
/// sends the message again until it is taken, as an MTA does.
fn killed_at(step: &str, more: &str) -> Option<Account> {
    let mut site = Site::start("")?;
    site.daemon.stop();
    site.daemon.restart_to_be_killed(step);
    let message = named(step);
    let mut reply = site.send(&message, &FIVE);
    assert_eq!(site.daemon.ended(Duration::from_secs(20)), None, "it ended by a signal");
    let before = site.daemon.log().len();
    site.daemon.configure(more);
    site.daemon.restart();
    let began = Instant::now();
    while !reply.starts_with("250") {
        assert!(reply.starts_with('4'), "{reply}");
        assert!(began.elapsed() < Duration::from_secs(20), "{reply}\n{}", site.daemon.log());
        // As it was when the index and the objects were compared: senders wait for minutes.
        std::thread::sleep(Duration::from_millis(500));
        reply = site.send(&message, &FIVE);
    }
    let got = all_delivered(&site.postfix);
    let id = format!("<{step}@shop.example>");
    assert!(got.values().flatten().all(|message| fields(message, "Message-ID") == [id.as_str()]));
    let mailboxes = FIVE.map(|name| got.get(name).map_or(0, Vec::len));
    let mut all_held = site.held();
    let held = FIVE.map(|name| all_held.remove(name).unwrap_or_default());
    let log = site.daemon.log().split_off(before);
    println!("{step}: {mailboxes:?} in mailboxes, {:?} held", held.each_ref().map(Vec::len));
    Some(Account { site, mailboxes, held, log })
}

impl Account {
    /// That nobody lost it, nobody has it who did not want it delivered, and nobody twice without a word.
    #[track_caller]
    fn is_kept(&self) {
        let [off, patient, subject, hold, reject] = self.mailboxes;
        assert!(off == 1, "the message itself comes once: {off}");
        assert!(patient >= 1 && subject >= 1, "{:?}\n{}", self.mailboxes, self.log);
        assert!(patient + subject <= 3, "{:?}: at worst one of them twice", self.mailboxes);
        assert_eq!((hold, reject), (0, 0), "delivered to one who did not want it:\n{}", self.log);
        let says =
            "were sent before, and the MTA sends it again: their recipients may get it twice";
        assert_eq!(self.log.contains(says), patient + subject == 3, "{}", self.log);
        for (name, entries) in FIVE.iter().zip(&self.held).skip(3) {
            assert!(!entries.is_empty(), "{name} lost it:\n{}", self.log);
            let silent =
                entries.iter().filter(|entry| entry["notes"].as_array().unwrap().is_empty());
            assert!(silent.count() <= 1, "{name} has it twice without a word: {entries:?}");
        }
        let [off, patient, subject, ..] = &self.held;
        assert!(off.is_empty() && patient.is_empty() && subject.is_empty());
    }

    /// How many entries hold and reject have, and whether all of them are known to be there once.
    fn entries(&self) -> (usize, bool) {
        let all: Vec<&Value> = self.held.iter().flatten().collect();
        (all.len(), all.iter().all(|entry| entry["notes"].as_array().unwrap().is_empty()))
    }
}

#[test]
fn before_anything_is_held() {
    let Some(account) = killed_at("before-hold", "") else { return };
    account.is_kept();
    assert_eq!(account.mailboxes, [1, 1, 1, 0, 0]);
    assert_eq!(account.entries(), (2, true));
}

#[test]
fn when_the_object_is_written_and_the_index_is_not() {
    let Some(account) = killed_at("after-object", "") else { return };
    account.is_kept();
    assert!(account.log.contains("set right after a crash or loss"), "{}", account.log);
    assert_eq!(account.mailboxes, [1, 1, 1, 0, 0]);
    assert_eq!(account.entries(), (2, true), "what came again took the place of the first");
    assert_eq!(account.site.metric("tidegate_quarantine_messages"), 1, "and its object went");
}

#[test]
fn when_it_is_held_and_the_mta_is_not_answered() {
    let Some(account) = killed_at("after-index", "") else { return };
    account.is_kept();
    assert_eq!(account.mailboxes, [1, 1, 1, 0, 0]);
    assert_eq!(account.entries(), (2, true));
    assert_eq!(account.site.metric("tidegate_quarantine_messages"), 1);
}

/// Held once for somebody, it is never delivered to them because it can't be held a second time.
#[test]
fn when_it_is_held_and_can_not_be_held_again() {
    let Some(account) = killed_at("after-index", "max_bytes = 1\n") else { return };
    account.is_kept();
    assert_eq!(account.mailboxes, [1, 1, 1, 0, 0]);
    assert_eq!(account.entries(), (2, true), "the MTA is answered now");
    assert!(account.log.contains("held already could not be held again"), "{}", account.log);
    assert_eq!(account.site.metric("tidegate_split_failures_total{step=\"hold\"}"), 0);
}

#[test]
fn when_a_copy_was_sent_and_the_mta_is_not_answered() {
    let Some(account) = killed_at("after-copy", "") else { return };
    account.is_kept();
    let [_, patient, subject, ..] = account.mailboxes;
    assert_eq!(patient + subject, 3, "one came twice, which is_kept has seen to be told");
    assert!(account.log.contains("copies of a message were sent and its MTA was not answered"));
    assert_eq!(account.entries(), (2, true));
    // Once it was answered, nothing is noted any more.
    let Account { mut site, .. } = account;
    let before = site.daemon.log().len();
    site.daemon.stop();
    site.daemon.restart();
    std::thread::sleep(Duration::from_millis(300));
    assert!(!site.daemon.log()[before..].contains("copies of a message were sent"));
}

#[test]
fn when_the_mta_is_answered_and_that_is_not_noted() {
    let Some(account) = killed_at("after-answer", "") else { return };
    account.is_kept();
    assert_eq!(account.mailboxes, [1, 1, 1, 0, 0], "it was answered: it is not sent again");
    let (entries, silent) = account.entries();
    assert!(entries == 2 && !silent, "what is not known to be there once says so");
    let note = account.held[3][0]["notes"][0].as_str().unwrap();
    assert!(note.contains("may be here or in the mailbox twice"), "{note}");
    let id = account.held[3][0]["id"].as_str().unwrap();
    assert!(account.site.run(&["quarantine", "show", id]).contains(note));
    account.site.daemon.wait_log("copies of a message were sent and its MTA was not answered");
}
