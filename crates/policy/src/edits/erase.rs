//! Erasing what the store keeps of one subject's policy, and of who edited others'.
//!
//! Invariant: a layer never goes without the lines that tell of it.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use tidegate_store::{Batch, StoreError, Written};

use super::{Edits, LAYERS, LOG, LOGGED_DAYS, Logged, read};
use crate::Subject;

/// What was erased of a subject.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Whether there was a layer.
    pub layer: bool,
    /// Lines that told of edits.
    pub lines: usize,
}

impl Edits {
    /// Erases the layer of `subject`, and the lines that tell of edits of it.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn erase(&self, subject: &Subject) -> Result<Erased, StoreError> {
        let key = subject.to_string();
        let (mut batch, mut erased) = (Batch::new(), Erased::default());
        {
            let snapshot = self.0.snapshot()?;
            // One that is damaged goes as well.
            erased.layer = !matches!(snapshot.get(LAYERS, key.as_bytes()), Ok(None));
            let prefix = format!("{key}\0").into_bytes();
            snapshot.scan(LOG, &prefix, &prefix, &mut |line, _| {
                batch.remove(LOG, line);
                erased.lines += 1;
                ControlFlow::Continue(())
            })?;
        }
        batch.remove(LAYERS, key.as_bytes());
        let (Written::Done | Written::Conflict) = self.0.write(&batch)?;
        Ok(erased)
    }

    /// Takes the name of whoever `is_theirs` says from the lines that tell of their edits of others'
    /// policies, and writes `instead`; returns how many lines that were.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn disown(
        &self,
        is_theirs: &dyn Fn(&str) -> bool,
        instead: &str,
    ) -> Result<usize, StoreError> {
        let (mut batch, mut lines) = (Batch::new(), 0);
        self.0.snapshot()?.scan(LOG, b"", b"", &mut |key, value| {
            if let Ok(line) = read::<Logged>(value)
                && is_theirs(&line.by)
                && let Ok(bytes) =
                    serde_json::to_vec(&Logged { by: instead.to_owned(), ..line.clone() })
            {
                batch.put_until(LOG, key, bytes, line.at.saturating_add(LOGGED_DAYS * 86_400));
                lines += 1;
            }
            ControlFlow::Continue(())
        })?;
        let (Written::Done | Written::Conflict) = self.0.write(&batch)?;
        Ok(lines)
    }
}
