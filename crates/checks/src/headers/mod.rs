//! The form of the header section: what RFC 5322 asks for, and what honest programs never write.
//!
//! Invariant: a field that is merely sloppy weighs little, since honest programs are sloppy too.

pub mod author;
pub mod calendar;
pub mod date;
pub(crate) mod defects;
pub mod duplicates;
pub mod form;
pub mod message_id;
pub mod priority;
pub mod received;
pub mod recipients;
pub mod required;
pub mod subject;

#[cfg(test)]
pub(crate) mod testing;
