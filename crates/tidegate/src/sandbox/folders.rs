//! Files that the daemon may read and write, held by Landlock (landlock(7)).
//!
//! Folders are let be read, not files: an editor that saves a file makes another of the same name,
//! and a reload is to read that.
//!
//! Invariant: nothing can be written but below the folders of the store and the quarantine, and
//! nothing can be run.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags, path_beneath_rules,
};

use crate::config::Loaded;
use crate::knowledge;

/// The newest set of rights whose effect on the daemon is known.
const KNOWN: ABI = ABI::V6;

/// Folders of many: of these, the files alone are let be read.
const SHARED: [&str; 12] = [
    "/",
    "/dev",
    "/etc",
    "/home",
    "/opt",
    "/proc",
    "/root",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/local/etc",
    "/var",
];

/// What of the system it takes to find hosts, verify certificates and tell the hour, and what the
/// metrics tell of the process. Modules of names (nsswitch.conf(5)) stand among the libraries.
const SYSTEM: [&str; 30] = [
    "/etc/ca-certificates",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/timezone",
    "/dev/urandom",
    "/lib",
    "/lib64",
    "/proc/self",
    "/run/systemd/resolve",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/share/pki",
    "/usr/share/zoneinfo",
    "/var/lib/ca-certificates",
];

/// Variables that name certificates in other places.
const CERTIFICATES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// What may be read, and what may be written.
pub(super) struct Folders {
    read: BTreeSet<PathBuf>,
    write: BTreeSet<PathBuf>,
}

impl Folders {
    /// Those of a configuration, and of the one that judges beside it.
    pub(super) fn of(loaded: &Loaded) -> Self {
        let mut read: BTreeSet<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
        let named = CERTIFICATES.iter().filter_map(std::env::var_os);
        named.for_each(|paths| read.extend(std::env::split_paths(&paths)));
        let files = loaded.files.iter().chain(loaded.shadow.iter().flat_map(|it| &it.files));
        read.extend(files.flat_map(|file| around(file)));
        let mut write = BTreeSet::from([knowledge::folder(&loaded.settings)]);
        let held = loaded.settings.quarantine.url.as_deref();
        let held = held.and_then(|url| url.strip_prefix("file://").or(url.strip_prefix("file:")));
        write.extend(held.map(PathBuf::from));
        Self { read, write }
    }

    /// Holds this process to them: how far, in words.
    ///
    /// # Errors
    /// Why it can't be held to all of it, in words.
    pub(super) fn confine(&self) -> Result<&'static str, String> {
        self.write.iter().for_each(|folder| make(folder));
        let status = self.restrict().map_err(|error| format!("files: {error}"))?;
        match (&status.ruleset, &status.landlock) {
            (RulesetStatus::FullyEnforced, _) => Ok("held"),
            (RulesetStatus::PartiallyEnforced, _) => Ok("held, as far as this older kernel can"),
            (_, LandlockStatus::NotEnabled) => {
                Err("files: Landlock is not enabled in this kernel (boot it with lsm=landlock,…)"
                    .into())
            }
            _ => Err("files: this kernel has no Landlock (Linux 5.13 has)".into()),
        }
    }

    fn restrict(&self) -> Result<landlock::RestrictionStatus, RulesetError> {
        let never = make_bitflags!(AccessFs::{Execute | MakeChar | MakeBlock | MakeFifo});
        let all: BitFlags<AccessFs> = AccessFs::from_all(KNOWN);
        let read = AccessFs::from_read(KNOWN) & !never;
        Ruleset::default()
            .handle_access(all)?
            // Sockets are open already: no port can be opened from here on.
            .handle_access(AccessNet::BindTcp)?
            .scope(Scope::from_all(KNOWN))?
            .create()?
            .add_rules(path_beneath_rules(&self.read, read))?
            .add_rules(path_beneath_rules(&self.write, all & !never))?
            .restrict_self()
    }
}

/// What is let be read for one file's sake: its folder, by its name and by where that leads; the file
/// alone where many share the folder.
fn around(file: &Path) -> Vec<PathBuf> {
    let real = fs::canonicalize(file).ok();
    let whole = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let of = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let shared = SHARED.iter().any(|shared| of == Path::new(shared));
        if shared { path.to_owned() } else { of }
    };
    [Some(file), real.as_deref()].into_iter().flatten().map(whole).collect()
}

/// Makes a folder that is to be written, which can't be let be written before it is there. Whoever
/// opens it tells what is wrong with it.
fn make(folder: &Path) {
    if !folder.exists() && fs::create_dir_all(folder).is_ok() {
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_file_is_let_be_read_but_of_many_the_file_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().canonicalize().unwrap();
        fs::create_dir(folder.join("conf.d")).unwrap();
        fs::write(folder.join("a.toml"), "").unwrap();
        std::os::unix::fs::symlink(folder.join("a.toml"), folder.join("conf.d/b.toml")).unwrap();
        let let_be_read: BTreeSet<_> = around(&folder.join("conf.d/b.toml")).into_iter().collect();
        assert_eq!(let_be_read, [folder.clone(), folder.join("conf.d")].into());
        // A pattern stands for its folder.
        assert_eq!(around(&folder.join("conf.d/*.toml")), [folder.join("conf.d")]);
        let alone = Path::new("/etc/hosts");
        assert!(
            around(alone).iter().all(|path| path.starts_with("/etc") && path != Path::new("/etc"))
        );
    }

    #[test]
    fn what_is_not_named_can_not_be_read_written_run_or_listened_at() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for folder in ["read", "other"] {
            fs::create_dir(path(folder)).unwrap();
            fs::write(path(folder).join("file"), "here").unwrap();
        }
        let folders = Folders { read: [path("read")].into(), write: [path("state/of it")].into() };
        let here = path("");
        // In a thread of its own, which alone is held to it.
        let tried = std::thread::spawn(move || {
            if let Err(why) = folders.confine() {
                eprintln!("skipped: {why}");
                return;
            }
            let refused = |tried: std::io::Result<()>| {
                assert_eq!(tried.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
            };
            assert_eq!(fs::read(here.join("read/file")).unwrap(), b"here");
            fs::write(here.join("state/of it/new"), "kept").unwrap();
            fs::rename(here.join("state/of it/new"), here.join("state/of it/named")).unwrap();
            refused(fs::read(here.join("other/file")).map(drop));
            refused(fs::write(here.join("read/new"), ""));
            refused(fs::remove_file(here.join("read/file")));
            refused(std::process::Command::new("/bin/true").status().map(drop));
        });
        tried.join().unwrap();
    }
}
