//! What a user wants, as a form in plain words.
//!
//! Invariant: a form changes only what differs from what it showed; what a user leaves as it is follows
//! the site's default when that changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Form, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_policy::{Edit, Layer, Logged};

use super::frame::{self, Frame};
use super::held::refused;
use super::visitor::Visitor;
use super::{Site, access};
use crate::api::Refusal;
use crate::calendar;
use crate::services::Choices;

pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new().route("/choices", get(show).post(save))
}

/// The bands of the score: threshold, its action, and what they are called.
const BANDS: [(&str, &str, &str); 3] = [
    ("tag", "at_tag", "What may be spam"),
    ("quarantine", "at_quarantine", "What is very likely spam"),
    ("reject", "at_reject", "What is spam without doubt"),
];

const ACTIONS: [(&str, &str); 5] = [
    ("accept", "deliver it like any other mail"),
    ("tag", "deliver it, marked in its header"),
    ("tag-subject", "deliver it, marked in its subject"),
    ("quarantine", "hold it here"),
    ("reject", "refuse it; its sender is told"),
];

const BULK: [(&str, &str); 5] = [
    ("want", "I want them like any other mail"),
    ("tag", "Deliver them, marked as what may be spam is"),
    ("quarantine", "Hold them, as what is very likely spam is"),
    ("tag-unwanted", "Mark those that nobody vouches I asked for, or that break the rules"),
    ("quarantine-unwanted", "Hold those that nobody vouches I asked for, or that break the rules"),
];

/// Edits that are told on the page.
const TOLD_EDITS: usize = 10;

/// Lists that are written a line each, or with commas.
const LISTS: [&str; 3] = ["allowed", "blocked", "languages"];

#[derive(Template)]
#[template(path = "choices.html")]
struct Page {
    frame: Frame,
    own: bool,
    address: String,
    version: u64,
    errors: Vec<String>,
    it: Shown,
    log: Vec<String>,
}

/// What the form shows.
struct Shown {
    filtering: bool,
    bands: Vec<Band>,
    bulk: String,
    bulk_choices: [(&'static str, &'static str); 5],
    allowed: String,
    blocked: String,
    languages: String,
    keep_days: u64,
    digest: Option<u8>,
}

struct Band {
    key: &'static str,
    action_key: &'static str,
    words: &'static str,
    from: String,
    action: String,
    actions: [(&'static str, &'static str); 5],
}

impl From<&BTreeMap<&'static str, Value>> for Shown {
    fn from(values: &BTreeMap<&'static str, Value>) -> Self {
        let value = |key: &str| values.get(key).cloned().unwrap_or_default();
        let word = |key: &str| value(key).as_str().unwrap_or_default().to_owned();
        let lines = |key: &str, between: &str| {
            let value = value(key);
            let each = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            each.collect::<Vec<_>>().join(between)
        };
        let band = |(key, action_key, words)| Band {
            key,
            action_key,
            words,
            from: value(key).to_string(),
            action: word(action_key),
            actions: ACTIONS,
        };
        Self {
            filtering: value("filtering").as_bool().unwrap_or(true),
            bands: BANDS.into_iter().map(band).collect(),
            bulk: word("bulk"),
            bulk_choices: BULK,
            allowed: lines("allowed", "\n"),
            blocked: lines("blocked", "\n"),
            languages: lines("languages", ", "),
            keep_days: value("keep_days").as_u64().unwrap_or(30),
            digest: value("digest").as_u64().and_then(|hour| u8::try_from(hour).ok()),
        }
    }
}

/// The values in force, by key.
fn in_force(choices: &Choices) -> BTreeMap<&'static str, Value> {
    choices.effective.values.iter().map(|it| (it.key, it.value.clone())).collect()
}

#[derive(Deserialize)]
struct Asked {
    address: Option<String>,
    done: Option<String>,
}

async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Response {
    let address = asked.address.as_deref().map(str::trim).filter(|address| !address.is_empty());
    let address = address.map_or(visitor.person.address.clone(), access::folded);
    match site.services.choices(&visitor.caller(), &address).await {
        Ok(choices) => {
            let shown = Shown::from(&in_force(&choices));
            let page = page(&site, &visitor, address, &choices, shown, Vec::new()).await;
            frame::page(&Page { frame: page.frame.noting(asked.done.as_deref()), ..page })
        }
        Err(refusal) => refused(&site, &refusal),
    }
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    address: String,
    choices: &Choices,
    it: Shown,
    errors: Vec<String>,
) -> Page {
    let own = visitor.person.address == address;
    let log = site.services.policy_log(&visitor.caller(), Some(address.clone())).await;
    Page {
        frame: Frame::of(site, visitor, if own { "choices" } else { "admin" }),
        own,
        version: choices.own.version,
        errors,
        it,
        log: log.unwrap_or_default().iter().take(TOLD_EDITS).map(told).collect(),
        address,
    }
}

/// An edit in a line.
fn told(edit: &Logged) -> String {
    let changes = edit.changes.iter().map(|(key, (_, after))| match after {
        Value::Null => format!("{} as the site recommends", key.replace('_', " ")),
        after => format!("{}: {}", key.replace('_', " "), plain(after)),
    });
    let changes = changes.collect::<Vec<_>>().join("; ");
    format!("{}, by {}: {changes}", calendar::minute(edit.at), edit.by)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

async fn save(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Response {
    let field = |name: &str| fields.get(name).map_or("", |value| value.trim());
    if let Some(refused) = visitor.refuses(&site, field("form")) {
        return refused;
    }
    let address = access::folded(field("address"));
    let caller = visitor.caller();
    let choices = match site.services.choices(&caller, &address).await {
        Ok(choices) => choices,
        Err(refusal) => return refused(&site, &refusal),
    };
    let before = in_force(&choices);
    let reset = field("do") == "reset";
    let edit = match address.parse() {
        Err(error) => Err(Refusal::Wrong(error)),
        Ok(subject) => Ok(Edit {
            subject,
            set: if reset { BTreeMap::new() } else { wanted(&fields, &before) },
            unset: if reset { Layer::KEYS.map(str::to_owned).to_vec() } else { Vec::new() },
            version: field("version").parse().ok(),
        }),
    };
    let edited = match edit {
        Ok(edit) if edit.set.is_empty() && !reset => Ok(()),
        Ok(edit) => site.services.edit(&caller, edit, None).await.map(drop),
        Err(refusal) => Err(refusal),
    };
    match edited {
        Ok(()) => {
            let mut to = form_urlencoded::Serializer::new("/choices?".to_owned());
            to.append_pair("done", if reset { "reset-1" } else { "saved-1" });
            if address != visitor.person.address {
                to.append_pair("address", &address);
            }
            Redirect::to(&to.finish()).into_response()
        }
        // What was written stays in the form, beside what is wrong with it.
        Err(Refusal::Wrong(what) | Refusal::Changed(what)) => {
            let mut shown = before;
            shown.extend(
                wanted(&fields, &shown)
                    .iter()
                    .filter_map(|(key, value)| {
                        Layer::KEYS
                            .into_iter()
                            .find(|known| known == key)
                            .map(|key| (key, value.clone()))
                    })
                    .collect::<Vec<_>>(),
            );
            let errors = what.lines().map(str::to_owned).collect();
            let shown = Shown::from(&shown);
            let page = page(&site, &visitor, address, &choices, shown, errors).await;
            frame::with(StatusCode::BAD_REQUEST, &page)
        }
        Err(refusal) => refused(&site, &refusal),
    }
}

/// What the form asks for, where that differs from what is in force.
fn wanted(
    fields: &BTreeMap<String, String>,
    before: &BTreeMap<&'static str, Value>,
) -> BTreeMap<String, Value> {
    let value = |key: &str| -> Option<Value> {
        let text = fields.get(if key == "digest" { "digest_hour" } else { key })?.trim();
        Some(match key {
            "filtering" => json!(text == "true"),
            "tag" | "quarantine" | "reject" => number(text),
            "keep_days" => text.parse::<u64>().map_or_else(|_| json!(text), |days| json!(days)),
            "digest" if text.is_empty() => json!("never"),
            "digest" => text.parse::<u64>().map_or_else(|_| json!(text), |hour| json!(hour)),
            key if LISTS.contains(&key) => {
                let each = text.split(['\n', '\r', ',']).map(str::trim);
                json!(each.filter(|it| !it.is_empty()).collect::<Vec<_>>())
            }
            _ => json!(text),
        })
    };
    let changed = Layer::KEYS.into_iter().filter_map(|key| Some((key, value(key)?)));
    let same = |key: &str, value: &Value| {
        let before = before.get(key);
        before == Some(value)
            || before.and_then(Value::as_f64).is_some_and(|before| value.as_f64() == Some(before))
    };
    changed
        .filter(|(key, value)| !same(key, value))
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn number(text: &str) -> Value {
    text.replace(',', ".").parse::<f64>().map_or_else(|_| json!(text), |points| json!(points))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_changed_becomes_the_users_own() {
        let before = BTreeMap::from([
            ("tag", json!(5.0)),
            ("filtering", json!(true)),
            ("allowed", json!(["a.example"])),
            ("digest", json!("never")),
            ("bulk", json!("want")),
        ]);
        let form = |text: &str| -> BTreeMap<String, String> {
            form_urlencoded::parse(text.as_bytes()).into_owned().collect()
        };
        let same = "tag=5&filtering=true&allowed=a.example%0D%0A&digest_hour=&bulk=want&form=x";
        assert_eq!(wanted(&form(same), &before), BTreeMap::new());
        let other = "tag=4,5&filtering=false&allowed=&digest_hour=7&bulk=tag";
        let changed = wanted(&form(other), &before);
        assert_eq!(changed["tag"], json!(4.5));
        assert_eq!(changed["filtering"], json!(false));
        assert_eq!(changed["allowed"], json!([]));
        assert_eq!(changed["digest"], json!(7));
        assert_eq!(changed["bulk"], json!("tag"));
    }

    #[test]
    fn what_is_no_number_is_left_for_the_policy_to_refuse() {
        assert_eq!(number("lots"), json!("lots"));
        assert_eq!(number("7,5"), json!(7.5));
    }
}
