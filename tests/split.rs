//! One message to several recipients who differ: the real daemon with its real quarantine behind a real
//! Postfix, to which copies go as well. Each mailbox, the quarantine and the reply are as the decision table
//! of `crates/policy/README.md` says; and with a quarantine that is full, nobody loses anything.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::fs;

use support::five::{FIVE, HOLD, OFF, PATIENT, REJECT, SUBJECT, Site, all_delivered, doubtful};
use support::free_port;
use support::mounted::Mounted;
use support::postfix::fields;
use support::smtp::Client;

/// A message as a mailbox has it, without what Postfix adds on top.
fn without_the_way(message: &str) -> String {
    let (header, body) = message.split_once("\n\n").unwrap();
    let mut kept: Vec<&str> = Vec::new();
    let mut is_of_the_way = false;
    for line in header.lines() {
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap();
            is_of_the_way =
                ["Return-Path", "X-Original-To", "Delivered-To", "Received"].contains(&name);
        }
        if !is_of_the_way {
            kept.push(line);
        }
    }
    format!("{}\n\n{body}", kept.join("\n"))
}

#[test]
fn five_policies_as_the_decision_table_says() {
    let Some(site) = Site::start("") else { return };
    let message = doubtful();
    let reply = site.send(&message, &FIVE);
    assert!(reply.starts_with("250"), "{reply}\n{}", site.daemon.log());
    let got = all_delivered(&site.postfix);
    assert_eq!(got.keys().collect::<Vec<_>>(), [OFF, PATIENT, SUBJECT], "{}", site.daemon.log());
    assert!(got.values().all(|messages| messages.len() == 1), "nobody twice");
    let [off, patient, subject] = [OFF, PATIENT, SUBJECT].map(|name| &got[name][0]);
    assert_eq!(without_the_way(off), message, "byte for byte");
    assert_eq!(fields(patient, "X-Spam-Flag"), [""; 0], "the forged one is off: {patient}");
    assert!(fields(patient, "X-Spam-Status")[0].starts_with("No, score="), "{patient}");
    assert_eq!(fields(subject, "X-Spam-Flag"), ["YES"], "{subject}");
    assert!(fields(subject, "Subject")[0].starts_with("[SPAM] doubtful "), "{subject}");
    for message in [off, patient, subject] {
        assert_eq!(fields(message, "X-Tidegate-Release"), [""; 0], "no mark stays: {message}");
    }

    let held = site.held();
    assert_eq!(held.keys().collect::<Vec<_>>(), [HOLD, REJECT]);
    for (recipient, entries) in &held {
        let [entry] = &entries[..] else { panic!("{recipient} twice") };
        assert_eq!(entry["notes"], serde_json::json!([]), "it is known to be there once");
        let shown = site.run(&["quarantine", "show", entry["id"].as_str().unwrap()]);
        let others = FIVE.iter().filter(|other| *other != recipient);
        assert!(!others.clone().any(|other| shown.contains(other)), "{shown}");
    }
    let days = |name| {
        let entry = &held[name][0];
        (entry["keep_until"].as_u64().unwrap() - entry["held_at"].as_u64().unwrap()) / 86_400
    };
    assert_eq!((days(HOLD), days(REJECT)), (7, 30));
    site.daemon.wait_log("kept=1,copied=2,held=2");
    assert_eq!(site.metric("tidegate_release_marks_total{mark=\"genuine\"}"), 2);

    // What was held arrives when it is released, as it came.
    let id = held[REJECT][0]["id"].as_str().unwrap();
    site.run(&["quarantine", "release", id]);
    let got = all_delivered(&site.postfix);
    assert_eq!(got.keys().collect::<Vec<_>>(), [REJECT]);
    let released = without_the_way(&got[REJECT][0]);
    assert_eq!(released, message.replacen("X-Spam-Flag: NO\n", "", 1), "but for what was forged");
}

#[test]
fn what_all_reject_is_refused_and_what_some_hold_is_in_no_mailbox() {
    let Some(site) = Site::start("") else { return };
    let message = doubtful();
    let reply = site.send(&message, &[REJECT, "reject+shop@example.test"]);
    assert!(reply.starts_with("550-5.7.1 "), "{reply}");
    assert!(site.held().is_empty(), "what is refused is not held");
    let reply = site.send(&message, &[REJECT, HOLD]);
    assert!(reply.starts_with("250"), "{reply}");
    assert!(all_delivered(&site.postfix).is_empty());
    assert_eq!(site.held().keys().collect::<Vec<_>>(), [HOLD, REJECT]);
    site.daemon.wait_log("split=\"held=2\"");
}

#[test]
fn nobody_sees_what_another_chose() {
    let Some(site) = Site::start("") else { return };
    let message = doubtful();
    // What patient gets in the company of four who want other things, of one who does, and of a twin.
    let company: [&[&str]; 4] = [
        &FIVE,
        &[PATIENT, REJECT],
        &[PATIENT, "patient+twin@example.test"],
        &[PATIENT, "carl@example.test"],
    ];
    let mut seen = Vec::new();
    for to in company {
        assert!(site.send(&message, to).starts_with("250"));
        let got = all_delivered(&site.postfix);
        seen.push(without_the_way(&got[PATIENT][0]));
        let raw = &got[PATIENT][0];
        assert!(!to.iter().any(|other| *other != PATIENT && raw.contains(other)), "{raw}");
    }
    assert!(seen.windows(2).all(|two| two[0] == two[1]), "{seen:#?}");
}

#[test]
fn when_copies_fail_all_who_get_it_have_the_mildest_form() {
    let nobody = free_port();
    let Some(mut site) = Site::start("") else { return };
    site.daemon.stop();
    let config = fs::read_to_string(site.daemon.config()).unwrap();
    let from = format!("release_to = \"127.0.0.1:{}\"", site.postfix.port);
    let to = format!("release_to = \"127.0.0.1:{nobody}\"");
    fs::write(site.daemon.config(), config.replace(&from, &to)).unwrap();
    site.daemon.restart();
    let message = doubtful();
    assert!(site.send(&message, &FIVE).starts_with("250"));
    let got = all_delivered(&site.postfix);
    assert_eq!(got.keys().collect::<Vec<_>>(), [OFF, PATIENT, SUBJECT]);
    for messages in got.values() {
        assert_eq!(without_the_way(&messages[0]), message, "as it came");
    }
    assert_eq!(site.held().keys().collect::<Vec<_>>(), [HOLD, REJECT], "that needs no copy");
    assert!(site.send(&message, &FIVE[1..]).starts_with("250"));
    for messages in all_delivered(&site.postfix).values() {
        assert!(fields(&messages[0], "X-Spam-Status")[0].starts_with("No, "), "{messages:?}");
    }
    site.daemon.wait_log("a copy could not be sent, and its recipients get the message in another");
    assert_eq!(site.metric("tidegate_split_failures_total{step=\"copy\"}"), 3);
}

/// Nothing can be held: who was to be spared the message has it tagged, and it is told.
#[track_caller]
fn nothing_is_lost_unheld(site: &Site, message: &str, why: &str) {
    let before = site.metric("tidegate_split_failures_total{step=\"hold\"}");
    let reply = site.send(message, &FIVE);
    assert!(reply.starts_with("250"), "{reply}");
    let got = all_delivered(&site.postfix);
    assert_eq!(got.len(), 5, "nobody loses it: {:?}\n{}", got.keys(), site.daemon.log());
    assert!(got.values().all(|messages| messages.len() == 1), "nobody twice");
    for name in [HOLD, REJECT] {
        assert_eq!(fields(&got[name][0], "X-Spam-Flag"), ["YES"], "{:?}", got[name]);
    }
    assert_eq!(without_the_way(&got[OFF][0]), message);
    let log = site.daemon.wait_log("could not be held, and is delivered tagged: ");
    assert!(log.contains(why), "no {why} in {log}");
    assert_eq!(site.metric("tidegate_split_failures_total{step=\"hold\"}"), before + 2);
}

#[test]
fn a_full_disk_loses_nothing() {
    let dir = tempfile::Builder::new().prefix("tidegate-full.").tempdir_in("/tmp").unwrap();
    let at = dir.path().join("held");
    let Some(_mounted) = Mounted::new(&at, "size=64k") else { return };
    let Some(site) = Site::start(&format!("url = \"file:{}\"\n", at.display())) else { return };
    let small = doubtful();
    let large = format!("{small}{}", "So much to say.\n".repeat(8_000));
    nothing_is_lost_unheld(&site, &large, "No space left on device");
    assert!(site.held().is_empty());
    // The disk has room for this one, and is as good as before.
    assert!(site.send(&small, &[HOLD]).starts_with("250"));
    assert_eq!(site.held().keys().collect::<Vec<_>>(), [HOLD]);
    assert!(all_delivered(&site.postfix).is_empty());
    fs::write(at.join("other"), "x".repeat(60 << 10)).unwrap_or_default();
    nothing_is_lost_unheld(&site, &small.replace("Minutes", "Hours"), "No space left on device");
    // What was half written is gone; what was held is there.
    let id = site.held()[HOLD][0]["id"].as_str().unwrap().to_owned();
    assert!(site.run(&["quarantine", "show", &id]).contains("doubtful"));
}

#[test]
fn a_folder_that_cannot_be_written_loses_nothing() {
    let dir = tempfile::Builder::new().prefix("tidegate-ro.").tempdir_in("/tmp").unwrap();
    let at = dir.path().join("held");
    // Who is root may write whatever the mode; nobody may on a file system that is read only.
    let Some(_mounted) = Mounted::new(&at, "ro") else { return };
    let Some(site) = Site::start(&format!("url = \"file:{}\"\n", at.display())) else { return };
    nothing_is_lost_unheld(&site, &doubtful(), "Read-only file system");
}

#[test]
fn a_quarantine_that_is_full_loses_nothing() {
    let bounds = "max_bytes = 10000\nkeep_at_least_hours = 24\n";
    let Some(site) = Site::start(bounds) else { return };
    let large = format!("{}{}", doubtful(), "So much to say.\n".repeat(300));
    let reply = site.send(&large, &[HOLD]);
    assert!(reply.starts_with("250") && site.held().len() == 1, "{}", site.daemon.log());
    let another = large.replace("Minutes", "Seconds");
    nothing_is_lost_unheld(&site, &another, "nothing in it is old enough to go");
    assert_eq!(site.held()[HOLD].len(), 1, "what was held is there still");
}

/// A message that is longer than the milter reads can't be held or copied, as its rest would be lost.
#[test]
fn a_message_that_is_cut_is_delivered_tagged_and_told() {
    let Some(mut site) = Site::start("") else { return };
    site.daemon.stop();
    let config = fs::read_to_string(site.daemon.config()).unwrap();
    let bounded = config.replace("[milter]\n", "[milter]\nbody_bytes = 10000\n");
    fs::write(site.daemon.config(), bounded).unwrap();
    site.daemon.restart();
    let long = format!("{}{}", doubtful(), "So much to say.\n".repeat(2_000));
    assert!(site.send(&long, &[HOLD, REJECT]).starts_with("250"), "{}", site.daemon.log());
    let got = all_delivered(&site.postfix);
    assert_eq!(got.keys().collect::<Vec<_>>(), [HOLD, REJECT]);
    for messages in got.values() {
        assert_eq!(fields(&messages[0], "X-Spam-Flag"), ["YES"], "{messages:?}");
        assert!(messages[0].matches("So much to say.").count() == 2_000, "all of it");
    }
    assert!(site.held().is_empty());
    site.daemon.wait_log("the message is longer than is read");
    site.daemon.wait_log("kept=2,unheld=2");
}

#[test]
fn a_client_is_told_of_the_delivery_of_a_copy_as_it_asked() {
    let Some(site) = Site::start("") else { return };
    let mut client = Client::connect(site.postfix.port);
    for (line, code) in [
        ("EHLO mail.shop.example", "250"),
        ("MAIL FROM:<patient@example.test> RET=HDRS ENVID=copied", "250"),
        ("RCPT TO:<off@example.test> NOTIFY=NEVER", "250"),
        ("RCPT TO:<subject@example.test> NOTIFY=SUCCESS ORCPT=rfc822;list@shop.example", "250"),
        ("DATA", "354"),
    ] {
        let reply = client.command(line);
        assert!(reply.starts_with(code), "{line}: {reply}");
    }
    let message = doubtful().replace('\n', "\r\n");
    let reply = client.command(&format!("{message}\r\n."));
    assert!(reply.starts_with("250"), "{reply}");
    let got = all_delivered(&site.postfix);
    assert_eq!(got.keys().collect::<Vec<_>>(), [OFF, PATIENT, SUBJECT], "{}", site.postfix.log());
    let told = &got[PATIENT][0];
    assert!(fields(told, "Subject").concat().contains("Successful Mail Delivery"), "{told}");
    assert!(told.contains("Original-Envelope-Id: copied"), "{told}");
    assert!(told.contains("Original-Recipient: rfc822;list@shop.example"), "{told}");
}
