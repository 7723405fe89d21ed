//! `tidegate policy`: what each recipient wants, and who changed it.
//!
//! Invariant: what is shown is what `serve` would do; what is set is durable when it is reported, and
//! its author is in the log.

use std::process::ExitCode;

use anyhow::Context;
use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tidegate_policy::{Layer, Logged, Origin, Subject};

use super::{Global, clerk};
use crate::api::client::Clerk;
use crate::calendar::utc;
use crate::services::Edited;

#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    what: What,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show what is in force for an address, and where each value comes from
    Show {
        #[arg(value_name = "ADDRESS")]
        address: String,
    },
    /// Set values for a user or a domain
    Set {
        /// anna@example.org, or @example.org for a domain
        #[arg(value_name = "ADDRESS|@DOMAIN")]
        subject: Subject,
        /// As in tag=4.5, at_reject=quarantine, allowed=shop.example,bert@example.net; a list is set as a
        /// whole by =, added to by += and taken from by -=, as in allowed+=shop.example
        #[arg(value_name = "KEY=VALUE", required = true)]
        values: Vec<String>,
        /// Only if it is the policy's version still
        #[arg(long, value_name = "NUMBER")]
        version: Option<u64>,
    },
    /// Take values back, so that those of the domain or the default count
    Unset {
        /// anna@example.org, or @example.org for a domain
        #[arg(value_name = "ADDRESS|@DOMAIN")]
        subject: Subject,
        #[arg(value_name = "KEY", required = true)]
        keys: Vec<String>,
        /// Only if it is the policy's version still
        #[arg(long, value_name = "NUMBER")]
        version: Option<u64>,
    },
    /// List who has changed what, the latest first
    Log {
        #[arg(value_name = "ADDRESS|@DOMAIN")]
        subject: Option<Subject>,
    },
    /// List the policies in the store
    List,
}

pub(crate) fn run(global: &Global, flags: &Flags) -> anyhow::Result<ExitCode> {
    clerk::with(global, async |clerk| {
        match &flags.what {
            What::Show { address } => show(clerk, address, flags.json).await?,
            What::Set { subject, values, version } => {
                let mut edit = json!({ "version": version });
                for value in values {
                    let (how, key, value) = key_and_value(value)?;
                    edit[how][key] = value;
                }
                make(clerk, subject, edit, flags.json).await?;
            }
            What::Unset { subject, keys, version } => {
                make(clerk, subject, json!({ "unset": keys, "version": version }), flags.json)
                    .await?;
            }
            What::Log { subject } => {
                let path = match subject {
                    Some(subject) => format!("/v1/policy-log?subject={}", encoded(subject)),
                    None => "/v1/policy-log".to_owned(),
                };
                let log = clerk.ask(Method::GET, &path, None).await?;
                for line in serde_json::from_value::<Vec<Logged>>(log)? {
                    log_line(&line, flags.json)?;
                }
            }
            What::List => {
                let listed = clerk.ask(Method::GET, "/v1/policy", None).await?;
                for listed in listed.as_array().into_iter().flatten() {
                    if flags.json {
                        println!("{listed}");
                    } else {
                        let subject = listed["subject"].as_str().unwrap_or_default();
                        println!("{subject} (version {}): {}", listed["version"], listed["layer"]);
                    }
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// A subject as it stands in a path or query.
fn encoded(subject: &Subject) -> String {
    form_urlencoded::byte_serialize(subject.to_string().as_bytes()).collect()
}

fn log_line(line: &Logged, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(line)?);
        return Ok(());
    }
    let shown = |value: &Value| match value {
        Value::Null => "unset".to_owned(),
        value => value.to_string(),
    };
    let changes = line.changes.iter();
    let changes = changes
        .map(|(key, (before, after))| format!("{key}: {} to {}", shown(before), shown(after)));
    let changes = changes.collect::<Vec<_>>().join(", ");
    let (at, by) = (utc(line.at), &line.by);
    println!("{at} {by} {} (version {}): {changes}", line.subject, line.version);
    Ok(())
}

async fn make(
    clerk: &mut Clerk,
    subject: &Subject,
    mut edit: Value,
    json: bool,
) -> anyhow::Result<()> {
    edit["by"] = whoever_asks().into();
    let path = format!("/v1/policy/{}", encoded(subject));
    let edited = clerk.ask(Method::PATCH, &path, Some(&edit)).await?;
    let Edited { before, stored } = serde_json::from_value(edited)?;
    if json {
        println!("{}", serde_json::to_string(&stored)?);
    } else if stored.version == before {
        println!("{subject}: nothing to change (version {before})");
    } else {
        println!("{subject}: version {}", stored.version);
    }
    Ok(())
}

async fn show(clerk: &mut Clerk, address: &str, json: bool) -> anyhow::Result<()> {
    let path: String = form_urlencoded::byte_serialize(address.as_bytes()).collect();
    let choices = clerk.ask(Method::GET, &format!("/v1/policy/{path}"), None).await?;
    let effective = &choices["effective"];
    if json {
        println!("{effective}");
        return Ok(());
    }
    println!("{}", effective["user"].as_str().unwrap_or_default());
    for value in effective["values"].as_array().into_iter().flatten() {
        let line = format!("{} = {}", value["key"].as_str().unwrap_or_default(), value["value"]);
        let from: Origin = serde_json::from_value(value["from"].clone())?;
        println!("  {line:<44}  # {}", from.words());
    }
    Ok(())
}

/// `KEY=VALUE`, the value as TOML, and as text where it is none. Of keys that hold a list a value may
/// be several, divided by commas, and `+=` and `-=` add them and remove them. What is done with it by the
/// name that an edit has for that, the key, and the value.
fn key_and_value(text: &str) -> anyhow::Result<(&'static str, String, Value)> {
    let (key, value) = text
        .split_once('=')
        .with_context(|| format!("'{text}' sets nothing; write KEY=VALUE, as in tag=4.5"))?;
    let (how, key) = match (key.strip_suffix('+'), key.strip_suffix('-')) {
        (Some(key), _) => ("add", key),
        (_, Some(key)) => ("remove", key),
        _ => ("set", key),
    };
    let (key, value) = (key.trim(), value.trim());
    let read = format!("v = {value}").parse::<toml::Table>().ok().and_then(|mut table| {
        let value = table.remove("v").filter(|_| table.is_empty())?;
        serde_json::to_value(value).ok()
    });
    let value = match read {
        Some(value @ (Value::Array(_) | Value::Number(_) | Value::Bool(_))) => value,
        Some(Value::String(text)) => in_its_form(key, &text),
        _ => in_its_form(key, value),
    };
    anyhow::ensure!(
        how == "set" || value.is_array(),
        "'{key}' is no list, and has one value; write {key}=VALUE"
    );
    Ok((how, key.to_owned(), value))
}

fn in_its_form(key: &str, text: &str) -> Value {
    let is_list = serde_json::from_value::<Layer>(serde_json::json!({ key: [] })).is_ok();
    if !is_list {
        return text.into();
    }
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(Value::from).collect::<Vec<_>>().into()
}

/// Whoever runs the program, for the log.
fn whoever_asks() -> String {
    let id = nix::unistd::getuid();
    let name = nix::unistd::User::from_uid(id).ok().flatten().map(|user| user.name);
    format!("{} (command line)", name.unwrap_or_else(|| format!("user {id}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        for (text, how, key, value) in [
            ("allowed+=a.example, b.example", "add", "allowed", json!(["a.example", "b.example"])),
            ("languages -= de", "remove", "languages", json!(["de"])),
        ] {
            assert_eq!(key_and_value(text).unwrap(), (how, key.to_owned(), value), "{text}");
        }
        for (text, key, value) in [
            ("tag=4.5", "tag", json!(4.5)),
            ("filtering = false", "filtering", json!(false)),
            ("at_tag=tag-subject", "at_tag", json!("tag-subject")),
            ("subject_prefix=\"[JUNK] \"", "subject_prefix", json!("[JUNK] ")),
            ("languages=de,en", "languages", json!(["de", "en"])),
            ("allowed=shop.example", "allowed", json!(["shop.example"])),
            ("allowed=['a@b.example']", "allowed", json!(["a@b.example"])),
            ("allowed=", "allowed", json!([])),
            ("digest=7", "digest", json!(7)),
        ] {
            assert_eq!(key_and_value(text).unwrap(), ("set", key.to_owned(), value), "{text}");
        }
        assert!(key_and_value("tag").is_err());
        assert!(key_and_value("tag+=1").is_err());
    }
}
