//! The milter wire protocol, versions 2 to 6: a sans-IO codec and session, and a tokio server on it.
//!
//! Three layers, each usable without the next:
//! - [`decode`], [`Command`] and [`Reply`] turn bytes into commands and replies, and back;
//! - [`Session`] keeps their order, gathers envelope and message, and knows where a reply is due;
//!   it has no socket and no clock;
//! - [`Server`] runs a [`Filter`] on [`Listener`]s, with bounds and time-outs.
//!
//! A filter that wants no early answers costs an MTA one round trip a message: all steps are told,
//! none is answered before the end.
//!
//! There is no RFC. The sources are `libmilter/mfdef.h` and what Sendmail and Postfix do; where a
//! type carries mail, its documentation names the RFC of that.
//!
//! Invariant: this crate knows nothing of spam, and nothing an MTA sends makes it panic, wait for
//! ever, or keep more than its limits allow.

mod address;
mod answer;
mod command;
mod config;
mod connection;
mod counters;
mod envelope;
mod filter;
pub mod gate;
mod guard;
mod listen;
mod message;
mod modification;
mod negotiate;
mod options;
mod reply;
mod server;
mod session;
mod smtp_reply;
mod wire;

pub use address::{Address, AddressError};
pub use command::{Command, Peer, Stage, decode};
pub use config::{Config, OnFailure};
pub use counters::{Counted, Counters};
pub use envelope::{Envelope, Mailbox};
pub use filter::Filter;
pub use listen::{Access, Detached, ListenError, Listener};
pub use modification::{
    Disposition, HeaderName, HeaderValue, Modification, OneLine, Outcome, TextError,
};
pub use negotiate::{Agreed, NegotiateError, Steps, Wants};
pub use options::{Actions, Options, Protocol, SymbolStage, Symbols};
pub use reply::Reply;
pub use server::{Server, ServerLimits};
pub use session::{Event, NotAgreed, Phase, Received, Session, SessionError, SessionLimits};
pub use smtp_reply::{SmtpReply, SmtpReplyError};
pub use wire::{DecodeError, Strings};

/// Keeps the README's example compiling.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
