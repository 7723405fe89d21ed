//! The journal, replay and the shadow, through a real Postfix and a real DNS server on loopback.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::daemon::Daemon;
use support::five::{doubtful, site};
use support::mail;
use support::postfix::{Postfix, fields};
use support::smtp::Mail;
use tidegate_dns::testing::{Failure, TestServer};

/// A sender whose domain asks for mail to be refused that is not its own.
fn world() -> TestServer {
    let server = TestServer::start();
    server
        .ptr("203.0.113.9", "mail.shop.example")
        .a("mail.shop.example", "203.0.113.9")
        .mx("shop.example", 10, "mail.shop.example")
        .txt("shop.example", "v=spf1 ip4:203.0.113.9 -all")
        .txt("_dmarc.shop.example", "v=DMARC1; p=reject");
    server
}

fn start(server: &TestServer, more: &str) -> Daemon {
    let ask = server.config().servers[0].to_string();
    Daemon::start(&ask, &format!("deadline_ms = 1000\n{more}"))
}

const KEEP_ALL: &str = "[journal]\nenabled = true\nkeep = \"message\"\n";

/// Runs the program with the daemon's configuration and store, or with another configuration.
fn tidegate(daemon: &Daemon, config: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(args)
        .args([Path::new("--config"), config])
        .args([Path::new("--store"), &store(daemon)])
        .output()
        .unwrap()
}

fn store(daemon: &Daemon) -> PathBuf {
    daemon.dir.path().join("state")
}

#[track_caller]
fn succeeds(daemon: &Daemon, args: &[&str]) -> String {
    let output = tidegate(daemon, &daemon.config(), args);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{args:?}: {out}{err}\n{}", daemon.log());
    out
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The records of the journal, as soon as there are so many.
fn records(daemon: &Daemon, count: usize) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let listed = succeeds(daemon, &["journal", "list", "--json"]);
        let records: Vec<Value> =
            listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if records.len() >= count {
            return records;
        }
        assert!(began.elapsed() < Duration::from_secs(15), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Somebody else who says that he is `shop.example`.
fn forged(data: &str) -> Mail<'_> {
    Mail { client: "198.51.100.7", client_name: "[UNAVAILABLE]", ..Mail::new(data) }
}

/// The id of the newest record, and the MTA's.
fn ids(record: &Value) -> (String, String) {
    let id = record["id"].as_str().unwrap().to_owned();
    let queue_id = id.split_once('-').unwrap().1.to_owned();
    (id, queue_id)
}

#[test]
fn a_recorded_message_comes_out_the_same_and_dns_is_told_apart() {
    let server = world();
    let mut daemon = start(&server, KEEP_ALL);
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    let clean = mail("clean.eml");
    assert!(postfix.send(&forged(&clean)).starts_with("250"));
    let (id, queue_id) = ids(&records(&daemon, 1)[0]);
    assert!(daemon.log().contains(&queue_id), "{queue_id}: {}", daemon.log());
    let told = succeeds(&daemon, &["replay", &queue_id]);
    assert!(told.starts_with(&format!("{id}: the same: ")), "{told}");
    assert_eq!(succeeds(&daemon, &["replay", &id]), told);
    let shown = succeeds(&daemon, &["journal", "show", &id]);
    for line in
        ["asked      TXT _dmarc.shop.example: v=DMARC1; p=reject (", "client     198.51.100.7"]
    {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    assert!(succeeds(&daemon, &["journal", "show", &id, "--message"]).contains("Subject: "));

    // Nothing was asked by that, and nothing is, whatever DNS says now.
    let asked = server.queries();
    server.remove("_dmarc.shop.example");
    assert_eq!(succeeds(&daemon, &["replay", &id]), told);
    assert_eq!(server.queries(), asked);
    let live = succeeds(&daemon, &["replay", &id, "--dns", "live"]);
    for line in [
        "TXT _dmarc.shop.example",
        "then  v=DMARC1; p=reject",
        "now   no such name",
        "DMARC_REJECT",
    ] {
        assert!(live.contains(line), "{line} in {live}");
    }

    // A lesson moves the statistics, not what was recorded.
    let class = ["learn", "spam", "--id", &id];
    assert_eq!(succeeds(&daemon, &class), "spam: 1 new\n");
    daemon.signal("TERM");
    daemon.ended(Duration::from_secs(20));
    let learned = succeeds(&daemon, &["replay", &id]);
    assert!(learned.starts_with(&told), "{learned}");
    assert!(learned.contains("the statistics have learned since; with today's: "), "{learned}");
    assert_eq!(succeeds(&daemon, &class), "spam: 1 already\n");

    // By another configuration it comes out otherwise, and the reason is told.
    let other = daemon.dir.path().join("other.toml");
    fs::write(&other, "[server]\nid = \"mx.example.test\"\n[scores]\nDMARC_REJECT = 0.0\n")
        .unwrap();
    let output = tidegate(&daemon, &other, &["replay", &id]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("DMARC_REJECT: ") && told.contains("the configuration has changed since"),
        "{told}"
    );

    let folder = store(&daemon).join("journal");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    let none = tidegate(&daemon, &daemon.config(), &["replay", "4XYZ"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).contains("the journal has no record '4XYZ'"));
}

#[test]
fn a_recorded_message_comes_out_the_same_whatever_its_recipients_want_by_now() {
    let server = world();
    let (_dir, settings) = site(
        "[user.'off@example.test']\nfiltering = false\n\
         [user.'patient@example.test']\ntag = 50.0\nquarantine = 60.0\nreject = 70.0\n\
         [user.'subject@example.test']\nat_quarantine = 'tag-subject'\nallowed = ['other.example']\n",
    );
    let mut daemon =
        start(&server, &format!("{settings}{KEEP_ALL}[quarantine]\nenabled = false\n"));
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    let doubtful = doubtful();
    let (off, patient, subject) =
        ("off@example.test", "patient@example.test", "subject@example.test");
    let company: [&[&str]; 5] = [
        &[patient],
        &[subject],
        &[patient, subject, "bert@example.test"],
        // Of them only one is recorded, who was judged in the company of another.
        &[off, patient],
        &["bert@example.test", "carl@example.test"],
    ];
    for to in company {
        assert!(postfix.send(&Mail { to, ..Mail::new(&doubtful) }).starts_with("250"));
    }
    records(&daemon, company.len());
    let all_the_same = |daemon: &Daemon| {
        let all = succeeds(daemon, &["replay", "--journal"]);
        let expect = format!("{} the same, 0 not; 0 messages not kept", company.len());
        assert!(all.starts_with(&expect), "{all}");
    };
    all_the_same(&daemon);
    for (user, changes) in [
        (patient, "tag=51.0"),
        (subject, "filtering=false"),
        ("bert@example.test", "blocked=shop.example"),
        ("carl@example.test", "tag=1.0"),
        ("@example.test", "bulk=quarantine"),
    ] {
        succeeds(&daemon, &["policy", "set", user, changes]);
    }
    // With the daemon's policies in its store, and then in this process's.
    all_the_same(&daemon);
    daemon.stop();
    all_the_same(&daemon);
    let (id, _) = ids(&records(&daemon, company.len())[0]);
    let told = succeeds(&daemon, &["replay", &id, "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["same"], true);
}

#[test]
fn a_verdict_that_lacked_answers_comes_out_the_same() {
    let server = world();
    let daemon = start(&server, KEEP_ALL);
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    let failures = [
        None,
        Some(Failure::Refused),
        Some(Failure::ServFail),
        Some(Failure::Silent),
        Some(Failure::Garbage),
        Some(Failure::Truncated),
    ];
    let phishing = mail("phishing.eml");
    for (number, failure) in failures.into_iter().enumerate() {
        let domain = format!("shop{number}.example");
        server
            .mx(&domain, 10, "mail.shop.example")
            .txt(&domain, &format!("v=spf1 include:_spf.{domain} mx -all"))
            .txt(&format!("_spf.{domain}"), "v=spf1 ip4:203.0.113.9 ?all")
            .txt(&format!("_dmarc.{domain}"), "v=DMARC1; p=quarantine");
        // The first step of the chain is answered, the second is not.
        server.fail(&format!("_spf.{domain}"), failure).fail(&format!("_dmarc.{domain}"), failure);
        let from = format!("anna@{domain}");
        postfix.send(&Mail { from: &from, ..forged(&phishing.replace("shop.example", &domain)) });
    }
    for record in records(&daemon, failures.len()) {
        let (id, _) = ids(&record);
        let told = succeeds(&daemon, &["replay", &id, "--json"]);
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&told["same"], &told["recorded"]), (&true.into(), &told["replayed"]));
    }
    let shown = succeeds(&daemon, &["journal", "list"]);
    assert_eq!(shown.lines().count(), failures.len(), "{shown}");
    let all = succeeds(&daemon, &["replay", "--journal"]);
    let expect =
        format!("{} the same, 0 not; 0 messages not kept, 0 records damaged", failures.len());
    assert!(all.starts_with(&expect), "{all}");
    assert!(daemon.log().contains("partial=\"dns:"), "{}", daemon.log());
}

#[test]
fn of_a_message_that_is_not_kept_its_features_can_be_learned() {
    let server = world();
    let mut daemon = start(&server, "[journal]\nenabled = true\n");
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    let clean = mail("clean.eml");
    assert!(postfix.send(&Mail::new(&clean)).starts_with("250"));
    let (id, queue_id) = ids(&records(&daemon, 1)[0]);
    let output = tidegate(&daemon, &daemon.config(), &["replay", &id]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("the message is not kept ([journal] keep = \"features\")"), "{told}");
    assert!(told.contains("% spam then, "), "{told}");
    let folder = store(&daemon).join("journal");
    for file in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!text(&bytes).contains("Subject"));
    }
    // The daemon has the store; then nobody has, and the delivered message is the one that was learned.
    assert_eq!(succeeds(&daemon, &["learn", "spam", "--id", &queue_id]), "spam: 1 new\n");
    assert_eq!(succeeds(&daemon, &["learn", "spam", "--id", &queue_id]), "spam: 1 already\n");
    daemon.signal("TERM");
    daemon.ended(Duration::from_secs(20));
    assert_eq!(succeeds(&daemon, &["learn", "forget", "--id", &id]), "forget: 1 forgotten\n");
}

#[test]
fn a_journal_that_was_killed_is_read_and_goes_on() {
    let server = world();
    let mut daemon = start(&server, KEEP_ALL);
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    let clean = mail("clean.eml");
    assert!(postfix.send(&Mail::new(&clean)).starts_with("250"));
    records(&daemon, 1);
    daemon.signal("KILL");
    daemon.ended(Duration::from_secs(10));
    let folder = store(&daemon).join("journal");
    let segment = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&segment).unwrap();
    // As if the machine had stopped while a second record was being written.
    fs::write(&segment, [&whole[..], &whole[8..whole.len() - 5]].concat()).unwrap();
    let listed = records(&daemon, 1);
    assert_eq!(listed.len(), 1);
    let told = succeeds(&daemon, &["replay", &ids(&listed[0]).0]);
    assert!(told.contains(": the same: "), "{told}");
}

/// A configuration in `folder` that has its own mind on `clean.eml`.
fn other_mind(folder: &Path) -> PathBuf {
    let rules = "family = 'policy'\n[rules.TEST_WORD]\nsays = 'The test word'\nscore = 6\n\
                 in = 'subject'\nwords = ['minutes']\n";
    fs::write(folder.join("rules.toml"), rules).unwrap();
    let new = folder.join("new.toml");
    let settings = "[server]\nid = \"mx.example.test\"\n[lists]\nenabled = false\n\
                    [rules]\nfiles = [\"rules.toml\"]\n[statistics]\nenabled = false\n[scores]\nSPF_PASS = 1.5\n";
    fs::write(&new, settings).unwrap();
    new
}

#[test]
fn a_second_configuration_judges_without_effect_and_is_reported() {
    let server = world();
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let new = other_mind(dir.path());
    let daemon = start(&server, &format!("[shadow]\nconfig = \"{}\"\n", new.display()));
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    let clean = mail("clean.eml");
    assert!(postfix.send(&Mail::new(&clean)).starts_with("250"));
    assert!(fields(&postfix.delivered(), "X-Spam-Flag").is_empty());
    let report = store(&daemon).join("shadow.json");
    let began = Instant::now();
    while !report.exists() {
        assert!(began.elapsed() < Duration::from_secs(15), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let asked = server.queries();
    let told = succeeds(&daemon, &["shadow", "report"]);
    for line in ["1 messages judged", "; 1 with another outcome", "accept → tag", "SPF_PASS"] {
        assert!(told.contains(line), "{line} in {told}");
    }
    let told: Value =
        serde_json::from_str(&succeeds(&daemon, &["shadow", "report", "--json"])).unwrap();
    assert_eq!(told["latest"][0]["after"]["verdict"], "tag");
    let (_, metrics) = daemon.get("/metrics").unwrap();
    assert!(
        metrics.contains("tidegate_shadow_total{live=\"accept\",shadow=\"tag\"} 1"),
        "{metrics}"
    );
    assert_eq!(server.queries(), asked);
    // A mistake in it is told by check, as those of the first are.
    fs::write(&new, "[verdikt]\n").unwrap();
    let output = tidegate(&daemon, &daemon.config(), &["check"]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert!(
        told.contains("/new.toml:1:") && told.contains("there is no section [verdikt]"),
        "{told}"
    );
}

#[test]
fn two_configurations_are_compared_on_an_index_and_on_the_journal() {
    let server = world();
    let daemon = start(&server, KEEP_ALL);
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    let clean = mail("clean.eml");
    assert!(postfix.send(&Mail::new(&clean)).starts_with("250"));
    let (id, _) = ids(&records(&daemon, 1)[0]);
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let (new, index) = (other_mind(dir.path()), dir.path().join("index"));
    let mails = support::root().join("tests/mail");
    let lines = ["ham clean.eml", "spam gtube.eml"].map(|line| {
        let (class, name) = line.split_once(' ').unwrap();
        format!("{class} {}\n", mails.join(name).display())
    });
    fs::write(&index, lines.concat()).unwrap();
    let (new, index) = (new.to_str().unwrap(), index.to_str().unwrap());
    let asked = server.queries();
    let told = succeeds(&daemon, &["replay", "--against", new, "--index", index]);
    for line in [
        "clean.eml (ham)\n  accept → tag",
        "2 messages, 1 with another outcome",
        "harder on 1 ham and 0 spam, milder on 0 ham and 0 spam",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    assert!(!told.contains("gtube.eml"), "{told}");
    let told = succeeds(&daemon, &["replay", "--against", new, "--journal", "--json"]);
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [message, summary] = &lines[..] else { panic!("{told}") };
    assert_eq!(message["file"], id.as_str());
    // By the recorded answers: without them there would be no SPF_PASS.
    let moved = message["difference"]["signals"].as_array().unwrap();
    assert!(moved.iter().any(|it| it["name"] == "SPF_PASS" && it["after"] == 1.5), "{told}");
    assert_eq!((&summary["messages"], &summary["others"]), (&1.into(), &1.into()));
    assert_eq!(server.queries(), asked);
    let same = daemon.config();
    let told = succeeds(&daemon, &["replay", "--against", same.to_str().unwrap(), "--journal"]);
    assert!(told.starts_with("1 messages, 0 with another outcome"), "{told}");
}
