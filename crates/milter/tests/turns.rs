//! Connections past the bound: those of each MTA are served by turns, and what is too much is closed.

// Functions beside the tests may fail as loudly as the tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidegate_milter::{
    Access, Actions, Address, Command, Counters, Filter, Listener, Options, Outcome, Protocol,
    Received, Server, ServerLimits, Symbols,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Accepts all mail.
struct Plain;

impl Filter for Plain {
    async fn message(&mut self, _: Received<'_>) -> Outcome {
        Outcome::default()
    }
}

const FLOOD: &str = "127.0.0.2:0";
const OTHER: &str = "127.0.0.3:0";

async fn serve(connections: usize) -> (SocketAddr, Arc<Counters>) {
    let address = Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
    let listeners = Listener::open(&[address], &Access::default()).await.unwrap();
    let at = listeners[0].tcp_address().unwrap();
    let server = Server::new(ServerLimits { connections, ..ServerLimits::default() });
    let counters = server.counters();
    tokio::spawn(server.serve(listeners, || Plain, std::future::pending()));
    (at, counters)
}

/// A connection from the MTA at `from`, which waits for the answer to its offer.
async fn offer(at: SocketAddr, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(from.parse().unwrap()).unwrap();
    let mut stream = socket.connect(at).await.unwrap();
    let offer = Options {
        version: 6,
        actions: Actions::from_bits_retain(0x1ff),
        protocol: Protocol::from_bits_retain(0x1f_ffff),
        symbols: Symbols::default(),
    };
    let mut wire = Vec::new();
    Command::Negotiate(offer).encode(&mut wire);
    stream.write_all(&wire).await.unwrap();
    stream
}

/// Whether it is served: the offer is answered. Else it was closed.
async fn is_served(stream: &mut TcpStream) -> bool {
    let mut answer = [0; 64];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut answer)).await;
    matches!(read.unwrap(), Ok(octets) if octets > 0)
}

/// Waits for what the server does with connections that nobody answers.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(500)).await;
}

#[tokio::test]
async fn an_mta_that_fills_all_places_leaves_another_the_next_turn() {
    let (at, _) = serve(6).await;
    let mut flood = Vec::new();
    for _ in 0..6 {
        flood.push(offer(at, FLOOD).await);
    }
    for stream in &mut flood {
        assert!(is_served(stream).await);
    }
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(offer(at, FLOOD).await);
    }
    settle().await;
    let mut other = offer(at, OTHER).await;
    settle().await;
    // Two places come free: one for each of the two.
    flood.truncate(4);
    assert!(is_served(&mut other).await);
    assert!(is_served(&mut waiting[0]).await);
}

#[tokio::test]
async fn what_waits_past_the_bound_is_closed_of_the_mta_with_the_most() {
    let (at, counters) = serve(2).await;
    let mut flood = Vec::new();
    for _ in 0..4 {
        flood.push(offer(at, FLOOD).await);
        settle().await;
    }
    let _other = offer(at, OTHER).await;
    assert!(!is_served(&mut flood[3]).await);
    assert_eq!(counters.read().turned_away, 1);
    assert_eq!(counters.read().connections_open, 2);
}

/// Over both kinds of socket. The library's own 128 would let the others try again after a second, or never.
#[tokio::test]
async fn hundreds_that_come_at_once_wait_to_be_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("milter.sock");
    let tcp = Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
    let listeners =
        Listener::open(&[tcp, Address::Unix(path.clone())], &Access::default()).await.unwrap();
    let at = listeners[0].tcp_address().unwrap();
    let mut open = (Vec::new(), Vec::new());
    for _ in 0..400 {
        let come = std::net::TcpStream::connect_timeout(&at, Duration::from_millis(900));
        open.0.push(come.expect("it waits in the queue"));
        let come = tokio::net::UnixStream::connect(&path).await;
        open.1.push(come.expect("it waits in the queue"));
    }
}
