//! `tidegate scan`: judges message files as `serve` would, and explains.
//!
//! Invariant: a file that can't be read is told and the others are judged; the exit code tells it
//! too.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::iter;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use futures_util::StreamExt;
use tidegate_engine::{Engine, Judged, Parts, Statistics};
use tidegate_mail::{Address, Envelope};
use tidegate_policy::Verdict;
use tidegate_policy::guard::Corrections;
use tidegate_signal::Damped;

use super::Global;
use super::batch::{self, Job, Said};
use crate::config::Settings;
use crate::explain::{Inferred, View};
use crate::names::Names;
use crate::policies::StoredPolicies;
use crate::{json, knowledge, logging};

#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// The client's address; without --ip, --helo and --from, each message's header says
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
    /// What the client called itself
    #[arg(long, value_name = "NAME")]
    helo: Option<String>,
    /// The envelope sender; '' is the null sender
    #[arg(long, value_name = "SENDER")]
    from: Option<String>,
    /// A recipient; may be given several times
    #[arg(long, value_name = "RECIPIENT")]
    rcpt: Vec<String>,
    /// Ask nothing of the network
    #[arg(long)]
    offline: bool,
    /// Print one JSON object a message, one a line
    #[arg(long)]
    json: bool,
    /// A file that names a message file a line, with 'ham ' or 'spam ' before it or not
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Message files; '-' is standard input, which is read when none is named
    #[arg(value_name = "FILE")]
    files: Vec<String>,
}

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    let loaded = match global.load(flags.offline) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    if global.verbose {
        let log = &loaded.settings.log;
        logging::start(log, true, &Names::new(log, None));
    }
    let limits = loaded.settings.milter.limits().session;
    let longest = (limits.header_octets + limits.body_octets) as u64;
    let mut parts = loaded.parts;
    by_what_is_kept(&mut parts, &loaded.settings)?;
    let engine = Arc::new(Engine::new(parts));
    let jobs = flags.jobs()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut told = Told::new(flags);
        let mut judged =
            pin!(batch::judge(engine, jobs, flags.said(), longest, batch::side_by_side()));
        while let Some((job, outcome)) = judged.next().await {
            match told.tell(&job, &outcome) {
                // Whoever read the output has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                other => other?,
            }
        }
        told.end()
    })
}

/// Judges by what the store keeps, as the daemon does: what was learned, what users have set, and which
/// signals they corrected too often to count.
fn by_what_is_kept(parts: &mut Parts, settings: &Settings) -> anyhow::Result<()> {
    let store = knowledge::free(settings).unwrap_or_else(|why| {
        eprintln!("tidegate: {why}: what was learned, set and damped here is not counted");
        None
    });
    if settings.statistics.enabled {
        let lessons = match &store {
            Some(store) => knowledge::lessons(Arc::clone(store), settings)?,
            None => knowledge::alone(settings)?,
        };
        parts.statistics = Some(Statistics::new(lessons).explaining());
    }
    if let Some(store) = store {
        StoredPolicies::new(Arc::clone(&store)).lay_over(&parts.policies)?;
        let damped = Damped::default();
        Corrections::open(store, damped.clone())?;
        parts.scores = parts.scores.clone().damping(damped);
    }
    Ok(())
}

impl Flags {
    fn jobs(&self) -> anyhow::Result<Box<dyn Iterator<Item = io::Result<Job>>>> {
        let files = self.files.clone().into_iter().map(|name| Ok(Job::named(&name)));
        Ok(match &self.list {
            Some(list) => Box::new(batch::listed(list)?.chain(files)),
            None if self.files.is_empty() => Box::new(iter::once(Ok(Job::named("-")))),
            None => Box::new(files),
        })
    }

    /// What SMTP would have said.
    fn said(&self) -> Said {
        let envelope = Envelope {
            client: self.ip,
            helo: self.helo.clone(),
            sender: self.from.as_deref().map(Address::new),
            recipients: self.rcpt.iter().map(|address| Address::new(address)).collect(),
            ..Envelope::default()
        };
        if self.is_inferred() { Said::Inferred(envelope) } else { Said::Given(envelope) }
    }

    const fn is_inferred(&self) -> bool {
        self.ip.is_none() && self.helo.is_none() && self.from.is_none()
    }
}

/// What has been told so far.
struct Told<'f> {
    flags: &'f Flags,
    view: View,
    verdicts: BTreeMap<Verdict, usize>,
    unread: usize,
}

impl<'f> Told<'f> {
    fn new(flags: &'f Flags) -> Self {
        Self { flags, view: View::of_output(), verdicts: BTreeMap::new(), unread: 0 }
    }

    fn tell(&mut self, job: &Job, outcome: &io::Result<Judged>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match outcome {
            Ok(judged) => {
                let before = self.verdicts.values().sum::<usize>();
                *self.verdicts.entry(judged.verdict()).or_default() += 1;
                if self.flags.json {
                    return writeln!(out, "{}", json::line(&job.name, judged)?);
                }
                let gap = if before > 0 { "\n" } else { "" };
                let inferred = match self.flags.is_inferred() {
                    false => Inferred::Nothing,
                    true if self.flags.rcpt.is_empty() => Inferred::All,
                    true => Inferred::Origin,
                };
                write!(out, "{gap}{}", self.view.explain(&job.name, judged, inferred))?;
                write!(out, "{}", self.view.advise(judged))
            }
            Err(error) => {
                self.unread += 1;
                eprintln!("tidegate: {}: {error}", job.name);
                if self.flags.json {
                    writeln!(out, "{}", json::error(&job.name, &error.to_string())?)?;
                }
                Ok(())
            }
        }
    }

    fn end(self) -> anyhow::Result<ExitCode> {
        let judged: usize = self.verdicts.values().sum();
        if !self.flags.json && judged + self.unread > 1 {
            let each: Vec<String> =
                self.verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
            let unread = match self.unread {
                0 => String::new(),
                count => format!("; {count} could not be read"),
            };
            // Whoever reads no further has seen enough.
            let _ = writeln!(io::stdout(), "\n{judged} messages: {}{unread}", each.join(", "));
        }
        Ok(if self.unread == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
