//! Every signal that is not a rule or a statistic: one file a check, and the authentication they read.
