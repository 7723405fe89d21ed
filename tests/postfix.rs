//! From a real Postfix through the milter to a verdict, over both kinds of socket.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::time::Duration;

use support::daemon::{DEAD_DNS, Daemon};
use support::postfix::{Postfix, fields};
use support::smtp::{Client, Mail};
use support::{mail, outcomes, root};

/// What would be held is delivered with its marks, for the tests to see them.
const TAG_ONLY: &str = "[policy.default]\nat_quarantine = \"tag\"\n";

/// The three outcomes, whatever the socket.
fn the_three_outcomes(daemon: &Daemon, milter: &str) {
    let Some(postfix) = Postfix::start(milter, &[]) else { return };
    let told = outcomes::the_three_outcomes(daemon, &postfix);
    assert!(told.accepted.starts_with("250 2.0.0 Ok: queued"), "{}", told.accepted);
    assert!(told.clean.contains("\nHello Bert,\n"), "{}", told.clean);
    assert!(told.rejected.starts_with("550-5.7.1 "), "{}", told.rejected);
}

#[test]
fn mail_is_accepted_tagged_and_rejected_over_tcp() {
    let daemon = Daemon::start(DEAD_DNS, TAG_ONLY);
    the_three_outcomes(&daemon, &daemon.tcp_milter());
}

#[test]
fn mail_is_accepted_tagged_and_rejected_over_a_unix_socket() {
    let daemon = Daemon::start(DEAD_DNS, TAG_ONLY);
    the_three_outcomes(&daemon, &daemon.unix_milter());
}

#[test]
fn fields_that_claim_to_be_ours_are_removed_and_others_stay() {
    let daemon = Daemon::start(DEAD_DNS, "");
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &[]) else { return };
    outcomes::fields_that_claim_to_be_ours_are_removed(&postfix);
}

#[test]
fn several_messages_of_one_connection_are_judged_apart() {
    let daemon = Daemon::start(DEAD_DNS, "");
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    outcomes::several_messages_are_judged_apart(&postfix);
}

#[test]
fn no_message_is_smuggled_past_in_another() {
    let daemon = Daemon::start(DEAD_DNS, "");
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    outcomes::nothing_is_smuggled(&postfix);
}

#[test]
fn scan_and_serve_say_the_same() {
    let daemon = Daemon::start(DEAD_DNS, TAG_ONLY);
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &[]) else { return };
    outcomes::scan_and_serve_say_the_same(&daemon, &postfix);
}

#[test]
fn a_dead_filter_defers_mail_and_loses_none() {
    let mut daemon = Daemon::start(DEAD_DNS, "");
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    daemon.signal("TERM");
    assert_eq!(daemon.ended(Duration::from_secs(20)), Some(0));
    let clean = mail("clean.eml");
    let mut client = Client::connect(postfix.port);
    client.command("EHLO mail.shop.example");
    let reply = client.transfer(&Mail::new(&clean));
    assert!(reply.starts_with('4'), "{reply}");
}

#[test]
fn mail_of_the_machine_itself_is_judged_where_non_smtpd_milters_say_so_and_left_alone_else() {
    let daemon = Daemon::start(DEAD_DNS, "");
    let milter = daemon.unix_milter();
    let Some(postfix) = Postfix::start(&milter, &[]) else { return };
    let (from, to) = ("anna@example.test", "bert@example.test");
    let gtube = mail("gtube.eml");
    postfix.submit(from, to, &gtube);
    let delivered = postfix.delivered();
    assert_eq!(fields(&delivered, "X-Spam-Status"), [""; 0], "{delivered}");

    let judging = Postfix::start(&milter, &[&format!("non_smtpd_milters={milter}")]).unwrap();
    judging.submit(from, to, &mail("clean.eml"));
    let delivered = judging.delivered();
    assert_eq!(fields(&delivered, "X-Spam-Status").len(), 1, "{delivered}\n{}", judging.log());
    assert!(delivered.contains("\nHello Bert,\n"), "{delivered}");
    // There is nobody to refuse it to: it goes back to its author.
    judging.submit(to, from, &gtube);
    let returned = judging.delivered();
    assert!(returned.contains("Undelivered Mail Returned to Sender"), "{returned}");
    assert_eq!(fields(&returned, "Delivered-To"), [to], "{returned}");
}

#[test]
fn a_reload_takes_effect_and_a_wrong_one_changes_nothing() {
    let daemon = Daemon::start(DEAD_DNS, "");
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    outcomes::a_reload_takes_effect(&daemon, &postfix);
}

#[test]
fn metrics_and_logs_tell_verdicts_and_no_content() {
    let daemon = Daemon::start(DEAD_DNS, "");
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &[]) else { return };
    let (clean, gtube) = (mail("clean.eml"), mail("gtube.eml"));
    postfix.send(&Mail::new(&clean));
    postfix.send(&Mail::new(&gtube));
    let log = daemon.wait_log("reject");
    for secret in ["Minutes of Monday", "pallets", "generic test for unsolicited", "XJS*C4JDB"] {
        assert!(!log.contains(secret), "the log quotes mail: {log}");
    }
    let (status, metrics) = daemon.get("/metrics").unwrap();
    assert_eq!(status, 200);
    for line in [
        "tidegate_messages_total{verdict=\"accept\"} 1",
        "tidegate_messages_total{verdict=\"reject\"} 1",
        "tidegate_signals_total{signal=\"GTUBE\"} 1",
        "tidegate_build_info",
    ] {
        assert!(metrics.contains(line), "no {line} in:\n{metrics}");
    }
    // What has not happened yet is not counted yet, but for what the board's panels are made of.
    let board = std::fs::read_to_string(root().join("deploy/grafana/tidegate.json")).unwrap();
    let is_of_name = |c: char| c.is_ascii_lowercase() || c == '_';
    for name in board.match_indices("tidegate_").map(|(at, _)| &board[at..]) {
        let name = &name[..name.find(|c| !is_of_name(c)).unwrap()];
        let family = name.trim_end_matches("_bucket");
        let later = ["tidegate_unjudged_total", "tidegate_list_zone_health"];
        let told = metrics.contains(&format!("# TYPE {family} "));
        assert!(told || later.contains(&name), "the board shows {name}, which is not told");
    }
    assert_eq!(daemon.get("/healthz").unwrap().0, 200);
}
