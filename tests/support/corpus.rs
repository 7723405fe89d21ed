//! Recorded mail, where there is some: a folder with an `index`, or the archive it comes in.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{root, skip};

/// The files of the corpus, unpacked once below the target folder; `None`, said aloud, without one.
///
/// `TIDEGATE_CORPUS` names a folder with an `index`; else the archive is looked for beside the
/// repository. Mail is not part of the project, so its absence fails no test.
pub fn files() -> Option<(PathBuf, Vec<(bool, String)>)> {
    let folder = match std::env::var_os("TIDEGATE_CORPUS") {
        Some(folder) => PathBuf::from(folder),
        None => unpacked()?,
    };
    let index = fs::read_to_string(folder.join("index")).ok()?;
    let files = index
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(class, path)| (class == "spam", path.to_owned()))
        .collect();
    Some((folder, files))
}

fn unpacked() -> Option<PathBuf> {
    let archive = root().join("../shared/corpora/train.tar.xz");
    if !archive.exists() {
        eprintln!("skipped: no corpus");
        return None;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("corpus");
    if !folder.join("index").exists() {
        // Unpacked beside and renamed, so that tests which run at once see all of it or none.
        let fresh = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let status =
            Command::new("tar").arg("-xJf").arg(&archive).arg("-C").arg(fresh.path()).status();
        if !status.is_ok_and(|status| status.success()) {
            skip("tar can't unpack the corpus");
            return None;
        }
        let _ = fs::rename(fresh.keep(), &folder);
    }
    folder.join("index").exists().then_some(folder)
}
