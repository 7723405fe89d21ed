//! The resolver against a server on loopback that lets others answer first.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::HashSet;
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use tidegate_dns::{Answer, Config, Name, Question, Resolver};
use tokio::time::Instant;

fn a(text: &str) -> Question {
    Question::A(Name::try_from(text).unwrap())
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

/// Serves `count` questions with what `answer` makes of each datagram, and tells who asked each under
/// which id.
fn serve(
    count: usize,
    answer: impl Fn(&UdpSocket, &[u8], SocketAddr) + Send + 'static,
) -> (Resolver, thread::JoinHandle<Vec<(u16, u16)>>) {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let servers = vec![server.local_addr().unwrap()];
    let serving = thread::spawn(move || {
        let mut buffer = [0; 512];
        let each = (0..count).map(|_| {
            let (octets, from) = server.recv_from(&mut buffer).unwrap();
            answer(&server, &buffer[..octets], from);
            (from.port(), u16::from_be_bytes([buffer[0], buffer[1]]))
        });
        each.collect()
    });
    let config = Config { servers, timeout_ms: 2_000, attempts: 1, ..Config::default() };
    (Resolver::new(&config).unwrap(), serving)
}

/// The answer to `query` that its name doesn't exist.
fn missing(query: &[u8]) -> Vec<u8> {
    let mut answer = query.to_vec();
    (answer[2], answer[3]) = (0x81, 0x83);
    answer
}

#[tokio::test]
async fn an_answer_is_that_of_the_server_under_the_id_and_to_the_question() {
    let (resolver, serving) = serve(1, |server, query, from| {
        let forged = |change: fn(&mut [u8])| {
            let mut answer = missing(query);
            answer[3] = 0x80;
            change(&mut answer);
            answer
        };
        let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
        stranger.send_to(&forged(|_| {}), from).unwrap();
        server.send_to(&forged(|it| it[1] ^= 1), from).unwrap();
        server.send_to(&forged(|it| it[13] = b'x'), from).unwrap();
        server.send_to(&[], from).unwrap();
        server.send_to(&missing(query), from).unwrap();
    });
    assert_eq!(resolver.ask(a("mail.example"), soon()).await, Answer::NoSuchName);
    serving.join().unwrap();
}

#[tokio::test]
async fn who_guesses_ids_is_left_behind_at_another_port() {
    const GUESSES: usize = 20;
    let (resolver, serving) = serve(2, |server, query, from| {
        let guess = |number: usize| {
            let mut answer = missing(query);
            answer[0] ^= u8::try_from(number).unwrap();
            answer
        };
        (1..=GUESSES).for_each(|number| drop(server.send_to(&guess(number), from)));
        let _ = server.send_to(&missing(query), from);
    });
    assert_eq!(resolver.ask(a("mail.example"), soon()).await, Answer::NoSuchName);
    let asked = serving.join().unwrap();
    assert_ne!(asked[0].0, asked[1].0, "{asked:?}");
}

#[tokio::test]
async fn ports_and_ids_change() {
    const QUESTIONS: usize = 600;
    let (resolver, serving) =
        serve(QUESTIONS, |server, query, from| drop(server.send_to(&missing(query), from)));
    for number in 0..QUESTIONS {
        let answer = resolver.ask(a(&format!("{number}.example")), soon()).await;
        assert_eq!(answer, Answer::NoSuchName);
    }
    let asked = serving.join().unwrap();
    let ports: HashSet<u16> = asked.iter().map(|(port, _)| *port).collect();
    let ids: HashSet<u16> = asked.iter().map(|(_, id)| *id).collect();
    assert!((3..=4).contains(&ports.len()), "{ports:?}");
    assert!(ids.len() > QUESTIONS - 30, "{} different ids", ids.len());
}
