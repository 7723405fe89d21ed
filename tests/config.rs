//! Broken configurations: each mistake is told with file, line, column and what to write instead.
//!
//! `tests/config/broken/NAME.toml` is checked, and what is printed compared with `NAME.expect`;
//! with `TIDEGATE_BLESS=1` it is written there instead, to be read in the diff.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn broken() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/config/broken")
}

fn check(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .arg("check")
        .args(args)
        .current_dir(broken())
        .output()
        .unwrap()
}

#[test]
fn each_mistake_is_told_with_its_place_and_a_remedy() {
    let mut names: Vec<String> = fs::read_dir(broken())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    assert!(names.len() >= 10);
    for name in names {
        let output = check(&["--config", &name]);
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}: {told}");
        for line in told.lines() {
            let mut parts = line.splitn(4, ':');
            let is_number =
                |part: Option<&str>| part.is_some_and(|part| part.parse::<u32>().is_ok());
            assert!(parts.next().is_some_and(|file| broken().join(file).exists()), "{line}");
            assert!(is_number(parts.next()) && is_number(parts.next()), "{line}");
        }
        let expect = broken().join(&name).with_extension("expect");
        if std::env::var_os("TIDEGATE_BLESS").is_some() {
            fs::write(&expect, &told).unwrap();
        }
        assert_eq!(told, fs::read_to_string(&expect).unwrap_or_default(), "{name}");
    }
}

#[test]
fn the_documented_configuration_is_right() {
    let output = check(&["--config", "../../../config/tidegate.toml"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.starts_with("ok: "), "{told}");
}

#[test]
fn the_example_of_users_is_right() {
    let dir = tempfile::tempdir().unwrap();
    let users = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/users.d/*.toml");
    let file = dir.path().join("tidegate.toml");
    fs::write(&file, format!("[policy]\nusers = ['{}']\n", users.display())).unwrap();
    let output = check(&["--config", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_configurations_that_deploy_shows_are_right() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let dir = tempfile::tempdir().unwrap();
    let mut shown = 0;
    for program in ["postfix", "sendmail", "systemd"] {
        let text = fs::read_to_string(deploy.join(program).join("README.md")).unwrap();
        for block in text.split("    # tidegate.toml\n").skip(1) {
            let lines = block.lines().take_while(|line| line.starts_with("    "));
            let toml: String = lines.map(|line| format!("{}\n", line.trim())).collect();
            let file = dir.path().join("shown.toml");
            fs::write(&file, &toml).unwrap();
            let output = check(&["--config", file.to_str().unwrap()]);
            let told = String::from_utf8(output.stdout).unwrap();
            assert_eq!(output.status.code(), Some(0), "{program}: {toml}{told}");
            shown += 1;
        }
    }
    assert!(shown > 0);
}

#[test]
fn a_missing_file_is_a_mistake() {
    let output = check(&["--config", "gone.toml"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.starts_with("gone.toml: gone.toml can't be read"), "{told}");
}

#[test]
fn a_variable_of_the_environment_is_as_strict_as_a_file() {
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .arg("check")
        .env("TIDEGATE__VERDICT__TAAG", "4")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "environment variable TIDEGATE__VERDICT__TAAG: [verdict] has no setting 'taag'; \
         did you mean 'tag'?\n"
    );
}

#[test]
fn the_effective_configuration_is_one_that_can_be_used() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["check", "--effective"])
        .env("TIDEGATE__VERDICT__TAG", "4.5")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("tag = 4.5"), "{text}");
    let file = dir.path().join("effective.toml");
    fs::write(&file, text).unwrap();
    let output = check(&["--config", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_vetted_sender_whose_day_has_passed_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tidegate.toml");
    let vetted = "[trust.vetted.shop]\ndomain = 'shop.example'\nuntil = '2020-01-31'\nnote = 'x'\n";
    fs::write(&file, vetted).unwrap();
    let output = check(&["--config", file.to_str().unwrap()]);
    let told = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("[trust.vetted.shop] ended on 2020-01-31"), "{told}");
}

/// Files below a folder, the first of them the configuration; what is told of it.
#[track_caller]
fn told_of(files: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = dir.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let output = check(&["--config", dir.path().join(files[0].0).to_str().unwrap()]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{told}", String::from_utf8_lossy(&output.stdout));
    // What is said of the resolver is about this machine.
    let lines = told.lines().filter(|line| !line.contains("DNS is asked through"));
    let lines = lines.map(|line| line.replace(&format!("{}/", dir.path().display()), ""));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_most_likely_not_meant_is_warned_of() {
    const NO_FILE: &str = "names no file that is there; \
        paths are relative to this file; put a file there, or take it out of the list";
    let https = "[pages]\nenabled = true\npublic_url = 'https://filter.example.org'\n";
    for (text, warnings) in [
        (
            format!(
                "{https}domains = ['example.org']\n[quarantine]\nrelease_to = '127.0.0.1'\n[rules]\n\
                 files = ['*.rules']\n[policy]\nusers = ['u/*.toml', 't*.none']\n[policy.default]\n\
                 at_reject = 'tag'\ndigest = 7\n"
            ),
            vec![
                format!("8:10: \"*.rules\" {NO_FILE}"),
                format!("10:22: \"t*.none\" {NO_FILE}"),
                "3:1: a proxy speaks TLS for the pages, and [pages] behind_proxy is false: all clients have \
                 the proxy's address, and share the bounds of one; write behind_proxy = true"
                    .to_owned(),
                "6:1: [quarantine] release_to names no port, so it is 25; \
                 write release_to = \"127.0.0.1:25\""
                    .to_owned(),
                "12:1: [policy.default] at_reject = \"tag\" is milder than at_quarantine = \"quarantine\": \
                 mail with more points gets away with less; \
                 write at_reject = \"quarantine\", or a milder 'at_quarantine'"
                    .to_owned(),
                "13:10: [policy.default] wants a digest, and [quarantine.digest] is not enabled: none is \
                 sent; set [quarantine.digest] enabled = true, or digest = \"never\""
                    .to_owned(),
            ],
        ),
        (
            format!("{https}behind_proxy = true\n[quarantine]\nrelease_to = 'smtps://[::1]'\n"),
            vec![
                "3:1: the pages are reached from outside, and [pages] domains is empty: any address that \
                 mail was held for may sign in; write your domains, as in domains = [\"example.org\"]"
                    .to_owned(),
                "6:1: [quarantine] release_to names no port, so it is 465; \
                 write release_to = \"smtps://[::1]:465\""
                    .to_owned(),
            ],
        ),
        (
            "[quarantine]\nrelease_to = 'localhost:8895'\n".to_owned(),
            vec![
                "2:1: [quarantine] release_to is localhost:8895, where [milter] itself listens; \
                 name the host and port where your MTA takes mail, as in \"127.0.0.1:25\""
                    .to_owned(),
            ],
        ),
        (
            format!(
                "{https}domains = ['example.org']\nbehind_proxy = true\n[quarantine]\n\
                 release_to = '192.0.2.1:8895'\n[quarantine.digest]\nenabled = true\n\
                 from = 'a@example.org'\n[policy.default]\ndigest = 7\n"
            ),
            vec![],
        ),
    ] {
        let told = told_of(&[("t.toml", &text), ("u/1.toml", "")]);
        let mut told: Vec<&str> = told.lines().collect();
        let mut expect: Vec<_> = warnings.iter().map(|it| format!("warning: t.toml:{it}")).collect();
        told.sort_unstable();
        expect.sort();
        assert_eq!(told, expect, "{text}");
    }
}

#[test]
fn a_doubt_about_users_is_told_where_they_are_written() {
    let told = told_of(&[
        ("t.toml", "[policy]\nusers = ['u.toml']\n"),
        (
            "u.toml",
            "[domain.'example.org']\nat_tag = 'quarantine'\nat_quarantine = 'tag'\ndigest = 6\n\
             [user.'anna@example.org']\ndigest = 7\n[user.'bert@example.org']\nat_quarantine = 'tag-subject'\n",
        ),
    ]);
    let mut lines = told.lines();
    let mut next = |begin: &str| {
        let line = lines.next().unwrap_or_default();
        assert!(line.starts_with(begin), "no {begin} in {told}");
    };
    next(
        "warning: u.toml:3:1: [domain.\"example.org\"] at_quarantine = \"tag\" is milder than at_tag",
    );
    next(
        "warning: u.toml:8:1: [user.\"bert@example.org\"] at_quarantine = \"tag-subject\" is milder",
    );
    next("warning: u.toml:4:10: [domain.\"example.org\"] wants a digest (and 1 more)");
    assert_eq!(lines.next(), None, "{told}");
}
