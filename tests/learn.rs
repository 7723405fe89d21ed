//! Learning: by the store, by the running daemon, once each, and kept.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use support::daemon::{DEAD_DNS, Daemon};
use support::root;

fn tidegate(store: &Path, args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(args)
        .arg("--store")
        .arg(store)
        .current_dir(root().join("tests/mail"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn learn(store: &Path, args: &[&str]) -> String {
    let output = tidegate(store, &[&["learn"], args].concat());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Points of statistics that `scan` gives a message.
fn points(store: &Path, file: &str) -> f64 {
    let output = tidegate(store, &["scan", "--offline", "--json", file]);
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let signals = line["signals"].as_array().unwrap().iter();
    let mut of_statistics = signals.filter(|signal| signal["family"] == "statistics");
    of_statistics.next().map_or(0.0, |signal| signal["score"].as_f64().unwrap())
}

#[test]
fn a_message_is_learned_once_moved_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path();
    let before = points(store, "clean.eml");
    assert_eq!(learn(store, &["spam", "clean.eml"]), "spam: 1 new");
    assert_eq!(learn(store, &["spam", "clean.eml", "clean.eml"]), "spam: 2 already");
    let as_spam = points(store, "clean.eml");
    assert!(as_spam > before, "{as_spam} after {before}");
    assert_eq!(learn(store, &["ham", "clean.eml"]), "ham: 1 moved");
    assert!(points(store, "clean.eml") < as_spam);
    assert_eq!(learn(store, &["forget", "clean.eml"]), "forget: 1 forgotten");
    assert!((points(store, "clean.eml") - before).abs() < 0.05);
}

#[test]
fn a_list_teaches_the_class_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("index");
    fs::write(&list, "ham clean.eml\nspam phishing.eml\nspam gtube.eml\n").unwrap();
    let list = list.to_str().unwrap();
    assert_eq!(learn(dir.path(), &["spam", "--list", list]), "spam: 2 new");
    assert_eq!(learn(dir.path(), &["ham", "--list", list]), "ham: 1 new");
}

#[test]
fn a_running_daemon_is_taught_and_keeps_it() {
    let mut daemon = Daemon::start(DEAD_DNS, "");
    let store = daemon.dir.path().join("state");
    assert_eq!(learn(&store, &["spam", "clean.eml"]), "spam: 1 new");
    assert_eq!(learn(&store, &["spam", "clean.eml"]), "spam: 1 already");
    let user = ["ham", "--user", "bert@example.test", "clean.eml"];
    assert_eq!(learn(&store, &user), "ham: 1 new");
    let (_, metrics) = daemon.get("/metrics").unwrap();
    assert!(metrics.contains("tidegate_lessons_total{outcome=\"new\"} 2"), "{metrics}");
    // Whoever scans meanwhile is told that the daemon has the store.
    let scan = tidegate(&store, &["scan", "--offline", "clean.eml"]);
    assert!(String::from_utf8_lossy(&scan.stderr).contains("the running daemon has the store"));
    // Killed, not ended: what was acknowledged is there all the same.
    daemon.signal("KILL");
    assert_eq!(daemon.ended(std::time::Duration::from_secs(10)), None);
    assert_eq!(learn(&store, &["spam", "clean.eml"]), "spam: 1 already");
    assert_eq!(learn(&store, &user), "ham: 1 already");
}

#[test]
fn a_model_is_made_the_same_each_time_and_can_be_used() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = String::new();
    for number in 0..12 {
        for (class, words) in [("ham", "minutes of the meeting"), ("spam", "cheap pills for you")] {
            let name = format!("{class}{number}.eml");
            let mail = format!(
                "From: a{number}@b.example\nSubject: {words} {number}\n\n{words}, {number} of them.\n"
            );
            fs::write(dir.path().join(&name), mail).unwrap();
            index += &format!("{class} {name}\n");
        }
    }
    fs::write(dir.path().join("index"), index).unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (index, one, two) = (path("index"), path("one"), path("two"));
    for out in [&one, &two] {
        tidegate(dir.path(), &["train", "--index", &index, "--out", out]);
    }
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
    for mode in [&["--model", &one][..], &["--online", "--model", "none"], &["--folds", "3"]] {
        let plot = path("plot.svg");
        let args = [&["eval", "--index", &index, "--plot", &plot][..], mode].concat();
        let output = tidegate(dir.path(), &args);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.lines().last().unwrap().starts_with("ham 12 spam 12 1-ROCA% "), "{text}");
        assert!(fs::read_to_string(&plot).unwrap().starts_with("<svg"), "{mode:?}");
    }
}
