//! Runs the stages for one transaction, and nothing else.
