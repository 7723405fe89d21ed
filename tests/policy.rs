//! Each recipient's own policy, on the built program: from files and from the store, through a real
//! Postfix, on the command line, and in what `scan` tells.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use support::daemon::{DEAD_DNS, Daemon};
use support::five::{FIVE, USERS, delivered, doubtful, site};
use support::postfix::{Postfix, fields};
use support::smtp::Mail;
use tidegate_dns::testing::TestServer;

/// Without a quarantine nothing is held and no copy is sent: a message to several is in the mildest form
/// that one of them wants, and each alone gets their own. `split.rs` has the same with both.
#[test]
fn five_policies_through_postfix_without_a_quarantine() {
    let (_dir, mut settings) = site(USERS);
    settings.push_str("[quarantine]\nenabled = false\n");
    let daemon = Daemon::start(DEAD_DNS, &settings);
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &[]) else { return };
    let message = doubtful();

    let reply = postfix.send(&Mail { to: &FIVE, ..Mail::new(&message) });
    assert!(reply.starts_with("250"), "{reply}");
    let all = delivered(&postfix, 5);
    assert_eq!(all.len(), 5, "nobody loses it");
    for message in all.values() {
        assert_eq!(fields(message, "X-Spam-Flag"), ["NO"], "as it came: {message}");
        assert_eq!(fields(message, "X-Spam-Status"), [""; 0], "{message}");
    }

    let four = Mail { to: &FIVE[1..], ..Mail::new(&message) };
    assert!(postfix.send(&four).starts_with("250"));
    for message in delivered(&postfix, 4).values() {
        assert_eq!(fields(message, "X-Spam-Flag"), [""; 0], "{message}");
        let status = fields(message, "X-Spam-Status").concat();
        assert!(status.starts_with("No, score=") && !status.contains("tag="), "{status}");
    }

    let alone = |to: &str| {
        let reply = postfix.send(&Mail { to: &[to], ..Mail::new(&message) });
        assert!(reply.starts_with("250"), "{reply}");
        delivered(&postfix, 1).remove(to).unwrap()
    };
    assert_eq!(fields(&alone(FIVE[0]), "X-Spam-Flag"), ["NO"]);
    let patient = fields(&alone(FIVE[1]), "X-Spam-Status").concat();
    assert!(patient.contains("tag=50.0") && patient.contains("verdict=accept"), "{patient}");
    let subject = fields(&alone(FIVE[2]), "Subject").concat();
    assert!(subject.starts_with("[SPAM] doubtful "), "{subject}");
    assert_eq!(fields(&alone(FIVE[3]), "X-Spam-Flag"), ["YES"], "quarantine tags");
    let reply = postfix.send(&Mail { to: &FIVE[4..], ..Mail::new(&message) });
    assert!(reply.starts_with("550-5.7.1 "), "{reply}");
    assert!(postfix.mailbox().is_empty());

    let log = daemon.wait_log("refused=1");
    assert!(log.contains("kept=4") && !log.contains("patient@"), "counts only: {log}");
    let metrics = daemon.get("/metrics").unwrap().1;
    let line = "tidegate_recipients_total{action=\"off\"} 2";
    assert!(metrics.contains(line), "{metrics}");
}

#[test]
fn who_never_asked_for_filtering_causes_no_question() {
    let (_dir, mut settings) = site("[user.'anna@example.test']\nfiltering = true\n");
    settings.push_str("[policy.default]\nfiltering = false\n[quarantine]\nenabled = false\n");
    let dns = TestServer::start();
    dns.txt("shop.example", "v=spf1 ip4:203.0.113.9 -all");
    let daemon = Daemon::start(&dns.config().servers[0].to_string(), &settings);
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &[]) else { return };
    let message = doubtful();

    assert!(postfix.send(&Mail::new(&message)).starts_with("250"));
    assert_eq!(fields(&postfix.delivered(), "X-Spam-Flag"), ["NO"], "as it came");
    daemon.wait_log("not filtered");
    assert_eq!(dns.queries(), 0, "nothing was asked of DNS");

    let anna = Mail { to: &["anna+shop@example.test"], ..Mail::new(&message) };
    assert!(postfix.send(&anna).starts_with("250"));
    let delivered = postfix.delivered();
    assert_eq!(fields(&delivered, "X-Spam-Flag"), ["YES"], "{delivered}");
    let results = fields(&delivered, "Authentication-Results").concat();
    assert!(results.contains("spf=pass"), "asked in time all the same: {results}");
}

#[test]
fn an_allowed_sender_is_let_through_when_proved_and_not_when_forged() {
    let (_dir, settings) = site(
        "[user.'bert@example.test']\nallowed = ['anna@shop.example']\nat_quarantine = 'reject'\n",
    );
    let dns = TestServer::start();
    dns.txt("shop.example", "v=spf1 ip4:203.0.113.9 -all");
    let daemon = Daemon::start(&dns.config().servers[0].to_string(), &settings);
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    let message = doubtful();
    let reply = postfix.send(&Mail::new(&message));
    assert!(reply.starts_with("250"), "{reply}\n{}", daemon.log());
    let status = fields(&postfix.delivered(), "X-Spam-Status").concat();
    assert!(status.starts_with("No") && status.contains("SENDER_ALLOWED(-100.00)"), "{status}");
    let forged = Mail { client: "198.51.100.66", client_name: "x.example", ..Mail::new(&message) };
    let reply = postfix.send(&forged);
    assert!(reply.starts_with("550"), "{reply}");
}

#[test]
fn a_reload_reads_users_again_and_a_wrong_file_changes_nothing() {
    let (dir, settings) = site("");
    let daemon = Daemon::start(DEAD_DNS, &settings);
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    let message = doubtful();
    let users = dir.path().join("users.d/20.toml");
    fs::write(&users, "[user.'bert@example.test']\nrejct = 8.5\n").unwrap();
    daemon.signal("HUP");
    let log = daemon.wait_log("20.toml:2:1");
    assert!(log.contains("did you mean 'reject'?"), "{log}");
    assert!(postfix.send(&Mail::new(&message)).starts_with("250"));

    fs::write(&users, "[user.'bert@example.test']\nreject = 8.5\n").unwrap();
    daemon.signal("HUP");
    let log = daemon.wait_log("the configuration was reloaded");
    let reloaded = log.lines().find(|line| line.contains("was reloaded")).unwrap();
    // Whose table was wrong can be told by the name that the log has.
    let name = out(&tidegate(daemon.dir.path(), &["privacy", "pseudonym", "bert@example.test"]));
    let name = name.split(' ').next().unwrap();
    assert!(log.contains(&format!("[user.\"{name}\"] has no setting")), "{name}: {log}");
    assert!(reloaded.contains("users=1") && log.contains("pages=\"off\""), "{log}");
    let began = Instant::now();
    while !postfix.send(&Mail::new(&message)).starts_with("550") {
        assert!(began.elapsed() < Duration::from_secs(15), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn tidegate(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(args)
        .arg("--store")
        .arg(dir.join("state"))
        .arg("--config")
        .arg(dir.join("tidegate.toml"))
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn policies_are_set_shown_and_logged_on_the_command_line() {
    let (dir, settings) = site("[domain.'example.test']\ntag = 4.5\n");
    fs::write(dir.path().join("tidegate.toml"), settings).unwrap();
    let run = |args: &[&str]| tidegate(dir.path(), args);
    let set = ["policy", "set", "anna@example.test", "at_tag=tag-subject", "allowed=shop.example"];
    assert_eq!(out(&run(&set)), "anna@example.test: version 1\n");
    let set = ["policy", "set", "@example.test", "bulk=tag"];
    assert_eq!(out(&run(&set)), "@example.test: version 1\n");
    let wrong = run(&["policy", "set", "example.test", "bulk=tag"]);
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(told.contains("or \"@example.test\" for all of that domain"), "{told}");

    let shown = out(&run(&["policy", "show", "Anna+shop@example.test"]));
    assert!(shown.starts_with("anna@example.test\n"), "{shown}");
    for (key, from) in [
        ("tag = 4.5", "a file, for the domain"),
        ("bulk = \"tag\"", "the store, for the domain"),
        ("at_tag = \"tag-subject\"", "the store, for the user"),
        ("allowed = [\"shop.example\"]", "the store, for the user"),
        ("reject = 15.0", "the default"),
    ] {
        let line = shown.lines().find(|line| line.trim_start().starts_with(key));
        assert!(line.is_some_and(|line| line.ends_with(from)), "{key} {from}: {shown}");
    }

    let wrong = run(&["policy", "set", "anna@example.test", "tag=9"]);
    assert!(!wrong.status.success());
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(told.contains("puts 'quarantine' (8) below 'tag' (9)"), "{told}");
    let late = run(&["policy", "set", "anna@example.test", "tag=4", "--version", "0"]);
    assert!(String::from_utf8_lossy(&late.stderr).contains("is at version 1 now"));

    assert_eq!(
        out(&run(&["policy", "unset", "anna@example.test", "at_tag"])),
        "anna@example.test: version 2\n"
    );
    let log = out(&run(&["policy", "log", "anna@example.test"]));
    assert!(log.lines().next().unwrap().contains("at_tag: \"tag-subject\" to unset"), "{log}");
    assert_eq!(log.lines().count(), 2);
    // A list is added to and taken from without being written whole.
    let more = ["policy", "set", "anna@example.test", "allowed+=b.example", "blocked+=c.example"];
    assert_eq!(out(&run(&more)), "anna@example.test: version 3\n");
    out(&run(&["policy", "set", "anna@example.test", "allowed-=shop.example"]));
    let shown = out(&run(&["policy", "show", "anna@example.test"]));
    assert!(shown.contains("allowed = [\"b.example\"]"), "{shown}");
    assert!(shown.contains("blocked = [\"c.example\"]"), "{shown}");
    let wrong = run(&["policy", "set", "anna@example.test", "allowed-=shop.example"]);
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(told.contains("'allowed' has no \"shop.example\""), "{told}");
    assert_eq!(out(&run(&["policy", "list"])).lines().count(), 2);
    let json = out(&run(&["policy", "show", "anna@example.test", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["values"][0]["key"], "filtering");
}

#[test]
fn what_is_set_while_the_daemon_runs_is_at_work_on_the_next_message() {
    let (_dir, settings) = site("");
    let mut daemon = Daemon::start(DEAD_DNS, &format!("deadline_ms = 300\n{settings}"));
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &[]) else { return };
    let message = doubtful();
    let send = || postfix.send(&Mail::new(&message));
    let dir = daemon.dir.path().to_owned();
    let run = |args: &[&str]| out(&tidegate(&dir, args));
    let bert = "bert@example.test";
    assert!(send().starts_with("250"), "{}", daemon.log());
    assert_eq!(run(&["policy", "set", bert, "reject=8.5"]), format!("{bert}: version 1\n"));
    assert!(send().starts_with("550"), "{}", daemon.log());
    let shown = run(&["policy", "show", bert]);
    assert!(shown.contains("the store, for the user"), "{shown}");
    assert_eq!(run(&["policy", "list"]).lines().count(), 1);
    assert!(run(&["policy", "log", bert]).contains("reject: unset to 8.5"), "who, when, what");
    // A mistake is told by the daemon as it is without one, and changes nothing.
    let wrong = tidegate(&dir, &["policy", "set", bert, "rejct=1"]);
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success() && told.contains("did you mean 'reject'?"), "{told}");
    assert!(send().starts_with("550"));
    assert_eq!(run(&["policy", "unset", bert, "reject"]), format!("{bert}: version 2\n"));
    assert!(send().starts_with("250"), "{}", daemon.log());

    // It is there without the daemon, and at the next start.
    run(&["policy", "set", bert, "reject=8.5"]);
    daemon.stop();
    assert!(run(&["policy", "show", bert]).contains("the store, for the user"));
    daemon.restart();
    assert!(send().starts_with("550"), "{}", daemon.log());
}

#[test]
fn scan_tells_each_recipients_outcome() {
    let (dir, settings) = site(USERS);
    fs::write(dir.path().join("tidegate.toml"), settings).unwrap();
    fs::write(dir.path().join("mail.eml"), doubtful()).unwrap();
    let file = dir.path().join("mail.eml");
    let mut args = vec!["scan", "--offline", file.to_str().unwrap()];
    FIVE.iter().for_each(|to| args.extend(["--rcpt", to]));
    let text = out(&tidegate(dir.path(), &args));
    for line in ["off@example.test: accept", "hold@example.test: quarantine"] {
        assert!(text.contains(&format!("  for      {line}: ")), "no {line} in {text}");
    }
    assert!(text.contains("\n  SPLIT "), "{text}");
    // Of one, it is their own word that heads it, and what was said of them is not the header's.
    let subject = ["scan", "--offline", "--rcpt", FIVE[2], file.to_str().unwrap()];
    let text = out(&tidegate(dir.path(), &subject));
    assert!(text.contains("\n  TAG-SUBJECT "), "{text}");
    assert!(text.contains("say otherwise), to"), "{text}");
    args.push("--json");
    let json: serde_json::Value = serde_json::from_str(&out(&tidegate(dir.path(), &args))).unwrap();
    let verdicts = json["recipients"].as_array().unwrap().iter().map(|it| it["verdict"].clone());
    let verdicts: Vec<_> = verdicts.collect();
    assert_eq!(verdicts, ["accept", "accept", "tag", "quarantine", "reject"]);
    assert_eq!(json["verdict"], "accept", "as a whole it is delivered");
    assert_eq!(json["recipients"][0]["reason"], "filtering is off for this recipient");

    // What the store keeps goes before, with what was learned beside it.
    out(&tidegate(dir.path(), &["policy", "set", FIVE[3], "filtering=false"]));
    let json: serde_json::Value = serde_json::from_str(&out(&tidegate(dir.path(), &args))).unwrap();
    assert_eq!(json["recipients"][3]["reason"], "filtering is off for this recipient");
}
