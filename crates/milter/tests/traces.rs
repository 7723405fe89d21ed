//! Captured streams, replayed to a server: what the MTA said then, the filter answers now as then.
//!
//! A trace has a line a frame: `M:` from the MTA, `F:` from the filter, code and data escaped as in
//! Rust, and `#` before words for a person.

// Functions beside the tests may fail as loudly as the tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use tidegate_milter::ServerLimits;

mod by_subject;

#[test]
fn captured_streams_are_answered_as_they_were() {
    let place = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    for file in fs::read_dir(traces).unwrap() {
        let file = file.unwrap().path();
        let socket = place.path().join("filter");
        let counters = runtime.block_on(by_subject::serve(&socket, ServerLimits::default()));
        let mut mta = UnixStream::connect(&socket).unwrap();
        mta.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let place = format!("{}:{}", file.display(), number + 1);
            match line.split_once(": ") {
                Some(("M", frame)) => mta.write_all(&wire(frame)).unwrap(),
                Some(("F", frame)) => {
                    let expect = wire(frame);
                    let mut answer = vec![0; expect.len()];
                    mta.read_exact(&mut answer).unwrap_or_else(|error| panic!("{place}: {error}"));
                    assert_eq!(
                        answer.escape_ascii().to_string(),
                        expect.escape_ascii().to_string()
                    );
                }
                _ => assert!(line.starts_with('#'), "{place}: neither M: nor F: nor #"),
            }
        }
        // Nothing more than the trace has is answered, and the connection ends in order.
        let mut rest = Vec::new();
        mta.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
        assert_eq!(counters.read().protocol_errors, 0, "{}", file.display());
    }
}

/// A line of a trace as a frame.
fn wire(escaped: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = escaped.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'\\' => unescape(&mut rest),
            octet => octet,
        });
    }
    [&u32::try_from(octets.len()).unwrap().to_be_bytes(), &octets[..]].concat()
}

/// The octet behind a backslash.
fn unescape(rest: &mut impl Iterator<Item = u8>) -> u8 {
    let mut next = || rest.next().expect("an octet behind the backslash");
    match next() {
        b'x' => {
            let digits = [next(), next()];
            u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
        }
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        octet => octet,
    }
}
