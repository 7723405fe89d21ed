//! The table of all checks, in the order in which they run and are explained.

use crate::Entry;

/// One line a check. List zones are not here: they are data of the configuration, and
/// [`crate::lists::Lists`] is the one check that reads them.
pub const CHECKS: &[Entry] = &[];
