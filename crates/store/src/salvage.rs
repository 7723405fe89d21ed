//! What is done with a file that is damaged: it is set aside, and its sound entries go on in a new one.
//!
//! Invariant: nothing is deleted; what was lost is counted and told. Whatever fails, and whenever the machine goes down,
//! one of both files is in its place.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{Builder, Database, TableHandle};

use crate::embedded::{EXPIRY, keep_to_owner};
use crate::examine::{close, each_entry, open_sound, tables};
use crate::file::{DatabaseFile, open_file, remove};
use crate::record::verified;
use crate::rewrite::durable_folder;
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

/// Puts a new file in the place of a damaged one, with what is sound of it, and keeps that beside.
///
/// # Errors
/// When the disk has no room for it, or fails: then the damaged file is in its place as before, for the next start.
pub(crate) fn salvaged(path: &Path, why: String) -> Result<(Database, Lost), StoreError> {
    let fail = |source| StoreError::Open { path: path.to_owned(), source };
    let kept = (1..)
        .map(|number| with_ending(path, &format!(".damaged-{number}")))
        .find(|name| !name.exists())
        .unwrap_or_else(|| with_ending(path, ".damaged"));
    // Both are of no use to whoever begins again.
    let (copy, fresh) = (with_ending(path, ".reading"), with_ending(path, ".salvaged"));
    let mut lost = Lost { why, kept, saved: 0, damaged: 0, cut: Vec::new() };
    let recovered = recover(path, &copy, &fresh, &mut lost);
    let _ = fs::remove_file(&copy);
    // With a second name, one or the other is in its place also where the machine goes down in between.
    let moved = recovered.and_then(|()| {
        fs::hard_link(path, &lost.kept).or_else(|_| fs::rename(path, &lost.kept)).map_err(fail)?;
        fs::rename(&fresh, path).and_then(|()| durable_folder(path)).map_err(fail)
    });
    if let Err(error) = moved {
        let _ = fs::remove_file(&fresh);
        return Err(error);
    }
    let database = open_file(path)?.map_err(|why| fail(io::Error::other(why)))?;
    Ok((database, lost))
}

/// Copies what is sound of a damaged file to a fresh one. A copy is read, as opening writes: the evidence stays as it
/// was found.
fn recover(path: &Path, copy: &Path, fresh: &Path, lost: &mut Lost) -> Result<(), StoreError> {
    let fail = |source| StoreError::Open { path: copy.to_owned(), source };
    fs::copy(path, copy).map_err(fail)?;
    remove(fresh).map_err(fail)?;
    let new = open_sound(fresh)?.map_err(|why| fail(io::Error::other(why)))?;
    keep_to_owner(fresh);
    let new = Embedded { file: DatabaseFile::new(fresh.to_owned(), new) };
    let Ok(Ok(old)) = catch_unwind(|| Builder::new().open(copy)) else {
        lost.cut.push("everything".to_owned());
        return Ok(());
    };
    let copied = copy_tables(&old, &new, lost);
    close(Some(old));
    copied
}

fn copy_tables(old: &Database, store: &Embedded, lost: &mut Lost) -> Result<(), StoreError> {
    let Ok(Ok(names)) = catch_unwind(AssertUnwindSafe(|| tables(old))) else {
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
) -> Result<(), redb::Error> {
    each_entry(old, name, |key, value| match verified(name, key, value) {
        Some(_) => sound.push((key.to_vec(), value.to_vec())),
        None => lost.damaged += 1,
    })
}

pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}
