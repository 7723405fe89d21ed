//! What is held on a person, on the built program: made in every part, exported, erased, and in no file
//! afterwards; and a log that names nobody.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::daemon::{DEAD_DNS, Daemon};
use support::mail;
use support::postfix::Postfix;
use support::smtp::Mail;
use tempfile::TempDir;

const BERT: &str = "bert@example.test";
const CARLA: &str = "carla@example.test";

/// Twelve points for a word in the subject.
const RULE: &str = "family = 'policy'\n[rules.TEST_DOUBTFUL]\nsays = 'The test word'\nscore = 12\n\
                    in = 'subject'\nwords = ['doubtful']\n";

fn run(daemon: &Daemon, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(args)
        .args([Path::new("--config"), &daemon.config()])
        .args([Path::new("--store"), &state(daemon)])
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[track_caller]
fn succeeds(daemon: &Daemon, args: &[&str]) -> String {
    let output = run(daemon, args);
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{args:?}: {out}{err}\n{}", daemon.log());
    out.into_owned()
}

fn state(daemon: &Daemon) -> PathBuf {
    daemon.dir.path().join("state")
}

/// How many of each part are told.
#[track_caller]
fn found(daemon: &Daemon, args: &[&str]) -> (Value, Vec<(String, u64)>) {
    let report: Value = serde_json::from_str(&succeeds(daemon, args)).unwrap();
    let parts = report["parts"].as_array().unwrap().iter();
    let parts = parts
        .map(|part| (part["part"].as_str().unwrap().to_owned(), part["found"].as_u64().unwrap()));
    (report.clone(), parts.collect())
}

fn count(parts: &[(String, u64)], name: &str) -> u64 {
    parts.iter().find(|(part, _)| part == name).unwrap_or_else(|| panic!("no {name}")).1
}

/// Files below a folder that have `word`, letter case aside.
fn files_with(folder: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, word));
        } else if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            if String::from_utf8_lossy(&bytes).to_lowercase().contains(word) {
                found.push(path);
            }
        }
    }
    found
}

fn start(more: &str) -> (TempDir, Daemon) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("rules.toml"), RULE).unwrap();
    let settings = format!("[rules]\nfiles = ['{}/rules.toml']\n{more}", dir.path().display());
    (dir, Daemon::start(DEAD_DNS, &settings))
}

/// Something that is held, and whose header names no recipient.
fn doubtful() -> String {
    let clean = mail("clean.eml").replacen("Subject: ", "Subject: doubtful ", 1);
    clean.replacen("To: Bert <bert@example.test>", "To: team@lists.example", 1)
}

fn held(daemon: &Daemon, count: usize) -> Vec<String> {
    let began = Instant::now();
    loop {
        let listed = succeeds(daemon, &["quarantine", "list", "--json"]);
        let ids: Vec<String> = listed
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().into())
            .collect();
        if ids.len() == count {
            return ids;
        }
        assert!(began.elapsed() < Duration::from_secs(15), "{listed}\n{}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Something of Bert in every part, through a real Postfix and on the command line.
fn make(daemon: &Daemon, postfix: &Postfix) {
    let (doubtful, clean) = (doubtful(), mail("clean.eml"));
    let to = [BERT, CARLA];
    assert!(postfix.send(&Mail { to: &to, ..Mail::new(&doubtful) }).starts_with("250"));
    let other = doubtful.replace("doubtful", "doubtful again");
    assert!(postfix.send(&Mail { to: &[BERT], ..Mail::new(&other) }).starts_with("250"));
    let of_bert = other.replace("again", "once more");
    let of_bert = Mail { from: BERT, to: &[CARLA], ..Mail::new(&of_bert) };
    assert!(postfix.send(&of_bert).starts_with("250"));
    assert!(postfix.send(&Mail { to: &to, ..Mail::new(&clean) }).starts_with("250"));
    held(daemon, 4);
    // Outgoing: he wants to hear of her.
    let sent = clean.replacen("anna@shop.example", BERT, 1);
    let sent = Mail { client: "198.51.100.7", from: BERT, to: &[CARLA], ..Mail::new(&sent) };
    assert!(postfix.send(&sent).starts_with("250"));
    let lesson = daemon.dir.path().join("lesson.eml");
    let judged = "X-Spam-Status: Yes, score=9.00 verdict=tag signals=MISSING_DATE(1.50)";
    fs::write(&lesson, format!("{judged}\n{clean}")).unwrap();
    let lesson = lesson.to_str().unwrap();
    for user in [BERT, "Bert+lists@example.test", CARLA] {
        succeeds(daemon, &["learn", "ham", lesson, "--user", user]);
    }
    for user in [BERT, CARLA] {
        edit(daemon, user);
        succeeds(daemon, &["token", "create", user]);
    }
}

/// Bert edits a policy, as an admin.
fn edit(daemon: &Daemon, of: &str) {
    let mut socket = UnixStream::connect(state(daemon).join("api.sock")).unwrap();
    let body = format!("{{\"set\":{{\"tag\":4.0}},\"by\":\"{BERT}\"}}");
    let length = body.len();
    write!(
        socket,
        "PATCH /v1/policy/{of} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_person_is_erased_from_every_file_and_others_keep_what_is_theirs() {
    let (_dir, mut daemon) = start(
        "[journal]\nenabled = true\nkeep = \"message\"\n\
         [correspondents]\nnetworks = [\"198.51.100.7\"]\n",
    );
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &[]) else { return };
    make(&daemon, &postfix);

    let (report, parts) = found(&daemon, &["privacy", "export", "Bert@Example.test", "--json"]);
    assert_eq!((report["user"].as_str(), report["erased"].as_bool()), (Some(BERT), Some(false)));
    for (part, expect) in [
        ("quarantine", 2),
        ("sent", 1),
        ("policy", 1),
        ("policy log", 1),
        ("learned", 2),
        ("corrections", 2),
        ("correspondents", 2),
        ("tokens", 1),
        ("journal", 5),
    ] {
        assert_eq!(count(&parts, part), expect, "{part}: {report}");
    }
    let whole = report.to_string();
    assert!(whole.contains("doubtful again"), "the text of what is held: {whole}");
    let (_, carlas) = whole.split_once("\"journal\"").unwrap_or_default();
    assert!(!whole.contains("\"owner\":\"carla"), "{whole}");
    assert!(carlas.is_empty() || !carlas.contains("to\":\"carla"), "{carlas}");
    let told = succeeds(&daemon, &["privacy", "export", BERT]);
    assert!(
        told.contains("2 held  quarantine") && told.contains("Not found by an address"),
        "{told}"
    );

    // Of whom nothing is known, nothing is held.
    let (report, parts) = found(&daemon, &["privacy", "export", "nobody@example.test", "--json"]);
    assert!(parts.iter().all(|(_, found)| *found == 0), "{report}");

    // Nobody can be asked.
    let output = run(&daemon, &["privacy", "erase", BERT]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--yes"));
    assert!(!files_with(&state(&daemon), BERT).is_empty(), "or this test shows nothing");

    let (report, parts) = found(&daemon, &["privacy", "erase", BERT, "--yes", "--json"]);
    for (part, expect) in [
        ("quarantine", 2),
        ("policy", 1),
        ("policy log", 1),
        ("learned", 2),
        ("corrections", 2),
        ("correspondents", 2),
        ("tokens", 1),
        ("journal", 5),
        ("edits made for others", 1),
    ] {
        assert_eq!(count(&parts, part), expect, "{part}: {report}");
    }
    let (report, parts) = found(&daemon, &["privacy", "erase", BERT, "--yes", "--json"]);
    let mut left = parts.iter().filter(|(part, _)| part != "sent");
    assert!(left.all(|(_, found)| *found == 0), "a second time: {report}");

    // Carla has her two, her choices, her lesson and her records.
    let ids = held(&daemon, 2);
    let shown = succeeds(&daemon, &["quarantine", "show", &ids[1]]);
    assert!(shown.contains("doubtful"), "{shown}");
    let (report, parts) = found(&daemon, &["privacy", "export", CARLA, "--json"]);
    for (part, expect) in
        [("quarantine", 2), ("policy", 1), ("policy log", 1), ("learned", 1), ("journal", 2)]
    {
        assert_eq!(count(&parts, part), expect, "{part}: {report}");
    }

    // The mail that Bert sent is Carla's, with his name in it.
    succeeds(&daemon, &["quarantine", "delete", &ids[0]]);
    daemon.signal("TERM");
    assert_eq!(daemon.ended(Duration::from_secs(20)), Some(0));
    // The next to open the store writes it anew.
    succeeds(&daemon, &["policy", "list"]);
    assert_eq!(files_with(&state(&daemon), "bert@"), Vec::<PathBuf>::new());
    assert!(!files_with(&state(&daemon), CARLA).is_empty());
    let listed = succeeds(&daemon, &["journal", "list", "--json"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(!listed.contains("bert@") && listed.contains(CARLA), "{listed}");

    // Without a daemon: the same, and the file is written anew at once.
    let told = succeeds(&daemon, &["privacy", "erase", CARLA, "--yes"]);
    assert!(told.contains("2 erased  journal"), "{told}");
    assert_eq!(files_with(&state(&daemon), "carla@"), Vec::<PathBuf>::new());
    let output = run(&daemon, &["privacy", "erase", "nobody", "--yes"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("is no address"));
}

#[test]
fn the_log_names_nobody_and_the_operator_can_tell_a_name() {
    let (_dir, mut daemon) = start("");
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &[]) else { return };
    make(&daemon, &postfix);
    let ids = held(&daemon, 4);
    // Nobody takes it: the reason is told.
    let _ = run(&daemon, &["quarantine", "release", &ids[0]]);
    succeeds(&daemon, &["quarantine", "delete", &ids[1]]);
    let name = succeeds(&daemon, &["privacy", "pseudonym", "anna@shop.example"]);
    let name = name.split(' ').next().unwrap().to_owned();
    assert!(name.starts_with('~') && name.len() == 13, "{name}");
    succeeds(&daemon, &["privacy", "erase", BERT, "--yes"]);
    daemon.signal("TERM");
    assert_eq!(daemon.ended(Duration::from_secs(20)), Some(0));
    let log = daemon.log();
    assert!(log.contains(&format!("sender=\"{name}\"")), "{name}: {log}");
    assert!(log.contains("client=\"203.0.113.9\""), "{log}");
    for word in ["anna@", "shop.example", "bert", "carla", "minutes", "lists"] {
        let said = log.lines().find(|line| line.to_lowercase().contains(word));
        assert_eq!(said, None, "{word}");
    }
}
