//! The scripts of `tests/miltertest/`, run by OpenDKIM's `miltertest` against a filter.

// Functions beside the tests may fail as loudly as the tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use tidegate_milter::ServerLimits;

mod by_subject;

#[test]
fn miltertest_scripts_pass() {
    if Command::new("miltertest").arg("-V").output().is_err() {
        assert!(std::env::var_os("TIDEGATE_REQUIRE_ALL").is_none(), "no miltertest");
        println!("skipped: no miltertest");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("filter");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let counters = runtime.block_on(by_subject::serve(&socket, ServerLimits::default()));
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/miltertest");
    for script in fs::read_dir(scripts).unwrap() {
        let script = script.unwrap().path();
        let run = Command::new("timeout")
            .args(["30", "miltertest", "-D", &format!("socket=unix:{}", socket.display()), "-s"])
            .arg(&script)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[run.stderr, run.stdout].concat()).into_owned();
        assert!(run.status.success(), "{}: {said}", script.display());
    }
    let counted = counters.read();
    assert_eq!((counted.messages, counted.protocol_errors), (4, 0));
}
