//! `tidegate privacy`: what is held on a person, told and erased.
//!
//! Invariant: nothing is erased before somebody has said so twice: by the command, and by typing the address
//! or `--yes`.

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::bail;
use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::Value;
use tidegate_store::{Embedded, StoreError};

use super::journal::printable;
use super::{Global, clerk};
use crate::privacy::{Part, Report};
use crate::{calendar, knowledge};

#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell all that is held on a person
    Export {
        /// An address of theirs
        address: String,
        /// Print a JSON object, with the things themselves
        #[arg(long)]
        json: bool,
    },
    /// Erase all that is held on a person
    Erase {
        /// An address of theirs
        address: String,
        /// Don't ask whether that is meant
        #[arg(long)]
        yes: bool,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Tell the names that stand for an address in the log, of which the keys are not destroyed yet
    Pseudonym {
        /// The address, as mail has it
        address: String,
    },
}

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    match &flags.what {
        What::Export { address, json } => {
            ask(global, Method::GET, address, |report| tell(report, *json))
        }
        What::Erase { address, yes, json } => {
            if !*yes && !is_meant(address)? {
                bail!("nothing was erased");
            }
            let code = ask(global, Method::DELETE, address, |report| tell(report, *json))?;
            if code == ExitCode::SUCCESS {
                write_anew(global)?;
            }
            Ok(code)
        }
        What::Pseudonym { address } => {
            let path = format!("/v1/privacy/{}/pseudonyms", encoded(address));
            clerk::with(global, async |clerk| {
                let told = clerk.ask(Method::GET, &path, None).await?;
                let told = told.as_array().map(Vec::as_slice).unwrap_or_default();
                for name in told {
                    let since = calendar::day(name["since"].as_u64().unwrap_or(0));
                    println!("{}  from {since}", name["name"].as_str().unwrap_or_default());
                }
                if told.is_empty() {
                    eprintln!(
                        "tidegate: no name can be told: no key is left, or none was made yet"
                    );
                }
                Ok(ExitCode::SUCCESS)
            })
        }
    }
}

fn ask(
    global: &Global,
    method: Method,
    address: &str,
    tell: impl Fn(&Report) -> io::Result<()>,
) -> anyhow::Result<ExitCode> {
    let path = format!("/v1/privacy/{}", encoded(address));
    clerk::with(global, async |clerk| {
        let report: Report = serde_json::from_value(clerk.ask(method, &path, None).await?)?;
        match tell(&report) {
            // Whoever read the output has seen enough.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(ExitCode::SUCCESS),
        }
    })
}

fn encoded(address: &str) -> String {
    form_urlencoded::byte_serialize(address.as_bytes()).collect()
}

/// Asks on a terminal; elsewhere nobody can answer.
fn is_meant(address: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("this can't be undone; where nobody can be asked, say --yes");
    }
    eprint!("All that is held on {} will be erased. Type the address: ", printable(address));
    io::stderr().flush()?;
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed)?;
    Ok(typed.trim() == address.trim())
}

/// Writes the file of the store anew at once where no daemon has it; a daemon does so at its next start.
fn write_anew(global: &Global) -> anyhow::Result<()> {
    let Ok(loaded) = global.load(true) else { return Ok(()) };
    match Embedded::open(&knowledge::folder(&loaded.settings)) {
        Err(StoreError::InUse(_)) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(opened) => opened.not_rewritten.map_or(Ok(()), |error| Err(error.into())),
    }
}

fn tell(report: &Report, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        return writeln!(out, "{}", serde_json::to_string(report)?);
    }
    let verb = if report.erased { "erased" } else { "held" };
    writeln!(out, "{}, known as {}", printable(&report.address), printable(&report.user))?;
    for Part { part, found, content, note } in &report.parts {
        writeln!(out, "{found:>8} {verb}  {part}")?;
        for line in lines(content) {
            writeln!(out, "           {}", printable(&line))?;
        }
        if let Some(note) = note {
            writeln!(out, "           {}", printable(note))?;
        }
    }
    writeln!(out, "\nNot found by an address:")?;
    report.beyond.iter().try_for_each(|text| writeln!(out, "- {text}"))
}

/// Each thing in a line; what is longer is for --json.
fn lines(content: &Value) -> Vec<String> {
    const LONGEST: usize = 160;
    let things = match content {
        Value::Array(things) => things.iter().collect(),
        Value::Null => Vec::new(),
        thing => vec![thing],
    };
    let line = |thing: &Value| match thing {
        Value::String(text) => text.clone(),
        thing => {
            let text = thing.to_string();
            match text.char_indices().nth(LONGEST) {
                Some((end, _)) => format!("{}… (--json shows all)", &text[..end]),
                None => text,
            }
        }
    };
    things.into_iter().map(line).collect()
}
