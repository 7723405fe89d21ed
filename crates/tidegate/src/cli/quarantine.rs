//! `tidegate quarantine`: what is held, for operators.
//!
//! Invariant: an id that can't be dealt with is told and the others are; the exit code tells it too.
//! Nothing that a stranger wrote moves the terminal.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::json;
use tidegate_quarantine::{EntryId, Page, Shown, Summary, local_time, time_text};

use super::{Global, clerk};
use crate::api::client::Clerk;
use crate::services::{Expired, Released};

#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List what is held, the newest first
    List {
        /// Whose; without one, everybody's
        #[arg(long, value_name = "ADDRESS")]
        user: Option<String>,
        /// Only what has this text in sender, recipient or subject
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// How many at most
        #[arg(long, value_name = "NUMBER")]
        limit: Option<usize>,
        /// Print one JSON object an entry, one a line
        #[arg(long)]
        json: bool,
    },
    /// Show a message: its header and text, links as text, names of files
    Show {
        /// Its id, as 'list' shows it; or the MTA's queue id, as the log has it
        id: String,
        /// Print a JSON object an entry, one a line
        #[arg(long)]
        json: bool,
    },
    /// Give messages to the MTA, for their recipients
    Release {
        /// Their ids, as 'list' shows them
        #[arg(required = true)]
        ids: Vec<EntryId>,
        /// Learn that they are no spam, for their recipients
        #[arg(long)]
        learn: bool,
    },
    /// Delete messages
    Delete {
        /// Their ids, as 'list' shows them
        #[arg(required = true)]
        ids: Vec<EntryId>,
    },
    /// Let go of what is kept no longer, as the daemon does each minute
    Expire,
}

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    clerk::with(global, async |clerk| match &flags.action {
        Action::List { user, search, limit, json } => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(user.iter().map(|user| ("user", user)));
            query.extend_pairs(search.iter().map(|search| ("search", search)));
            list(clerk, &query.finish(), limit.unwrap_or(usize::MAX), *json).await
        }
        Action::Show { id, json } => {
            for (at, id) in named(clerk, id).await?.iter().enumerate() {
                let shown = clerk.ask(Method::GET, &format!("/v1/quarantine/{id}"), None).await;
                let shown: Shown = serde_json::from_value(shown.with_context(|| id.to_string())?)?;
                if at > 0 && !json {
                    println!();
                }
                told(show(&shown, *json))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Release { ids, learn } => release(clerk, ids, *learn).await,
        Action::Delete { ids } => delete(clerk, ids).await,
        Action::Expire => {
            let expired = clerk.ask(Method::POST, "/v1/quarantine/expire", None).await?;
            let Expired { gone, entries, bytes } = serde_json::from_value(expired)?;
            println!("{gone} expired, {entries} held in {bytes} bytes");
            Ok(ExitCode::SUCCESS)
        }
    })
}

/// The entry of that id; or those of the message that the MTA calls so, one a recipient.
async fn named(clerk: &mut Clerk, name: &str) -> anyhow::Result<Vec<EntryId>> {
    let no_id = match name.parse() {
        Ok(id) => return Ok(vec![id]),
        Err(no_id) => no_id,
    };
    let queue_id: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let path = format!("/v1/quarantine?queue_id={queue_id}&limit=1000");
    let page: Page = serde_json::from_value(clerk.ask(Method::GET, &path, None).await?)?;
    if page.entries.is_empty() {
        bail!("{name}: nothing is held under that queue id, and {no_id}");
    }
    Ok(page.entries.into_iter().map(|entry| entry.id).collect())
}

async fn list(
    clerk: &mut Clerk,
    query: &str,
    mut left: usize,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let (mut after, mut none) = (String::new(), true);
    while left > 0 {
        let limit = left.min(1_000);
        let path = format!("/v1/quarantine?{query}&limit={limit}{after}");
        let page: Page = serde_json::from_value(clerk.ask(Method::GET, &path, None).await?)?;
        left -= page.entries.len().min(left);
        none &= page.entries.is_empty();
        let printed = page.entries.iter().try_for_each(|entry| line(entry, json));
        match printed {
            // Whoever read the output has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            other => other?,
        }
        match page.next {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    if none {
        let fits = if query.is_empty() { "" } else { " that fits" };
        eprintln!("tidegate: nothing is held{fits}");
    }
    Ok(ExitCode::SUCCESS)
}

fn line(entry: &Summary, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        return writeln!(out, "{}", serde_json::to_string(entry)?);
    }
    let Summary { id, held_at, score, recipient, from, subject, .. } = entry;
    let note = if entry.notes.is_empty() { "" } else { "  (see 'show')" };
    writeln!(out, "{id}  {}  {score:>6.2}  {recipient}{note}", time(*held_at))?;
    writeln!(out, "    {from}: {subject}")
}

fn show(shown: &Shown, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        return writeln!(out, "{}", serde_json::to_string(shown)?);
    }
    let Shown { summary, envelope, signals, fields, text, links, files, cut } = shown;
    writeln!(out, "{}  held for {}", summary.id, summary.recipient)?;
    writeln!(out, "Held {}, until {}", time(summary.held_at), time(summary.keep_until))?;
    writeln!(out, "Because {}", summary.reason)?;
    for note in &summary.notes {
        writeln!(out, "Note: {note}")?;
    }
    let client = envelope.client.as_deref().unwrap_or("an unknown host");
    writeln!(out, "From <{}>, by {client}\n", envelope.sender)?;
    for signal in signals {
        writeln!(
            out,
            "  {:>6.2}  {}  {}  {}",
            signal.score, signal.name, signal.says, signal.detail
        )?;
    }
    writeln!(out)?;
    for (name, value) in fields {
        writeln!(out, "{name}: {value}")?;
    }
    writeln!(out, "\n{}", text.trim_end())?;
    for link in links {
        let text = link.text.as_deref().unwrap_or("link");
        writeln!(out, "\nLink: {text} leads to {}", link.url)?;
    }
    for file in files {
        let name = file.name.as_deref().unwrap_or("without a name");
        writeln!(out, "\nFile: {name} ({}, {} bytes)", file.content_type, file.size)?;
    }
    if *cut {
        writeln!(out, "\nThere is more than is shown here.")?;
    }
    Ok(())
}

async fn release(clerk: &mut Clerk, ids: &[EntryId], learn: bool) -> anyhow::Result<ExitCode> {
    let (mut code, how) = (ExitCode::SUCCESS, json!({ "learn": learn }));
    for id in ids {
        let path = format!("/v1/quarantine/{id}/release");
        match clerk.ask(Method::POST, &path, Some(&how)).await {
            Ok(released) => {
                let released: Released = serde_json::from_value(released)?;
                let twice = if released.twice { " (it may have been delivered twice)" } else { "" };
                let learned = released.learned.map(|word| format!(", learned as ham ({word})"));
                println!(
                    "{id}: released to {}{twice}{}",
                    released.recipient,
                    learned.unwrap_or_default()
                );
            }
            Err(error) => {
                eprintln!("tidegate: {id}: {error:#}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

async fn delete(clerk: &mut Clerk, ids: &[EntryId]) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for id in ids {
        match clerk.ask(Method::DELETE, &format!("/v1/quarantine/{id}"), None).await {
            Ok(deleted) => {
                let recipient = deleted["recipient"].as_str().unwrap_or_default();
                println!("{id}: deleted, which was held for {recipient}");
            }
            Err(error) => {
                eprintln!("tidegate: {id}: {error:#}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

fn time(time: u64) -> String {
    time_text(time, local_time(time))
}

fn told(printed: io::Result<()>) -> anyhow::Result<ExitCode> {
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}
