//! The command line. Its words are stable: scripts depend on them.
//!
//! Invariant: results go to standard output, everything else to standard error; the exit code is 0
//! when all went well, 1 when something did not, 2 for a command line that can't be read.

mod against;
mod batch;
pub(crate) mod check;
mod clerk;
pub(crate) mod eval;
pub(crate) mod guard;
mod held_out;
pub(crate) mod journal;
pub(crate) mod learn;
pub(crate) mod policy;
pub(crate) mod privacy;
mod progress;
pub(crate) mod quarantine;
mod ranking;
pub(crate) mod replay;
pub(crate) mod scan;
pub(crate) mod serve;
pub(crate) mod shadow;
pub(crate) mod signals;
pub(crate) mod token;
pub(crate) mod train;
pub(crate) mod tune;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Loaded, Mistake, Options};

/// An anti-spam filter that mail servers attach as a milter.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command, before it or behind it.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The configuration; without one, the built-in defaults
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to keep what outlives a message, in place of the `url` of `[store]`: a folder, or redis://HOST
    #[arg(long, global = true, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Tell more of what is done
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the milter
    Serve,
    /// Validate the configuration and run the examples in its rules
    Check(check::Flags),
    /// Judge message files as serve would, and explain
    Scan(scan::Flags),
    /// Teach what is spam and what is not
    Learn(learn::Flags),
    /// List, show, release and delete held mail
    Quarantine(quarantine::Flags),
    /// Measure on messages that are sorted already
    Eval(eval::Flags),
    /// Make a model of messages that are sorted already
    Train(train::Flags),
    /// Say who may use the API
    Token(token::Flags),
    /// See which signals users correct, and put those back to work that were damped for it
    Guard(guard::Flags),
    /// Find thresholds and weights that keep the error on ham within a budget
    Tune(tune::Flags),
    /// Show and edit what each recipient wants
    Policy(policy::Flags),
    /// Tell and erase what is held on a person
    Privacy(privacy::Flags),
    /// List every signal with its points and its meaning
    Signals(signals::Flags),
    /// List and show what is kept of judged messages
    Journal(journal::Flags),
    /// Judge a message of the journal again, or compare two configurations on many
    Replay(replay::Flags),
    /// Show what the configuration that [shadow] names would have changed
    Shadow(shadow::Flags),
}

impl Global {
    /// Where the configuration comes from.
    pub(crate) fn options(&self, offline: bool) -> Options {
        Options::new(self.config.clone(), self.store.clone(), offline)
    }

    /// Loads the configuration; its mistakes go to standard error, and end the program.
    fn load(&self, offline: bool) -> Result<Loaded, ExitCode> {
        config::load(&self.options(offline)).map_err(refused)
    }

    /// The same with the configuration that `[shadow]` names.
    fn load_with_shadow(&self, offline: bool) -> Result<Loaded, ExitCode> {
        config::load_with_shadow(&self.options(offline)).map_err(refused)
    }

    /// The same of another file.
    fn load_other(&self, file: &Path, offline: bool) -> Result<Loaded, ExitCode> {
        let file = Some(file.to_owned());
        config::load(&Options { file, ..self.options(offline) }).map_err(refused)
    }
}

fn refused(mistakes: Vec<Mistake>) -> ExitCode {
    for mistake in mistakes {
        eprintln!("{mistake}");
    }
    ExitCode::FAILURE
}
