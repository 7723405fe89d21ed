//! From `[trust.bimi]` as written to the roots of marks, and the check that looks for them.
//!
//! Invariant: with marks switched off, no file is read and nothing is asked.

use std::fs;

use tidegate_checks::AnyCheck;
use tidegate_checks::trust::bimi::certificate::Roots;
use tidegate_checks::trust::bimi::{Brands, Config};

use super::Written;
use super::assemble::place_of;
use super::mistake::Findings;
use super::tree::Value;
use crate::sandbox;

/// Switches the check on, and reads its roots.
pub(super) fn set_up(
    config: &Config,
    written: &Written,
    checks: &mut Vec<Box<dyn AnyCheck>>,
    findings: &mut Findings,
) -> Roots {
    if !config.enabled {
        return Roots::default();
    }
    if let Err(invalid) = config.validate() {
        let path = ["trust", "bimi", &invalid.key];
        findings.mistake(place_of(written, &path), format!("[trust.bimi] {invalid}"), "");
    }
    checks.push(Box::new(Brands));
    let mut roots = Roots::default();
    let node = written.root.find(&["trust", "bimi", "roots"]);
    let Some(Value::List(files)) = node.map(|node| &node.value) else { return roots };
    for node in files {
        let Some(name) = node.as_text() else { continue };
        let path = written.sources.folder(node.origin.source).join(name);
        let added = match fs::read(path).map_err(sandbox::told) {
            Ok(pem) => roots.add(&pem).map_err(|error| error.to_string()),
            Err(error) => Err(format!("can't be read: {error}")),
        };
        if let Err(why) = added {
            let remedy = "name files in PEM, relative to this file, as in \"vmc-root.pem\"";
            let place = written.sources.place(node.origin);
            findings.mistake(place, format!("[trust.bimi] roots: {name} {why}"), remedy);
        }
    }
    if files.is_empty() {
        let what = "[trust.bimi] names no roots: whatever a domain shows is a mere claim";
        let remedy = "name the roots of the certifiers that you trust, or set enabled = false";
        findings.warning(place_of(written, &["trust", "bimi", "enabled"]), what, remedy);
    }
    roots
}
