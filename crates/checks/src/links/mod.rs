//! Where links lead, by their form alone; lists of known hosts are asked elsewhere.
//!
//! Invariant: a link that is written out as it is followed says nothing against a message.

pub(crate) mod brands;
pub mod form;
pub mod host;
pub(crate) mod owner;
pub mod text;
