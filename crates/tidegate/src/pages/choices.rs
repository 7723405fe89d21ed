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
use serde_json::Value;
use tidegate_policy::{Edit, Language, Layer, Logged};

use super::frame::{self, Confirm, Frame};
use super::held::refused;
use super::typed::{self, Typed, Values};
use super::visitor::Visitor;
use super::{Site, access};
use crate::api::Refusal;
use crate::calendar;
use crate::services::Choices;

pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new().route("/choices", get(show).post(save))
}

/// Edits that are told on the page.
const TOLD_EDITS: usize = 10;

#[derive(Template)]
#[template(path = "choices.html")]
struct Page {
    frame: Frame,
    own: bool,
    address: String,
    version: u64,
    /// What is wrong, by field; under "" what is wrong with the whole.
    errors: BTreeMap<&'static str, String>,
    typed: Typed,
    /// What the site recommends where the user has chosen otherwise, in words.
    recommended: BTreeMap<String, String>,
    log: Vec<(String, Vec<String>)>,
}

impl Page {
    fn whose(&self) -> String {
        match (self.own, self.address.strip_prefix('@')) {
            (true, _) => "my mail".to_owned(),
            (_, Some(domain)) => format!("mail to everybody at {domain}"),
            _ => format!("mail to {}", self.address),
        }
    }

    fn is(&self, key: &str, value: &str) -> bool {
        self.typed.text(key) == value
    }

    fn error(&self, key: &str) -> Option<&String> {
        self.errors.get(key)
    }

    fn otherwise(&self, key: &str) -> Option<&String> {
        self.recommended.get(key)
    }

    /// Whether the numbers are shown without being asked for.
    fn has_numbers(&self) -> bool {
        ["tag", "quarantine", "reject", "subject_prefix"]
            .iter()
            .any(|key| self.errors.contains_key(key) || self.recommended.contains_key(*key))
    }

    /// The ids of what a screen reader tells of a field, and whether it is wrong: attributes.
    fn described(&self, key: &str, how: bool) -> String {
        let parts = [
            (how, "how"),
            (self.recommended.contains_key(key), "otherwise"),
            (self.errors.contains_key(key), "error"),
        ];
        let ids = parts.iter().filter(|(there, _)| *there).map(|(_, part)| format!("{key}-{part}"));
        ids.collect::<Vec<_>>().join(" ")
    }
}

/// The values in force, by key.
fn in_force(choices: &Choices) -> Values {
    choices.effective.values.iter().map(|it| (it.key.to_owned(), it.value.clone())).collect()
}

/// What the site recommends, where the subject has chosen otherwise.
fn recommended(choices: &Choices) -> BTreeMap<String, String> {
    let by_key = |layer: &Layer| -> Values {
        let value = serde_json::to_value(layer).unwrap_or_default();
        serde_json::from_value(value).unwrap_or_default()
    };
    let (own, below) = (by_key(&choices.own.layer), by_key(&choices.recommended));
    let differ = below.into_iter().filter(|(key, below)| {
        own.get(key).is_some_and(|own| !typed::is_same(Some(own), Some(below)))
    });
    differ
        .map(|(key, value)| (typed::told(&key, &value), key))
        .map(|(told, key)| (key, told))
        .collect()
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
            let typed = Typed::of(&in_force(&choices));
            let page = page(&site, &visitor, &address, &choices, typed).await;
            frame::page(&Page { frame: page.frame.noting(asked.done.as_deref()), ..page })
        }
        Err(refusal) => refused(&site, &refusal),
    }
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    address: &str,
    choices: &Choices,
    typed: Typed,
) -> Page {
    // Of a user with several addresses, the one that the choices are kept under.
    let address = match address.starts_with('@') {
        true => address.to_owned(),
        false => choices.effective.user.clone(),
    };
    let own = visitor.person.address == address;
    let log = site.services.policy_log(&visitor.caller(), Some(address.clone())).await;
    Page {
        frame: Frame::of(site, visitor, if own { "choices" } else { "admin" }),
        own,
        version: choices.own.version,
        errors: BTreeMap::new(),
        typed,
        recommended: recommended(choices),
        log: log.unwrap_or_default().iter().take(TOLD_EDITS).map(told).collect(),
        address,
    }
}

/// An edit: when and by whom, and a line for each change.
fn told(edit: &Logged) -> (String, Vec<String>) {
    let changes = edit.changes.iter().map(|(key, (_, after))| match after {
        Value::Null => format!("{}: as this site recommends", typed::name(key)),
        after => format!("{}: {}", typed::name(key), typed::told(key, after)),
    });
    (format!("{}, by {}", calendar::minute(edit.at), edit.by), changes.collect())
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
    let subject = match address.parse() {
        Ok(subject) => subject,
        Err(error) => return refused(&site, &Refusal::Wrong(error)),
    };
    let version = field("version").parse().ok();
    let (typed, what) = (Typed::new(fields.clone()), field("do"));
    let (edit, errors) = match what {
        "reset" => return ask_to_reset(&site, &visitor, &address, field("version")),
        "reset-all" => {
            let unset = Layer::KEYS.map(str::to_owned).to_vec();
            (Edit { unset, ..Edit::new(subject, version) }, BTreeMap::new())
        }
        "save" => {
            let (read, errors) = typed.read();
            let set = wanted(read, &in_force(&choices));
            (Edit { set, ..Edit::new(subject, version) }, errors)
        }
        _ => return refused(&site, &Refusal::Wrong("the form is not one of ours".to_owned())),
    };
    let edited = match errors.is_empty() {
        false => Err(errors),
        true if edit.set.is_empty() && edit.unset.is_empty() => Ok(()),
        true => match site.services.edit(&caller, edit, None).await {
            Ok(_) => Ok(()),
            Err(Refusal::Changed(_)) => Err(BTreeMap::from([("", OUTDATED.to_owned())])),
            Err(Refusal::Wrong(what)) => Err(BTreeMap::from([("", what)])),
            Err(refusal) => return refused(&site, &refusal),
        },
    };
    match edited {
        Ok(()) => {
            let mut to = form_urlencoded::Serializer::new("/choices?".to_owned());
            to.append_pair("done", if what == "save" { "saved-1" } else { "reset-1" });
            if address != visitor.person.address {
                to.append_pair("address", &address);
            }
            Redirect::to(&to.finish()).into_response()
        }
        // What was typed stays in the form, beside what is wrong with it.
        Err(errors) => {
            let page = page(&site, &visitor, &address, &choices, typed).await;
            frame::with(StatusCode::BAD_REQUEST, &Page { errors, ..page })
        }
    }
}

const OUTDATED: &str = "These choices were changed in another place since you opened this page. What you typed \
                        is still below. Look through it, and press Save again.";

/// Lists of addresses that took years to collect are not given up by one press.
fn ask_to_reset(site: &Site, visitor: &Visitor, address: &str, version: &str) -> Response {
    let own = visitor.person.address == address;
    frame::page(&Confirm {
        frame: Frame::of(site, visitor, if own { "choices" } else { "admin" }),
        question: "Give up all these choices?",
        text: "The lists of who is always or never let through are emptied, too. From then on mail is \
               filtered as this site recommends, also when that changes.",
        about: vec![("Whose", address.to_owned())],
        action: "/choices",
        hidden: vec![
            ("form", &visitor.form),
            ("address", address),
            ("version", version),
            ("do", "reset-all"),
        ],
        button: "Give them up",
        back: Some(("Keep them", {
            let mut to = form_urlencoded::Serializer::new("/choices?".to_owned());
            to.append_pair("address", address).finish()
        })),
    })
}

/// What was typed, where that differs from what is in force.
fn wanted(read: Values, before: &Values) -> Values {
    read.into_iter().filter(|(key, value)| !typed::is_same(before.get(key), Some(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_was_changed_becomes_the_users_own() {
        let before = Values::from([
            ("tag".to_owned(), json!(5.0)),
            ("filtering".to_owned(), json!(true)),
            ("allowed".to_owned(), json!(["a.example"])),
            ("digest".to_owned(), json!("never")),
            ("bulk".to_owned(), json!("want")),
            ("languages".to_owned(), json!(["de"])),
        ]);
        let changed = |text: &str| {
            let fields = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
            wanted(Typed::new(fields).read().0, &before)
        };
        let same = "tag=5&filtering=true&allowed=a.example%0D%0A&digest=&bulk=want&languages=German&form=x";
        assert_eq!(changed(same), Values::new());
        let other = changed("tag=4,5&filtering=false&allowed=&digest=7&bulk=tag&languages=");
        assert_eq!(other["tag"], json!(4.5));
        assert_eq!(other["filtering"], json!(false));
        assert_eq!(other["allowed"], json!([]));
        assert_eq!(other["digest"], json!(7));
        assert_eq!(other["bulk"], json!("tag"));
        assert_eq!(other["languages"], json!([]));
    }
}
