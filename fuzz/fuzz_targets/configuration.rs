//! Any text is a configuration or a list of mistakes that can be told.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| tidegate::fuzzing::configuration(text));
