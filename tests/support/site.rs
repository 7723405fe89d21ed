//! A site with pages: the daemon with its quarantine, and the Postfix that it holds mail back from and gives
//! it to.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use super::daemon::{DEAD_DNS, Daemon};
use super::postfix::{Postfix, fields};
use super::smtp::Mail;
use super::{free_port, mail};

/// Twelve points for a word in the subject: very likely spam, and held.
const RULE: &str = "family = 'policy'\n[rules.TEST_DOUBTFUL]\nsays = 'The test word'\nscore = 12\n\
                    in = 'subject'\nwords = ['doubtful']\n";

pub struct Site {
    pub daemon: Daemon,
    pub postfix: Postfix,
    pub port: u16,
    _rules: tempfile::TempDir,
}

/// What came back for a request.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub header: String,
    pub body: String,
}

impl Answer {
    /// The value of a header field; the first where there are several.
    pub fn field(&self, name: &str) -> &str {
        let of_name = |line: &&str| {
            line.split_once(':').is_some_and(|(field, _)| field.eq_ignore_ascii_case(name))
        };
        let line = self.header.lines().find(of_name).unwrap_or_default();
        line.split_once(':').map_or("", |(_, value)| value.trim())
    }

    /// The value of the first hidden field of that name.
    pub fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&start).unwrap_or_else(|| panic!("{}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Site {
    /// Starts one; `None`, said aloud, where there is no Postfix. `pages` are more keys of `[pages]`, and
    /// sections behind them.
    pub fn start(pages: &str) -> Option<Self> {
        let rules = tempfile::tempdir().unwrap();
        fs::write(rules.path().join("rules.toml"), RULE).unwrap();
        let (port, smtp) = (free_port(), free_port());
        let public = if pages.contains("public_url") {
            String::new()
        } else {
            format!("public_url = \"http://127.0.0.1:{port}\"\n")
        };
        let daemon = Daemon::start(
            DEAD_DNS,
            &format!(
                "deadline_ms = 50\n[rules]\nfiles = ['{}/rules.toml']\n\
                 [quarantine]\nrelease_to = '127.0.0.1:{smtp}'\n\
                 [policy.default]\nat_reject = 'quarantine'\n[policy.aliases]\n\
                 \"info@example.test\" = \"anna@example.test\"\n\
                 [pages]\nenabled = true\nlisten = '127.0.0.1:{port}'\n{public}\
                 domains = ['example.test']\nadmins = ['root@example.test']\n{pages}",
                rules.path().display(),
            ),
        );
        let postfix = Postfix::start_at(smtp, &daemon.unix_milter(), &[])?;
        Some(Self { daemon, postfix, port, _rules: rules })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Sends mail that is held, with a header and body of its own.
    pub fn hold(&self, to: &str, subject: &str) {
        self.send_held(to, &doubtful(subject));
    }

    pub fn send_held(&self, to: &str, data: &str) {
        let reply = self.postfix.send(&Mail { to: &[to], ..Mail::new(data) });
        assert!(reply.starts_with("250"), "{reply}");
        assert!(self.postfix.mailbox().is_empty(), "not held:\n{}", self.daemon.log());
    }

    /// Nothing comes for as long as mail takes to come.
    pub fn nothing_comes(&self) {
        std::thread::sleep(Duration::from_millis(700));
        assert!(self.postfix.mailbox().is_empty());
    }

    /// One request on a connection of its own; `body` is a form, or JSON where it begins like that.
    pub fn ask(&self, method: &str, path: &str, header: &str, body: &str) -> Answer {
        let kind = match body.starts_with('{') {
            true => "application/json",
            false => "application/x-www-form-urlencoded",
        };
        let length = body.len();
        let about = match body {
            "" if method == "GET" => String::new(),
            _ => format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n"),
        };
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n{about}{header}\r\n{body}",
            self.port
        ))
    }

    pub fn raw(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        // A server that refuses early may close before all is written.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (header, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = header.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
        Answer { status, header: header.to_owned(), body: body.to_owned() }
    }

    /// Asks for a link for an address, and takes it from the mailbox.
    pub fn link(&self, address: &str) -> String {
        let answer = self.ask("POST", "/sign-in", "", &format!("address={address}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        self.link_from_mailbox()
    }

    pub fn link_from_mailbox(&self) -> String {
        let letter = self.postfix.delivered();
        assert_eq!(fields(&letter, "Subject"), ["Your link to sign in"], "{letter}");
        assert_eq!(fields(&letter, "X-Spam-Status"), [""; 0], "it is not filtered");
        let link = letter.lines().find(|line| line.starts_with("http")).unwrap();
        link.to_owned()
    }

    /// Signs in, and returns the header line with the cookie.
    pub fn sign_in(&self, address: &str) -> String {
        let link = self.link(address);
        let (_, token) = link.split_once("link=").unwrap();
        let answer = self.ask("POST", "/session", "", &format!("link={token}"));
        assert_eq!((answer.status, answer.field("location")), (303, "/held"), "{answer:?}");
        let cookie = answer.field("set-cookie").split(';').next().unwrap().to_owned();
        format!("Cookie: {cookie}\r\n")
    }

    /// A new token of the API, as a header line.
    pub fn token(&self, arguments: &[&str]) -> String {
        let output = self.tidegate(&[&["token", "create"], arguments].concat());
        format!("Authorization: Bearer {}\r\n", output.trim())
    }

    pub fn tidegate(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["--config", self.daemon.config().to_str().unwrap()])
            .args(["--store", self.daemon.dir.path().join("state").to_str().unwrap()])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits until so many messages have come, and empties the mailbox.
    pub fn delivered(&self, count: usize) -> Vec<String> {
        let began = Instant::now();
        while self.postfix.mailbox().len() < count {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", self.postfix.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        (0..count).map(|_| self.postfix.delivered()).collect()
    }
}

/// A message that is held for its subject alone.
pub fn doubtful(subject: &str) -> String {
    let clean = mail("clean.eml");
    let (header, body) = clean.split_once("\n\n").unwrap();
    let header: Vec<&str> = header.lines().filter(|line| !line.starts_with("Subject:")).collect();
    format!("{}\nSubject: doubtful {subject}\n\n{body}", header.join("\n"))
}
