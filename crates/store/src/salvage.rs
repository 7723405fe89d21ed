//! What is done with a file that is damaged: it is set aside, and its sound entries go on in a new one.
//!
//! Invariant: nothing is deleted; what was lost is counted and told.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition, TableHandle};

use crate::embedded::{EXPIRY, failed};
use crate::record::verified;
use crate::{Embedded, StoreError};

/// What a damaged file cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// What was wrong.
    pub why: String,
    /// Where the damaged file is now.
    pub kept: PathBuf,
    /// Entries that were sound and go on.
    pub saved: usize,
    /// Entries that were not as they had been written.
    pub damaged: usize,
    /// Spaces that could not be read to their end: how many entries those lost is not known.
    pub cut: Vec<String>,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the store was damaged ({}); {} entries go on, {} are lost",
            self.why, self.saved, self.damaged
        )?;
        if !self.cut.is_empty() {
            write!(f, ", and what could not be read of {}", self.cut.join(", "))?;
        }
        write!(f, "; the damaged file is kept as {}", self.kept.display())
    }
}

/// The file whose presence says that the next start must examine the store.
pub(crate) fn doubt(path: &Path) -> PathBuf {
    with_ending(path, ".doubt")
}

/// Moves a damaged file out of the way.
pub(crate) fn set_aside(path: &Path, why: String) -> Result<Lost, StoreError> {
    let kept = (1..)
        .map(|number| with_ending(path, &format!(".damaged-{number}")))
        .find(|name| !name.exists())
        .unwrap_or_else(|| with_ending(path, ".damaged"));
    fs::rename(path, &kept).map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
    Ok(Lost { why, kept, saved: 0, damaged: 0, cut: Vec::new() })
}

/// Copies what is sound from the file set aside.
pub(crate) fn recover(store: &mut Embedded, mut lost: Lost) -> Result<Lost, StoreError> {
    // A copy is read, so that the evidence stays as it was found.
    let copy = with_ending(&lost.kept, ".reading");
    let opened = fs::copy(&lost.kept, &copy).map_err(failed).and_then(|_| {
        catch_unwind(|| Builder::new().open(&copy).map_err(failed))
            .unwrap_or_else(|_| Err(failed("its pages make no sense")))
    });
    let outcome = match opened {
        Ok(old) => {
            let copied = copy_tables(&old, store, &mut lost);
            // Closing writes, and stumbles over pages that make no sense; what was sound is copied.
            let _ = catch_unwind(AssertUnwindSafe(move || drop(old)));
            copied
        }
        Err(_) => {
            lost.cut.push("everything".to_owned());
            Ok(())
        }
    };
    let _ = fs::remove_file(&copy);
    outcome.map(|()| lost)
}

fn copy_tables(old: &Database, store: &mut Embedded, lost: &mut Lost) -> Result<(), StoreError> {
    let names = catch_unwind(AssertUnwindSafe(|| -> Result<Vec<String>, StoreError> {
        let reading = old.begin_read().map_err(failed)?;
        let names = reading.list_tables().map_err(failed)?;
        Ok(names.map(|table| table.name().to_owned()).collect())
    }));
    let Ok(Ok(names)) = names else {
        lost.cut.push("everything".to_owned());
        return Ok(());
    };
    for name in names.iter().filter(|name| *name != EXPIRY.name()) {
        let mut sound = Vec::new();
        let read = catch_unwind(AssertUnwindSafe(|| read_table(old, name, &mut sound, lost)));
        if !matches!(read, Ok(Ok(()))) {
            lost.cut.push(name.clone());
        }
        lost.saved += sound.len();
        store.restore(name, &sound)?;
    }
    Ok(())
}

type Sound = Vec<(Vec<u8>, Vec<u8>)>;

/// Gathers the entries of a table that are as they were written; keeps those before an error.
fn read_table(
    old: &Database,
    name: &str,
    sound: &mut Sound,
    lost: &mut Lost,
) -> Result<(), StoreError> {
    let reading = old.begin_read().map_err(failed)?;
    let table = TableDefinition::<&[u8], &[u8]>::new(name);
    let entries = reading.open_table(table).map_err(failed)?;
    for entry in entries.iter().map_err(failed)? {
        let (key, value) = entry.map_err(failed)?;
        match verified(name, key.value(), value.value()) {
            Some(_) => sound.push((key.value().to_vec(), value.value().to_vec())),
            None => lost.damaged += 1,
        }
    }
    Ok(())
}

pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}
