//! `tidegate token`: who may use the API.
//!
//! Invariant: a token is printed once, alone on standard output, so that a script can keep it.

use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::json;

use super::Global;
use super::clerk;
use crate::pages::access::Token;

#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a token, and print it: it is not shown again
    Create {
        /// Whose mail it gives access to
        address: String,
        /// Give access to everybody's mail
        #[arg(long)]
        admin: bool,
        /// What it is for
        #[arg(long, default_value = "", value_name = "TEXT")]
        note: String,
        /// Days that it is good for
        #[arg(long, default_value_t = 365)]
        days: u64,
    },
    /// List the tokens that are good
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End a token
    Revoke {
        /// Its id, as listed
        id: String,
    },
}

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    clerk::with(global, async |clerk| {
        match &flags.what {
            What::Create { address, admin, note, days } => {
                let wanted =
                    json!({ "address": address, "admin": admin, "note": note, "days": days });
                let made = clerk.ask(Method::POST, "/v1/tokens", Some(&wanted)).await?;
                println!("{}", made["token"].as_str().unwrap_or_default());
                let id = made["id"].as_str().unwrap_or_default();
                let ends = crate::calendar::day(made["ends"].as_u64().unwrap_or_default());
                eprintln!(
                    "tidegate: its id is {id}, and it is good until {ends}; it is not shown again"
                );
            }
            What::List { json } => {
                let tokens = clerk.ask(Method::GET, "/v1/tokens", None).await?;
                if *json {
                    println!("{tokens}");
                    return Ok(ExitCode::SUCCESS);
                }
                for token in serde_json::from_value::<Vec<Token>>(tokens)? {
                    let ends = crate::calendar::day(token.ends);
                    let admin = if token.person.admin { " (admin)" } else { "" };
                    println!(
                        "{}  until {ends}  {}{admin}  {}",
                        token.id, token.person.address, token.note
                    );
                }
            }
            What::Revoke { id } => {
                clerk.ask(Method::DELETE, &format!("/v1/tokens/{id}"), None).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}
