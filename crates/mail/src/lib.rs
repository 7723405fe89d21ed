//! One message as the checks see it: the envelope, and a bounded view over one buffer.
//!
//! [`Envelope`] is what SMTP said; [`Message`] is a view over the bytes that were transferred. What
//! can be borrowed from them is; decoded text exists only where an encoding forces it. Reading a
//! message never fails: mail is often malformed, and sometimes on purpose. What is wrong with it,
//! and what was cut because an attacker can grow it, is told as [`Defect`]s.
//!
//! ```
//! use tidegate_mail::{Bounds, Message};
//!
//! let raw = b"From: Anna <anna@example.org>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nSee http://example.org/\r\n";
//! let message = Message::parse(raw, &Bounds::default());
//! assert_eq!(message.subject(), Some("Grüße"));
//! assert_eq!(message.from()[0].address.domain(), Some("example.org"));
//! assert_eq!(message.links()[0].host.as_deref(), Some("example.org"));
//! ```
//!
//! Invariant: reading costs time and memory in proportion to the message, and no more than
//! [`Bounds`] allow.

mod address;
mod archive;
mod attachments;
mod bounds;
mod claims;
mod css;
mod date;
mod decode;
mod defects;
mod domain;
mod envelope;
mod fields;
mod header;
#[cfg(any(test, feature = "testing"))]
pub mod hostile;
mod html;
mod index;
mod links;
mod message;
mod mime;
mod received;
mod scripts;
mod sniff;
mod text;
mod unseen;
mod url;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use address::{Address, Mailbox};
pub use attachments::Attachment;
pub use bounds::Bounds;
pub use claims::{file_ending, opens_as_page};
pub use defects::Defect;
pub use domain::registered_domain;
pub use envelope::{Envelope, Tls};
pub use fields::{Field, in_angle_brackets};
pub use header::Header;
pub use html::HtmlFacts;
pub use links::{Link, LinkKind};
pub use message::Message;
pub use mime::{Disposition, Encoding, Part};
pub use received::Hop;
pub use sniff::FileKind;
pub use url::asked_host;
