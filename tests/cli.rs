//! The command line on the built program: what scripts depend on.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn mail() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/mail")
}

fn tidegate(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(args).current_dir(mail());
    command
}

fn run(args: &[&str]) -> Output {
    tidegate(args).output().unwrap()
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn lines(output: &Output) -> Vec<serde_json::Value> {
    out(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_json_line_has_the_keys_that_scripts_read() {
    let output =
        run(&["scan", "--offline", "--json", "--rcpt", "bert@example.test", "phishing.eml"]);
    assert_eq!(output.status.code(), Some(0));
    let [line] = &lines(&output)[..] else { panic!("{}", out(&output)) };
    assert_eq!(line["file"], "phishing.eml");
    assert!(["tag", "quarantine", "reject"].contains(&line["verdict"].as_str().unwrap()), "{line}");
    assert!(line["score"].as_f64().unwrap() >= 5.0, "{line}");
    assert_eq!(
        line["thresholds"],
        serde_json::json!({ "tag": 5.0, "quarantine": 8.0, "reject": 15.0 })
    );
    let signal = &line["signals"][0];
    assert!(signal["name"].is_string() && signal["family"].is_string(), "{line}");
    assert!(signal["score"].is_number() && signal["detail"].is_string(), "{line}");
    let recipient = &line["recipients"][0];
    assert_eq!(recipient["address"], "bert@example.test");
    assert_eq!(recipient["verdict"], line["verdict"]);
    assert!(recipient["reason"].is_string(), "{line}");
    assert!(line["elapsed_us"].is_u64(), "{line}");
}

#[test]
fn standard_input_is_read_when_asked_for_or_when_nothing_is_named() {
    let gtube = fs::read(mail().join("gtube.eml")).unwrap();
    for args in [&["scan", "--offline", "--json"][..], &["scan", "--offline", "--json", "-"]] {
        let mut child =
            tidegate(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&gtube).unwrap();
        let output = child.wait_with_output().unwrap();
        let [line] = &lines(&output)[..] else { panic!("{}", out(&output)) };
        assert_eq!((&line["file"], &line["verdict"]), (&"-".into(), &"reject".into()), "{line}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_the_others_are_judged() {
    let output = run(&["scan", "--offline", "--json", "clean.eml", "gone.eml", "gtube.eml"]);
    assert_eq!(output.status.code(), Some(1));
    let lines = lines(&output);
    let files: Vec<&str> = lines.iter().map(|line| line["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["clean.eml", "gone.eml", "gtube.eml"]);
    assert!(lines[1]["error"].is_string() && lines[1]["verdict"].is_null(), "{}", lines[1]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("gone.eml"));
}

#[test]
fn a_list_is_judged_in_its_order_relative_to_itself() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("in")).unwrap();
    fs::copy(mail().join("clean.eml"), dir.path().join("in/a.eml")).unwrap();
    // The last is not beside the list, but where the program is started.
    let many = "in/a.eml\nham in/a.eml\n".repeat(40);
    let list = dir.path().join("list");
    fs::write(&list, format!("spam gtube.eml\n\n{many}phishing.eml\n")).unwrap();
    let output = run(&["scan", "--offline", "--json", "--list", list.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = lines(&output);
    assert_eq!(lines.len(), 82);
    assert_eq!(lines[0]["file"], "gtube.eml");
    assert_eq!(lines[80]["file"], "in/a.eml");
    assert_eq!(lines[81]["file"], "phishing.eml");
}

#[test]
fn the_explanation_names_outcome_reasons_and_envelope() {
    let output = run(&["scan", "--offline", "clean.eml", "gtube.eml"]);
    let text = out(&output);
    assert!(text.starts_with("clean.eml\n  ACCEPT "), "{text}");
    assert!(text.contains("\n\ngtube.eml\n  REJECT "), "{text}");
    assert!(text.contains("tag 5 · quarantine 8 · reject 15"), "{text}");
    assert!(text.contains("GTUBE"), "{text}");
    assert!(text.contains("--ip, --helo and --from say otherwise"), "{text}");
    assert!(text.ends_with("\n2 messages: 1 accept, 1 reject\n"), "{text}");
    assert!(!text.contains('\x1b'), "no colours but on a terminal");

    let output = run(&[
        "scan",
        "--offline",
        "--ip",
        "203.0.113.9",
        "--helo",
        "mail.shop.example",
        "--from",
        "anna@shop.example",
        "clean.eml",
    ]);
    let text = out(&output);
    assert!(text.contains("anna@shop.example by [203.0.113.9], HELO mail.shop.example"), "{text}");
    assert!(!text.contains("say otherwise"), "{text}");
}

#[test]
fn global_flags_stand_before_or_behind_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml");
    fs::write(&file, "[verdict]\ntag = 0.01\nquarantine = 0.02\nreject = 0.03\n").unwrap();
    let file = file.to_str().unwrap();
    let store = dir.path().join("s");
    let store = store.to_str().unwrap();
    for args in [
        ["--config", file, "--store", store, "scan", "--offline", "--json", "phishing.eml"],
        ["scan", "--offline", "--json", "phishing.eml", "--config", file, "--store", store],
    ] {
        let output = run(&args);
        assert_eq!(lines(&output)[0]["verdict"], "reject", "{}", out(&output));
    }
}

#[test]
fn an_index_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    for (folder, name) in [("good", "clean.eml"), ("bad", "gtube.eml"), ("bad", "phishing.eml")] {
        fs::create_dir_all(dir.path().join(folder)).unwrap();
        fs::copy(mail().join(name), dir.path().join(folder).join(name)).unwrap();
    }
    let index = dir.path().join("index");
    fs::write(&index, "ham good/clean.eml\nspam bad/gtube.eml\nspam bad/phishing.eml\n").unwrap();
    let scores = dir.path().join("scores");
    let output = run(&[
        "eval",
        "--index",
        index.to_str().unwrap(),
        "--by-folder",
        "--signals",
        "--scores",
        scores.to_str().unwrap(),
    ]);
    let text = out(&output);
    let whole = "ham 1 spam 2 1-ROCA% 0.0000 sm%@hm<=0.1% 0.00 hm%@tag 0.00 sm%@tag 0.00";
    assert_eq!(
        text.lines().last(),
        Some(whole),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        text.contains("\nbad: ham 0 spam 2 ") && text.contains("\ngood: ham 1 spam 0 "),
        "{text}"
    );
    assert!(
        text.lines().any(|line| line.starts_with("GTUBE ") && line.ends_with(" 0       1")),
        "{text}"
    );
    let scores = fs::read_to_string(scores).unwrap();
    assert!(scores.lines().count() == 3 && scores.contains(" bad/gtube.eml\n"), "{scores}");
}

#[test]
fn an_index_with_a_message_that_is_gone_is_measured_without_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(mail().join("clean.eml"), dir.path().join("clean.eml")).unwrap();
    let index = dir.path().join("index");
    fs::write(&index, "ham clean.eml\nspam gone.eml\n").unwrap();
    let output = run(&["eval", "--index", index.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).starts_with("ham 1 spam 0 1-ROCA% NaN "), "{}", out(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("gone.eml"));
}

#[test]
fn signals_are_listed_with_points_as_configured() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml");
    fs::write(&file, "[scores]\nMISSING_DATE = 1.25\n[checks.headers.date]\nenabled = false\n")
        .unwrap();
    let list = |args: &[&str]| {
        let output = run(&[&["--config", file.to_str().unwrap(), "signals"], args].concat());
        assert_eq!(output.status.code(), Some(0));
        out(&output).to_owned()
    };
    let all = list(&[]);
    assert!(all.lines().count() > 400, "{all}");
    assert!(!all.contains("MISSING_DATE ") && all.contains("MISSING_SUBJECT "), "{all}");
    let gtube = list(&["gtube"]);
    assert!(gtube.contains("1000.00") && gtube.contains("[checks.content.gtube]"), "{gtube}");
}

#[test]
fn whoever_reads_only_the_beginning_is_not_disturbed() {
    let list = std::iter::repeat_n("clean.eml", 200);
    let args: Vec<&str> = ["scan", "--offline"].into_iter().chain(list).collect();
    let mut child = tidegate(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
