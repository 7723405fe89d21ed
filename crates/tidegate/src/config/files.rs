//! The files of a configuration: those that were read, and the patterns that name them, of which a
//! reload may find more.
//!
//! Invariant: every setting that names a file to be read stands here, or the daemon's sandbox keeps a
//! reload from it.

use std::path::PathBuf;

use super::Written;
use super::settings::Settings;
use super::tree::{Node, Value};

/// Settings that are lists of files, or of patterns.
const LISTS: [&[&str]; 3] =
    [&["rules", "files"], &["policy", "users"], &["trust", "bimi", "roots"]];

/// All of them.
pub(super) fn of(written: &Written, settings: &Settings) -> Vec<PathBuf> {
    let relative = |node: &Node| {
        let folder = written.sources.folder(node.origin.source);
        node.as_text().map(|name| folder.join(name))
    };
    let mut files: Vec<PathBuf> = written.sources.files().map(PathBuf::from).collect();
    for path in LISTS {
        if let Some(Value::List(names)) = written.root.find(path).map(|node| &node.value) {
            files.extend(names.iter().filter_map(relative));
        }
    }
    for name in settings.trust.addresses.keys() {
        let file = written.root.find(&["trust", "addresses", name, "file"]);
        files.extend(file.and_then(relative));
    }
    // Made one from where the program was started already.
    files.extend(settings.shadow.config.clone());
    files.extend(settings.store.password_file.clone());
    files.extend(settings.store.ca_file.clone());
    files
}

/// Makes the paths of `[store]` ones from where the program was started.
pub(super) fn find_those_of_the_store(written: &Written, settings: &mut Settings) {
    let store = &mut settings.store;
    let named = [("password_file", &mut store.password_file), ("ca_file", &mut store.ca_file)];
    for (key, path) in named {
        let node = written.root.find(&["store", key]);
        if let (Some(path), Some(node)) = (path, node) {
            *path = written.sources.folder(node.origin.source).join(&*path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Options, load};

    #[test]
    fn whatever_a_configuration_reads_is_told_with_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "main.toml",
            "include = ['conf.d/*.toml']\n[rules]\nfiles = ['rules/*.toml']\n\
             [trust.addresses.csa]\nenabled = true\nfile = 'lists/csa.txt'\n",
        );
        write("conf.d/users.toml", "[policy]\nusers = ['people/*.toml']\n");
        write("lists/csa.txt", "192.0.2.1\n");
        std::fs::create_dir_all(dir.path().join("rules")).unwrap();
        std::fs::create_dir_all(dir.path().join("conf.d/people")).unwrap();
        let file = Some(dir.path().join("main.toml"));
        let loaded = load(&Options { file, offline: true, ..Options::default() });
        let files = loaded.unwrap_or_else(|mistakes| panic!("{mistakes:?}")).files;
        for name in [
            "main.toml",
            "conf.d/users.toml",
            "rules/*.toml",
            "conf.d/people/*.toml",
            "lists/csa.txt",
        ] {
            assert!(files.contains(&dir.path().join(name)), "{name} is not in {files:?}");
        }
    }
}
