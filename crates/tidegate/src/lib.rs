//! tidegate: an anti-spam filter that mail servers attach as a milter.
//!
//! `serve` runs it, `check` validates its configuration, `scan` judges files as `serve` would and
//! explains, `eval` measures it on sorted mail.
//!
//! Invariant: every command builds its engine from one configuration in one way, so that they all
//! say the same of the same message.

mod administration;
mod advice;
mod api;
mod beside;
mod calendar;
mod cli;
mod cluster;
mod compare;
mod config;
mod control;
mod daemon;
mod explain;
mod fault;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod http;
mod indicators;
mod journal;
mod json;
mod knowledge;
mod logging;
mod metrics;
mod names;
mod network;
mod overload;
mod pages;
mod policies;
mod privacy;
mod privileges;
mod process;
mod pseudonym;
mod quarantine;
mod reload;
mod remembered;
mod sandbox;
mod services;
mod shadow;
mod sockets;
mod steady;
mod succession;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

/// Does what the command line says.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        Command::Serve => cli::serve::run(&cli.global),
        Command::Check(flags) => cli::check::run(&cli.global, flags),
        Command::Scan(flags) => cli::scan::run(&cli.global, flags),
        Command::Learn(flags) => cli::learn::run(&cli.global, flags),
        Command::Quarantine(flags) => cli::quarantine::run(&cli.global, flags),
        Command::Train(flags) => cli::train::run(&cli.global, flags),
        Command::Guard(flags) => cli::guard::run(&cli.global, flags),
        Command::Tune(flags) => cli::tune::run(&cli.global, flags),
        Command::Eval(flags) => cli::eval::run(&cli.global, flags),
        Command::Token(flags) => cli::token::run(&cli.global, flags),
        Command::Policy(flags) => cli::policy::run(&cli.global, flags),
        Command::Privacy(flags) => cli::privacy::run(&cli.global, flags),
        Command::Signals(flags) => cli::signals::run(&cli.global, flags),
        Command::Journal(flags) => cli::journal::run(&cli.global, flags),
        Command::Replay(flags) => cli::replay::run(&cli.global, flags),
        Command::Shadow(flags) => cli::shadow::run(&cli.global, flags),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("tidegate: {error:#}");
        ExitCode::FAILURE
    })
}
