//! Every signal that is not a rule or a statistic: one file a check, and the authentication they
//! read.
//!
//! A [`Check`] looks at what is [`Known`] of a message and says what it sees. It never waits: at
//! the first [`Stage`] at which all it needs is known it may put [`Questions`], and when the message
//! has arrived it judges with the [`Answers`](tidegate_dns::Answers) that came in time. So a check
//! needs no network in its tests, and what leaves the machine on behalf of a message is data that
//! can be listed, logged and replayed.
//!
//! To add one: write its file, add its line to [`table`], and that is all. Its default score stands
//! in its [`SignalDef`](tidegate_signal::SignalDef)s.
//!
//! Invariant: a check never reads another's signals; rules over signals do that.

mod check;
mod known;
pub mod table;
mod words;

pub mod attachments;
pub mod auth;
pub mod authentication;
pub mod bulk;
pub mod client;
pub mod content;
pub mod headers;
pub mod links;
pub mod lists;
pub mod trust;

pub use check::{AnyCheck, Check, Configured, Cost, Entry, InvalidSetting, Questions, Stage};
pub use known::{Known, Network, ParseNetworkError, Site};
