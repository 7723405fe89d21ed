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

use support::daemon::{DEAD_DNS, Daemon};
use support::mail;
use support::postfix::Postfix;
use support::smtp::Mail;

/// A frame that went by: whether the filter sent it, and its command.
type Frame = (bool, u8);

/// Passes one connection on to `filter`, telling each frame in the order in which it came by.
fn listen_in(at: &Path, filter: &Path) -> mpsc::Receiver<Frame> {
    let listener = UnixListener::bind(at).unwrap();
    std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o666)).unwrap();
    let filter = filter.to_owned();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let (mta, _) = listener.accept().unwrap();
        let filter = UnixStream::connect(filter).unwrap();
        let (mta_in, filter_in) = (mta.try_clone().unwrap(), filter.try_clone().unwrap());
        let tell_replies = tell.clone();
        let replies = thread::spawn(move || pass(filter_in, mta, true, &tell_replies));
        pass(mta_in, filter, false, &tell);
        let _ = replies.join();
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
    assert!(postfix.send(&Mail::new(&clean)).starts_with("250"));
    drop(postfix);

    let mut frames: Vec<Frame> = Vec::new();
    while let Ok(frame) = told.recv_timeout(std::time::Duration::from_secs(10)) {
        frames.push(frame);
    }
    let end = frames.iter().position(|frame| *frame == (false, b'E')).expect("an end of message");
    let early: Vec<char> =
        frames[..end].iter().filter(|(of_filter, _)| *of_filter).map(|(_, c)| *c as char).collect();
    assert_eq!(early, ['O'], "only the negotiation is answered: {frames:?}");
    let commands: Vec<char> =
        frames[..end].iter().filter(|(of_filter, _)| !of_filter).map(|(_, c)| *c as char).collect();
    for step in ['C', 'H', 'M', 'R', 'L', 'N', 'B'] {
        assert!(commands.contains(&step), "the filter learns of {step}: {commands:?}");
    }
}
