//! What the benches measure on: a fixed set of messages that looks like a day's mail, and the engine as it ships,
//! which asks a DNS that is written down here.
//!
//! Invariant: nothing depends on the machine, the day or the network, so that counts can be compared.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark ends, loudly, at a mistake"
)]

pub mod frames;
mod letters;
mod set;
mod shipped;
mod signing;
mod world;

pub use set::{Sample, letters_of_strangers, more_samples, samples};
pub use shipped::{Ready, Shipped, shipped};
