//! The example, run as the service manager would run it: on a TCP socket passed to it by name.

// Functions beside the tests may fail as loudly as the tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command as Process, Stdio};
use std::time::Duration;

use tidegate_milter::{Actions, Command, Options, Protocol, Reply, Strings, Symbols};

/// Ends the example with the test, also when the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_example_serves_on_a_passed_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut mta = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    mta.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // target/debug/deps/this -> target/debug/examples/add_header
    let here = std::env::current_exe().unwrap();
    let example = here.ancestors().nth(2).unwrap().join("examples/add_header");
    let script = "export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=other:milter\n\
                  exec \"$0\" fd:milter 3</dev/null 4<&0";
    let example = Process::new("sh")
        .args(["-c", script])
        .arg(example)
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .spawn()
        .unwrap();
    let _running = Running(example);

    let mut wire = Vec::new();
    let (actions, protocol) = (Actions::ADD_HEADERS, Protocol::from_bits_retain(0x1f_ffff));
    let offer = Options { version: 6, actions, protocol, symbols: Symbols::default() };
    let args = Strings::default();
    for command in [
        Command::Negotiate(offer),
        Command::Mail { path: b"<a@a.example>", args },
        Command::Rcpt { path: b"<b@b.example>", args },
        Command::Header { name: b"Subject", value: b" hello" },
        Command::EndOfHeader,
        Command::EndOfMessage(b"hi\r\n"),
        Command::Quit,
    ] {
        command.encode(&mut wire);
    }
    mta.write_all(&wire).unwrap();
    let mut answer = Vec::new();
    mta.read_to_end(&mut answer).unwrap();
    let mut at = 0;
    let mut replies = Vec::new();
    while let Some((reply, octets)) = Reply::decode(&answer[at..], 1 << 16).unwrap() {
        replies.push(reply);
        at += octets;
    }
    let value = b" 22 octets\n\tfor 1 recipients";
    let seen = Reply::InsertHeader { index: 0, name: b"X-Seen", value };
    assert_eq!(replies[1..], [seen, Reply::Continue]);
}
