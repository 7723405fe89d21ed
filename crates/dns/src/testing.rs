//! A DNS server on loopback that serves what a test writes down, and fails when it is told to.
//!
//! ```
//! use tidegate_dns::testing::TestServer;
//! use tidegate_dns::{Name, Question, Resolver};
//! use tokio::time::{Duration, Instant};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let server = TestServer::start();
//! server.a("mail.example", "192.0.2.1").txt("example", "v=spf1 a:mail.example -all");
//! let resolver = Resolver::new(&server.config()).unwrap();
//! let question = Question::A(Name::try_from("mail.example").unwrap());
//! let answer = resolver.ask(question, Instant::now() + Duration::from_secs(2)).await;
//! assert_eq!(answer.ipv4(), ["192.0.2.1".parse::<std::net::Ipv4Addr>().unwrap()]);
//! # }
//! ```
//!
//! Invariant: listens on loopback only, in a thread of its own that ends with the [`TestServer`];
//! what is not written down does not exist.

#![allow(clippy::expect_used, reason = "a mistake in a test should end that test, loudly")]

mod records;
mod wire;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::oneshot;

use crate::datagram::Datagram;
use crate::reverse::arpa;
use crate::{Answer, Config, Question};

use self::records::Records;

/// Ports tried until one is free for UDP and TCP alike.
const MOST_PORTS: usize = 20;

/// What `response`, the octets of a datagram (RFC 1035, section 4), says to `question`; `None` where it does not
/// answer it, or says nothing that counts.
#[must_use]
pub fn told(question: &Question, response: &[u8]) -> Option<Answer> {
    let datagram = Datagram::new(question)?;
    let is_answered = datagram.is_answered_by(response);
    is_answered.then(|| datagram.read(question, response))?.map(|told| told.answer)
}

/// A DNS server; what it serves can change while it runs.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    records: Shared,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

type Shared = Arc<Mutex<Records>>;

/// How a server fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// It answers REFUSED.
    Refused,
    /// It answers SERVFAIL.
    ServFail,
    /// It never answers.
    Silent,
    /// It answers with octets that are no message.
    Garbage,
    /// It answers something else than it was asked.
    Forged,
    /// It cuts every answer short, over TCP as well.
    Truncated,
}

impl TestServer {
    /// Starts one on a free port of loopback.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn start() -> Self {
        let free = || Self::at(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0));
        let mut ports = (0..MOST_PORTS).map(|_| free());
        ports.find_map(Result::ok).expect("a port of loopback that is free for UDP and TCP")
    }

    /// Starts one at `address`.
    ///
    /// # Errors
    /// When the address can't be had.
    pub fn at(address: SocketAddr) -> io::Result<Self> {
        let udp = std::net::UdpSocket::bind(address)?;
        let address = udp.local_addr()?;
        let tcp = std::net::TcpListener::bind(address)?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        let records = Shared::default();
        let (end, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = Arc::clone(&records);
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                let (Ok(udp), Ok(tcp)) = (UdpSocket::from_std(udp), TcpListener::from_std(tcp))
                else {
                    return;
                };
                tokio::select! {
                    () = wire::serve(udp, tcp, served) => {}
                    _ = ended => {}
                }
            });
        });
        Ok(Self { address, records, end: Some(end), thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// A configuration that asks this server, with short times.
    #[must_use]
    pub fn config(&self) -> Config {
        Config { servers: vec![self.address], timeout_ms: 1_000, attempts: 1, ..Config::default() }
    }

    /// Serves an IPv4 address of `name`; `*.zone` stands for all names below that have no records.
    pub fn a(&self, name: &str, address: &str) -> &Self {
        self.record(name, "A", address)
    }

    /// Serves an IPv6 address of `name`.
    pub fn aaaa(&self, name: &str, address: &str) -> &Self {
        self.record(name, "AAAA", address)
    }

    /// Serves a text of `name`, of any length.
    pub fn txt(&self, name: &str, text: &str) -> &Self {
        self.record(name, "TXT", text)
    }

    /// Serves a mail exchanger of `name`; `.` is a null MX.
    pub fn mx(&self, name: &str, preference: u16, exchange: &str) -> &Self {
        self.record(name, "MX", &format!("{preference} {exchange}"))
    }

    /// Serves the name of an address.
    pub fn ptr(&self, address: &str, name: &str) -> &Self {
        let address: IpAddr = address.parse().expect("an address");
        self.record(&arpa(address), "PTR", name)
    }

    /// Serves an alias.
    pub fn cname(&self, name: &str, target: &str) -> &Self {
        self.record(name, "CNAME", target)
    }

    /// Serves a record of any type that it knows, with its value in text form.
    ///
    /// # Panics
    /// When the record is none.
    pub fn record(&self, name: &str, kind: &str, value: &str) -> &Self {
        self.records().add(name, kind, value).expect("a record");
        self
    }

    /// Serves a file of lines `name type value`; `#` begins a comment.
    ///
    /// # Errors
    /// The first line that is none, with its number.
    pub fn zone_file(&self, text: &str) -> Result<(), String> {
        let mut records = self.records();
        for (number, line) in text.lines().enumerate() {
            let wrong = |why| format!("line {}: {why}", number + 1);
            records.line(line).map_err(wrong)?;
        }
        Ok(())
    }

    /// What is added from now on holds for `seconds`; so does that a name is missing. At first 300.
    pub fn ttl(&self, seconds: u32) -> &Self {
        self.records().ttl = seconds;
        self
    }

    /// Delays answers to questions for `name` and what is below it; the empty name is everything.
    pub fn delay(&self, name: &str, delay: Duration) -> &Self {
        self.records().behave(name).delay = delay;
        self
    }

    /// Fails on questions for `name` and what is below it, or with `None` no longer.
    pub fn fail(&self, name: &str, failure: impl Into<Option<Failure>>) -> &Self {
        self.records().behave(name).failure = failure.into();
        self
    }

    /// Takes away all records of `name`.
    pub fn remove(&self, name: &str) -> &Self {
        self.records().remove(name);
        self
    }

    /// How often it was asked, tries over included.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.records().asked.len()
    }

    /// How often it was asked `question`.
    #[must_use]
    pub fn asked(&self, question: &Question) -> usize {
        let name = question.name().map(|name| name.as_str().to_owned()).unwrap_or_default();
        let asked = format!("{} {name}", question.kind());
        self.records().asked.iter().filter(|it| **it == asked).count()
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        lock(&self.records)
    }
}

fn lock(records: &Mutex<Records>) -> MutexGuard<'_, Records> {
    records.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            // It may have ended by itself.
            let _ = end.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
