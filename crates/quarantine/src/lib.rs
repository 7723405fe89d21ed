//! Held mail: kept durably, shown to its recipient, released or let go.
//!
//! A message that a recipient's policy holds is stored as one object, with a record of all that is
//! known of it, and with one entry a recipient in an index ([`Quarantine::hold`]). It can then be listed,
//! shown, released by SMTP and deleted; what nobody asks for expires. A [`Sender`] puts mail of our own
//! making back into the MTA, with a mark ([`Marks`]) by which the milter knows it again and lets it pass.
//!
//! Invariant: when `hold` has returned, the message survives a crash of the machine; whatever fails
//! between two steps leads to a message that is there twice, and said to be, and never to none.

mod bounds;
mod config;
mod content;
mod copies;
mod counters;
mod digest;
mod entry;
mod error;
pub mod fault;
mod forget;
mod hold;
mod id;
mod index;
mod letter;
mod links;
mod list;
mod mark;
mod notices;
mod objects;
mod plain;
mod quarantine;
mod recover;
mod release;
mod sender;
mod show;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use config::{Config, Destination, DigestConfig, Invalid};
pub use copies::{CopyNote, UnansweredCopies};
pub use counters::Counted;
pub use digest::{Addressee, DigestError, Digested, local_time, time_text};
pub use entry::{Done, Entry, Held, HeldFor, Holding, Said, State, Summary};
pub use error::{DeleteError, HoldError, LinkError, OpenError, ReadError, ReleaseError, SendError};
pub use forget::Forgotten;
pub use id::EntryId;
pub use letter::{Letter, Line};
pub use list::{Filter, Page};
pub use mark::{Found, MARK, Marks, Purpose};
pub use notices::Notices;
pub use objects::keeper;
pub(crate) use objects::kind_of;
pub use plain::plain;
pub use quarantine::Quarantine;
pub use recover::Recovered;
pub use release::Released;
pub use sender::Sender;
pub use show::{Attached, Linked, Shown};
