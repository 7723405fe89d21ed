//! A site of five users, each of whom wants something else of a doubtful message.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::daemon::{DEAD_DNS, Daemon};
use super::mail;
use super::postfix::{Postfix, fields};
use super::smtp::Mail;

/// Points for a word in the subject: between 8.5 and 15 with whatever statistics add or take off.
const RULE: &str = "family = 'policy'\n[rules.TEST_DOUBTFUL]\nsays = 'The test word'\nscore = 12.5\n\
                    in = 'subject'\nwords = ['doubtful']\n";

/// One of each kind.
pub const USERS: &str = "[user.'off@example.test']\nfiltering = false\n\
    [user.'patient@example.test']\ntag = 50.0\nquarantine = 60.0\nreject = 70.0\n\
    [user.'subject@example.test']\nat_quarantine = 'tag-subject'\n\
    [user.'hold@example.test']\nkeep_days = 7\n\
    [user.'reject@example.test']\nreject = 8.5\n";

pub const FIVE: [&str; 5] = [OFF, PATIENT, SUBJECT, HOLD, REJECT];
pub const OFF: &str = "off@example.test";
pub const PATIENT: &str = "patient@example.test";
pub const SUBJECT: &str = "subject@example.test";
pub const HOLD: &str = "hold@example.test";
pub const REJECT: &str = "reject@example.test";

/// A folder with the rule and the users, and settings that name them.
pub fn site(users: &str) -> (TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("rules.toml"), RULE).unwrap();
    fs::create_dir(dir.path().join("users.d")).unwrap();
    fs::write(dir.path().join("users.d/10.toml"), users).unwrap();
    let at = dir.path().display();
    let settings = format!(
        "[rules]\nfiles = ['{at}/rules.toml']\n[policy]\nusers = ['{at}/users.d/*.toml']\n"
    );
    (dir, settings)
}

/// A message with the word, and a field that claims to be ours.
pub fn doubtful() -> String {
    mail("clean.eml").replacen("Subject: ", "X-Spam-Flag: NO\nSubject: doubtful ", 1)
}

/// What lies in the mailbox once there are `count`, by recipient; it is empty afterwards.
pub fn delivered(postfix: &Postfix, count: usize) -> BTreeMap<String, String> {
    let began = Instant::now();
    while postfix.mailbox().len() < count {
        assert!(began.elapsed() < Duration::from_secs(20), "{}", postfix.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let each = taken(postfix).into_iter().map(|(to, mut messages)| {
        assert_eq!(messages.len(), 1, "delivered twice to {to}");
        (to, messages.remove(0))
    });
    each.collect()
}

/// What lies in the mailbox once nothing is on its way any more, by recipient; it is empty afterwards.
pub fn all_delivered(postfix: &Postfix) -> BTreeMap<String, Vec<String>> {
    postfix.wait_idle();
    taken(postfix)
}

fn taken(postfix: &Postfix) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in postfix.mailbox() {
        let message = fs::read_to_string(&path).unwrap();
        fs::remove_file(path).unwrap();
        found.entry(fields(&message, "Delivered-To").concat()).or_default().push(message);
    }
    found
}

/// A daemon with a real quarantine, attached to a Postfix to which it also gives copies; `more` is added to
/// its configuration, first to `[quarantine]`.
pub struct Site {
    pub daemon: Daemon,
    pub postfix: Postfix,
    pub dir: TempDir,
}

impl Site {
    /// Starts one; `None`, said aloud, where there is no Postfix.
    pub fn start(more: &str) -> Option<Self> {
        Self::start_with(
            DEAD_DNS,
            "deadline_ms = 300\n",
            more,
            &[],
            |daemon| daemon.unix_milter(),
            &[],
        )
    }

    /// The same, asking `dns`, of whose table are the keys in `asking`; with variables of the environment for
    /// the daemon, and settings for Postfix, which reaches it at `milter`.
    pub fn start_with(
        dns: &str,
        asking: &str,
        more: &str,
        environment: &[(&str, &str)],
        milter: impl FnOnce(&Daemon) -> String,
        postfix: &[&str],
    ) -> Option<Self> {
        let (dir, settings) = site(USERS);
        // Kept from everybody else until Postfix takes it.
        let reserved = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = reserved.local_addr().unwrap().port();
        let held = format!("[quarantine]\nrelease_to = \"127.0.0.1:{port}\"\n{more}");
        let settings = format!("{asking}{settings}{held}");
        let daemon = Daemon::start_in(dns, &settings, environment);
        drop(reserved);
        let postfix = Postfix::start_at(port, &milter(&daemon), postfix)?;
        Some(Self { daemon, postfix, dir })
    }

    /// The reply to a message.
    pub fn send(&self, message: &str, to: &[&str]) -> String {
        self.postfix.send(&Mail { to, ..Mail::new(message) })
    }

    /// Runs `tidegate` with these arguments, while the daemon runs; what it prints.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(arguments)
            .args([Path::new("--store"), &self.daemon.dir.path().join("state")])
            .args([Path::new("--config"), &self.daemon.config()])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {told}\n{}", self.daemon.log());
        String::from_utf8(output.stdout).unwrap()
    }

    /// What is held, as `quarantine list --json` tells it, by recipient.
    pub fn held(&self) -> BTreeMap<String, Vec<Value>> {
        let mut held: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in self.run(&["quarantine", "list", "--json"]).lines() {
            let entry: Value = serde_json::from_str(line).unwrap();
            held.entry(entry["recipient"].as_str().unwrap().to_owned()).or_default().push(entry);
        }
        held
    }

    /// The value of a metric.
    pub fn metric(&self, name: &str) -> u64 {
        let page = self.daemon.get("/metrics").unwrap().1;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
    }
}
