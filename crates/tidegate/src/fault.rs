//! Steps of a message at which a test has its judging panic, named by `TIDEGATE_PANIC`: `STEP:FIELD` panics
//! at that step of each message that has such a header field.
//!
//! Invariant: without the feature `faults`, which only tests build with, there is nothing here.

/// Panics where this step is the one that is named, and `header` has the field.
#[cfg(feature = "faults")]
#[expect(clippy::panic, reason = "that is what it is for")]
pub(crate) fn panic_at(step: &str, header: &[u8]) {
    let named = std::env::var("TIDEGATE_PANIC").unwrap_or_default();
    let Some((at, field)) = named.split_once(':') else { return };
    let has_field = header
        .split(|octet| *octet == b'\n')
        .any(|line| line.strip_prefix(field.as_bytes()).is_some_and(|rest| rest.starts_with(b":")));
    if at == step && has_field {
        panic!("as the test wants it, at step {step}");
    }
}

/// Nothing.
#[cfg(not(feature = "faults"))]
pub(crate) const fn panic_at(_step: &str, _header: &[u8]) {}
