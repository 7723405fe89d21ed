//! `tidegate quarantine`: what is held, for operators.
//!
//! The store is one process's at a time: while the daemon runs, it has it, and these commands say so.
//!
//! Invariant: an id that can't be dealt with is told and the others are; the exit code tells it too.
//! Nothing that a stranger wrote moves the terminal.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use tidegate_bayes::{Class, Lessons};
use tidegate_engine::Engine;
use tidegate_quarantine::{
    EntryId, Filter, Quarantine, Released, Shown, Summary, local_time, time_text,
};
use tidegate_store::{Store, StoreError};

use super::Global;
use crate::config::Loaded;
use crate::remembered::Remembered;
use crate::{control, knowledge, quarantine};

/// Who releases, in the record of an entry.
const BY: &str = "the command line";

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
        /// Its id, as 'list' shows it
        id: EntryId,
        /// Print a JSON object
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
    let loaded = match global.load(true) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let store = match knowledge::store(&loaded.settings) {
        Ok(store) => store,
        Err(error) if matches!(error.downcast_ref(), Some(StoreError::InUse(_))) => {
            bail!("the running daemon has the quarantine; stop it first, or use its pages");
        }
        Err(error) => return Err(error),
    };
    let Some(held) = quarantine::open(&loaded, &store)? else {
        bail!("the quarantine is switched off: set [quarantine] enabled = true");
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &flags.action {
        Action::List { user, search, limit, json } => {
            let filter =
                Filter { owner: user.clone(), search: search.clone(), ..Filter::default() };
            runtime.block_on(list(&held, filter, limit.unwrap_or(usize::MAX), *json))
        }
        Action::Show { id, json } => {
            let shown = runtime.block_on(held.show(id)).with_context(|| id.to_string())?;
            told(show(&shown, *json))
        }
        Action::Release { ids, learn } => {
            let lessons = match learn {
                true => Some(Taught::open(&store, loaded)?),
                false => None,
            };
            let released = runtime.block_on(release(&held, ids, lessons.as_ref()));
            lessons.map_or(Ok(()), |taught| taught.lessons.checkpoint())?;
            Ok(released)
        }
        Action::Delete { ids } => Ok(runtime.block_on(delete(&held, ids))),
        Action::Expire => {
            let gone = runtime.block_on(held.expire(knowledge::seconds()))?;
            let there_is = held.counted();
            println!("{gone} expired, {} held in {} bytes", there_is.entries, there_is.bytes);
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn list(
    held: &Quarantine,
    mut filter: Filter,
    mut left: usize,
    json: bool,
) -> anyhow::Result<ExitCode> {
    while left > 0 {
        filter.limit = Some(left.min(1_000));
        let page = held.list(&filter).await?;
        left -= page.entries.len().min(left);
        let printed = page.entries.iter().try_for_each(|entry| line(entry, json));
        match printed {
            // Whoever read the output has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            other => other?,
        }
        filter.after = page.next;
        if filter.after.is_none() {
            break;
        }
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

/// What it takes to learn what is released.
struct Taught {
    engine: Engine,
    lessons: Arc<Lessons>,
    remembered: Arc<Remembered>,
}

impl Taught {
    fn open(store: &Arc<dyn Store>, loaded: Loaded) -> anyhow::Result<Self> {
        if !loaded.settings.statistics.enabled {
            bail!("nothing can be learned: set [statistics] enabled = true");
        }
        let lessons = knowledge::lessons(Arc::clone(store), &loaded.settings)?;
        let remembered = Remembered::open(Arc::clone(store), &loaded.settings)?;
        Ok(Self { engine: Engine::new(loaded.parts), lessons, remembered })
    }

    fn teach(&self, released: &Released) -> String {
        let user = Some(released.entry.owner.as_str());
        let Self { engine, lessons, remembered } = self;
        let ham = Some(Class::Ham);
        match control::teach(engine, lessons, remembered, &released.raw, ham, user) {
            Ok(taught) => format!(", learned as ham ({})", control::word(taught)),
            Err(error) => format!(", not learned: {error}"),
        }
    }
}

async fn release(held: &Quarantine, ids: &[EntryId], taught: Option<&Taught>) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for id in ids {
        match held.release(id, BY, knowledge::seconds()).await {
            Ok(released) => {
                let twice = if released.twice { " (it may have been delivered twice)" } else { "" };
                let learned = taught.map(|taught| taught.teach(&released)).unwrap_or_default();
                println!("{id}: released to {}{twice}{learned}", released.entry.recipient);
            }
            Err(error) => {
                eprintln!("tidegate: {id}: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

async fn delete(held: &Quarantine, ids: &[EntryId]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for id in ids {
        match held.delete(id, knowledge::seconds()).await {
            Ok(entry) => println!("{id}: deleted, which was held for {}", entry.recipient),
            Err(error) => {
                eprintln!("tidegate: {id}: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
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
