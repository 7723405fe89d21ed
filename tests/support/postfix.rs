//! A real Postfix, thrown away at the end: `deploy/postfix/throwaway` sets it up.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::smtp::{Client, Mail};
use super::{free_port, root, skip};

/// A running Postfix instance with one milter.
pub struct Postfix {
    dir: TempDir,
    pub port: u16,
}

impl Postfix {
    /// Starts one; `None`, said aloud, where there is none to start.
    pub fn start(milter: &str, settings: &[&str]) -> Option<Self> {
        Self::start_at(free_port(), milter, settings)
    }

    /// Starts one on a port that somebody knows already.
    pub fn start_at(port: u16, milter: &str, settings: &[&str]) -> Option<Self> {
        if !Path::new("/usr/sbin/postfix").exists() {
            skip("postfix is not installed");
            return None;
        }
        let dir = tempfile::Builder::new().prefix("tidegate-postfix.").tempdir_in("/tmp").unwrap();
        let output = Command::new(root().join("deploy/postfix/throwaway"))
            .arg("start")
            .arg(dir.path())
            .args([&port.to_string(), milter])
            .args(settings)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(Self { dir, port })
    }

    /// A connection of the client of a mail.
    pub fn client(&self, mail: &Mail<'_>) -> Client {
        let mut client = Client::connect(self.port);
        client.claim(mail);
        client
    }

    /// Sends one mail on a connection of its own.
    pub fn send(&self, mail: &Mail<'_>) -> String {
        let reply = self.client(mail).transfer(mail);
        if reply.starts_with('4') {
            // Few tests mean a message to be put off; of the others this is the trace.
            eprintln!("{reply}\n{}", self.log());
        }
        reply
    }

    /// Hands one mail to the command sendmail(1), as a program of the machine itself.
    pub fn submit(&self, from: &str, to: &str, message: &str) {
        let mut command = Command::new("/usr/sbin/sendmail")
            .arg("-C")
            .arg(self.dir.path().join("etc"))
            .args(["-f", from, to])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        command.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
        assert!(command.wait().unwrap().success(), "{}", self.log());
    }

    /// Waits for one delivered message, takes it from the mailbox, and returns it.
    pub fn delivered(&self) -> String {
        take_delivered(|| self.mailbox(), || self.log())
    }

    /// The messages that lie in the mailbox.
    pub fn mailbox(&self) -> Vec<PathBuf> {
        let inbox = self.dir.path().join("mail/inbox/new");
        fs::read_dir(inbox).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    }

    /// Waits until nothing is on its way to a mailbox any more.
    pub fn wait_idle(&self) {
        let began = Instant::now();
        while self.queued() > 0 {
            assert!(began.elapsed() < Duration::from_secs(20), "still queued:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How many messages are on their way to a mailbox.
    pub fn queued(&self) -> usize {
        let queues = ["maildrop", "incoming", "active", "deferred"];
        let queued = queues.map(|queue| files_below(&self.dir.path().join("queue").join(queue)));
        queued.iter().sum()
    }

    /// Takes no more mail; what it has, it keeps.
    pub fn stop(&self) {
        self.postfix("stop");
    }

    /// Takes mail again.
    pub fn start_again(&self) {
        self.postfix("start");
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "does not answer:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn postfix(&self, what: &str) {
        let etc = self.dir.path().join("etc");
        let output = Command::new("/usr/sbin/postfix").arg("-c").arg(etc).arg(what).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log/maillog")).unwrap_or_default()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let throwaway = root().join("deploy/postfix/throwaway");
        let _ = Command::new(throwaway).arg("stop").arg(self.dir.path()).status();
    }
}

fn files_below(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |entry: fs::DirEntry| match entry.path() {
        path if path.is_dir() => files_below(&path),
        _ => 1,
    };
    entries.map(count).sum()
}

/// The unfolded value of a header field; all of them where it stands several times.
pub fn fields(message: &str, name: &str) -> Vec<String> {
    let header = message.split("\n\n").next().unwrap_or_default();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in header.lines() {
        match line.split_once(':') {
            _ if line.starts_with([' ', '\t']) => {
                if let Some((_, value)) = fields.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            }
            Some((name, value)) => fields.push((name.to_owned(), value.trim().to_owned())),
            None => {}
        }
    }
    fields.retain(|(field, _)| field.eq_ignore_ascii_case(name));
    fields.into_iter().map(|(_, value)| value).collect()
}

/// Waits for a message in an MTA's mailbox, takes it, and returns it; `told` says what the MTA has to say.
pub fn take_delivered(mailbox: impl Fn() -> Vec<PathBuf>, told: impl Fn() -> String) -> String {
    let began = Instant::now();
    loop {
        if let Some(path) = mailbox().into_iter().next() {
            let message = fs::read_to_string(&path).unwrap();
            fs::remove_file(path).unwrap();
            return message;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "not delivered:\n{}", told());
        std::thread::sleep(Duration::from_millis(20));
    }
}
