//! `tidegate journal`: what is kept of judged messages.
//!
//! Invariant: reads files only, so that it serves beside a running daemon.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;
use tidegate_dns::Written;

use super::Global;
use crate::journal::{self, Answered, Read, Record};
use crate::knowledge;

#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A line a message, the oldest first
    List {
        /// Only so many, the newest
        #[arg(long, value_name = "N")]
        last: Option<usize>,
        /// Print one JSON object a message, one a line
        #[arg(long)]
        json: bool,
    },
    /// Everything that is kept of a message, but for the message
    Show {
        /// The name that 'list' shows, or the queue id
        id: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
        /// Print the message itself, as it came
        #[arg(long, conflicts_with = "json")]
        message: bool,
    },
}

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    let loaded = match global.load(true) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let folder = journal::folder(&knowledge::folder(&loaded.settings));
    let done = match &flags.what {
        What::List { last, json } => {
            let mut read = Read::all(&folder).with_context(|| folder.display().to_string())?;
            let done = list(&mut read, *last, *json);
            if read.damaged > 0 {
                eprintln!("tidegate: {} records are damaged and left out", read.damaged);
            }
            done
        }
        What::Show { id, json, message } => {
            let record = journal::find(&folder, id)?;
            show(&record, *json, *message)
        }
    };
    match done {
        // Whoever read the output has seen enough.
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        done => done.map(|()| ExitCode::SUCCESS),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe)
}

/// A record in short.
#[derive(Serialize)]
struct Row<'r> {
    id: &'r str,
    time: i64,
    verdict: String,
    score: f64,
    client: String,
    sender: String,
    recipients: Vec<String>,
    octets: u64,
    kept: &'static str,
}

impl<'r> Row<'r> {
    fn of(record: &'r Record) -> Self {
        let verdict: Value = serde_json::from_str(&record.verdict).unwrap_or_default();
        let envelope = record.envelope();
        Self {
            id: &record.id,
            time: record.now,
            verdict: verdict["verdict"].as_str().unwrap_or_default().to_owned(),
            score: verdict["score"].as_f64().unwrap_or(0.0),
            client: envelope.client.map(|it| it.to_string()).unwrap_or_default(),
            sender: envelope.sender.map(|it| it.as_str().to_owned()).unwrap_or_default(),
            recipients: envelope.recipients.iter().map(|it| it.as_str().to_owned()).collect(),
            octets: record.octets,
            kept: record.kept(),
        }
    }
}

fn list(read: &mut Read, last: Option<usize>, json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let mut held = std::collections::VecDeque::new();
    let mut tell = |record: &Record| -> anyhow::Result<()> {
        let row = Row::of(record);
        if json {
            writeln!(out, "{}", serde_json::to_string(&row)?)?;
        } else {
            writeln!(
                out,
                "{}  {:<10} {:>7.2}  {:<9} <{}> → {}",
                row.id,
                row.verdict,
                row.score,
                row.kept,
                printable(&row.sender),
                printable(&row.recipients.join(", ")),
            )?;
        }
        Ok(())
    };
    for record in read {
        let record = record?;
        match last {
            None => tell(&record)?,
            Some(last) => {
                held.push_back(record);
                if held.len() > last {
                    held.pop_front();
                }
            }
        }
    }
    held.iter().try_for_each(tell)
}

fn show(record: &Record, json: bool, message: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if message {
        let message = record.message.as_ref().context("the message is not kept")?;
        out.write_all(message)?;
        return Ok(());
    }
    if json {
        writeln!(out, "{}", serde_json::to_string(record)?)?;
        return Ok(());
    }
    let row = Row::of(record);
    let envelope = record.envelope();
    let versions = &record.versions;
    writeln!(
        out,
        "{}\n  {} UTC, {} bytes, kept: {}",
        row.id,
        journal::time_of(row.time),
        row.octets,
        row.kept
    )?;
    let text = |text: Option<String>| printable(&text.unwrap_or_else(|| "–".to_owned()));
    writeln!(
        out,
        "  client     {} ({}), HELO {}",
        row.client,
        text(envelope.client_name),
        text(envelope.helo)
    )?;
    writeln!(out, "  sender     <{}>", printable(&row.sender))?;
    for recipient in &row.recipients {
        writeln!(out, "  recipient  <{}>", printable(recipient))?;
    }
    if record.left_out > 0 {
        writeln!(out, "  and {} recipients who are not filtered", record.left_out)?;
    }
    writeln!(
        out,
        "  judged by  {}, configuration {}, rules {}, model {}",
        versions.program, versions.configuration, versions.rules, versions.model
    )?;
    for zone in &record.set_aside {
        writeln!(out, "  set aside  {zone}")?;
    }
    for answered in &record.answers {
        writeln!(out, "  asked      {}", answer(answered))?;
    }
    let verdict: Value = serde_json::from_str(&record.verdict).unwrap_or_default();
    writeln!(out, "  verdict    {}, {:.2} points", row.verdict, row.score)?;
    for signal in verdict["signals"].as_array().into_iter().flatten() {
        let (name, detail) = (&signal["name"], &signal["detail"]);
        let (name, detail) =
            (name.as_str().unwrap_or_default(), detail.as_str().unwrap_or_default());
        writeln!(
            out,
            "    {:+7.2}  {name:<32}  {detail}",
            signal["score"].as_f64().unwrap_or(0.0)
        )?;
    }
    Ok(())
}

/// A question and its answer in a line.
fn answer(answered: &Answered) -> String {
    let ttl = answered.ttl.map(|ttl| format!(" ({ttl} s)")).unwrap_or_default();
    format!("{}: {}{ttl}", answered.question, words(&answered.answer))
}

/// An answer in words.
pub(super) fn words(answer: &Written) -> String {
    match answer {
        Written::Found(records) => printable(&records.join(", ")),
        Written::NoData => "no such records".to_owned(),
        Written::NoSuchName => "no such name".to_owned(),
        Written::Unknown(why) => format!("not known: {why}"),
    }
}

/// What strangers wrote, without what would disturb a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
