//! The house rules that a compiler does not check.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Ground floor first: a crate uses only what stands above it.
const ORDER: [&str; 12] = [
    "signal",
    "mail",
    "milter",
    "dns",
    "store",
    "rules",
    "bayes",
    "checks",
    "policy",
    "quarantine",
    "engine",
    "tidegate",
];

/// Past this many lines a file tells more than one story.
const LONGEST_FILE: usize = 500;

#[test]
fn crates_depend_on_each_other_in_one_direction() {
    for (floor, name) in ORDER.iter().enumerate() {
        let manifest = read(&root().join("crates").join(name).join("Cargo.toml"));
        let used = manifest.split("[dev-dependencies]").next().unwrap();
        for line in used.lines().filter(|line| line.starts_with("tidegate-")) {
            let other = line.trim_start_matches("tidegate-").split(['.', ' ']).next().unwrap();
            let at = ORDER.iter().position(|known| *known == other);
            assert!(
                at.is_some_and(|at| at < floor),
                "crates/{name} uses {other}, which does not stand above it"
            );
        }
    }
    let crates = fs::read_dir(root().join("crates")).unwrap().count();
    assert_eq!(crates, ORDER.len(), "name every crate in ORDER and in ARCHITECTURE.md");
}

#[test]
fn every_file_says_what_it_is_for_and_tells_one_story() {
    for path in sources() {
        let text = read(&path);
        assert!(text.starts_with("//!"), "{} has no module documentation", path.display());
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines: split it by meaning", path.display());
    }
}

/// Forbidden once for all, and `forbid` can't be taken back where it applies: so it must apply.
#[test]
fn nothing_of_ours_is_unsafe() {
    let workspace = read(&root().join("Cargo.toml"));
    assert!(workspace.contains("[workspace.lints.rust]\nunsafe_code = \"forbid\""));
    let members: toml::Table = workspace.parse().unwrap();
    let members = members["workspace"]["members"].as_array().unwrap();
    let mut manifests = 0;
    for member in members.iter().map(|member| member.as_str().unwrap()) {
        let folders: Vec<PathBuf> = match member.strip_suffix("/*") {
            Some(above) => {
                fs::read_dir(root().join(above)).unwrap().map(|it| it.unwrap().path()).collect()
            }
            None => vec![root().join(member)],
        };
        for folder in folders {
            let manifest = read(&folder.join("Cargo.toml"));
            assert!(manifest.contains("[lints]\nworkspace = true"), "{}", folder.display());
            manifests += 1;
        }
    }
    assert!(manifests > ORDER.len());
}

#[test]
fn no_module_is_a_drawer() {
    const DRAWERS: [&str; 7] = ["utils", "util", "helpers", "helper", "common", "misc", "manager"];
    for path in sources() {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert!(!DRAWERS.contains(&stem), "{}: name it by what is in it", path.display());
    }
}

#[test]
fn every_check_stands_in_the_table_under_the_name_of_its_file() {
    let mut keys = BTreeMap::new();
    for entry in tidegate_checks::table::CHECKS {
        assert!(keys.insert(entry.key, ()).is_none(), "{} stands twice in the table", entry.key);
        let file =
            root().join("crates/checks/src").join(entry.key.replace('.', "/")).with_extension("rs");
        assert!(file.exists(), "the check {} is not in {}", entry.key, file.display());
        assert!(!entry.raises.is_empty(), "{} says nothing", entry.key);
        for def in entry.raises {
            assert!(tidegate_signal::SignalDef::is_valid_name(&def.name), "{}", def.name);
            assert!(!def.says.is_empty(), "{} has no words", def.name);
        }
    }
    for path in sources() {
        let text = read(&path);
        if text.contains("impl Check for") && !path.ends_with("check.rs") {
            let inside = path.strip_prefix(root().join("crates/checks/src")).unwrap();
            let key = inside.with_extension("").to_str().unwrap().replace('/', ".");
            assert!(keys.contains_key(key.as_str()), "add {key} to crates/checks/src/table.rs");
        }
    }
}

#[test]
fn the_documents_name_files_that_exist() {
    for document in
        ["README.md", "ARCHITECTURE.md", "SECURITY.md", "RELIABILITY.md", "PERFORMANCE.md"]
    {
        let text = read(&root().join(document));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.starts_with("http") {
                assert!(root().join(link).exists(), "{document} links to {link}");
            }
        }
        // A path between backticks, as of a test or a program, alone or with arguments behind it.
        let paths = text.split('`').skip(1).step_by(2).filter_map(|code| code.split(' ').next());
        let ours = ["crates/", "tests/", "benches/", "deploy/", "fuzz/", "config/"];
        for path in paths.filter(|path| ours.iter().any(|folder| path.starts_with(folder))) {
            assert!(
                root().join(path).exists() || path.contains(['*', '{']),
                "{document} names {path}"
            );
        }
    }
}

#[test]
fn every_test_that_shows_a_defence_is_there() {
    let mut code = String::new();
    let mut files = sources();
    walk(&root().join("tests"), &mut files);
    for name in ORDER {
        let tests = root().join("crates").join(name).join("tests");
        if tests.exists() {
            walk(&tests, &mut files);
        }
    }
    files.iter().for_each(|path| code.push_str(&read(path)));
    let (told, mut found) = (read(&root().join("SECURITY.md")), 0);
    let (_, table) = told.split_once("the test that shows each").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    for name in table.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 2) {
        assert!(
            code.contains(&format!("fn {name}(")),
            "SECURITY.md names {name}, which is no test"
        );
        found += 1;
    }
    assert!(found > 30, "how SECURITY.md names tests has changed: so must this test");
}

#[test]
fn every_space_of_the_store_is_in_the_table_of_what_is_kept() {
    const BEGIN: &str = "Space::new(\"";
    let (told, mut found) = (read(&root().join("config/privacy.md")), 0);
    for path in sources() {
        let text = read(&path);
        // What follows the tests is none of the program.
        let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for name in program.split(BEGIN).skip(1).filter_map(|rest| rest.split('"').next()) {
            found += 1;
            let row = told.lines().any(|line| {
                line.starts_with("| `")
                    && line.split('|').nth(1).unwrap().contains(&format!("`{name}`"))
            });
            assert!(row, "{}: config/privacy.md tells nothing of {name}", path.display());
        }
    }
    assert!(found > 20, "how spaces are made has changed: so must this test");
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in ORDER {
        walk(&root().join("crates").join(name).join("src"), &mut found);
    }
    found
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
