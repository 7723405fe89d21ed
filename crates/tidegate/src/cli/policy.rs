//! `tidegate policy`: what each recipient wants, and who changed it.
//!
//! Invariant: what is shown is what `serve` would do; what is set is durable when it is reported, and
//! its author is in the log.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::Value;
use tidegate_policy::{Edit, Layer, Policies, Subject};
use tidegate_store::{FILE_NAME, StoreError};

use super::Global;
use crate::calendar::utc;
use crate::config::Settings;
use crate::knowledge;
use crate::policies::{self, StoredPolicies};

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
        /// As in tag=4.5, at_reject=quarantine, allowed=shop.example,bert@example.net
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
    let loaded = match global.load(true) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let policies = loaded.parts.policies;
    match &flags.what {
        What::Show { address } => {
            if let Some(why) = borrow(&loaded.settings, &policies) {
                eprintln!("tidegate: {why}");
            }
            show(&policies, address, flags.json)?;
        }
        What::Set { subject, values, version } => {
            let set = values.iter().map(|value| key_and_value(value)).collect::<Result<_, _>>()?;
            let edit = Edit { subject: subject.clone(), set, unset: Vec::new(), version: *version };
            make(&loaded.settings, &policies, &edit, flags.json)?;
        }
        What::Unset { subject, keys, version } => {
            let edit = Edit {
                subject: subject.clone(),
                set: Default::default(),
                unset: keys.clone(),
                version: *version,
            };
            make(&loaded.settings, &policies, &edit, flags.json)?;
        }
        What::Log { subject } => {
            for line in open(&loaded.settings)?.log(subject.as_ref())? {
                if flags.json {
                    println!("{}", serde_json::to_string(&line)?);
                    continue;
                }
                let shown = |value: &Value| match value {
                    Value::Null => "unset".to_owned(),
                    value => value.to_string(),
                };
                let changes = line.changes.iter().map(|(key, (before, after))| {
                    format!("{key}: {} to {}", shown(before), shown(after))
                });
                let changes = changes.collect::<Vec<_>>().join(", ");
                let (at, by) = (utc(line.at), &line.by);
                println!("{at} {by} {} (version {}): {changes}", line.subject, line.version);
            }
        }
        What::List => {
            for listed in open(&loaded.settings)?.list()? {
                if flags.json {
                    println!("{}", serde_json::to_string(&listed)?);
                } else {
                    let layer = serde_json::to_string(&listed.layer)?;
                    println!("{} (version {}): {layer}", listed.subject, listed.version);
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The store, for whoever edits.
fn open(settings: &Settings) -> anyhow::Result<StoredPolicies> {
    let store = knowledge::store(settings).map_err(|error| match error.downcast_ref() {
        Some(StoreError::InUse(_)) => {
            error.context("the running daemon has the store, where these policies are kept")
        }
        _ => error,
    })?;
    Ok(StoredPolicies::new(store))
}

/// Lays over `policies` what the store keeps, where it is free; else why it doesn't count.
pub(super) fn borrow(settings: &Settings, policies: &Policies) -> Option<String> {
    if !knowledge::folder(settings).join(FILE_NAME).exists() {
        return None;
    }
    let laid = open(settings).and_then(|stored| Ok(stored.lay_over(policies)?));
    laid.err().map(|error| format!("{error:#}; what it keeps of policies is not counted here"))
}

fn make(settings: &Settings, policies: &Policies, edit: &Edit, json: bool) -> anyhow::Result<()> {
    let stored = open(settings)?;
    stored.lay_over(policies)?;
    let before = stored.get(&edit.subject)?.version;
    let after = stored.edit(policies, edit, &whoever_asks())?;
    if json {
        println!("{}", serde_json::to_string(&after)?);
    } else if after.version == before {
        println!("{}: nothing to change (version {before})", edit.subject);
    } else {
        println!("{}: version {}", edit.subject, after.version);
    }
    Ok(())
}

fn show(policies: &Policies, address: &str, json: bool) -> anyhow::Result<()> {
    let effective = policies::show(policies, address)?;
    if json {
        println!("{}", serde_json::to_string(&effective)?);
        return Ok(());
    }
    println!("{}", effective.user);
    for value in &effective.values {
        let line = format!("{} = {}", value.key, value.value);
        println!("  {line:<44}  # {}", value.from.words());
    }
    Ok(())
}

/// `KEY=VALUE`, the value as TOML, and as text where it is none. Of keys that hold a list a value may
/// be several, divided by commas.
fn key_and_value(text: &str) -> anyhow::Result<(String, Value)> {
    let (key, value) = text
        .split_once('=')
        .with_context(|| format!("'{text}' sets nothing; write KEY=VALUE, as in tag=4.5"))?;
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
    Ok((key.to_owned(), value))
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
            assert_eq!(key_and_value(text).unwrap(), (key.to_owned(), value), "{text}");
        }
        assert!(key_and_value("tag").is_err());
    }
}
