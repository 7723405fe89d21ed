//! `tidegate shadow`: what the second configuration of a running daemon would have changed.
//!
//! Invariant: reads the report that the daemon writes, and nothing else.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::Global;
use super::journal::printable;
use crate::shadow::report::{self, Report};
use crate::{journal, knowledge};

#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Verdicts of both configurations, and the latest messages with another outcome
    Report {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    let What::Report { json } = flags.what;
    let loaded = match global.load(true) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let file = report::path(&knowledge::folder(&loaded.settings));
    let report = Report::read(&file).with_context(|| {
        format!("{}: no report yet; set [shadow] config and let mail come", file.display())
    })?;
    if json {
        println!("{}", serde_json::to_string(&report)?);
        return Ok(ExitCode::SUCCESS);
    }
    let time = |seconds| journal::time_of(seconds);
    println!(
        "{}: {} messages judged, from {} to {} UTC; {} with another outcome",
        report.config,
        report.verdicts.messages(),
        time(report.since),
        time(report.until),
        report.differences
    );
    print!("{}", report.verdicts.table("now", "shadow"));
    for told in &report.latest {
        let (reference, time) = (printable(&told.reference), time(told.time));
        print!("\n{reference}  {time}\n{}", told.difference.explain("now", "shadow"));
    }
    Ok(ExitCode::SUCCESS)
}
