//! The rules that are shipped: they compile, there are enough of them, and their examples hold.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::collections::HashSet;
use std::path::Path;
use std::sync::LazyLock;
use std::{fs, io};

use tidegate_rules::{RuleFile, RuleSet};
use tidegate_signal::{Catalogue, Family, SignalDef};

/// Signals of the built-in checks that the rules name. The checks stand above this crate, so the
/// names are declared here once more.
static OF_CHECKS: [SignalDef; 3] = [
    SignalDef::new("ARC_PASSED_BEFORE", Family::Authentication, 0.0, "A trusted forwarder vouches"),
    SignalDef::new("DKIM_PASS", Family::Authentication, 0.0, "A signature holds"),
    SignalDef::new("DMARC_PASS", Family::Authentication, 0.0, "The author is proven"),
];

fn files() -> io::Result<Vec<RuleFile>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/rules");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push(RuleFile { name, text: fs::read_to_string(path)? });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

static SHIPPED: LazyLock<RuleSet> = LazyLock::new(|| {
    let mut known = Catalogue::default();
    for def in &OF_CHECKS {
        known.add(def).unwrap();
    }
    RuleSet::compile(&files().unwrap(), &known, &HashSet::new()).unwrap_or_else(|mistakes| {
        let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("{}", told.join("\n"))
    })
});

#[test]
fn the_shipped_rules_compile_and_their_examples_hold() {
    let failures: Vec<String> = SHIPPED.run_examples().iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn more_than_150_of_them_have_a_score() {
    let scored = SHIPPED.defs().filter(|def| def.score != 0.0).count();
    assert!(scored >= 150, "only {scored}");
}

#[test]
fn what_speaks_for_a_message_weighs_little() {
    for def in SHIPPED.defs() {
        assert!(def.score >= -1.0, "{} could carry spam past the others: {}", def.name, def.score);
    }
}
