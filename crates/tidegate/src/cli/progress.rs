//! A bar for people who wait at a terminal.
//!
//! Invariant: it is drawn on standard error, and only where that is a terminal.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Cells of the bar.
const CELLS: usize = 30;

/// How far work has come.
pub(crate) struct Progress {
    of: usize,
    done: AtomicUsize,
    shown: bool,
}

impl Progress {
    /// Nothing done yet of so much.
    pub(crate) fn of(of: usize) -> Self {
        Self { of, done: AtomicUsize::new(0), shown: std::io::stderr().is_terminal() }
    }

    /// One more is done.
    pub(crate) fn one(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.shown || !(done.is_multiple_of(50) || done == self.of) {
            return;
        }
        let full = done * CELLS / self.of.max(1);
        let bar: String = (0..CELLS).map(|cell| if cell < full { '█' } else { '·' }).collect();
        let end = if done == self.of { "\n" } else { "" };
        // A terminal that has gone needs no bar.
        let _ = write!(std::io::stderr(), "\r{bar} {done}/{}{end}", self.of);
    }
}
