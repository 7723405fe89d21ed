//! What becomes of mail behind any MTA: accepted, tagged, rejected.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::daemon::Daemon;
use super::postfix::{Postfix, fields};
use super::sendmail::Sendmail;
use super::smtp::{Client, Mail};
use super::{mail, root};

/// An MTA with one milter.
pub trait Mta {
    /// Sends one mail; the reply that decided on it.
    fn send(&self, mail: &Mail<'_>) -> String;
    /// A connection, past its greetings, of the client of a mail.
    fn client(&self, mail: &Mail<'_>) -> Client;
    /// Waits for one delivered message, and takes it.
    fn delivered(&self) -> String;
    /// What was delivered and not taken.
    fn mailbox(&self) -> Vec<PathBuf>;
}

macro_rules! mta {
    ($name:ident) => {
        impl Mta for $name {
            fn send(&self, mail: &Mail<'_>) -> String {
                Self::send(self, mail)
            }
            fn client(&self, mail: &Mail<'_>) -> Client {
                Self::client(self, mail)
            }
            fn delivered(&self) -> String {
                Self::delivered(self)
            }
            fn mailbox(&self) -> Vec<PathBuf> {
                Self::mailbox(self)
            }
        }
    };
}

mta!(Postfix);
mta!(Sendmail);

/// What each MTA says and hands over in its own way.
pub struct Told {
    /// The reply to the mail that is accepted.
    pub accepted: String,
    /// That mail, as it was delivered.
    pub clean: String,
    /// The reply to the mail that is rejected.
    pub rejected: String,
}

/// The three outcomes.
pub fn the_three_outcomes(daemon: &Daemon, mta: &impl Mta) -> Told {
    let accepted = mta.send(&Mail::new(&mail("clean.eml")));
    assert!(accepted.starts_with("250 2.0.0 "), "{accepted}\n{}", daemon.log());
    let clean = mta.delivered();
    assert_eq!(fields(&clean, "X-Spam-Flag"), [""; 0], "{clean}");
    let [status] = &fields(&clean, "X-Spam-Status")[..] else { panic!("{clean}") };
    assert!(status.starts_with("No, score="), "{status}");
    has_our_results(&clean);

    let phishing = mail("phishing.eml");
    let reply = mta.send(&Mail { from: "bounce@account-notice.example", ..Mail::new(&phishing) });
    assert!(reply.starts_with("250"), "{reply}");
    let tagged = mta.delivered();
    assert_eq!(fields(&tagged, "X-Spam-Flag"), ["YES"], "{tagged}");
    has_our_results(&tagged);

    let rejected = mta.send(&Mail::new(&mail("gtube.eml")));
    assert!(rejected.lines().last().unwrap().starts_with("550 5.7.1 "), "{rejected}");
    assert!(mta.mailbox().is_empty());
    Told { accepted, clean, rejected }
}

/// What `scan` finds in a file is what the milter found in the same mail.
pub fn scan_and_serve_say_the_same(daemon: &Daemon, mta: &impl Mta) {
    let phishing = mail("phishing.eml");
    let mail = Mail { from: "bounce@account-notice.example", ..Mail::new(&phishing) };
    mta.send(&mail);
    let [status] = &fields(&mta.delivered(), "X-Spam-Status")[..] else { panic!() };

    let scan = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .arg("scan")
        .arg("--config")
        .arg(daemon.config())
        .args(["--json", "--ip", mail.client, "--helo", mail.helo, "--from", mail.from])
        .args(["--rcpt", mail.to[0]])
        .arg(root().join("tests/mail/phishing.eml"))
        .output()
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&scan.stdout).unwrap();
    let mut scanned: Vec<&str> =
        json["signals"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    let list = status.split("signals=").nth(1).unwrap();
    let mut served: Vec<&str> =
        list.split(", ").map(|signal| signal.split('(').next().unwrap()).collect();
    scanned.sort_unstable();
    served.sort_unstable();
    assert_eq!(served, scanned);
    let score = format!("score={:.2}", json["score"].as_f64().unwrap());
    assert!(status.contains(&score), "{status}\n{json}");
}

/// What a sender says in our name is taken off; what others said stays.
pub fn fields_that_claim_to_be_ours_are_removed(mta: &impl Mta) {
    let forged = "X-Spam-Flag: NO\nX-Spam-Status: No, score=-9\nX-Spam-Flag: NO\n\
         Authentication-Results: mx.example.test; dkim=pass header.d=bank.example\n\
         Authentication-Results: other.example; dkim=pass header.d=bank.example\n\
         Authentication-Results: MX.example.test (hello) ;\n dmarc=pass\n";
    let message = format!("{forged}{}", mail("clean.eml"));
    mta.send(&Mail::new(&message));
    let delivered = mta.delivered();
    assert_eq!(fields(&delivered, "X-Spam-Flag"), [""; 0], "{delivered}");
    assert_eq!(fields(&delivered, "X-Spam-Status").len(), 1, "{delivered}");
    let results = fields(&delivered, "Authentication-Results");
    assert_eq!(results.len(), 2, "{delivered}");
    assert!(results[0].starts_with("mx.example.test;"), "ours first: {results:?}");
    assert!(results[1].starts_with("other.example;"), "{results:?}");
}

/// One connection may bring many.
pub fn several_messages_are_judged_apart(mta: &impl Mta) {
    let (clean, gtube) = (mail("clean.eml"), mail("gtube.eml"));
    let mut client = mta.client(&Mail::new(&clean));
    assert!(client.transfer(&Mail::new(&gtube)).starts_with("550"));
    assert!(client.transfer(&Mail::new(&clean)).starts_with("250"));
    assert!(client.transfer(&Mail::new(&gtube)).starts_with("550"));
    // A transaction that is given up leaves nothing behind.
    client.command("MAIL FROM:<bad@spam.example>");
    client.command("RSET");
    assert!(client.transfer(&Mail::new(&clean)).starts_with("250"));
}

/// What is saved counts from the signal on; what is wrong does not.
pub fn a_reload_takes_effect(daemon: &Daemon, mta: &impl Mta) {
    let phishing = mail("phishing.eml");
    let send = || mta.send(&Mail { from: "bounce@account-notice.example", ..Mail::new(&phishing) });
    let config = std::fs::read_to_string(daemon.config()).unwrap();

    std::fs::write(daemon.config(), format!("{config}\n[verdict]\ntaag = 1.0\n")).unwrap();
    daemon.signal("HUP");
    let log = daemon.wait_log("taag");
    assert!(log.contains("tidegate.toml"), "{log}");
    assert!(send().starts_with("250"), "the old configuration still works");

    let strict = "[verdict]\ntag = 0.1\nquarantine = 0.2\nreject = 0.3\n";
    std::fs::write(daemon.config(), format!("{config}\n{strict}")).unwrap();
    daemon.signal("HUP");
    let began = Instant::now();
    while !send().starts_with("550") {
        assert!(began.elapsed() < Duration::from_secs(15), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whatever an MTA takes for the end of a message: what comes behind it is judged, as part of this one or as another.
pub fn nothing_is_smuggled(mta: &impl Mta) {
    let gtube = mail("gtube.eml");
    let hidden = gtube.replace('\n', "\r\n");
    for end in ["\n.\r\n", "\r\n.\n", "\n.\n", "\r.\r\n", "\r\n.\r", "\r.\r", "\0\r\n.\0\r\n"] {
        let octets = format!(
            "From: anna@shop.example\r\nTo: bert@example.test\r\nSubject: Two in one\r\n\r\nThe first{end}\
             MAIL FROM:<anna@shop.example>\r\nRCPT TO:<bert@example.test>\r\nDATA\r\n{hidden}"
        );
        let replies = mta.client(&Mail::new(&gtube)).pour(&octets);
        let is_refused = replies.lines().any(|reply| reply.starts_with(['4', '5']));
        assert!(is_refused || replies.is_empty(), "{end:?}: {replies}");
    }
    for path in mta.mailbox() {
        let delivered = std::fs::read_to_string(path).unwrap();
        assert!(!delivered.contains("GTUBE"), "{delivered}");
        assert_eq!(fields(&delivered, "X-Spam-Status").len(), 1, "{delivered}");
    }
}

fn has_our_results(delivered: &str) {
    let results = fields(delivered, "Authentication-Results");
    assert!(results[0].starts_with("mx.example.test;"), "{results:?}");
}
