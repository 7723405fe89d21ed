//! Statistics on the words and forms of mail.
//!
//! [`Extractor`] makes features of a message; [`Lessons`] estimates from them how likely it is spam, by
//! a [`Model`] to start with and what was learned here, and learns; [`train`] makes models. What was
//! measured, and chosen for it, stands in the README.
//!
//! Invariant: the same features, model and lessons give the same estimate.

mod auto;
mod calibrate;
mod estimate;
pub mod evaluate;
mod explain;
mod features;
mod fold;
mod follow;
mod forget;
mod hash;
mod kind;
mod learn;
mod lesson;
mod logistic;
mod model;
mod naive;
mod overlay;
pub mod plot;
mod records;
mod scope;
pub mod signals;
mod train;
mod words;

pub use auto::AutoLearn;
pub use calibrate::Calibration;
pub use estimate::{Estimate, estimate};
pub use explain::{Reason, Reasons, reasons_of};
pub use features::{Extractor, FEATURES_VERSION, MOST_FEATURES, words_of};
pub use forget::HeldOn;
pub use kind::Kind;
pub use learn::Lessons;
pub use lesson::{Found, LearnError, Lesson, LessonId, Limits, Taught};
pub use model::{LARGEST_MODEL, Model, ModelError};
pub use overlay::{MOST_ENTRIES, Overlay};
pub use records::Class;
pub use train::{Example, score_others, train};

/// The examples in the README hold.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
