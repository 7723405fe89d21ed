//! What can be said of a message, and why: signals, their families, and the set of them.
