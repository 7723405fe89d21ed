//! The form of the body: its parts, its HTML, and letters that a reader and a filter see differently.
//!
//! Invariant: what the text says is not looked at here; rules do that.

pub mod form;
pub mod gtube;
pub mod hidden;
pub mod html;
pub mod letters;
pub mod parts;
pub(crate) mod script;
