//! What can be said of a message, and why.
//!
//! A [`SignalDef`] declares a statement once, beside the code that can make it. A [`Signal`] is that
//! statement made about one message, with a score and the evidence in words. [`Signals`] is the set
//! of them that one message collected, and a [`Catalogue`] knows every name that may occur, so that
//! a configuration which names another is told the nearest one.
//!
//! Invariant: a name means the same thing for ever; its score may change, its meaning may not.

mod catalogue;
mod damped;
mod def;
mod signals;

pub use catalogue::{Catalogue, DuplicateName, nearest};
pub use damped::Damped;
pub use def::{Def, Family, SignalDef, UnknownFamily};
pub use signals::{Scores, Signal, Signals};
