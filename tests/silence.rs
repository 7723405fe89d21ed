//! What one message costs in round trips: nothing is said before its end.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use support::daemon::{DEAD_DNS, Daemon};
use support::mail;
use support::postfix::Postfix;
use support::smtp::Mail;

/// A frame that went by: whether the filter sent it, and its command.
type Frame = (bool, u8);

/// The frames of one connection after another; Postfix makes one for each client, and another when
/// a client says by XCLIENT that it is somebody else.
type Told = mpsc::Receiver<mpsc::Receiver<Frame>>;

/// Passes connections on to `filter`, telling each frame in the order in which it came by.
fn listen_in(at: &Path, filter: &Path) -> Told {
    let listener = UnixListener::bind(at).unwrap();
    std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o666)).unwrap();
    let filter = filter.to_owned();
    let (connected, told) = mpsc::channel();
    thread::spawn(move || {
        for mta in listener.incoming() {
            let (mta, filter) = (mta.unwrap(), UnixStream::connect(&filter).unwrap());
            let (mta_in, filter_in) = (mta.try_clone().unwrap(), filter.try_clone().unwrap());
            let (tell, frames) = mpsc::channel();
            let tell_replies = tell.clone();
            thread::spawn(move || pass(filter_in, mta, true, &tell_replies));
            thread::spawn(move || pass(mta_in, filter, false, &tell));
            if connected.send(frames).is_err() {
                break;
            }
        }
    });
    told
}

/// Copies frames: a length of four bytes, then a command and its data.
fn pass(mut from: UnixStream, mut to: UnixStream, of_filter: bool, tell: &mpsc::Sender<Frame>) {
    let mut length = [0; 4];
    while from.read_exact(&mut length).is_ok() {
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        if from.read_exact(&mut frame).is_err() {
            break;
        }
        // Told before it is passed on, so that what it brings about is told after it.
        let _ = tell.send((of_filter, frame[0]));
        if to.write_all(&length).and_then(|()| to.write_all(&frame)).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[test]
fn nothing_is_replied_before_the_end_of_the_message() {
    let daemon = Daemon::start(DEAD_DNS, "");
    let at = daemon.dir.path().join("proxy.sock");
    let told = listen_in(&at, &daemon.socket());
    let Some(postfix) = Postfix::start(&format!("unix:{}", at.display()), &[]) else { return };
    let clean = mail("clean.eml");
    let reply = postfix.send(&Mail::new(&clean));
    assert!(reply.starts_with("250"), "{reply}\n{}", postfix.log());
    drop(postfix);

    let is_end = |frame: &Frame| *frame == (false, b'E');
    let mut connections = std::iter::from_fn(|| told.recv_timeout(Duration::from_secs(10)).ok());
    let frames = connections.find_map(|connection| {
        let wait = Duration::from_secs(10);
        let frames: Vec<Frame> =
            std::iter::from_fn(|| connection.recv_timeout(wait).ok()).collect();
        frames.iter().any(is_end).then_some(frames)
    });
    let frames = frames.expect("a connection with a message");
    let end = frames.iter().position(is_end).expect("an end of message");
    let early: Vec<char> =
        frames[..end].iter().filter(|(of_filter, _)| *of_filter).map(|(_, c)| *c as char).collect();
    assert_eq!(early, ['O'], "only the negotiation is answered: {frames:?}");
    let commands: Vec<char> =
        frames[..end].iter().filter(|(of_filter, _)| !of_filter).map(|(_, c)| *c as char).collect();
    for step in ['C', 'H', 'M', 'R', 'L', 'N', 'B'] {
        assert!(commands.contains(&step), "the filter learns of {step}: {commands:?}");
    }
}
