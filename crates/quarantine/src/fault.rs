//! Steps at which a test of crashes has the process killed, named by `TIDEGATE_FAULT`.
//!
//! Invariant: without the feature `faults`, which only tests build with, there is nothing here.

#[cfg(all(feature = "faults", not(debug_assertions)))]
compile_error!("the feature 'faults' is for tests: no release may be killed by a variable");

/// Ends the process as `kill -KILL` does, where this step is the one that is named.
#[cfg(feature = "faults")]
pub fn point(step: &str) {
    if std::env::var_os("TIDEGATE_FAULT").is_some_and(|named| named == step) {
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
    }
}

/// Nothing.
#[cfg(not(feature = "faults"))]
pub const fn point(_step: &str) {}
