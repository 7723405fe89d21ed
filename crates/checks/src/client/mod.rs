//! What the connecting host tells of itself: its reverse name, its HELO, the domain it sends for.
//!
//! Invariant: all of it is said of strangers only, never of authenticated users, of this site's own
//! networks, or of a client that isn't known.

pub mod dynamic_name;
pub mod helo;
pub mod reverse_name;
pub mod sender_domain;
