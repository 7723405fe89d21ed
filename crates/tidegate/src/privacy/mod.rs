//! What is held on a person: told, and erased, part by part.
//!
//! Invariant: a part that was erased is durable before the next begins, and erasing again does what a crash
//! left undone.

mod report;
mod whom;

pub(crate) use report::{Part, Report};
pub(crate) use whom::Whom;
