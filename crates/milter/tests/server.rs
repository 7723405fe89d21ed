//! The server on real sockets: time-outs, bounds, signs of life, panics, and an orderly end.

// Functions beside the tests may fail as loudly as the tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tidegate_milter::{
    Access, Actions, Address, Command, Counters, ListenError, Listener, Options, Peer, Protocol,
    Reply, Server, ServerLimits, Strings, Symbols,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

mod by_subject;

const PATIENCE: Duration = Duration::from_secs(10);

/// An MTA as Postfix is one, on a socket.
struct Mta {
    stream: UnixStream,
    inbox: Vec<u8>,
}

impl Mta {
    async fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).await.unwrap();
        let mut mta = Self { stream, inbox: Vec::new() };
        let offer = Options {
            version: 6,
            actions: Actions::from_bits_retain(0x1ff),
            protocol: Protocol::from_bits_retain(0x1f_ffff),
            symbols: Symbols::default(),
        };
        mta.tell(&[Command::Negotiate(offer)]).await;
        assert!(mta.reply().await.starts_with("Negotiate"));
        let peer = Peer::Inet("192.0.2.1:25".parse().unwrap());
        mta.tell(&[Command::Connect { name: b"client.example", peer }, Command::Helo(b"c")]).await;
        mta
    }

    async fn tell(&mut self, commands: &[Command<'_>]) {
        let mut wire = Vec::new();
        commands.iter().for_each(|command| command.encode(&mut wire));
        self.stream.write_all(&wire).await.unwrap();
    }

    /// Sends a message but for its end.
    async fn begin(&mut self, subject: &str) {
        let args = Strings::default();
        self.tell(&[
            Command::Mail { path: b"<a@a.example>", args },
            Command::Rcpt { path: b"<b@b.example>", args },
            Command::Data,
            Command::Header { name: b"Subject", value: format!(" {subject}").as_bytes() },
            Command::EndOfHeader,
            Command::Body(b"hello\r\n"),
        ])
        .await;
    }

    async fn send(&mut self, subject: &str) -> String {
        self.begin(subject).await;
        self.tell(&[Command::EndOfMessage(b"")]).await;
        self.reply().await
    }

    /// The next reply, or `closed`.
    async fn reply(&mut self) -> String {
        loop {
            if let Some((reply, octets)) = Reply::decode(&self.inbox, 1 << 20).unwrap() {
                let words = format!("{reply:?}");
                self.inbox.drain(..octets);
                return words;
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.inbox)).await.unwrap();
            if !matches!(read, Ok(1..)) {
                return "closed".to_owned();
            }
        }
    }
}

async fn serve(limits: ServerLimits) -> (tempfile::TempDir, PathBuf, Arc<Counters>) {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("filter");
    let counters = by_subject::serve(&socket, limits).await;
    (place, socket, counters)
}

#[tokio::test]
async fn several_messages_go_through_one_connection() {
    let (_place, socket, counters) = serve(ServerLimits::default()).await;
    let mut mta = Mta::connect(&socket).await;
    for _ in 0..3 {
        assert_eq!(mta.send("plain").await, "Continue");
    }
    mta.tell(&[Command::Quit]).await;
    assert_eq!(mta.reply().await, "closed");
    let counted = counters.read();
    assert_eq!((counted.connections, counted.messages, counted.early_replies), (1, 3, 0));
    assert_eq!(counted.message_octets, 3 * "Subject: plain\r\n\r\nhello\r\n".len() as u64);
}

#[test]
fn a_connection_between_two_messages_holds_no_room_for_the_next() {
    const OPEN: u64 = 200;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let with = |connections: u64| {
        let opened = async {
            let (_place, socket, _) = serve(ServerLimits::default()).await;
            let mut open = Vec::new();
            for _ in 0..connections {
                let mut mta = Mta::connect(&socket).await;
                assert_eq!(mta.send("plain").await, "Continue");
                open.push(mta);
            }
        };
        allocation_counter::measure(|| runtime.block_on(opened)).bytes_max
    };
    // Both sides are counted.
    let each = (with(OPEN) - with(1)) / (OPEN - 1);
    assert!(each < 6 << 10, "{each} octets");
}

#[tokio::test]
async fn signs_of_life_are_sent_while_a_message_is_judged() {
    let progress = Duration::from_millis(100);
    let (_place, socket, _) = serve(ServerLimits { progress, ..ServerLimits::default() }).await;
    let mut mta = Mta::connect(&socket).await;
    assert_eq!(mta.send("slow").await, "Progress");
    assert_eq!(mta.reply().await, "Progress");
    assert_eq!(mta.reply().await, "Continue");
}

#[tokio::test]
async fn a_panic_costs_one_message_a_delay_and_nothing_else() {
    let (_place, socket, counters) = serve(ServerLimits::default()).await;
    let mut mta = Mta::connect(&socket).await;
    assert_eq!(mta.send("panic").await, "TempFail");
    assert_eq!(mta.send("plain").await, "Continue");
    assert_eq!(counters.read().failures, 1);
}

#[tokio::test]
async fn a_silent_mta_and_half_a_command_time_out() {
    let short = Duration::from_millis(100);
    let limits = ServerLimits { idle: short, ..ServerLimits::default() };
    let (_place, socket, counters) = serve(limits).await;
    assert_eq!(Mta::connect(&socket).await.reply().await, "closed");
    assert_eq!(counters.read().timeouts, 1);

    // Whoever never says what it can do has no more time than for half a command.
    let limits = ServerLimits { stall: short, ..ServerLimits::default() };
    let (_place, socket, counters) = serve(limits).await;
    let mut nobody = UnixStream::connect(&socket).await.unwrap();
    assert_eq!(nobody.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(counters.read().timeouts, 1);

    let limits = ServerLimits { stall: short, ..ServerLimits::default() };
    let (_place, socket, counters) = serve(limits).await;
    let mut mta = Mta::connect(&socket).await;
    mta.stream.write_all(&[0, 0, 1, 0, b'B', b'x']).await.unwrap();
    assert_eq!(mta.reply().await, "closed");
    assert_eq!(counters.read().timeouts, 1);
}

#[tokio::test]
async fn what_is_not_the_protocol_ends_the_connection() {
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0, 0, 0, 0], &[0, 0, 0, 1, b'z']] {
        let (_place, socket, counters) = serve(ServerLimits::default()).await;
        let mut mta = Mta::connect(&socket).await;
        mta.stream.write_all(bytes).await.unwrap();
        assert_eq!(mta.reply().await, "closed");
        assert_eq!(counters.read().protocol_errors, 1);
    }
}

#[tokio::test]
async fn a_connection_too_many_waits_for_a_place() {
    let limits = ServerLimits { connections: 1, ..ServerLimits::default() };
    let (_place, socket, counters) = serve(limits).await;
    let mut first = Mta::connect(&socket).await;
    assert_eq!(first.send("plain").await, "Continue");
    let second = tokio::spawn(async move { Mta::connect(&socket).await.send("plain").await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!((second.is_finished(), counters.read().connections), (false, 1));
    drop(first);
    assert_eq!(timeout(PATIENCE, second).await.unwrap().unwrap(), "Continue");
}

#[tokio::test]
async fn an_ending_server_finishes_what_is_open_within_its_grace_time() {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("filter");
    let address = [Address::Unix(socket.clone())];
    let listeners = Listener::open(&address, &Access::default()).await.unwrap();
    let grace = Duration::from_millis(500);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = Server::new(ServerLimits { grace, ..ServerLimits::default() });
    let serving = tokio::spawn(server.serve(listeners, || by_subject::BySubject, async {
        let _ = stopped.await;
    }));
    let mut idle = Mta::connect(&socket).await;
    let mut open = Mta::connect(&socket).await;
    let mut stuck = Mta::connect(&socket).await;
    assert_eq!(idle.send("plain").await, "Continue");
    open.begin("plain").await;
    stuck.begin("stuck").await;
    stuck.tell(&[Command::EndOfMessage(b"")]).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    stop.send(()).unwrap();
    assert_eq!(idle.reply().await, "closed");
    open.tell(&[Command::EndOfMessage(b"")]).await;
    assert_eq!(open.reply().await, "Continue");
    assert_eq!(open.reply().await, "closed");
    assert_eq!(stuck.reply().await, "closed");
    timeout(PATIENCE, serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("filter");
    let address = [Address::Unix(socket.clone())];
    let access = Access { mode: Some(0o600), group: None };
    let live = Listener::open(&address, &access).await.unwrap();
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let again = Listener::open(&address, &access).await;
    assert!(matches!(again, Err(ListenError::InUse(path)) if path == socket));
    drop(live);
    Listener::open(&address, &access).await.unwrap();

    let file = place.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    let refused = Listener::open(&[Address::Unix(file.clone())], &access).await;
    assert!(matches!(refused, Err(ListenError::NotASocket(path)) if path == file));
    let nobody = Access { mode: None, group: Some("no such group".to_owned()) };
    let refused = Listener::open(&address, &nobody).await;
    assert!(matches!(refused, Err(ListenError::Group(_))));
}

#[tokio::test]
async fn another_client_is_served_on_the_same_connection() {
    let (_place, socket, counters) = serve(ServerLimits::default()).await;
    let mut mta = Mta::connect(&socket).await;
    assert_eq!(mta.send("plain").await, "Continue");
    mta.tell(&[Command::QuitNewConnection]).await;
    mta.tell(&[Command::Connect { name: b"other.example", peer: Peer::Unknown }]).await;
    assert_eq!(mta.send("tempfail").await, "TempFail");
    assert_eq!(counters.read().protocol_errors, 0);
}

#[tokio::test]
async fn a_listener_without_visitors_takes_no_place_from_the_others() {
    let place = tempfile::tempdir().unwrap();
    let sockets = [place.path().join("one"), place.path().join("two")];
    let addresses = sockets.clone().map(Address::Unix);
    let listeners = Listener::open(&addresses, &Access::default()).await.unwrap();
    let server = Server::new(ServerLimits { connections: 1, ..ServerLimits::default() });
    tokio::spawn(server.serve(listeners, || by_subject::BySubject, std::future::pending()));
    for socket in sockets {
        let mut mta = Mta::connect(&socket).await;
        assert_eq!(mta.send("plain").await, "Continue");
    }
}

/// Tells what it is told of answers.
struct Told(Arc<std::sync::Mutex<Vec<&'static str>>>);

impl tidegate_milter::Filter for Told {
    async fn message(&mut self, _: tidegate_milter::Received<'_>) -> tidegate_milter::Outcome {
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.0.lock().unwrap().push("judged");
        Default::default()
    }

    async fn answered(&mut self) {
        self.0.lock().unwrap().push("answered");
    }
}

#[tokio::test]
async fn a_filter_learns_that_the_mta_was_answered_and_not_when_it_has_gone() {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("filter");
    let listeners =
        Listener::open(&[Address::Unix(socket.clone())], &Access::default()).await.unwrap();
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let filter = Arc::clone(&told);
    let make = move || Told(Arc::clone(&filter));
    tokio::spawn(Server::new(ServerLimits::default()).serve(
        listeners,
        make,
        std::future::pending(),
    ));
    let wait_for = |words: &'static [&'static str]| {
        let told = Arc::clone(&told);
        timeout(PATIENCE, async move {
            while told.lock().unwrap()[..] != *words {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    };
    let mut mta = Mta::connect(&socket).await;
    assert_eq!(mta.send("one").await, "Continue");
    wait_for(&["judged", "answered"]).await.unwrap();
    mta.begin("two").await;
    mta.tell(&[Command::EndOfMessage(b"")]).await;
    drop(mta);
    wait_for(&["judged", "answered", "judged"]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(told.lock().unwrap().len(), 3, "nobody was there to be answered");
}
