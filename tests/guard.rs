//! The guards against false positives on the built program: damping, and tuning under a budget.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use support::mail;

fn tidegate(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["--store", folder.join("state").to_str().unwrap()])
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[track_caller]
fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Six messages that were tagged for a list and a look of theirs, as they stand in mailboxes.
fn tagged(folder: &Path) {
    for n in 0..6 {
        let status = "Yes, score=6.20 tag=5.0 quarantine=8.0 reject=15.0 verdict=tag\r\n\t\
                      signals=MISSING_DATE(3.00), GTUBE(3.20), NO_SUCH(1.00)";
        let raw = format!("X-Spam-Status: {status}\r\nSubject: lunch {n}\r\n\r\nAt {n}?\r\n");
        fs::write(folder.join(format!("{n}.eml")), raw).unwrap();
    }
}

#[test]
fn what_users_say_is_wrong_is_damped_shown_and_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    tagged(folder);
    for n in 0..5 {
        let user = format!("user{n}@example.test");
        let file = format!("{n}.eml");
        told(&tidegate(folder, &["learn", "ham", "--user", &user, &file]));
    }
    let list = |args: &[&str]| told(&tidegate(folder, &[&["guard", "list"], args].concat()));
    let lines = list(&[]);
    assert!(lines.starts_with("counts  MISSING_DATE "), "{lines}");
    assert!(lines.contains("wrong 5 of 5 times, by 5 users"), "{lines}");
    assert_eq!(lines.lines().count(), 1, "test strings and strange names are not counted: {lines}");

    told(&tidegate(folder, &["learn", "ham", "--user", "user5@example.test", "5.eml"]));
    assert!(list(&[]).starts_with("DAMPED  MISSING_DATE "), "{}", list(&[]));
    let line: serde_json::Value = serde_json::from_str(&list(&["--json"])).unwrap();
    assert_eq!((&line["signal"], &line["standing"]["users"]), (&"MISSING_DATE".into(), &6.into()));

    // `scan` judges by that, as the daemon does.
    let scan = || told(&tidegate(folder, &["scan", "--offline", "0.eml"]));
    assert!(scan().contains("(damped: users corrected it"), "{}", scan());

    let clear = ["guard", "clear", "MISSING_DATE", "--by", "root"];
    assert_eq!(told(&tidegate(folder, &clear)), "MISSING_DATE counts again, by root\n");
    assert!(list(&[]).contains("damped today, cleared today by root"), "{}", list(&[]));
    assert!(!scan().contains("damped"), "{}", scan());
    let again = tidegate(folder, &clear);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is not damped"));
}

/// An index of messages that differ in a word.
fn index(folder: &Path, each: usize) {
    let mut index = String::new();
    for (class, name) in [("ham", "clean.eml"), ("spam", "phishing.eml")] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for n in 0..each {
            let path = format!("{class}/{n}.eml");
            fs::write(folder.join(&path), format!("{}\r\nnumber{n}\r\n", mail(name))).unwrap();
            index.push_str(&format!("{class} {path}\n"));
        }
    }
    fs::write(folder.join("index"), index).unwrap();
}

#[test]
fn thresholds_are_tuned_shown_before_and_after_and_written_to_a_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    index(folder, 30);
    let args = ["tune", "--index", "index", "--budget", "0.2", "--folds", "3", "--out", "new.toml"];
    let text = told(&tidegate(folder, &args));
    assert!(text.starts_with("budget 20.00 %: proved with 30 ham, of which "), "{text}");
    assert!(
        text.contains("  before tag  5.00: ham error 0/30 = 0.000 % (at most 9.50 %)"),
        "{text}"
    );
    assert!(text.contains("  after  tag ") && text.contains("    spam after:  "), "{text}");

    // It is a configuration, to be included or used.
    told(&tidegate(folder, &["check", "--config", "new.toml"]));
    let fragment = fs::read_to_string(folder.join("new.toml")).unwrap();
    assert!(fragment.contains("[verdict]\ntag = "), "{fragment}");
    let again = tidegate(folder, &args);
    assert_eq!(again.status.code(), Some(1), "a file that is there is not written over");
    assert_eq!(fs::read_to_string(folder.join("new.toml")).unwrap(), fragment);
}

#[test]
fn a_budget_that_cannot_be_proved_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    index(folder, 20);
    // The default budget; and what is found on a half is measured on the other.
    let args = ["tune", "--index", "index", "--folds", "2", "--halves"];
    let text = told(&tidegate(folder, &args));
    assert!(
        text.starts_with("budget 0.050 %: can't be proved with 20 ham; it takes 5990 "),
        "{text}"
    );
    assert_eq!(text.matches("  tuned on ").count(), 2, "{text}");
    let args = ["tune", "--index", "index", "--model", "none", "--budget", "0.3"];
    assert!(told(&tidegate(folder, &args)).contains("budget 30.00 %: proved"));

    for (args, words) in [
        (&["--budget", "1.5"][..], "above 0 and below 1"),
        (&["--folds", "1"], "2 or more"),
        (&["--budget", "0.1", "--budget", "0.2", "--out", "x.toml"], "one budget only"),
    ] {
        let output = tidegate(folder, &[&["tune", "--index", "index"], args].concat());
        assert!(!output.status.success());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(words), "{error}");
    }
    fs::write(folder.join("spam-only"), "spam spam/1.eml\n").unwrap();
    let output = tidegate(folder, &["tune", "--index", "spam-only", "--model", "none"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("both ham and spam"));
}
