//! `tidegate learn`: teaches what is spam and what is not.
//!
//! A running daemon is taught over its control socket; where none runs, the store is written directly.
//!
//! Invariant: a message that was learned is not learned twice, and what is reported is durable.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use tidegate_bayes::{Class, Lessons};
use tidegate_engine::Engine;

use super::Global;
use super::batch::{self, Job};
use crate::remembered::Remembered;
use crate::{control, journal, knowledge};

#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// What the messages are; 'forget' takes back what was learned of them by mistake
    class: What,
    /// A file that names a message file a line; lines that begin with the other class are left out
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Whose opinion it is; without one, the operator's, for everybody
    #[arg(long, value_name = "ADDRESS")]
    user: Option<String>,
    /// A message that the journal has, by the name that 'journal list' shows or the queue id
    #[arg(long, value_name = "ID")]
    id: Vec<String>,
    /// Message files; '-' is standard input, which is read when none is named
    #[arg(value_name = "FILE")]
    files: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Spam,
    Ham,
    Forget,
}

impl What {
    const fn class(self) -> Option<Class> {
        match self {
            Self::Spam => Some(Class::Spam),
            Self::Ham => Some(Class::Ham),
            Self::Forget => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Ham => "ham",
            Self::Forget => "forget",
        }
    }
}

/// Who is taught.
enum Pupil {
    Daemon(BufReader<UnixStream>),
    Store { engine: Arc<Engine>, lessons: Arc<Lessons>, remembered: Arc<Remembered> },
}

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    let loaded = match global.load(true) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let folder = knowledge::folder(&loaded.settings);
    let socket = control::path(&folder);
    let mut pupil = match UnixStream::connect(&socket) {
        Ok(daemon) => {
            daemon.set_read_timeout(Some(Duration::from_secs(60)))?;
            Pupil::Daemon(BufReader::new(daemon))
        }
        Err(_) => {
            let store = knowledge::shared(&loaded.settings)?;
            Pupil::Store {
                remembered: Remembered::open(Arc::clone(&store), &loaded.settings)?,
                lessons: knowledge::lessons(store, &loaded.settings)?,
                engine: Arc::new(Engine::new(loaded.parts)),
            }
        }
    };
    let (mut told, mut failed) = (BTreeMap::<String, usize>::new(), 0usize);
    let journal = journal::folder(&folder);
    for id in &flags.id {
        match pupil.teach_record(&journal, id, flags) {
            Ok(word) => *told.entry(word).or_default() += 1,
            Err(error) => {
                eprintln!("tidegate: {id}: {error:#}");
                failed += 1;
            }
        }
    }
    for job in flags.jobs()? {
        let job = job?;
        let taught = job
            .read(control::LONGEST_MESSAGE)
            .map_err(anyhow::Error::from)
            .and_then(|raw| pupil.teach(&raw, flags));
        match taught {
            Ok(word) => *told.entry(word).or_default() += 1,
            Err(error) => {
                eprintln!("tidegate: {}: {error}", job.name);
                failed += 1;
            }
        }
    }
    pupil.end()?;
    let told: Vec<String> = told.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let told = if told.is_empty() { "nothing".to_owned() } else { told.join(", ") };
    let failed_too = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    println!("{}: {told}{failed_too}", flags.class.word());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Flags {
    fn jobs(&self) -> anyhow::Result<Vec<std::io::Result<Job>>> {
        let mut jobs = Vec::new();
        if let Some(list) = &self.list {
            let other = |job: &Job| match (job.spam, self.class) {
                (Some(spam), What::Spam) => !spam,
                (Some(spam), What::Ham) => spam,
                _ => false,
            };
            jobs.extend(batch::listed(list)?.filter(|job| !job.as_ref().is_ok_and(other)));
        }
        jobs.extend(self.files.iter().map(|name| Ok(Job::named(name))));
        if jobs.is_empty() && self.list.is_none() && self.id.is_empty() {
            jobs.push(Ok(Job::named("-")));
        }
        Ok(jobs)
    }
}

impl Pupil {
    /// What came of it, in a word.
    fn teach(&mut self, raw: &[u8], flags: &Flags) -> anyhow::Result<String> {
        match self {
            Self::Daemon(daemon) => ask(daemon, "learn", raw, flags),
            Self::Store { engine, lessons, remembered } => {
                let (class, user) = (flags.class.class(), flags.user.as_deref());
                let taught = control::teach(engine, lessons, remembered, raw, class, user)?;
                Ok(control::word(taught).to_owned())
            }
        }
    }

    /// Teaches what the journal has of a message: the message, or what was found in it.
    fn teach_record(&mut self, journal: &Path, id: &str, flags: &Flags) -> anyhow::Result<String> {
        let record = journal::find(journal, id)?;
        if let Some(raw) = &record.message {
            return self.teach(raw, flags);
        }
        let found = record.learnable().map_err(anyhow::Error::msg)?;
        match self {
            Self::Daemon(daemon) => ask(daemon, "features", &control::written_found(&found), flags),
            Self::Store { lessons, .. } => {
                let (class, user) = (flags.class.class(), flags.user.as_deref());
                let taught = control::teach_found(lessons, found, class, user)?;
                Ok(control::word(taught).to_owned())
            }
        }
    }

    /// Leaves the store so that it opens fast.
    fn end(&self) -> anyhow::Result<()> {
        if let Self::Store { lessons, .. } = self {
            lessons.checkpoint()?;
        }
        Ok(())
    }
}

/// Puts a request to a running daemon, and reads what came of it.
fn ask(
    daemon: &mut BufReader<UnixStream>,
    verb: &str,
    bytes: &[u8],
    flags: &Flags,
) -> anyhow::Result<String> {
    let user = flags.user.as_deref().unwrap_or_default();
    let line = format!("{verb} {} {} {user}\n", flags.class.word(), bytes.len());
    daemon.get_mut().write_all(&[line.as_bytes(), bytes].concat())?;
    let mut answer = String::new();
    if daemon.read_line(&mut answer).context("the daemon does not answer")? == 0 {
        bail!("the daemon has gone; nothing is known of this message");
    }
    match answer.trim_end().strip_prefix("error: ") {
        Some(error) => bail!("{error}"),
        None => Ok(answer.trim_end().to_owned()),
    }
}
