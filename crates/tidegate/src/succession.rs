//! One process after another behind the same listening socket.
//!
//! Invariant: whoever has the socket handed over begins when the process before has let go of the store, and
//! meanwhile the system keeps those who connect waiting.

use std::time::{Duration, Instant};

use tidegate_milter::Address;
use tidegate_store::Embedded;

use crate::config::Settings;
use crate::knowledge;

/// How often it is looked whether the process before has ended.
const LOOK: Duration = Duration::from_millis(20);
/// Longest wait beyond the grace time that the process before gives its messages.
const MARGIN: Duration = Duration::from_secs(15);

/// Waits, where a socket is handed over, until no other process has the store. Blocks: before there is a
/// runtime.
pub(crate) fn wait_for_predecessor(settings: &Settings) {
    let handed_over = |address: &Address| matches!(address, Address::Passed(_));
    if !settings.milter.listen.iter().any(handed_over) {
        return;
    }
    let folder = knowledge::folder(settings);
    let (began, most) = (Instant::now(), settings.milter.limits().grace + MARGIN);
    let mut told = false;
    while Embedded::is_in_use(&folder) && began.elapsed() < most {
        if !told {
            tracing::info!("waiting for the process before to end, which has the store");
            told = true;
        }
        std::thread::sleep(LOOK);
    }
}
