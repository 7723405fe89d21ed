//! Any bytes are a segment of the journal, of which nothing is read that was not written.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|segment: &[u8]| tidegate::fuzzing::journal(segment));
