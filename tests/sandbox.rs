//! The daemon in its sandbox: what the kernel says of it, and that all its work is done there.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use support::bucket::Bucket;
use support::daemon::{DEAD_DNS, Daemon};
use support::mail;
use support::postfix::Postfix;
use support::skip;
use support::smtp::Mail;

/// The value of a line of `/proc/PID/…`.
fn line(path: impl AsRef<Path>, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the log says that files are held; without Landlock they can't be.
fn files_are_held(daemon: &Daemon) -> bool {
    let log = daemon.wait_log("in the sandbox");
    let held = log.contains("files=\"held\"");
    if !held {
        skip(&format!("this kernel can't hold files: {log}"));
    }
    held
}

/// One that is root or nobody else's: with a folder of nobody's for the store.
fn as_nobody() -> Option<(Daemon, (u32, u32))> {
    if !nix::unistd::Uid::effective().is_root() {
        skip("only root can become another user");
        return None;
    }
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let (user, group) = (nobody.uid.as_raw(), nobody.gid.as_raw());
    let mut daemon = Daemon::start_in(DEAD_DNS, "", &[("TIDEGATE__SERVER__USER", "nobody")]);
    // The folder of its configuration is root's: it could make none there.
    daemon.wait_log("judging by the model alone");
    daemon.stop();
    let state = daemon.dir.path().join("state");
    fs::create_dir(&state).unwrap();
    chown(&state, Some(user), Some(group)).unwrap();
    daemon.restart();
    Some((daemon, (user, group)))
}

#[test]
fn every_thread_is_held_to_the_sandbox() {
    let daemon = Daemon::start(DEAD_DNS, "[journal]\nenabled = true\n");
    let process = Path::new("/proc").join(daemon.pid().to_string());
    let threads: Vec<_> =
        fs::read_dir(process.join("task")).unwrap().map(|task| task.unwrap().path()).collect();
    assert!(threads.len() > 2, "{threads:?}");
    for thread in threads {
        let status = thread.join("status");
        assert_eq!(line(&status, "NoNewPrivs:"), "1");
        assert_eq!(line(&status, "Seccomp:"), "2");
    }
    assert!(line(process.join("limits"), "Max core file size").starts_with("0 0"));
    assert!(daemon.log().contains("calls=\"held\""), "{}", daemon.log());
    files_are_held(&daemon);
    // What it tells of itself is read from where it may read.
    let (_, metrics) = daemon.get("/metrics").unwrap();
    for name in ["process_resident_memory_bytes ", "process_open_fds "] {
        assert!(metrics.contains(name), "{metrics}");
    }
}

#[test]
fn a_sandbox_that_is_switched_off_is_told() {
    let off = [("TIDEGATE__SERVER__SANDBOX", "false")];
    let daemon = Daemon::start_in(DEAD_DNS, "", &off);
    let status = format!("/proc/{}/status", daemon.pid());
    assert_eq!(line(status, "Seccomp:"), "0");
    assert!(daemon.log().contains("the sandbox is switched off"), "{}", daemon.log());
}

#[test]
fn a_daemon_started_as_root_becomes_its_user_and_does_its_work() {
    let Some((daemon, (user, group))) = as_nobody() else { return };
    let status = format!("/proc/{}/status", daemon.pid());
    assert_eq!(line(&status, "Uid:"), format!("{user} {user} {user} {user}"));
    assert_eq!(line(&status, "Gid:"), format!("{group} {group} {group} {group}"));
    assert_eq!(line(&status, "Groups:"), group.to_string());
    for kind in ["CapPrm:", "CapEff:", "CapInh:", "CapAmb:"] {
        assert_eq!(line(&status, kind), "0000000000000000", "{kind}");
    }
    let state = daemon.dir.path().join("state");
    for kept in ["tidegate.redb", "control.sock", "api.sock"] {
        use std::os::unix::fs::MetadataExt;
        let file = fs::metadata(state.join(kept)).unwrap_or_else(|error| panic!("{kept}: {error}"));
        assert_eq!((file.uid(), file.mode() & 0o077), (user, 0), "{kept}");
    }
    learn(&daemon);
    // Not even its own files of /proc are its user's any more; it can read them all the same.
    let (_, metrics) = daemon.get("/metrics").unwrap();
    assert!(metrics.contains("process_open_fds "), "{metrics}");
}

/// Teaches the running daemon one message.
fn learn(daemon: &Daemon) {
    let taught = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args([Path::new("--config"), &daemon.config()])
        .args([Path::new("--store"), &daemon.dir.path().join("state")])
        .args(["learn", "spam"])
        .arg(support::root().join("tests/mail/phishing.eml"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&taught.stderr);
    assert!(taught.status.success(), "{said}\n{}", daemon.log());
}

#[test]
fn mail_is_held_learned_and_recorded_in_the_sandbox() {
    let beside = tempfile::Builder::new().prefix("tidegate-held.").tempdir_in("/tmp").unwrap();
    let held = beside.path().join("not made yet");
    let more = format!(
        "[journal]\nenabled = true\nkeep = \"message\"\n[quarantine]\nurl = \"file:{}\"\n\
         [verdict]\ntag = 0.1\nquarantine = 0.2\nreject = 50.0\n",
        held.display()
    );
    let mut daemon = Daemon::start(DEAD_DNS, &more);
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &[]) else { return };
    let phishing = mail("phishing.eml");
    let reply =
        postfix.send(&Mail { from: "bounce@account-notice.example", ..Mail::new(&phishing) });
    assert!(reply.starts_with("250"), "{reply}\n{}", daemon.log());
    assert!(fs::read_dir(&held).unwrap().count() > 0, "{}", daemon.log());
    learn(&daemon);
    daemon.stop();
    let journal = fs::read_dir(daemon.dir.path().join("state/journal")).unwrap();
    assert!(journal.count() > 0);
    let log = daemon.log();
    for trouble in ["ermission denied", "not permitted", "ERROR"] {
        assert!(!log.contains(trouble), "{log}");
    }
}

#[test]
fn mail_is_held_in_a_bucket_behind_tls_in_the_sandbox() {
    let bucket = Bucket::start();
    let beside = tempfile::Builder::new().prefix("tidegate-ca.").tempdir_in("/tmp").unwrap();
    let authorities = beside.path().join("ca.pem");
    fs::write(&authorities, &bucket.certificate).unwrap();
    let endpoint = format!("https://localhost:{}", bucket.port);
    let environment = [
        ("SSL_CERT_FILE", authorities.to_str().unwrap()),
        ("AWS_ENDPOINT", &endpoint),
        ("AWS_REGION", "eu-test-1"),
        ("AWS_ACCESS_KEY_ID", "us"),
        ("AWS_SECRET_ACCESS_KEY", "a secret"),
    ];
    let more = "[quarantine]\nurl = \"s3://held/mail\"\n\
                [verdict]\ntag = 0.1\nquarantine = 0.2\nreject = 50.0\n";
    let daemon = Daemon::start_in(DEAD_DNS, more, &environment);
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &[]) else { return };
    let phishing = mail("phishing.eml");
    let reply =
        postfix.send(&Mail { from: "bounce@account-notice.example", ..Mail::new(&phishing) });
    assert!(reply.starts_with("250"), "{reply}\n{}", daemon.log());
    let objects = bucket.objects.lock().unwrap();
    let held = objects.keys().filter(|path| path.starts_with("/held/mail/")).count();
    assert_eq!(held, 1, "{:?}\n{}", objects.keys(), daemon.log());
}

#[test]
fn a_reload_reads_what_was_saved_anew_and_tells_what_only_a_restart_can_read() {
    let mut daemon = Daemon::start(DEAD_DNS, "");
    if !files_are_held(&daemon) {
        return;
    }
    // As editors save: another file takes the name.
    let config = fs::read_to_string(daemon.config()).unwrap();
    let save = |text: &str| {
        let beside = daemon.config().with_extension("new");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, daemon.config()).unwrap();
    };
    save(&format!("include = [\"more.toml\"]\n{config}"));
    fs::write(daemon.dir.path().join("more.toml"), "[verdict]\ntag = 4.5\n").unwrap();
    daemon.signal("HUP");
    daemon.wait_log("the configuration was reloaded");

    let other = tempfile::Builder::new().prefix("tidegate-other.").tempdir_in("/tmp").unwrap();
    let elsewhere = other.path().join("more.toml");
    fs::write(&elsewhere, "[verdict]\ntag = 4.0\n").unwrap();
    save(&format!("include = [\"{}\"]\n{config}", elsewhere.display()));
    daemon.signal("HUP");
    let log = daemon.wait_log("the configuration was not reloaded");
    assert!(log.contains("more.toml can't be read") && log.contains("restart it"), "{log}");
    daemon.stop();
    daemon.restart();
    daemon.signal("HUP");
    let began = Instant::now();
    while daemon.log().matches("the configuration was reloaded").count() < 2 {
        assert!(began.elapsed() < Duration::from_secs(15), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}
