//! `tidegate guard`: which signals users correct, and which are damped for it.
//!
//! Invariant: a signal is put back to work by name, and by somebody.

use std::io::{self, Write};
use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::json;
use tidegate_policy::guard::Listed;

use super::{Global, clerk};
use crate::api::client;
use crate::knowledge::seconds;

#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List signals that are damped, were, or were corrected of late
    List {
        /// An object a line, for programs
        #[arg(long)]
        json: bool,
    },
    /// Let a damped signal count again; what it was damped for is forgotten
    Clear {
        /// Its name
        signal: String,
        /// Who says so, for the record
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
    },
}

const DAY: u64 = 86_400;

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    clerk::with(global, async |clerk| match &flags.what {
        What::List { json } => {
            let listed = clerk.ask(Method::GET, "/v1/guard", None).await?;
            let (listed, now) = (serde_json::from_value::<Vec<Listed>>(listed)?, seconds());
            let mut out = io::stdout().lock();
            for listed in listed {
                let line = match json {
                    true => serde_json::to_string(&listed)?,
                    false => line(&listed, now),
                };
                if writeln!(out, "{line}").is_err() {
                    break;
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        What::Clear { signal, by } => {
            let user = || std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).ok();
            let by = by.clone().or_else(user).unwrap_or_else(|| "the operator".to_owned());
            let path = format!("/v1/guard/{signal}/clear");
            match clerk.ask(Method::POST, &path, Some(&json!({ "by": by }))).await {
                Ok(_) => {
                    println!("{signal} counts again, by {by}");
                    Ok(ExitCode::SUCCESS)
                }
                Err(error) if error.is::<client::Missing>() => {
                    eprintln!(
                        "tidegate: {signal} is not damped; 'tidegate guard list' shows what is"
                    );
                    Ok(ExitCode::FAILURE)
                }
                Err(error) => Err(error),
            }
        }
    })
}

fn line(listed: &Listed, now: u64) -> String {
    let word = if listed.is_damped() { "DAMPED" } else { "counts" };
    let standing = match &listed.damping {
        Some(damping) if damping.cleared.is_none() => damping.standing,
        _ => listed.standing,
    };
    let mut line = format!(
        "{word}  {:<36} wrong {} of {} times, by {} users and {} times the operator; missed {}",
        listed.signal,
        standing.corrections,
        standing.hits.max(standing.corrections),
        standing.users,
        standing.by_operator,
        listed.standing.missed,
    );
    if let Some(damping) = &listed.damping {
        line.push_str(&format!("; damped {}", ago(damping.since, now)));
        if let Some(cleared) = &damping.cleared {
            line.push_str(&format!(", cleared {} by {}", ago(cleared.at, now), cleared.by));
        }
    }
    line
}

fn ago(at: u64, now: u64) -> String {
    match now.saturating_sub(at) / DAY {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    }
}
