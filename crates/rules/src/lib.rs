//! The TOML rule language, compiled into one multi-pattern scan.
