//! Any bytes on a connection of the pages, of somebody who is signed in and has mail held, are answered by
//! HTTP, and none of them by a failure.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|requests: &[u8]| {
    let answered = tidegate::fuzzing::pages(requests);
    assert!(answered.is_empty() || answered.starts_with(b"HTTP/1."));
    assert!(!answered.windows(12).any(|line| line == b"HTTP/1.1 500"));
});
