//! Rules in TOML, compiled into one multi-pattern scan.
//!
//! Invariant: whatever the rules and whatever the message, judging takes time linear in the message
//! and ends; a set that compiled can't fail.
//!
#![doc = include_str!("../README.md")]

mod ahead;
mod automaton;
mod bits;
mod char_set;
mod compile;
mod edge;
mod error;
mod examples;
mod expression;
mod extent;
mod fold;
mod lead;
mod literals;
mod machine;
mod needles;
mod needs;
mod number;
mod order;
mod pattern;
mod place;
mod program;
mod rarity;
mod rule_set;
mod scan;
mod source;

pub use error::RuleError;
pub use examples::ExampleFailure;
pub use rule_set::{RuleSet, Stats};
pub use source::RuleFile;
