//! More mail than can be judged, on real sockets: who is served next, what is left out, and what is answered to
//! the message too many.
//!
//! Nothing here depends on how fast the machine is: DNS is silent, so that a message takes the whole deadline,
//! and the order is read from the log.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use support::daemon::Daemon;

const FLOOD: &str = "192.0.2.1";
const OTHER: &str = "198.51.100.7";

/// A DNS server that never answers.
fn silent_dns() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

/// One place, in which a message stays for 1.5 s.
fn daemon(dns: &str, verdict: &str) -> Daemon {
    let dns_settings = "timeout_ms = 5000\ndeadline_ms = 1500\n";
    Daemon::start(dns, &format!("{dns_settings}[verdict]\n{verdict}"))
}

/// Frames of the milter protocol: a length of four bytes, a command, and its data.
fn frame(command: u8, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len() + 1).unwrap().to_be_bytes();
    [&length[..], &[command], data].concat()
}

/// The frames of the reply to a message, which `client` hands in over a connection of its own.
fn reply_to(tcp: u16, client: &str, id: &str) -> Vec<(u8, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", tcp)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let offer = [6u32, 0x1FF, 0x1F_FFFF].map(u32::to_be_bytes).concat();
    stream.write_all(&frame(b'O', &offer)).unwrap();
    read_frame(&mut stream);
    let connect = format!("mail.shop.example\x004\x00\x19{client}\0");
    // Of another domain each, so that none has an answer to wait for in common.
    let sender = format!("<anna@{id}.example>\0");
    let queue_id = format!("Ei\0{id}\0");
    let message = [
        frame(b'C', connect.as_bytes()),
        frame(b'H', b"mail.shop.example\0"),
        frame(b'M', sender.as_bytes()),
        frame(b'R', b"<bert@example.test>\0"),
        frame(b'L', b"Subject\0 lunch\0"),
        frame(b'N', b""),
        frame(b'B', b"At noon?\r\n"),
        frame(b'D', queue_id.as_bytes()),
        frame(b'E', b""),
    ];
    stream.write_all(&message.concat()).unwrap();
    let mut frames = Vec::new();
    loop {
        let (command, data) = read_frame(&mut stream);
        frames.push((command, String::from_utf8_lossy(&data).into_owned()));
        if b"acdrty".contains(&command) {
            return frames;
        }
    }
}

fn read_frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 5];
    stream.read_exact(&mut head).unwrap();
    let length = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
    let mut data = vec![0; length - 1];
    stream.read_exact(&mut data).unwrap();
    (head[4], data)
}

/// Hands in a message meanwhile.
fn send(daemon: &Daemon, client: &'static str, id: &str) -> JoinHandle<Vec<(u8, String)>> {
    let (tcp, id) = (daemon.tcp, id.to_owned());
    std::thread::spawn(move || reply_to(tcp, client, &id))
}

/// The number behind `name` on the page of metrics.
fn metric(daemon: &Daemon, name: &str) -> u64 {
    let (_, page) = daemon.get("/metrics").unwrap();
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
}

/// Waits until the number behind `name` is `value`.
fn wait_metric(daemon: &Daemon, name: &str, value: impl Fn(u64) -> bool) {
    wait(daemon, name, || value(metric(daemon, name)));
}

fn wait(daemon: &Daemon, what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what} in\n{}", daemon.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The ids of the messages that were judged, in that order.
fn judged(daemon: &Daemon) -> Vec<String> {
    let log = daemon.log();
    let ids = log.lines().filter(|line| line.contains(": judged "));
    let id = |line: &str| Some(line.split("queue_id=\"").nth(1)?.split('"').next()?.to_owned());
    ids.filter_map(id).collect()
}

#[test]
fn one_client_on_64_connections_does_not_keep_another_waiting() {
    let (_dns, address) = silent_dns();
    let daemon = daemon(&address, "concurrency = 1\noverload_wait_ms = 200000\nshed = false");
    for number in 0..64 {
        send(&daemon, FLOOD, &format!("flood{number}"));
    }
    wait_metric(&daemon, "tidegate_waiting_messages", |waiting| waiting >= 60);
    for number in 0..3 {
        let id = format!("other{number}");
        let before = judged(&daemon).len();
        let reply = send(&daemon, OTHER, &id);
        reply.join().unwrap();
        wait(&daemon, &id, || judged(&daemon).contains(&id));
        let turn = judged(&daemon).iter().position(|judged| *judged == id).unwrap();
        // The one that was being judged when it came, and the one whose turn it was; one more may have ended
        // between the look into the log and the message.
        assert!(turn - before <= 3, "{} of the flood were judged before {id}", turn - before);
    }
}

#[test]
fn what_is_over_the_bound_is_answered_at_once_as_configured_and_the_service_says_so() {
    let (_dns, address) = silent_dns();
    let settings = "concurrency = 1\nmax_waiting = 2\noverload_wait_ms = 200000\nshed = false\n\
                    on_overload = \"accept\"";
    let daemon = daemon(&address, settings);
    let served: Vec<_> =
        (0..3).map(|number| send(&daemon, FLOOD, &format!("flood{number}"))).collect();
    wait_metric(&daemon, "tidegate_waiting_messages", |waiting| waiting == 2);
    let reply = reply_to(daemon.tcp, FLOOD, "toomany");
    let has = |text: &str| reply.iter().any(|(_, data)| data.contains(text));
    assert!(has("X-Tidegate-Unfiltered\0 overload"), "{reply:?}");
    assert!(has("X-Spam-Status\0 No, not judged (overload)"), "{reply:?}");
    assert_eq!(
        daemon.get("/readyz").unwrap(),
        (503, "overloaded: messages are not judged\n".to_owned())
    );
    assert_eq!(metric(&daemon, "tidegate_refused_total{why=\"full\"}"), 1);
    assert!(metric(&daemon, "tidegate_waiting_bytes") > 0);
    for one in served {
        let reply = one.join().unwrap();
        assert!(reply.iter().any(|(_, data)| data.contains("score=")), "{reply:?}");
    }
    wait(&daemon, "ready again", || daemon.get("/readyz").unwrap().0 == 200);
    assert_eq!(metric(&daemon, "tidegate_waiting_bytes"), 0);
}

#[test]
fn what_is_dear_is_left_out_first_and_told() {
    let (_dns, address) = silent_dns();
    let daemon = daemon(&address, "concurrency = 4\noverload_wait_ms = 2000");
    let unhurried: Vec<_> =
        (0..3).map(|number| send(&daemon, FLOOD, &format!("calm{number}"))).collect();
    wait_metric(&daemon, "tidegate_judging", |judging| judging == 3);
    reply_to(daemon.tcp, OTHER, "hurried");
    assert_eq!(daemon.get("/readyz").unwrap().0, 200, "{}", daemon.log());
    for one in unhurried {
        one.join().unwrap();
    }
    let log = daemon.wait_log("queue_id=\"calm2\"");
    let line = |id: &str| {
        let id = format!("queue_id=\"{id}\"");
        log.lines().find(|line| line.contains(&id)).unwrap_or_else(|| panic!("{log}")).to_owned()
    };
    assert!(line("hurried").contains("left_out=\"authentication\""), "{}", line("hurried"));
    assert!(line("hurried").contains("LEFT_OUT_TRUST("), "{}", line("hurried"));
    assert!(line("calm0").contains("left_out=\"\""), "{}", line("calm0"));
    assert_eq!(metric(&daemon, "tidegate_shed_total{check=\"authentication\"}"), 1);
    assert_eq!(metric(&daemon, "tidegate_shed_total{check=\"rules\"}"), 0);
}

#[test]
fn who_has_waited_long_is_judged_without_what_is_heavy() {
    let (_dns, address) = silent_dns();
    let daemon = daemon(&address, "concurrency = 1\noverload_wait_ms = 4000");
    let first = send(&daemon, FLOOD, "first");
    wait_metric(&daemon, "tidegate_judging", |judging| judging == 1);
    reply_to(daemon.tcp, OTHER, "second");
    let (status, why) = daemon.get("/readyz").unwrap();
    let expect = "overloaded: messages are judged without what takes long\n";
    assert_eq!((status, why.as_str()), (503, expect));
    first.join().unwrap();
    let log = daemon.wait_log("queue_id=\"second\"");
    let heavy = "rules,statistics,content.letters,bulk.probability,bulk.three_rules";
    assert!(log.contains(&format!("left_out=\"authentication,{heavy}\"")), "{log}");
    assert!(log.contains("LEFT_OUT_STATISTICS(-4.00)"), "{log}");
    assert_eq!(metric(&daemon, "tidegate_hurried_total{pressure=\"pressed\"}"), 1);
    wait(&daemon, "ready again", || daemon.get("/readyz").unwrap().0 == 200);
}
