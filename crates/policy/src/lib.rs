//! From signals to a decision for each recipient: thresholds, caps, and the words that explain them.
