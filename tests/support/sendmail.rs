//! A real Sendmail, thrown away at the end: `deploy/sendmail/throwaway` fetches and starts it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::postfix::take_delivered;
use super::smtp::{Client, Mail};
use super::{free_port, root, skip};

/// A running Sendmail with one milter.
pub struct Sendmail {
    dir: TempDir,
    port: u16,
}

/// Where it is unpacked.
fn unpacked() -> PathBuf {
    root().join("target/sendmail")
}

fn throwaway() -> PathBuf {
    root().join("deploy/sendmail/throwaway")
}

/// Whether there is one: `tests/run` fetches it.
fn is_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| unpacked().join("usr/libexec/sendmail/sendmail").exists())
}

impl Sendmail {
    /// Starts one, whose milter has such flags (`F=`); `None`, said aloud, where there is none to start.
    pub fn start(milter: &str, flags: &str) -> Option<Self> {
        if !is_there() {
            skip("no Sendmail is unpacked: deploy/sendmail/throwaway fetch target/sendmail");
            return None;
        }
        let dir = tempfile::Builder::new().prefix("tidegate-sendmail.").tempdir_in("/tmp").unwrap();
        let port = free_port();
        // Its daemon keeps what it is given open: nothing of it may be a pipe that is waited for.
        let said = dir.path().join("said");
        let file = fs::File::create(&said).unwrap();
        let status = Command::new(throwaway())
            .args([Path::new("start"), &unpacked(), dir.path()])
            .args([&port.to_string(), milter, flags])
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .status()
            .unwrap();
        assert!(status.success(), "{}", fs::read_to_string(said).unwrap());
        Some(Self { dir, port })
    }

    /// Sends one mail from this machine; the reply that decided on it.
    pub fn send(&self, mail: &Mail<'_>) -> String {
        self.client(mail).transfer(mail)
    }

    /// A connection of this machine: Sendmail takes nobody else's word for who it is.
    pub fn client(&self, mail: &Mail<'_>) -> Client {
        let mut client = Client::connect(self.port);
        let greeting = client.command(&format!("EHLO {}", mail.helo));
        assert!(greeting.starts_with("250"), "{greeting}");
        client
    }

    /// Hands one mail to the command sendmail(8).
    pub fn submit(&self, from: &str, to: &str, message: &str) {
        let mut command = Command::new(throwaway())
            .args([Path::new("run"), &unpacked(), self.dir.path()])
            .args(["-f", from, to])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        command.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
        assert!(command.wait().unwrap().success());
    }

    /// What was delivered and not taken yet.
    pub fn mailbox(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.dir.path().join("mail")).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_none_or(|end| end != "part")).collect()
    }

    /// Waits for one delivered message, takes it, and returns it.
    pub fn delivered(&self) -> String {
        take_delivered(|| self.mailbox(), String::new)
    }
}

impl Drop for Sendmail {
    fn drop(&mut self) {
        let _ = Command::new(throwaway()).arg("stop").arg(self.dir.path()).status();
    }
}
