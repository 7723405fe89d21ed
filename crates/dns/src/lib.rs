//! Typed DNS questions answered once: cached, shared in flight, under a deadline; list zones and
//! their test points.
//!
//! A [`Question`] is data, and so is its [`Answer`]: failure and lateness are answers as well. A
//! [`Resolver`] starts a question at once and lends a [`Lookup`] to wait for. A [`Zone`] turns a
//! subject into a question and the answer into a [`Listing`] (RFC 5782); a [`Prober`] finds out which
//! zones may be believed.
//!
//! Invariant: no answer of the network, however late, wrong or hostile, panics, grows without a
//! bound, or reads as a listing that its operator did not document.

mod answer;
mod cache;
mod code;
mod config;
mod datagram;
mod health;
mod line;
mod name;
mod prober;
mod public;
mod question;
mod resolver;
mod reverse;
mod stats;
#[cfg(feature = "testing")]
pub mod testing;
mod told;
mod upstream;
mod written;
mod zone;

pub use answer::{Answer, Answers, Mx, Records, Why};
pub use code::{Code, CodeConfig, CodeError};
pub use config::{Config, ConfigError};
pub use health::{Health, contradicted, probe};
pub use name::{Name, NameError};
pub use prober::{PROBE_INTERVAL, Prober};
pub use question::Question;
pub use resolver::{Lookup, Resolver};
pub use stats::Stats;
pub use written::Written;
pub use zone::{Kind, Listing, Side, Subject, Zone, ZoneConfig, ZoneError};

/// Holds the example of the README to the compiler.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
