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
