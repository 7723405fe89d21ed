//! Who sent a message, as far as it can be proven: SPF, DKIM, DMARC, ARC and the reverse name.
//!
//! [`authenticate`] finds the results, as a pure function of the message and of answers; [`results`]
//! writes them down for whoever reads the mail; the other files are checks on them.
//!
//! Invariant: nothing here touches the network; what is not known yet is asked for as data.

mod alignment;
mod asked;
pub mod authenticate;
mod body;
mod check_host;
pub mod results;
mod reverse;
mod seal;
mod signed;

pub mod arc;
pub mod dkim;
pub mod dmarc;
pub mod spf;

pub use authenticate::{Authenticator, Verified};
pub use body::{BodyDigests, BodyHashes, Extent};
