//! From signals to a decision for each recipient: policies, thresholds, caps, how a message is split,
//! and the words that explain it.
//!
//! [`Policy::decide`] is a pure function of the signals: it adds up each family within its caps,
//! compares the sum with the thresholds, and finds the smallest set of signals without which the
//! outcome would differ. A [`Book`] knows what each recipient wants, a [`UserPolicy`];
//! [`Policy::decide_for`] decides by that and by what is [`Personal`], and [`plan`] splits a message
//! among recipients who differ. [`explain`] turns a decision into header fields and SMTP reply text.
//!
//! Invariant: with the default caps no single family can reject a message; two kinds of evidence
//! must agree. Only the operator's and the recipient's own decisions (family `policy`) stand alone.

mod action;
mod book;
pub mod bound;
mod caps;
mod correspondence;
pub mod correspondents;
mod decide;
mod edits;
pub mod explain;
mod facts;
mod folding;
pub mod guard;
mod language;
mod layer;
pub mod personal;
mod sender_pattern;
mod settings;
mod split;
mod subject;
pub mod tune;
mod user;
mod verdict;
mod weights;

pub use action::{Action, Bulk};
pub use book::{Book, Effective, InForce, Layers, Origin, Policies};
pub use caps::{Cap, Caps};
pub use correspondence::{Correspondence, ListAddress};
pub use decide::{Decision, Policy};
pub use edits::{Edit, EditError, Edits, Erased, Listed, Logged, Stored};
pub use facts::Facts;
pub use folding::{Folding, InvalidAlias};
pub use language::Language;
pub use layer::{Digest, InvalidPolicy, Layer};
pub use personal::Personal;
pub use sender_pattern::SenderPattern;
pub use settings::{Config, Fallback, InvalidThresholds, ReplyDetail};
pub use split::{Form, Group, Means, Plan, Wish, plan, unheld};
pub use subject::Subject;
pub use user::UserPolicy;
pub use verdict::{Thresholds, Verdict};
pub use weights::Weights;
