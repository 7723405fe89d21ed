//! From a real Sendmail through the milter to a verdict, over both kinds of socket.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::fs;
use std::process::Command;
use std::time::Duration;

use support::daemon::{DEAD_DNS, Daemon};
use support::postfix::fields;
use support::sendmail::Sendmail;
use support::signed::{KEY, SENDER, SIGNED};
use support::smtp::Mail;
use support::{mail, outcomes};
use tempfile::TempDir;
use tidegate_dns::testing::TestServer;

/// What would be held is delivered with its marks, for the tests to see them.
const TAG_ONLY: &str = "[policy.default]\nat_quarantine = \"tag\"\n[verdict]\ntag = 1.0\n";

/// Signed mail with fields over several lines, one with a tab.
fn folded() -> String {
    let more = "X-Folded: one,\n\ttwo,\n   and  three\nX-Unspaced:value\n";
    SIGNED.replacen("From: ", &format!("{more}From: "), 1)
}

/// A daemon that listens at a socket in a folder of its own: Sendmail takes none below a folder that others may
/// write to, such as /tmp, where the project itself may lie.
fn at_a_safe_socket(dns: &str, more: &str) -> (Daemon, String, TempDir) {
    let folder = tempfile::tempdir_in("/run");
    let folder = folder.or_else(|_| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let milter = format!("unix:{}", folder.path().join("milter.sock").display());
    let listen = format!("[\"{milter}\"]");
    let mode = ("TIDEGATE__MILTER__SOCKET_MODE", "0600");
    let daemon = Daemon::start_in(dns, more, &[("TIDEGATE__MILTER__LISTEN", &listen), mode]);
    (daemon, milter, folder)
}

/// The three outcomes, whatever the socket.
fn the_three_outcomes(daemon: &Daemon, milter: &str) {
    let Some(sendmail) = Sendmail::start(milter, "T") else { return };
    let told = outcomes::the_three_outcomes(daemon, &sendmail);
    let clean = mail("clean.eml");
    let (_, body) = clean.split_once("\n\n").unwrap();
    assert!(told.clean.ends_with(body), "{}", told.clean);
}

#[test]
fn mail_is_accepted_tagged_and_rejected_over_tcp() {
    let daemon = Daemon::start(DEAD_DNS, TAG_ONLY);
    the_three_outcomes(&daemon, &daemon.tcp_milter());
}

#[test]
fn mail_is_accepted_tagged_and_rejected_over_a_unix_socket() {
    let (daemon, milter, _folder) = at_a_safe_socket(DEAD_DNS, TAG_ONLY);
    the_three_outcomes(&daemon, &milter);
}

#[test]
fn fields_that_claim_to_be_ours_are_removed_and_others_stay() {
    let daemon = Daemon::start(DEAD_DNS, TAG_ONLY);
    let Some(sendmail) = Sendmail::start(&daemon.tcp_milter(), "T") else { return };
    outcomes::fields_that_claim_to_be_ours_are_removed(&sendmail);
}

#[test]
fn several_messages_of_one_connection_are_judged_apart() {
    let daemon = Daemon::start(DEAD_DNS, TAG_ONLY);
    let Some(sendmail) = Sendmail::start(&daemon.tcp_milter(), "T") else { return };
    outcomes::several_messages_are_judged_apart(&sendmail);
}

#[test]
fn scan_and_serve_say_the_same() {
    let daemon = Daemon::start(DEAD_DNS, TAG_ONLY);
    let Some(sendmail) = Sendmail::start(&daemon.tcp_milter(), "T") else { return };
    outcomes::scan_and_serve_say_the_same(&daemon, &sendmail);
}

#[test]
fn a_reload_takes_effect_and_a_wrong_one_changes_nothing() {
    let daemon = Daemon::start(DEAD_DNS, "");
    let Some(sendmail) = Sendmail::start(&daemon.tcp_milter(), "T") else { return };
    outcomes::a_reload_takes_effect(&daemon, &sendmail);
}

#[test]
fn no_message_is_smuggled_past_in_another() {
    let daemon = Daemon::start(DEAD_DNS, TAG_ONLY);
    let Some(sendmail) = Sendmail::start(&daemon.tcp_milter(), "T") else { return };
    outcomes::nothing_is_smuggled(&sendmail);
}

#[test]
fn mail_is_held_for_its_recipient_and_not_delivered() {
    let daemon = Daemon::start(DEAD_DNS, "[policy.default]\nat_reject = \"quarantine\"\n");
    let Some(sendmail) = Sendmail::start(&daemon.tcp_milter(), "T") else { return };
    let gtube = mail("gtube.eml");
    let reply = sendmail.send(&Mail::new(&gtube));
    assert!(reply.starts_with("250"), "{reply}");
    let listed = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .arg("--config")
        .arg(daemon.config())
        .arg("--store")
        .arg(daemon.dir.path().join("state"))
        .args(["quarantine", "list", "--json"])
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("bert@example.test"), "{listed}\n{}", daemon.log());
    // What follows is delivered after it, if that were.
    let clean = mail("clean.eml");
    sendmail.send(&Mail::new(&clean));
    assert!(sendmail.delivered().contains("Hello Bert,"));
    assert!(sendmail.mailbox().is_empty());
}

#[test]
fn a_dead_filter_defers_mail_or_lets_it_through_as_sendmail_is_told() {
    let mut daemon = Daemon::start(DEAD_DNS, "");
    let (Some(deferring), Some(open)) =
        (Sendmail::start(&daemon.tcp_milter(), "T"), Sendmail::start(&daemon.tcp_milter(), ""))
    else {
        return;
    };
    let clean = mail("clean.eml");
    for sendmail in [&deferring, &open] {
        assert!(sendmail.send(&Mail::new(&clean)).starts_with("250"));
        assert_eq!(fields(&sendmail.delivered(), "X-Spam-Status").len(), 1);
    }
    daemon.signal("TERM");
    assert_eq!(daemon.ended(Duration::from_secs(20)), Some(0));
    let reply = deferring.send(&Mail::new(&clean));
    assert!(reply.starts_with('4'), "{reply}");
    assert!(open.send(&Mail::new(&clean)).starts_with("250"));
    let delivered = open.delivered();
    assert_eq!(fields(&delivered, "X-Spam-Status"), [""; 0], "{delivered}");
    assert!(deferring.mailbox().is_empty());
}

#[test]
fn folded_fields_and_signed_mail_come_through_as_they_were() {
    let dns = TestServer::start();
    dns.txt(KEY.0, KEY.1);
    let asked = dns.config().servers[0].to_string();
    let tagging = "deadline_ms = 1000\n[verdict]\nreject = 100.0\n\
                   [policy.default]\nat_quarantine = \"tag\"\n";
    let (daemon, milter, _folder) = at_a_safe_socket(&asked, tagging);
    let Some(sendmail) = Sendmail::start(&milter, "T") else { return };
    let folded = folded();
    let reply = sendmail.send(&Mail { from: SENDER, ..Mail::new(&folded) });
    assert!(reply.starts_with("250"), "{reply}");
    let delivered = sendmail.delivered();
    let results = fields(&delivered, "Authentication-Results");
    assert!(results[0].contains("dkim=pass"), "as the filter was told it: {results:?}");
    assert!(delivered.contains("X-Folded: one,\n\ttwo,\n   and  three\n"), "{delivered}");
    let (signed, body) = folded.split_once("\n\n").unwrap();
    let signature = signed.split_once("X-Folded").unwrap().0;
    assert!(delivered.contains(signature), "{delivered}");
    assert!(delivered.ends_with(&format!("\n\n{body}")), "{delivered}");

    // And who gets it can verify it still.
    let file = daemon.dir.path().join("delivered.eml");
    fs::write(&file, &delivered).unwrap();
    let scanned = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["scan", "--json", "--config"])
        .arg(daemon.config())
        .arg(&file)
        .output()
        .unwrap();
    let scanned = String::from_utf8(scanned.stdout).unwrap();
    assert!(scanned.contains("DKIM_PASS"), "{scanned}");
}

#[test]
fn mail_of_the_command_sendmail_is_left_alone() {
    let daemon = Daemon::start(DEAD_DNS, "");
    let Some(sendmail) = Sendmail::start(&daemon.tcp_milter(), "T") else { return };
    sendmail.submit("anna@example.test", "bert@example.test", &mail("gtube.eml"));
    let delivered = sendmail.delivered();
    assert_eq!(fields(&delivered, "X-Spam-Status"), [""; 0], "{delivered}");
}
