//! Any bytes are decoded without a panic, and what was decoded survives encoding.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_milter::{Reply, decode};

const LONGEST: u32 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some((command, used))) = decode(bytes, LONGEST) {
        assert!(used <= bytes.len());
        let mut wire = Vec::new();
        command.encode(&mut wire);
        let again = decode(&wire, LONGEST).expect("what was encoded is a command");
        assert_eq!(again, Some((command, wire.len())));
    }
    if let Ok(Some((reply, used))) = Reply::decode(bytes, LONGEST) {
        assert!(used <= bytes.len());
        let mut wire = Vec::new();
        reply.encode(&mut wire);
        let again = Reply::decode(&wire, LONGEST).expect("what was encoded is a reply");
        assert_eq!(again, Some((reply, wire.len())));
    }
});
