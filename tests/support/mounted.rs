//! A small file system that can be full, or read only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::skip;

/// A file system of its own, thrown away at the end.
pub struct Mounted(PathBuf);

impl Mounted {
    /// `None`, said aloud, where none can be mounted.
    pub fn new(at: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        match mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output() {
            Ok(output) if output.status.success() => Some(Self(at.to_owned())),
            _ => {
                skip("no file system can be mounted");
                None
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Also while the daemon has files open there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
