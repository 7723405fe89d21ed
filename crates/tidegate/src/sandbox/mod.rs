//! What the daemon gives up for good before it takes any mail: files that are not its own, programs,
//! ports, and calls of the system that it never makes.
//!
//! Whoever finds a flaw in a parser finds himself with nothing but what judging mail takes. Each part
//! is held as far as the kernel can, and the log tells how far that is.
//!
//! Invariant: it is entered while the process has one thread, which all later ones inherit from; and
//! what is refused then is an error to whoever tried, never the end of the process.

mod calls;
mod folders;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};

use crate::config::Loaded;
use folders::Folders;

/// Whether this process is in the sandbox: set once, never taken back.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Enters it, where the settings don't forbid. The log tells what holds.
pub(crate) fn enter(loaded: &Loaded) {
    if !loaded.settings.server.sandbox {
        tracing::warn!("the sandbox is switched off: [server] sandbox");
        return;
    }
    let folders = Folders::of(loaded);
    let no_core = setrlimit(Resource::RLIMIT_CORE, 0, 0).and_then(|()| prctl::set_dumpable(false));
    if let Err(error) = no_core {
        tracing::warn!("mail could be left in a core file: {error}");
    }
    if let Err(error) = prctl::set_no_new_privs() {
        tracing::warn!("programs with more rights can't be ruled out: {error}");
    }
    let files = folders.confine();
    let calls = calls::refuse();
    ENTERED.store(true, Ordering::Release);
    let holds = |held: &Result<&'static str, String>| held.as_ref().copied().unwrap_or("not held");
    tracing::info!(files = holds(&files), calls = holds(&calls), "in the sandbox");
    for why in [files.err(), calls.err()].into_iter().flatten() {
        tracing::warn!("the sandbox does not hold whole: {why}");
    }
}

/// The error of reading a file, with what the sandbox has to do with it.
pub(crate) fn told(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::PermissionDenied && ENTERED.load(Ordering::Acquire) {
        let why = "the daemon may read the folders alone that its configuration named when it was \
                   started: restart it to let this be read";
        return io::Error::new(error.kind(), format!("{error} ({why})"));
    }
    error
}
