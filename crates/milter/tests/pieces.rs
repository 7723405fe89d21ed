//! A message comes whole or in pieces, as the MTA and the network cut it.

// Functions beside the tests may fail as loudly as the tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tidegate_milter::{
    Access, Actions, Address, Command, Disposition, Filter, Listener, Options, Outcome, Peer,
    Protocol, Received, Reply, Server, ServerLimits, Strings, Symbols,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Tells, of each header, whether the end of the message had come with it.
struct Told(Arc<Mutex<Vec<bool>>>);

impl Filter for Told {
    async fn headers(&mut self, received: Received<'_>) -> Disposition {
        self.0.lock().unwrap().push(received.ended);
        Disposition::Continue
    }

    async fn message(&mut self, received: Received<'_>) -> Outcome {
        assert!(received.ended);
        Outcome::default()
    }
}

async fn serve() -> (SocketAddr, Arc<Mutex<Vec<bool>>>) {
    let address = Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
    let listeners = Listener::open(&[address], &Access::default()).await.unwrap();
    let at = listeners[0].tcp_address().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let filter = Arc::clone(&told);
    let make = move || Told(Arc::clone(&filter));
    tokio::spawn(Server::new(ServerLimits::default()).serve(
        listeners,
        make,
        std::future::pending(),
    ));
    (at, told)
}

async fn tell(mta: &mut TcpStream, commands: &[Command<'_>]) {
    let mut wire = Vec::new();
    commands.iter().for_each(|command| command.encode(&mut wire));
    mta.write_all(&wire).await.unwrap();
}

async fn reply(mta: &mut TcpStream) {
    let mut inbox = Vec::new();
    while Reply::decode(&inbox, 1 << 20).unwrap().is_none() {
        assert_ne!(mta.read_buf(&mut inbox).await.unwrap(), 0);
    }
}

/// A connection on which both sides agreed; the MTA's side holds small pieces back until what it sent
/// before is acknowledged, as TCP does by default.
async fn connect(at: SocketAddr) -> TcpStream {
    let mut mta = TcpStream::connect(at).await.unwrap();
    let offer = Options {
        version: 6,
        actions: Actions::from_bits_retain(0x1ff),
        protocol: Protocol::from_bits_retain(0x1f_ffff),
        symbols: Symbols::default(),
    };
    tell(&mut mta, &[Command::Negotiate(offer)]).await;
    reply(&mut mta).await;
    mta
}

const ENVELOPE: [Command<'_>; 3] = [
    Command::Connect { name: b"client.example", peer: Peer::Unknown },
    Command::Helo(b"client.example"),
    Command::Unknown(b"NOOP"),
];

fn message<'a>() -> [Command<'a>; 5] {
    let args = Strings::default();
    [
        Command::Mail { path: b"<a@a.example>", args },
        Command::Rcpt { path: b"<b@b.example>", args },
        Command::Header { name: b"Subject", value: b" hello" },
        Command::EndOfHeader,
        Command::Body(b"hello\r\n"),
    ]
}

#[tokio::test]
async fn a_filter_is_told_at_the_header_whether_the_end_has_come_with_it() {
    let (at, told) = serve().await;
    let mut mta = connect(at).await;
    let end = Command::EndOfMessage(b"");
    let whole: Vec<Command<'_>> = message().into_iter().chain([end]).collect();
    tell(&mut mta, &whole).await;
    reply(&mut mta).await;
    tell(&mut mta, &message()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    tell(&mut mta, &[end]).await;
    reply(&mut mta).await;
    assert_eq!(*told.lock().unwrap(), [true, false]);
}

#[tokio::test]
async fn what_an_mta_sends_in_small_pieces_is_acknowledged_at_once() {
    let (at, _told) = serve().await;
    let mut fastest = Duration::MAX;
    // Other work on the machine slows some down; a delayed acknowledgement would slow down all.
    for _ in 0..12 {
        let mut mta = connect(at).await;
        tell(&mut mta, &ENVELOPE).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
        let began = Instant::now();
        tell(&mut mta, &message()).await;
        tell(&mut mta, &[Command::EndOfMessage(b"")]).await;
        reply(&mut mta).await;
        fastest = fastest.min(began.elapsed());
    }
    assert!(fastest < Duration::from_millis(25), "{fastest:?} for the fastest");
}
