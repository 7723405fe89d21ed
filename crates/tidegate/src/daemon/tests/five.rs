//! One message to five recipients with five policies, through a real Postfix, with copies sent to
//! another: each mailbox, what is held, and the SMTP reply are as the decision table says.

#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the end-to-end tests")]
#[path = "../../../../../tests/support/postfix.rs"]
mod postfix;
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the end-to-end tests")]
#[path = "../../../../../tests/support/smtp.rs"]
mod smtp;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;

use postfix::{Postfix, fields};
use smtp::{Client, Mail};

use super::double::Double;
use super::splitting::{FIVE, USERS, holding};
use super::*;

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn skip(why: &str) {
    assert!(std::env::var_os("TIDEGATE_REQUIRE_ALL").is_none(), "required, but {why}");
    eprintln!("skipped: {why}");
}

const DOUBTFUL: &str = "From: Anna <anna@shop.example>\nTo: undisclosed-recipients:;\n\
    Subject: doubtful\nX-Spam-Flag: NO\nDate: Thu, 26 Nov 2026 10:00:00 +0000\n\
    Message-ID: <1@shop.example>\n\nHello\n";

/// Two servers, the daemon behind the first of them, and what copies are sent to: the second.
struct Site {
    front: Postfix,
    back: Postfix,
    double: Arc<Double>,
}

async fn site() -> Option<Site> {
    let back = Postfix::start("none", &[])?;
    let port = back.port;
    let send = move |from: &str, to: &[&str], raw: &[u8]| {
        let data = String::from_utf8_lossy(raw).replace("\r\n", "\n");
        let reply = Client::connect(port).send(&Mail { from, to, ..Mail::new(&data) });
        assert!(reply.starts_with("250"), "{reply}");
    };
    let double = Arc::new(Double { send: Some(Box::new(send)), ..Double::default() });
    let daemon = holding("", USERS, &double);
    let address = Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
    let listeners = Listener::open(&[address], &Default::default()).await.unwrap();
    let at = listeners[0].tcp_address().unwrap();
    let make = move || Session::new(Arc::clone(&daemon));
    let server = Server::new(ServerLimits::default());
    tokio::spawn(server.serve(listeners, make, std::future::pending()));
    let front = tokio::task::block_in_place(|| Postfix::start(&format!("inet:{at}"), &[]))?;
    Some(Site { front, back, double })
}

impl Site {
    /// Sends to all five; the reply, and what each got.
    fn send(&self, count: usize) -> (String, BTreeMap<String, Vec<String>>) {
        tokio::task::block_in_place(|| {
            let reply = self.front.send(&Mail { to: &FIVE, ..Mail::new(DOUBTFUL) });
            let began = std::time::Instant::now();
            while self.front.mailbox().len() + self.back.mailbox().len() < count {
                assert!(began.elapsed() < Duration::from_secs(20), "{}", self.front.log());
                std::thread::sleep(Duration::from_millis(20));
            }
            let mut got: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for path in [self.front.mailbox(), self.back.mailbox()].concat() {
                let message = fs::read_to_string(&path).unwrap();
                fs::remove_file(path).unwrap();
                let to = fields(&message, "Delivered-To").concat();
                got.entry(to).or_default().push(message);
            }
            (reply, got)
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_policies_through_postfix() {
    let Some(site) = site().await else { return };
    let (reply, got) = site.send(3);
    assert!(reply.starts_with("250"), "{reply}");
    let whom: Vec<&String> = got.keys().collect();
    assert_eq!(whom, ["off@example.test", "patient@example.test", "subject@example.test"]);
    assert!(got.values().all(|messages| messages.len() == 1), "nobody twice");
    let [off, patient, subject] =
        ["off", "patient", "subject"].map(|name| &got[&format!("{name}@example.test")][0]);
    assert_eq!(fields(off, "X-Spam-Flag"), ["NO"], "as it came: {off}");
    assert_eq!(fields(off, "X-Spam-Status"), [""; 0], "{off}");
    assert_eq!(fields(patient, "X-Spam-Flag"), [""; 0], "{patient}");
    assert!(fields(patient, "X-Spam-Status")[0].starts_with("No, score="), "{patient}");
    assert_eq!(fields(subject, "X-Spam-Flag"), ["YES"], "{subject}");
    assert_eq!(fields(subject, "Subject"), ["[SPAM] doubtful"], "{subject}");
    for message in [off, patient, subject] {
        let others = ["hold@", "reject@", "tag=", "quarantine="];
        assert!(others.iter().all(|words| !message.contains(words)), "no other's: {message}");
    }
    assert_eq!(site.double.held_for(), ["hold@example.test", "reject@example.test"]);
    assert_eq!(site.double.confirmed.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_policies_through_postfix_when_nothing_can_be_held_or_copied() {
    let Some(site) = site().await else { return };
    site.double.hold_fails.store(true, Relaxed);
    let (reply, got) = site.send(5);
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(got.len(), 5, "nobody loses it: {:?}", got.keys());
    for name in ["hold", "reject"] {
        let message = &got[&format!("{name}@example.test")][0];
        assert_eq!(fields(message, "X-Spam-Flag"), ["YES"], "{message}");
    }
    site.double.copy_fails.store(true, Relaxed);
    let (reply, got) = site.send(5);
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(got.len(), 5, "nobody loses it: {:?}", got.keys());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_all_reject_is_refused_and_one_that_all_hold_is_in_no_mailbox() {
    let Some(site) = site().await else { return };
    tokio::task::block_in_place(|| {
        let to = |to| Mail { to, ..Mail::new(DOUBTFUL) };
        let reply = site.front.send(&to(&["reject@example.test"]));
        assert!(reply.starts_with("550-5.7.1 "), "{reply}");
        let reply = site.front.send(&to(&["hold@example.test", "reject@example.test"]));
        assert!(reply.starts_with("250"), "{reply}");
        assert_eq!(site.double.held_for().len(), 2);
        // What comes later is there, and it alone.
        site.front.send(&to(&["off@example.test"]));
        let delivered = site.front.delivered();
        assert_eq!(fields(&delivered, "Delivered-To"), ["off@example.test"]);
        assert!(site.front.mailbox().is_empty() && site.back.mailbox().is_empty());
    });
}
