//! Answers on the wire that were made to trap who reads them (RFC 1035, section 4.1): pointers that
//! lead to themselves, labels that end outside, counts that nothing follows. Each is an answer or
//! unknown, in the time that a question may take.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tidegate_dns::{Config, Name, Question, Resolver};
use tokio::time::{Duration, Instant};

const NAME: &[u8] = b"\x04evil\x07example\0";

/// Replies to each question with what `reply` makes of it.
struct Liar {
    socket: Arc<UdpSocket>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Liar {
    fn start(reply: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let (own, end) = (Arc::clone(&socket), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while !end.load(Ordering::Relaxed) {
                if let Ok((octets, from)) = own.recv_from(&mut buffer) {
                    let _ = own.send_to(&reply(&buffer[..octets]), from);
                }
            }
        });
        Self { socket, ended, thread: Some(thread) }
    }

    fn resolver(&self) -> Resolver {
        let servers = vec![self.socket.local_addr().unwrap()];
        let config = Config { servers, timeout_ms: 300, attempts: 1, ..Config::default() };
        Resolver::new(&config).unwrap()
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

/// A response to `query`: its header with `counts` of answers, authorities and more, its question,
/// and `rest` behind it.
fn response(query: &[u8], counts: [u16; 3], rest: &[u8]) -> Vec<u8> {
    let question_end = 12 + NAME.len() + 4;
    let mut response = [&query[..2], &[0x81, 0x80, 0, 1]].concat();
    response.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    response.extend(query.get(12..question_end).unwrap_or_default());
    response.extend(rest);
    response
}

/// A record: the name as it stands on the wire, a type, and a length that may lie.
fn record(name: &[u8], kind: u16, length: u16, data: &[u8]) -> Vec<u8> {
    let [kind, class, length] = [kind, 1, length].map(u16::to_be_bytes);
    [name, &kind, &class, &60u32.to_be_bytes(), &length, data].concat()
}

/// Replies by what they try.
fn replies() -> Vec<(&'static str, [u16; 3], Vec<u8>)> {
    let asked = &[0xc0, 12][..];
    let pointer = |at: u16| (0xc000 | at).to_be_bytes();
    // The answers begin at 12 + 14 + 4.
    let begin = 12 + NAME.len() as u16 + 4;
    let ring = [pointer(begin + 2), pointer(begin)].concat();
    let chain: Vec<u8> = (0..2_000u16).flat_map(|at| pointer(begin + 2 * (at + 1))).collect();
    let text = [&[255][..], &[b'x'; 255]].concat();
    vec![
        ("a pointer to itself", [1, 0, 0], record(&pointer(begin), 1, 4, &[192, 0, 2, 1])),
        ("pointers in a ring", [1, 0, 0], record(&ring, 1, 4, &[192, 0, 2, 1])),
        ("a pointer ahead", [1, 0, 0], record(&pointer(begin + 100), 1, 4, &[192, 0, 2, 1])),
        ("a pointer outside", [1, 0, 0], record(&pointer(0x3fff), 1, 4, &[192, 0, 2, 1])),
        ("a chain of pointers", [1, 0, 0], [chain, record(asked, 1, 4, &[192, 0, 2, 1])].concat()),
        ("a label that ends outside", [1, 0, 0], b"\x3fabc".to_vec()),
        ("a label of a reserved kind", [1, 0, 0], record(b"\x80abc\0", 1, 4, &[192, 0, 2, 1])),
        (
            "a name of 400 octets",
            [1, 0, 0],
            record(&[b"\x3f".as_slice(), &[b'x'; 63]].concat().repeat(6), 1, 4, &[1; 4]),
        ),
        ("an alias of itself", [1, 0, 0], record(asked, 5, 2, asked)),
        (
            "aliases in a ring",
            [2, 0, 0],
            [record(asked, 5, 4, b"\x01a\xc0\x11"), record(b"\x01a\xc0\x11", 5, 2, asked)].concat(),
        ),
        ("65,535 answers that are not there", [65_535; 3], record(asked, 1, 4, &[192, 0, 2, 1])),
        ("data longer than the message", [1, 0, 0], record(asked, 1, 65_535, &[192, 0, 2, 1])),
        ("an address of three octets", [1, 0, 0], record(asked, 1, 3, &[192, 0, 2])),
        ("an address of no octets", [1, 0, 0], record(asked, 1, 0, &[])),
        ("a text longer than its record", [1, 0, 0], record(asked, 16, 3, b"\xffab")),
        ("texts of no length", [1, 0, 0], record(asked, 16, 3_000, &[0; 3_000])),
        ("sixteen thousand octets of text", [1, 0, 0], record(asked, 16, 16_384, &text.repeat(64))),
        (
            "an exchange that leads to itself",
            [1, 0, 0],
            record(asked, 15, 4, &[&[0, 10][..], &pointer(begin + 14)].concat()),
        ),
        ("nothing at all", [0; 3], Vec::new()),
        ("the header alone", [1; 3], Vec::new()),
    ]
}

#[tokio::test]
async fn no_answer_traps_who_reads_it() {
    for (tried, counts, rest) in replies() {
        let liar = Liar::start(move |query| response(query, counts, &rest));
        let resolver = liar.resolver();
        let name = || Name::try_from("evil.example").unwrap();
        for question in [Question::A(name()), Question::Txt(name()), Question::Mx(name())] {
            let asked = resolver.ask(question, Instant::now() + Duration::from_secs(2));
            let answer = tokio::time::timeout(Duration::from_secs(20), asked).await;
            let answer = answer.unwrap_or_else(|_| panic!("{tried}: no end"));
            assert!(answer.ipv4().is_empty() || tried.contains("octets"), "{tried}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_cut_at_any_octet_is_none() {
    let whole = response(&[0; 64], [1, 0, 0], &record(&[0xc0, 12], 1, 4, &[192, 0, 2, 1])).len();
    let cut = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let at = Arc::clone(&cut);
    let liar = Liar::start(move |query| {
        let mut whole = response(query, [1, 0, 0], &record(&[0xc0, 12], 1, 4, &[192, 0, 2, 1]));
        whole.truncate(at.load(Ordering::Relaxed));
        whole
    });
    for length in 0..whole {
        cut.store(length, Ordering::Relaxed);
        let question = Question::A(Name::try_from("evil.example").unwrap());
        let answer =
            liar.resolver().ask(question, Instant::now() + Duration::from_millis(80)).await;
        assert!(answer.ipv4().is_empty(), "{length} octets: {answer:?}");
    }
    cut.store(whole, Ordering::Relaxed);
    let question = Question::A(Name::try_from("evil.example").unwrap());
    let answer = liar.resolver().ask(question, Instant::now() + Duration::from_secs(2)).await;
    assert_eq!(answer.ipv4(), ["192.0.2.1".parse::<std::net::Ipv4Addr>().unwrap()]);
}
