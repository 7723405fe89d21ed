//! `tidegate signals`: everything that can be said of a message, with its points and what says it.
//!
//! Invariant: the list is that of the configuration in force, switched off checks and rules left out.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use tidegate_checks::table::CHECKS;
use tidegate_signal::SignalDef;

use super::Global;

#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Only those whose name, meaning or source contains this
    #[arg(value_name = "WORD")]
    words: Vec<String>,
}

/// A line of the list.
struct Row<'r> {
    def: &'r SignalDef,
    source: String,
}

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    let loaded = match global.load(true) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let parts = &loaded.parts;
    let mut rows: BTreeMap<&str, Row<'_>> = BTreeMap::new();
    for check in &parts.checks {
        let entry = CHECKS.iter().find(|entry| entry.key == check.key());
        for def in entry.iter().flat_map(|entry| entry.raises) {
            rows.insert(&def.name, Row { def, source: format!("[checks.{}]", check.key()) });
        }
    }
    for def in parts.lists.raises() {
        rows.insert(&def.name, Row { def, source: "[lists]".to_owned() });
    }
    let of_trust: Vec<_> = parts.trust.raises().collect();
    for def in &of_trust {
        rows.insert(&def.name, Row { def, source: "[trust]".to_owned() });
    }
    if loaded.settings.statistics.enabled {
        for def in tidegate_bayes::signals::ALL {
            rows.insert(&def.name, Row { def, source: "[statistics]".to_owned() });
        }
    }
    for def in parts.rules.defs() {
        rows.insert(&def.name, Row { def, source: "rule".to_owned() });
    }

    let mut out = io::stdout().lock();
    for (name, Row { def, source }) in &rows {
        let points = parts.scores.of(name).unwrap_or(def.score);
        let line = format!(
            "{name:<36} {points:>7.2}  {:<14}  {source:<28}  {}",
            def.family.as_str(),
            def.says
        );
        let wanted = |word: &String| line.to_lowercase().contains(&word.to_lowercase());
        if flags.words.iter().all(wanted) && writeln!(out, "{line}").is_err() {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}
