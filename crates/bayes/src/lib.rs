//! Statistics on the words and forms of mail.
//!
//! Invariant: the same features, model and lessons give the same estimate.

mod features;
mod fold;
mod hash;
mod kind;
mod words;

pub use features::{Extractor, FEATURES_VERSION, MOST_FEATURES, words_of};
pub use kind::Kind;
