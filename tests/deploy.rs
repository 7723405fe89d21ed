//! What stands in `deploy/`: the systemd unit, and the bill of materials.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::{root, skip};

/// Whether a program can be started at all.
fn has(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok_and(|it| it.status.success());
    if !there {
        skip(&format!("{program} is not installed"));
    }
    there
}

fn said(output: &Output) -> String {
    let of = String::from_utf8_lossy;
    format!("{}\n{}", of(&output.stdout), of(&output.stderr))
}

fn unit(name: &str) -> String {
    fs::read_to_string(root().join("deploy/systemd").join(name)).unwrap()
}

/// The values of a key of a unit.
fn values<'u>(unit: &'u str, key: &str) -> Vec<&'u str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[test]
fn the_unit_is_one_and_exposes_little() {
    if !has("systemd-analyze") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let config = root().join("config");
    let here = unit("tidegate.service")
        .replace("/usr/bin/tidegate", env!("CARGO_BIN_EXE_tidegate"))
        .replace("/etc/tidegate", config.to_str().unwrap());
    fs::write(dir.path().join("tidegate.service"), here).unwrap();
    fs::write(dir.path().join("tidegate.socket"), unit("tidegate.socket")).unwrap();
    let analyze = |arguments: &[&str]| {
        Command::new("systemd-analyze")
            .args(arguments)
            .arg(dir.path().join("tidegate.service"))
            .output()
            .unwrap()
    };
    let verified = analyze(&["verify"]);
    assert!(verified.status.success(), "{}", said(&verified));
    // What it does not understand it tells, and passes over.
    assert!(!said(&verified).contains("tidegate.service"), "{}", said(&verified));
    // An exposure of 2.0.
    let exposed = analyze(&["security", "--offline=true", "--no-pager", "--threshold=20"]);
    assert!(exposed.status.success(), "{}", said(&exposed));
}

#[test]
fn what_the_unit_starts_and_names_is_there() {
    let service = unit("tidegate.service");
    let readme = unit("README.md");
    let commands: Vec<&str> =
        ["ExecStartPre", "ExecStart"].iter().flat_map(|key| values(&service, key)).collect();
    assert_eq!(commands.len(), 2);
    for command in commands {
        let mut words = command.split(' ');
        let program = words.next().unwrap();
        assert!(readme.contains(program), "{program} is not installed by README.md");
        let arguments: Vec<&str> = words.collect();
        // With --help nothing is done, and an option that is not known is refused all the same.
        let help = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(&arguments)
            .arg("--help")
            .output()
            .unwrap();
        assert!(help.status.success(), "{command}: {}", said(&help));
        let file = arguments.iter().find(|word| word.starts_with('/')).unwrap();
        assert!(readme.contains(file), "{file} is not installed by README.md");
    }
    // The folders that the manager makes are those of the program.
    let documented = fs::read_to_string(root().join("config/tidegate.toml")).unwrap();
    for (key, folder) in [("StateDirectory", "/var/lib/"), ("RuntimeDirectory", "/run/")] {
        let [name] = values(&service, key)[..] else { panic!("{key}") };
        let folder = format!("{folder}{name}");
        let sendmail = fs::read_to_string(root().join("deploy/sendmail/README.md")).unwrap();
        assert!(documented.contains(&folder) || sendmail.contains(&folder), "{folder}");
    }
    let socket = unit("tidegate.socket");
    let [name] = values(&socket, "FileDescriptorName")[..] else { panic!("{socket}") };
    assert!(readme.contains(&format!("listen = [\"fd:{name}\"]")), "{readme}");
    // The sandbox that the daemon enters takes calls that not every set of the manager's has.
    let allowed = values(&service, "SystemCallFilter").join(" ");
    for call in ["landlock_restrict_self", "seccomp", "@chown"] {
        assert!(allowed.contains(call), "{allowed}");
    }
    assert_eq!(values(&service, "SystemCallErrorNumber"), ["EPERM"]);
}

/// The bill of materials, made without the network.
fn bill() -> Option<(String, Value)> {
    if !has("python3") {
        return None;
    }
    let made = Command::new("python3")
        .arg(root().join("deploy/sbom"))
        .env("CARGO_NET_OFFLINE", "true")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", said(&made));
    let text = String::from_utf8(made.stdout).unwrap();
    let value = serde_json::from_str(&text).unwrap();
    Some((text, value))
}

#[test]
fn the_bill_of_materials_is_whole_and_has_what_it_must() {
    let Some((text, bill)) = bill() else { return };
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    assert!(bill["serialNumber"].as_str().unwrap().starts_with("urn:uuid:"));
    assert_eq!(bill["metadata"]["component"]["name"], "tidegate");
    assert_eq!(bill["metadata"]["component"]["version"], env!("CARGO_PKG_VERSION"));

    let locked: toml::Table =
        fs::read_to_string(root().join("Cargo.lock")).unwrap().parse().unwrap();
    let locked: BTreeMap<(&str, &str), Option<&str>> = locked["package"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let of = |key: &str| package.get(key).and_then(toml::Value::as_str);
            ((of("name").unwrap(), of("version").unwrap()), of("checksum"))
        })
        .collect();
    let components = bill["components"].as_array().unwrap();
    let mut references =
        BTreeSet::from([bill["metadata"]["component"]["bom-ref"].as_str().unwrap()]);
    for component in components {
        let of =
            |key: &str| component[key].as_str().unwrap_or_else(|| panic!("{key}: {component}"));
        assert!(references.insert(of("bom-ref")), "twice: {component}");
        let version = of("version");
        assert_eq!(of("purl").split(['/', '@']).nth(1), Some(of("name")));
        assert!(["required", "excluded"].contains(&of("scope")), "{component}");
        let licence = &component["licenses"][0];
        let told = licence["expression"].as_str().or(licence["license"]["name"].as_str());
        assert!(told.is_some_and(|told| !told.is_empty()), "{component}");
        let hash = component["hashes"][0]["content"].as_str();
        assert_eq!(hash, locked[&(of("name"), version)], "{component}");
    }
    // Whatever is used is in it, and whatever is in it is used.
    let mut reached = BTreeSet::new();
    for edge in bill["dependencies"].as_array().unwrap() {
        assert!(references.contains(edge["ref"].as_str().unwrap()), "{edge}");
        for on in edge["dependsOn"].as_array().unwrap() {
            assert!(references.contains(on.as_str().unwrap()), "{edge}");
            reached.insert(on.as_str().unwrap());
        }
    }
    assert_eq!(reached.len(), components.len());
    assert_eq!(bill_again(), text, "the same sources give another bill");
}

fn bill_again() -> String {
    bill().unwrap().0
}

#[test]
fn the_bill_names_what_is_linked_and_nothing_of_tests_alone() {
    let Some((_, bill)) = bill() else { return };
    let named: BTreeMap<&str, &str> = bill["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["name"].as_str().unwrap(), it["scope"].as_str().unwrap()))
        .collect();
    let manifest: toml::Table =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
            .unwrap()
            .parse()
            .unwrap();
    let names = |table: &str| manifest[table].as_table().unwrap().keys().cloned();
    for linked in names("dependencies") {
        assert_eq!(named.get(linked.as_str()), Some(&"required"), "{linked}");
    }
    let linked: BTreeSet<String> = names("dependencies").collect();
    for of_tests in names("dev-dependencies").filter(|name| !linked.contains(name)) {
        // What tests use beside the program may be part of something linked.
        let shared = ["tokio-rustls"].contains(&of_tests.as_str());
        assert!(shared || !named.contains_key(of_tests.as_str()), "{of_tests}");
    }
    // A server of names is switched on by tests alone, in a crate that is linked.
    assert!(!named.contains_key("hickory-server"));
    assert_eq!(named.get("clap_derive"), Some(&"excluded"), "it is run when building");
}
