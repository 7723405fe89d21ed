//! `tidegate check`: everything that can be known to be wrong before the program runs.
//!
//! Invariant: exit code 0 means that `serve` would start with this configuration, given its sockets.

use std::process::ExitCode;

use clap::Args;

use super::Global;
use crate::config::{self, Summary};

#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Print every setting in force, as TOML
    #[arg(long)]
    effective: bool,
}

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    let loaded = match config::load_with_shadow(&global.options(false)) {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            for mistake in &mistakes {
                println!("{mistake}");
            }
            eprintln!("{}", counted(mistakes.len()));
            return Ok(ExitCode::FAILURE);
        }
    };
    let failures = loaded.parts.rules.run_examples();
    for failure in &failures {
        println!("{failure}");
    }
    if !failures.is_empty() {
        eprintln!("{}", counted(failures.len()));
        return Ok(ExitCode::FAILURE);
    }
    let of_shadow = loaded.shadow.iter().flat_map(|shadow| &shadow.warnings);
    for warning in loaded.warnings.iter().chain(of_shadow) {
        eprintln!("warning: {warning}");
    }
    if flags.effective {
        print!("{}", loaded.effective);
        return Ok(ExitCode::SUCCESS);
    }
    let Summary { checks, rules, zones, signals, users } = loaded.summary;
    let users = match users {
        0 => String::new(),
        users => format!(", {users} users and domains in files"),
    };
    println!("ok: {checks} checks, {rules} rules, {zones} list zones, {signals} signals{users}");
    Ok(ExitCode::SUCCESS)
}

fn counted(mistakes: usize) -> String {
    match mistakes {
        1 => "1 mistake".to_owned(),
        many => format!("{many} mistakes"),
    }
}
