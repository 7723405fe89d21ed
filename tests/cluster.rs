//! Machines that share a Redis server: what one is taught the others know, and a server that is away costs no mail.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use support::daemon::{DEAD_DNS, Daemon};
use support::postfix::fields;
use support::redis::{PASSWORD, RedisServer};
use support::site::Site;
use support::smtp::Mail;
use support::tls::self_signed;
use support::{free_port, mail, root, skip};

const ANNA: &str = "anna@example.test";

fn server() -> Option<RedisServer> {
    let server = RedisServer::start();
    if server.is_none() {
        skip("redis-server is not installed");
    }
    server
}

fn shared(server: &RedisServer) -> String {
    format!("[store]\nurl = '{}'\ntimeout_ms = 500\n", server.url())
}

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(args).current_dir(root().join("tests/mail")).output().unwrap()
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

/// A command to the daemon in whose folder it is given.
fn tell(daemon: &Daemon, args: &[&str]) -> String {
    let state = daemon.dir.path().join("state");
    let config = daemon.config();
    let output =
        run(&[args, &["--store", state.to_str().unwrap(), "--config", config.to_str().unwrap()]]
            .concat());
    said(&output)
}

/// Waits until something is so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What a site says of a message.
fn status(site: &Site) -> String {
    let clean = mail("clean.eml");
    let reply = site.postfix.send(&Mail { to: &[ANNA], ..Mail::new(&clean) });
    assert!(reply.starts_with("250"), "{reply}");
    fields(&site.postfix.delivered(), "X-Spam-Status").concat()
}

#[test]
fn what_one_machine_is_taught_and_told_another_goes_by_within_seconds() {
    let Some(server) = server() else { return };
    let Some(site) = Site::start(&shared(&server)) else { return };
    let other = Daemon::start(DEAD_DNS, &shared(&server));
    let before = status(&site);
    assert_eq!(tell(&other, &["learn", "spam", "clean.eml"]).trim(), "spam: 1 new");
    until("the lesson counts", || status(&site) != before);
    // Both have it, and each has it once.
    assert_eq!(tell(&site.daemon, &["learn", "spam", "clean.eml"]).trim(), "spam: 1 already");
    assert_eq!(tell(&site.daemon, &["learn", "forget", "clean.eml"]).trim(), "forget: 1 forgotten");
    assert_eq!(tell(&other, &["learn", "forget", "clean.eml"]).trim(), "forget: 1 unknown");
    let edited = tell(&other, &["policy", "set", ANNA, "tag=1.5"]);
    let show = || tell(&site.daemon, &["policy", "show", ANNA]);
    let began = Instant::now();
    while !show().contains("1.5") {
        assert!(began.elapsed() < Duration::from_secs(10), "{edited}\n{}", show());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn without_a_daemon_a_command_goes_to_the_server_that_store_names() {
    let Some(mut server) = server() else { return };
    let url = server.url();
    let points = || {
        let output = run(&["scan", "--offline", "--json", "clean.eml", "--store", &url]);
        let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (line["score"].as_f64().unwrap(), said(&output))
    };
    let (before, _) = points();
    let learn = || run(&["learn", "spam", "clean.eml", "phishing.eml", "--store", &url]);
    assert_eq!(said(&learn()).trim(), "spam: 2 new");
    assert_eq!(said(&learn()).trim(), "spam: 2 already");
    assert!(points().0 > before);
    server.kill();
    let began = Instant::now();
    let output = learn();
    assert!(!output.status.success() && began.elapsed() < Duration::from_secs(10));
    assert!(said(&output).contains("the shared store can't be reached"), "{}", said(&output));
    let (without, told) = points();
    assert!(told.contains("is not counted"), "{told}");
    assert!((without - before).abs() < 0.01, "{without} {before}");
    assert!(!told.contains(PASSWORD) && !said(&output).contains(PASSWORD));
}

#[test]
fn a_daemon_starts_without_its_server_and_learns_once_it_is_there() {
    let Some(mut server) = server() else { return };
    let url = server.url();
    assert_eq!(
        said(&run(&["learn", "spam", "phishing.eml", "--store", &url])).trim(),
        "spam: 1 new"
    );
    server.kill();
    let talkative = "[log]\nlevel = 'trace'\n";
    let daemon = Daemon::start(DEAD_DNS, &format!("{}{talkative}", shared(&server)));
    until("it is told", || daemon.log().contains("the shared store can't be reached"));
    let (code, ready) = daemon.get("/readyz").unwrap();
    assert!(code == 200 && ready.contains("the shared store can't be reached"), "{ready}");
    assert!(daemon.get("/metrics").unwrap().1.contains("tidegate_shared_store_up 0"));
    let refused = tell(&daemon, &["learn", "spam", "clean.eml"]);
    assert!(refused.contains("the shared store can't be reached"), "{refused}");
    assert!(refused.contains("1 failed"), "{refused}");
    let metrics = daemon.get("/metrics").unwrap().1;
    assert!(metrics.contains("tidegate_lessons_total{outcome=\"refused\"} 1"), "{metrics}");
    server.restart();
    until("it is there", || daemon.get("/readyz").unwrap().1 == "ready\n");
    assert!(daemon.get("/metrics").unwrap().1.contains("tidegate_shared_store_up 1"));
    assert_eq!(tell(&daemon, &["learn", "spam", "clean.eml"]).trim(), "spam: 1 new");
    assert_eq!(tell(&daemon, &["learn", "spam", "phishing.eml"]).trim(), "spam: 1 already");
    let log = daemon.log();
    assert_eq!(log.matches("the shared store can't be reached").count(), 1, "{log}");
    let effective = tell(&daemon, &["check", "--effective"]);
    assert!(!log.contains(PASSWORD) && !effective.contains(PASSWORD), "{effective}");
}

#[test]
fn a_server_behind_tls_is_believed_by_the_authorities_that_are_named_alone() {
    let (certificate, key) = self_signed("localhost");
    let Some(server) = RedisServer::start_tls(&certificate.pem(), &key.serialize_pem()) else {
        return skip("redis-server is not installed");
    };
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        fs::write(dir.path().join(name), text).unwrap();
        dir.path().join(name).to_str().unwrap().to_owned()
    };
    file("ca.pem", &certificate.pem());
    file("password", &format!("{PASSWORD}\n"));
    let url = format!("rediss://localhost:{}", server.port());
    let folder = dir.path().join("state");
    let base = format!(
        "[store]\nurl = '{url}'\nfolder = '{}'\npassword_file = 'password'\n",
        folder.display()
    );
    let stranger = file("stranger.toml", &base);
    let named = file("named.toml", &format!("{base}ca_file = 'ca.pem'\n"));
    let learn = |config: &str| said(&run(&["learn", "spam", "clean.eml", "--config", config]));
    until("it listens", || learn(&named).contains("1 new") || learn(&named).contains("already"));
    let refused = learn(&stranger);
    assert!(refused.contains("the shared store can't be reached"), "{refused}");
    assert!(
        refused.to_lowercase().contains("certificate") || refused.contains("UnknownIssuer"),
        "{refused}"
    );
}

#[test]
fn addresses_that_are_none_are_told_without_their_password() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("tidegate.toml");
    for url in ["redis://:s3cret@host/x", "http://u:s3cret@host", "rediss://:s3cret@host#insecure"]
    {
        fs::write(&config, format!("[store]\nurl = '{url}'\n")).unwrap();
        let output = run(&["check", "--config", config.to_str().unwrap()]);
        let told = said(&output);
        assert!(!output.status.success() && told.contains("[store] url can't be"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
    let dead = format!("redis://127.0.0.1:{}", free_port());
    fs::write(&config, format!("[store]\nurl = '{dead}'\n")).unwrap();
    assert!(run(&["check", "--config", config.to_str().unwrap()]).status.success());
}
