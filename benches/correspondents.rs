//! What it costs to ask whether recipients know an author; `cargo bench -p tidegate-policy`.
//!
//! The store is a file with 100,000 pairs, as the embedded one keeps them.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::sync::{Arc, LazyLock};

use divan::Bencher;
use tempfile::TempDir;
use tidegate_checks::authentication::{AuthResult, Authentication, Spf};
use tidegate_mail::{Address, Bounds, Envelope, Message};
use tidegate_policy::correspondents::{Config, Memory, Sent};
use tidegate_store::Embedded;

fn main() {
    divan::main();
}

const NOW: u64 = 1_795_000_000;
const USERS: usize = 250;

static MEMORY: LazyLock<(TempDir, Memory)> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    let memory = Memory::open(Arc::new(Embedded::open(dir.path()).unwrap().store)).unwrap();
    let config = Config::default();
    for user in 0..USERS {
        let sent: Vec<Sent> = (0..400 / 50).map(|n| sent(user, n * 50, &config)).collect();
        memory.note(&sent, &config, NOW).unwrap();
    }
    (dir, memory)
});

fn sent(user: usize, from: usize, config: &Config) -> Sent {
    let to = (from..from + 50).map(|n| Address::new(&format!("bert{n}@shop{n}.example")));
    let envelope = Envelope {
        authenticated: Some("login".to_owned()),
        sender: Some(Address::new(&format!("user{user}@site.example"))),
        recipients: to.collect(),
        ..Envelope::default()
    };
    let raw = format!("Message-ID: <{user}.{from}@site.example>\r\n\r\n");
    Sent::of(&envelope, &Message::parse(raw.as_bytes(), &Bounds::default()), config).unwrap()
}

/// An author nobody knows, with a thread of eight messages, is the dearest question.
#[divan::bench(args = [1, 5, 50])]
fn an_unknown_author_in_a_thread(bencher: Bencher<'_, '_>, recipients: usize) {
    let thread: String = (0..8).map(|n| format!("<{n}@x.example> ")).collect();
    ask(bencher, recipients, "eve@x.example", &format!("References: {thread}\r\n"));
}

#[divan::bench(args = [1, 5, 50])]
fn a_known_author(bencher: Bencher<'_, '_>, recipients: usize) {
    ask(bencher, recipients, "bert7@shop7.example", "");
}

/// All names that a list can go by, none of them known.
#[divan::bench(args = [1, 5, 50])]
fn an_unknown_list(bencher: Bencher<'_, '_>, recipients: usize) {
    let list = "List-Id: <news.x.example>\r\nList-Post: <mailto:post@x.example>\r\n\
        List-Subscribe: <mailto:a-join@x.example>, <mailto:b-join@x.example>\r\n\
        List-Unsubscribe: <mailto:c-leave@x.example>\r\nReply-To: d@x.example, e@x.example\r\n";
    ask(bencher, recipients, "eve@x.example", list);
}

fn ask(bencher: Bencher<'_, '_>, recipients: usize, author: &str, fields: &str) {
    let recipients: Vec<Address> =
        (0..recipients).map(|n| Address::new(&format!("user{n}@site.example"))).collect();
    let raw = format!("From: {author}\r\n{fields}\r\n");
    let message = Message::parse(raw.as_bytes(), &Bounds::default());
    let envelope = Envelope { recipients, ..Envelope::default() };
    let domain = Address::new(author).domain().unwrap().to_owned();
    let spf = Spf { result: AuthResult::Pass, domain, ..Spf::default() };
    let (found, config) = (Authentication { spf, ..Authentication::default() }, Config::default());
    let memory = &MEMORY.1;
    bencher.bench_local(|| memory.known(&envelope, &message, &found, &config, NOW).unwrap());
}
