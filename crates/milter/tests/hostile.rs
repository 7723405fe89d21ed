//! An MTA that is none: frames that announce more than comes, and messages that never end. Memory is
//! counted: a session keeps what its limits allow, whatever is sent.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use allocation_counter::measure;
use tidegate_milter::{
    Actions, Command, Disposition, Options, Protocol, Session, SessionError, SessionLimits, Stage,
    Strings, Symbols, Wants, decode,
};

const LONGEST: u32 = 1 << 20;

fn args(octets: &[u8]) -> Strings<'_> {
    Strings::new(octets).unwrap()
}

/// A session that was told who sends.
fn session(limits: SessionLimits) -> Session {
    let mut session = Session::new(Wants::default(), limits);
    let offer = Options {
        version: 6,
        actions: Actions::from_bits_retain(0x1ff),
        protocol: Protocol::from_bits_retain(0x1f_ffff),
        symbols: Symbols::default(),
    };
    let mail = Command::Mail { path: b"<mallory@evil.example>", args: args(b"") };
    for command in [Command::Negotiate(offer), mail] {
        tell(&mut session, command).unwrap();
    }
    session
}

fn tell(session: &mut Session, command: Command<'_>) -> Result<(), SessionError> {
    let mut sent = Vec::new();
    session.handle(command, &mut sent)?;
    session.answer(&Disposition::Continue, &mut sent);
    Ok(())
}

#[test]
fn a_frame_that_is_announced_and_does_not_come_takes_no_memory() {
    for announced in [0u32, 1, LONGEST, LONGEST + 1, u32::MAX - 1, u32::MAX] {
        for code in [b'O', b'B', b'L', b'D', b'R', 0, 255] {
            let wire = [&announced.to_be_bytes()[..], &[code], b"x\0y"].concat();
            let measured = measure(|| {
                let decoded = decode(&wire, LONGEST);
                let is_short = announced <= 4;
                assert!(is_short || !matches!(decoded, Ok(Some(_))), "{announced} {decoded:?}");
                assert!(announced <= LONGEST || decoded.is_err(), "{announced} {decoded:?}");
            });
            assert!(measured.bytes_total < 1_024, "{announced}: {measured:?}");
        }
    }
}

#[test]
fn a_message_without_end_is_kept_up_to_its_limits() {
    let limits = SessionLimits {
        header_octets: 64 << 10,
        header_fields: 100,
        body_octets: 256 << 10,
        ..SessionLimits::default()
    };
    let value = vec![b'x'; 40_000];
    let measured = measure(|| {
        let mut session = session(limits);
        tell(&mut session, Command::Rcpt { path: b"<a@b.example>", args: args(b"") }).unwrap();
        tell(&mut session, Command::Data).unwrap();
        for _ in 0..2_000 {
            tell(&mut session, Command::Header { name: b"X-Long", value: &value }).unwrap();
            tell(&mut session, Command::Header { name: b"X", value: b"y" }).unwrap();
        }
        tell(&mut session, Command::EndOfHeader).unwrap();
        for _ in 0..2_000 {
            tell(&mut session, Command::Body(&value)).unwrap();
        }
        let kept = session.received().raw.len();
        assert!(kept <= limits.header_octets + 2 + limits.body_octets, "{kept}");
    });
    assert!(measured.bytes_max < 2 << 20, "{} of 80 MB at once", measured.bytes_max);
}

#[test]
fn macros_and_recipients_without_end_are_not_kept() {
    let flood = |command: &dyn Fn(&[u8]) -> Result<(), SessionError>| {
        (0..200_000)
            .any(|at| command(format!("m{at}\0{}\0", "v".repeat(1_000)).as_bytes()).is_err())
    };
    let measured = measure(|| {
        let session = std::cell::RefCell::new(session(SessionLimits::default()));
        // Those that are over the limit may be left out, or end the connection.
        let _ = flood(&|text| {
            let pairs = args(text);
            tell(&mut session.borrow_mut(), Command::Macros { stage: Stage::Rcpt, pairs })
        });
    });
    assert!(measured.bytes_max < 4 << 20, "{} of 200 MB at once", measured.bytes_max);
    let measured = measure(|| {
        let session = std::cell::RefCell::new(session(SessionLimits::default()));
        let refused = flood(&|text| {
            let path = text.split(|byte| *byte == 0).nth(1).unwrap();
            tell(&mut session.borrow_mut(), Command::Rcpt { path, args: args(b"") })
        });
        assert!(refused, "200,000 recipients");
    });
    assert!(measured.bytes_max < 16 << 20, "{} of 200 MB at once", measured.bytes_max);
}
