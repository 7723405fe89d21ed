//! The clock of the machine leaps, a year on and a year back.

use std::fs;
use std::path::Path;

use super::support::load::Load;
use super::support::skip;
use super::{Faulty, UNIX};

/// Where Debian's libfaketime is.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

#[test]
fn the_clock_leaps_on_and_back() {
    if !Path::new(LIBRARY).exists() {
        return skip("faketime is not installed");
    }
    let dir = tempfile::Builder::new().prefix("tidegate-clock.").tempdir_in("/tmp").unwrap();
    let offset = dir.path().join("offset");
    fs::write(&offset, "+0").unwrap();
    let environment = [
        ("LD_PRELOAD", LIBRARY),
        ("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        // The library reads that file, which is none of the daemon's.
        ("TIDEGATE__SERVER__SANDBOX", "false"),
        // That clock leaps nowhere.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let Some(mut faulty) = Faulty::start(UNIX, "", &environment) else { return };
    let leap = |to: &str| {
        let fresh = offset.with_extension("new");
        fs::write(&fresh, to).unwrap();
        fs::rename(&fresh, &offset).unwrap();
    };
    let account = faulty.send(&Load::new(), |progress, _, _| {
        for (share, to) in [(0.2, "+1y"), (0.4, "+0"), (0.6, "-1y"), (0.8, "+0")] {
            progress.wait(share);
            leap(to);
        }
    });
    account.is_whole("the clock leapt on and back by a year, twice");
    account.is_undisturbed();
    // What was held a year ago, or in a year, is all there.
    faulty.site.daemon.stop();
    faulty.site.daemon.restart();
    assert_eq!(faulty.site.held().values().flatten().count(), account.held);
}
