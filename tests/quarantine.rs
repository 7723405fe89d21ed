//! Held mail from end to end: released through a real Postfix that the daemon is attached to, told of in a
//! digest, and handled on the command line.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use support::daemon::{DEAD_DNS, Daemon};
use support::five::{HOLD, Site};
use support::postfix::{Postfix, fields};
use support::smtp::Mail;
use support::{free_port, mail};
use tidegate_mail::{Address, Envelope};
use tidegate_quarantine::{Config, EntryId, HeldFor, Holding, Purpose, Quarantine};
use tidegate_store::{Embedded, FILE_NAME};

const BERT: &str = "bert@example.test";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn open(state: &Path, port: u16) -> Quarantine {
    let store = Arc::new(Embedded::open(state).unwrap().store);
    let config = Config { release_to: format!("127.0.0.1:{port}"), ..Config::default() };
    Quarantine::open(store, state, config, "mx.example.test").unwrap()
}

async fn hold(held: &Quarantine, raw: &str, to: &[&str]) -> Vec<EntryId> {
    let keep_until = now() + 86_400;
    let recipients: Vec<HeldFor> = to
        .iter()
        .map(|to| HeldFor::new(to, "It is the test of spam filters", keep_until))
        .collect();
    let envelope = Envelope {
        sender: Some(Address::new("bounce@shop.example")),
        queue_id: Some("4cXyZ12Qz9z1".to_owned()),
        ..Envelope::default()
    };
    let holding = Holding {
        raw: raw.as_bytes(),
        envelope: &envelope,
        score: 1_000.0,
        signals: &[],
        recipients: &recipients,
        now: now(),
    };
    held.hold(&holding).await.unwrap()
}

/// What would be rejected, as its sender's MTA sent it: with 8-bit text and a long line, without Date and
/// Message-ID, which Postfix adds for its own network, and with fields that claim to be ours.
fn gtube() -> String {
    let gtube = mail("gtube.eml");
    let (_, body) = gtube.split_once("\n\n").unwrap();
    let long = "long ".repeat(600);
    format!(
        "From: Anna <anna@shop.example>\nTo: bert\nSubject: test\nX-Spam-Status: No, forged\n\
         X-Tidegate-Release: v=1; mac=forged\nContent-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n\n{body}\n.\n..\nGrüße {long}\n"
    )
    .replace('\n', "\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_message_passes_the_filter_once_and_arrives_as_it_was_held() {
    let mut daemon = Daemon::start(DEAD_DNS, "");
    let own_network = ["mynetworks = 127.0.0.0/8"];
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &own_network) else { return };
    daemon.signal("TERM");
    assert_eq!(daemon.ended(Duration::from_secs(20)), Some(0));

    let (state, copy) = (daemon.dir.path().join("state"), daemon.dir.path().join("copy"));
    let held = open(&state, postfix.port);
    let ids = hold(&held, &gtube(), &[BERT, "carl@example.test"]).await;
    drop(held);
    // The daemon has its store to itself: this process works on a copy, with the same keys.
    assert!(Command::new("cp").arg("-r").args([&state, &copy]).status().unwrap().success());
    let held = open(&copy, postfix.port);
    let config = fs::read_to_string(daemon.config()).unwrap();
    let more = format!("[quarantine]\nrelease_to = \"127.0.0.1:{}\"\n", postfix.port);
    fs::write(daemon.config(), format!("{config}{more}")).unwrap();
    daemon.restart();

    // Unmarked, it is refused.
    let gtube = gtube();
    assert!(postfix.send(&Mail::new(&gtube)).starts_with("550"), "{}", daemon.log());

    let released = held.release(&ids[0], "test", now()).await.unwrap();
    assert_eq!(released.raw, gtube.as_bytes());
    let delivered = postfix.delivered();
    for ours in ["X-Tidegate-Release", "X-Spam-Status", "X-Spam-Score"] {
        assert_eq!(fields(&delivered, ours), [""; 0], "{delivered}");
    }
    assert_eq!(fields(&delivered, "Delivered-To"), [BERT], "{delivered}");
    assert_eq!(fields(&delivered, "Return-Path"), ["<bounce@shop.example>"], "{delivered}");
    let (_, body) = delivered.split_once("\n\n").unwrap();
    let (_, sent) = gtube.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, sent.replace("\r\n", "\n"));

    // A mark is good once: whoever saw one can't use it again.
    let to = [Address::new(BERT)];
    let sealed = held.marks().seal(gtube.as_bytes(), &to, Purpose::Release, now()).unwrap();
    let sealed = String::from_utf8(sealed).unwrap();
    assert!(postfix.send(&Mail::new(&sealed)).starts_with("250"), "{}", daemon.log());
    assert_eq!(fields(&postfix.delivered(), "X-Spam-Status"), [""; 0]);
    assert!(postfix.send(&Mail::new(&sealed)).starts_with("550"), "{}", daemon.log());
    // A forged one is taken off a message that is delivered after all, and told.
    let clean =
        format!("X-Tidegate-Release: v=1; p=release; id=x; t=1; mac=00\n{}", mail("clean.eml"));
    assert!(postfix.send(&Mail::new(&clean)).starts_with("250"));
    let delivered = postfix.delivered();
    assert_eq!(fields(&delivered, "X-Tidegate-Release"), [""; 0], "{delivered}");
    assert!(fields(&delivered, "X-Spam-Status")[0].contains("RELEASE_MARK_FORGED"), "{delivered}");

    let (_, metrics) = daemon.get("/metrics").unwrap();
    for line in [
        "tidegate_quarantine_entries 2",
        "tidegate_quarantine_messages 1",
        "tidegate_release_marks_total{mark=\"genuine\"} 2",
        "tidegate_release_marks_total{mark=\"void\"} 3",
    ] {
        assert!(metrics.contains(line), "no {line} in:\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_passes_with_the_fields_that_it_has() {
    let mut daemon = Daemon::start(DEAD_DNS, "");
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &[]) else { return };
    daemon.signal("TERM");
    assert_eq!(daemon.ended(Duration::from_secs(20)), Some(0));
    let (state, copy) = (daemon.dir.path().join("state"), daemon.dir.path().join("copy"));
    assert!(Command::new("cp").arg("-r").args([&state, &copy]).status().unwrap().success());
    let held = open(&copy, postfix.port);
    daemon.restart();
    let raw = format!("X-Spam-Flag: YES\r\nX-Spam-Status: Yes, score=9.0\r\n{}", gtube());
    let (sender, to) = (Address::new(""), [Address::new(BERT)]);
    held.sender().inject(raw.as_bytes(), &sender, &to, Purpose::Copy).await.unwrap();
    let delivered = postfix.delivered();
    assert_eq!(fields(&delivered, "X-Spam-Flag"), ["YES"], "{delivered}");
    assert_eq!(fields(&delivered, "X-Tidegate-Release"), [""; 0], "{delivered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_comes_by_mail_unfiltered() {
    let mut daemon = Daemon::start(DEAD_DNS, "");
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &[]) else { return };
    daemon.signal("TERM");
    assert_eq!(daemon.ended(Duration::from_secs(20)), Some(0));
    let held = open(&daemon.dir.path().join("state"), postfix.port);
    hold(&held, &gtube(), &[BERT]).await;
    drop(held);
    let config = fs::read_to_string(daemon.config()).unwrap();
    let more = format!(
        "[quarantine]\nrelease_to = \"127.0.0.1:{}\"\n[quarantine.digest]\nenabled = true\n\
         from = \"postmaster@example.test\"\npublic_url = \"https://mail.example.test\"\n\
         [policy.default]\ndigest = 0\n",
        postfix.port
    );
    fs::write(daemon.config(), format!("{config}{more}")).unwrap();
    daemon.restart();
    let delivered = postfix.delivered();
    assert_eq!(fields(&delivered, "Subject"), ["1 new message in your quarantine"], "{delivered}");
    assert!(delivered.contains("/q/release?token"), "{delivered}");
    for ours in ["X-Tidegate-Release", "X-Spam-Status"] {
        assert_eq!(fields(&delivered, ours), [""; 0], "{delivered}");
    }
    // Another start on the same day sends no other.
    daemon.wait_log("a digest was sent");
    daemon.signal("TERM");
    assert_eq!(daemon.ended(Duration::from_secs(20)), Some(0));
    daemon.restart();
    std::thread::sleep(Duration::from_secs(1));
    assert!(postfix.mailbox().is_empty());
}

/// Makes nonsense of the pages on which a store in `state` counts what is held; redb finds that when it reads them.
fn garble_index(state: &Path) {
    const PAGE: usize = 4_096;
    let path = state.join(FILE_NAME);
    let mut store = fs::read(&path).unwrap();
    let counts = |page: &&mut [u8]| page.windows(8).any(|eight| eight == b"{\"size\":");
    let pages = store.chunks_mut(PAGE).filter(counts);
    assert!(pages.map(|page| page[4..60].fill(0xff)).count() > 0);
    fs::write(&path, store).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_index_of_held_mail_can_not_be_read_is_mended_at_the_start_and_mail_is_held()
{
    let Some(mut site) = Site::start("") else { return };
    site.daemon.stop();
    let state = site.daemon.dir.path().join("state");
    let held = open(&state, site.postfix.port);
    let ids = hold(&held, &gtube(), &[HOLD, "carl@example.test"]).await;
    drop(held);
    garble_index(&state);
    site.daemon.restart();
    site.daemon.wait_log("the store was damaged");
    site.daemon.wait_log("held mail was set right");
    let log = site.daemon.log();
    assert!(state.join(format!("{FILE_NAME}.damaged-1")).exists(), "{log}");
    let listed = site.run(&["quarantine", "list"]);
    assert!(ids.iter().all(|id| listed.contains(id.as_str())), "{listed}\n{log}");
    let set = site.run(&["policy", "set", HOLD, "tag=1", "quarantine=2"]);
    assert!(set.starts_with(HOLD), "{set}");
    assert!(site.send(&mail("phishing.eml"), &[HOLD]).starts_with("250"), "{log}");
    assert_eq!(site.held()[HOLD].len(), 2, "{}", site.daemon.log());
}

fn tidegate(state: &Path, config: &Path, arguments: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args([Path::new("--store"), state, Path::new("--config"), config])
        .arg("quarantine")
        .args(arguments)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_lists_shows_releases_and_deletes() {
    let dir = tempfile::tempdir().unwrap();
    let (state, config) = (dir.path().join("state"), dir.path().join("tidegate.toml"));
    let port = free_port();
    fs::write(&config, format!("[quarantine]\nrelease_to = \"127.0.0.1:{port}\"\n")).unwrap();
    let held = open(&state, port);
    let raw = gtube().replace("Subject: test", "Subject: =?utf-8?q?=1B]0;evil=07?=");
    let ids = hold(&held, &raw, &[BERT, "carl@example.test"]).await;
    let (output, told) = tidegate(&state, &config, &["list"]);
    assert!(!output.status.success() && told.contains("is in use by another process"), "{told}");
    drop(held);

    let (output, told) = tidegate(&state, &config, &["list", "--user", "nobody@example.test"]);
    assert!(output.stdout.is_empty() && told == "tidegate: nothing is held that fits\n", "{told}");
    let (_, told) = tidegate(&state, &config, &["list", "--user", BERT]);
    assert!(told.contains(ids[0].as_str()) && told.contains("anna@shop.example"), "{told}");
    assert!(!told.contains("carl") && !told.contains('\u{1b}'), "{told}");
    let (_, told) = tidegate(&state, &config, &["list", "--json"]);
    let listed: Vec<serde_json::Value> =
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["score"], 1_000.0);
    let (_, told) = tidegate(&state, &config, &["show", ids[0].as_str()]);
    assert!(told.contains("Grüße long") && told.contains("Because It is the test"), "{told}");

    // Nobody listens there: it stays held, and the reason is told.
    let (output, told) = tidegate(&state, &config, &["release", ids[0].as_str()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("nothing was delivered") && told.contains(&port.to_string()), "{told}");
    let (output, told) = tidegate(&state, &config, &["delete", ids[0].as_str(), ids[0].as_str()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told.contains("deleted, which was held for") && told.contains("it was deleted"),
        "{told}"
    );
    let (_, told) = tidegate(&state, &config, &["expire"]);
    assert!(told.starts_with("0 expired, 1 held"), "{told}");
    // By the name that the MTA and the log have for it: each recipient's.
    let (_, told) = tidegate(&state, &config, &["show", "4cXyZ12Qz9z1"]);
    assert!(told.contains(&format!("{}  held for carl@example.test", ids[1])), "{told}");
    let (output, told) = tidegate(&state, &config, &["show", "../../etc/passwd"]);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("nothing is held under that queue id"), "{told}");
}

#[test]
fn an_operator_does_all_that_while_the_daemon_runs() {
    let Some(site) = Site::start("") else { return };
    let message = mail("phishing.eml");
    let subject = fields(&message, "Subject").concat();
    let set = site.run(&["policy", "set", HOLD, "tag=1", "quarantine=2"]);
    assert_eq!(set, format!("{HOLD}: version 1\n"));
    for new in ["the first", "the second"] {
        let message = message.replacen(&subject, &format!("{subject}, {new}"), 1);
        assert!(site.send(&message, &[HOLD]).starts_with("250"), "{}", site.daemon.log());
    }
    let held = site.held().remove(HOLD).unwrap_or_else(|| panic!("{}", site.daemon.log()));
    let id = |subject: &str| {
        let is = |entry: &&serde_json::Value| entry["subject"].as_str().unwrap().contains(subject);
        held.iter().find(is).unwrap()["id"].as_str().unwrap()
    };
    let found = site.run(&["quarantine", "list", "--search", "SECOND", "--user", HOLD]);
    assert!(found.contains(id("second")) && !found.contains(id("first")), "{found}");
    let shown = site.run(&["quarantine", "show", id("first")]);
    assert!(shown.contains("account"), "{shown}");
    let released = site.run(&["quarantine", "release", "--learn", id("first")]);
    assert!(released.contains("released to hold@example.test, learned as ham (new)"), "{released}");
    let delivered = site.postfix.delivered();
    assert!(fields(&delivered, "Subject").concat().contains(", the first"), "{delivered}");
    assert_eq!(fields(&delivered, "X-Tidegate-Release"), [""; 0], "{delivered}");
    // The release counts against what spoke for holding it.
    let guard = site.run(&["guard", "list"]);
    assert!(guard.contains("wrong 1 of "), "{guard}");
    let deleted = site.run(&["quarantine", "delete", id("second")]);
    assert!(deleted.contains("deleted, which was held for hold@example.test"), "{deleted}");
    assert!(site.held().is_empty());
    let expired = site.run(&["quarantine", "expire"]);
    assert!(expired.starts_with("0 expired, 0 held"), "{expired}");
    assert_eq!(site.metric("tidegate_quarantine_ended_total{why=\"released\"}"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_released_is_learned_when_that_is_asked() {
    let Some(postfix) = Postfix::start("none", &[]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let (state, config) = (dir.path().join("state"), dir.path().join("tidegate.toml"));
    let release_to = format!("[quarantine]\nrelease_to = \"127.0.0.1:{}\"\n", postfix.port);
    fs::write(&config, release_to).unwrap();
    let held = open(&state, postfix.port);
    let ids = hold(&held, &mail("phishing.eml").replace('\n', "\r\n"), &[BERT]).await;
    drop(held);
    let (output, told) = tidegate(&state, &config, &["release", "--learn", ids[0].as_str()]);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("released to bert@example.test, learned as ham (new)"), "{told}");
    let delivered = postfix.delivered();
    assert_eq!(
        fields(&delivered, "X-Tidegate-Release").len(),
        1,
        "no filter was there to take it off"
    );
}
