//! Held mail: the list, one message, and what is done with the chosen.
//!
//! Invariant: what a message says is text, in a page that allows no markup of its own.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Form, Router};
use serde::Deserialize;
use tidegate_quarantine::{EntryId, Filter, Said, Shown, Summary};

use super::Site;
use super::frame::{self, Confirm, Frame};
use super::visitor::Visitor;
use crate::api::Refusal;
use crate::calendar;

/// Messages on a page.
const ON_A_PAGE: usize = 50;

pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/held", get(own).post(act))
        .route("/held/{id}", get(show))
        .route("/admin/held", get(of_all))
        .route("/q", get(|| async { Redirect::to("/") }))
        .route("/q/release", get(ask).post(release_by_link))
}

/// A message as the templates show it.
struct Row {
    id: String,
    owner: String,
    recipient: String,
    from: String,
    subject: String,
    when: String,
    ends: String,
    points: String,
    why: String,
    /// Whether it was held for its points.
    scored: bool,
    doubt: Option<String>,
}

impl From<Summary> for Row {
    fn from(it: Summary) -> Self {
        let or = |text: String, instead: &str| {
            if text.trim().is_empty() { instead.to_owned() } else { text }
        };
        Self {
            id: it.id.to_string(),
            owner: it.owner,
            recipient: it.recipient,
            from: or(it.from, "nobody named"),
            subject: or(it.subject, "(no subject)"),
            when: calendar::minute(it.held_at),
            ends: calendar::date(it.keep_until),
            points: format!("{:.1}", it.score),
            scored: without_points(&it.reason) != it.reason,
            why: without_points(&it.reason).to_owned(),
            doubt: (!it.notes.is_empty()).then(|| it.notes.join(" ")),
        }
    }
}

/// What weighed most, of a reason that begins with the points: these stand in a place of their own.
fn without_points(reason: &str) -> &str {
    match reason.split_once(" because of: ") {
        Some((points, because)) if points.contains(" points,") => because,
        _ => reason,
    }
}

#[derive(Template)]
#[template(path = "held.html")]
struct Held {
    frame: Frame,
    rows: Vec<Row>,
    /// How many are held in all, where no search leaves any out.
    count: Option<u64>,
    of_all: bool,
    here: &'static str,
    user: String,
    search: String,
    back: String,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    user: String,
    #[serde(default)]
    search: String,
    after: Option<EntryId>,
    done: Option<String>,
}

async fn own(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Response {
    let owner = Some(visitor.person.address.clone());
    list(&site, &visitor, asked, owner, "/held").await
}

async fn of_all(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Response {
    if !visitor.person.admin {
        return frame::nothing_here(State(site)).await;
    }
    let owner = Some(asked.user.trim().to_lowercase()).filter(|user| !user.is_empty());
    list(&site, &visitor, asked, owner, "/admin/held").await
}

async fn list(
    site: &Site,
    visitor: &Visitor,
    asked: Asked,
    owner: Option<String>,
    here: &'static str,
) -> Response {
    let search = asked.search.trim().to_owned();
    let filter = Filter {
        owner,
        search: Some(search.clone()).filter(|search| !search.is_empty()),
        after: asked.after,
        limit: Some(ON_A_PAGE),
        ..Filter::default()
    };
    let page = match site.services.held(&visitor.caller(), filter).await {
        Ok(page) => page,
        Err(refusal) => return refused(site, &refusal),
    };
    let of_all = here != "/held";
    let count = match (of_all, search.is_empty() && asked.user.trim().is_empty()) {
        (_, false) => None,
        (true, _) => site.services.quarantine.as_ref().map(|it| it.counted().entries),
        (false, _) => match site.services.held_count(&visitor.caller()).await {
            Ok(count) => u64::try_from(count).ok(),
            Err(refusal) => return refused(site, &refusal),
        },
    };
    let query = |after: Option<&EntryId>| {
        let mut query = form_urlencoded::Serializer::new(format!("{here}?"));
        let given = [("user", &asked.user), ("search", &search)];
        query.extend_pairs(given.into_iter().filter(|(_, value)| !value.is_empty()));
        query.extend_pairs(after.map(|id| ("after", id.as_str())));
        query.finish().trim_end_matches('?').to_owned()
    };
    frame::page(&Held {
        frame: Frame::of(site, visitor, if of_all { "admin" } else { "held" })
            .noting(asked.done.as_deref()),
        back: query(None),
        next: page.next.as_ref().map(|id| query(Some(id))),
        rows: page.entries.into_iter().map(Row::from).collect(),
        count,
        of_all,
        here,
        user: asked.user,
        search,
    })
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    frame: Frame,
    row: Row,
    is_own: bool,
    back: &'static str,
    signals: Vec<Signal>,
    text: String,
    cut: bool,
    attachments: Vec<String>,
    links: Vec<String>,
    header: String,
}

/// What was found, with its points.
struct Signal {
    points: String,
    says: String,
    detail: String,
}

impl From<Said> for Signal {
    fn from(said: Said) -> Self {
        let says = if said.says.is_empty() { said.name } else { said.says };
        // A minus sign, not a hyphen: it is read out as one.
        let points = format!("{:+.1}", said.score).replace('-', "\u{2212}");
        Self { points, says, detail: said.detail }
    }
}

async fn show(State(site): State<Arc<Site>>, visitor: Visitor, Path(id): Path<String>) -> Response {
    let shown = match site.services.show(&visitor.caller(), &id).await {
        Ok(shown) => shown,
        Err(refusal) => return refused(&site, &refusal),
    };
    let is_own = visitor.person.address == shown.summary.owner;
    let Shown { summary, signals, fields, text, links, files, cut, .. } = shown;
    frame::page(&Message {
        frame: Frame::of(&site, &visitor, if is_own { "held" } else { "admin" }),
        row: summary.into(),
        is_own,
        back: if is_own { "/held" } else { "/admin/held" },
        signals: signals.into_iter().filter(|said| said.score != 0.0).map(Signal::from).collect(),
        text: if text.trim().is_empty() { "(no text)".to_owned() } else { text },
        cut,
        attachments: files.into_iter().map(|file| file.name.unwrap_or(file.content_type)).collect(),
        links: links.into_iter().map(|link| link.url).collect(),
        header: fields.into_iter().map(|(name, value)| format!("{name}: {value}\n")).collect(),
    })
}

/// What a form asks for: fields may come more than once.
async fn act(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let field = |name: &str| {
        fields.iter().find(|(of, _)| of == name).map_or("", |(_, value)| value.as_str())
    };
    if let Some(refused) = visitor.refuses(&site, field("form")) {
        return refused;
    }
    let (what, caller) = (field("do"), visitor.caller());
    let word = match what {
        "release" => "released",
        "release-learn" => "learned",
        "delete" => "deleted",
        _ => return refused(&site, &Refusal::Wrong("the form is not one of ours".into())),
    };
    let (mut done, mut gone, mut failed) = (0, 0, 0);
    let chosen = fields.iter().filter(|(name, _)| name == "id").take(ON_A_PAGE);
    for (_, id) in chosen {
        let outcome = match what {
            "delete" => site.services.delete(&caller, id).await.map(drop),
            _ => site.services.release(&caller, id, what == "release-learn").await.map(drop),
        };
        match outcome {
            Ok(()) => done += 1,
            // Somebody, perhaps in another window, did it already.
            Err(Refusal::Missing | Refusal::Changed(_)) => gone += 1,
            Err(_) => failed += 1,
        }
    }
    let note = match (done, gone, failed) {
        (0, 0, 0) => "none-1".to_owned(),
        (_, _, 1..) => format!("failed-{failed}"),
        (0, ..) => format!("gone-{gone}"),
        (done, ..) => format!("{word}-{done}"),
    };
    Redirect::to(&with_note(local(field("back")), &note)).into_response()
}

/// A list of these pages; nothing else is gone to.
fn local(path: &str) -> &str {
    let list = path.split('?').next().unwrap_or_default();
    let is_list = matches!(list, "/held" | "/admin/held");
    if is_list && path.bytes().all(|byte| byte.is_ascii_graphic()) { path } else { "/held" }
}

fn with_note(path: &str, note: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}done={note}")
}

#[derive(Deserialize)]
struct Link {
    token: String,
}

/// What a link in a digest leads to: a question, since programs follow links.
async fn ask(State(site): State<Arc<Site>>, Query(link): Query<Link>) -> Response {
    match site.services.linked(&link.token).await {
        Ok(summary) => {
            let row = Row::from(summary);
            frame::page(&Confirm {
                frame: Frame::outside(&site),
                question: "Deliver this message?",
                text: "Only if you expect it: mail that is held here is often a fraud.",
                about: vec![
                    ("From", row.from),
                    ("Subject", row.subject),
                    ("To", row.recipient),
                    ("Came", row.when),
                    ("Why it was held", row.why),
                ],
                action: "/q/release",
                hidden: vec![("token", &link.token)],
                button: "Deliver it",
                back: None,
            })
        }
        Err(refusal) => refused(&site, &refusal),
    }
}

async fn release_by_link(State(site): State<Arc<Site>>, Form(link): Form<Link>) -> Response {
    match site.services.release_by_link(&link.token).await {
        Ok(released) => {
            let text = format!("The message is on its way to {}.", released.recipient);
            frame::said(&site, StatusCode::OK, "Delivered", &text)
        }
        Err(refusal) => refused(&site, &refusal),
    }
}

/// A refusal in words for a person who pressed a button.
pub(super) fn refused(site: &Site, refusal: &Refusal) -> Response {
    let (title, text) = match refusal {
        Refusal::Missing => {
            ("Nothing here", "It is not here, or no longer, or not yours.".to_owned())
        }
        Refusal::Changed(what) | Refusal::Wrong(what) => ("Not done", sentence(what)),
        Refusal::Failed(_) | Refusal::Mta(_) => (
            "Not now",
            "It could not be done now. Nothing was lost; please try again later.".to_owned(),
        ),
        other => ("Not done", sentence(&other.to_string())),
    };
    frame::said(site, refusal.status(), title, &text)
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if words.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_to_these_pages_alone() {
        assert_eq!(local("/held?search=x"), "/held?search=x");
        let elsewhere =
            ["https://example.org/", "//example.org/held", "", "/admin", "/held.example"];
        for elsewhere in elsewhere.into_iter().chain(["/held?a\r\nSet-Cookie: b", "/held/../x"]) {
            assert_eq!(local(elsewhere), "/held");
        }
        assert_eq!(with_note("/held?search=x", "deleted-1"), "/held?search=x&done=deleted-1");
        assert_eq!(without_points("9.00 points, at or over 8.0 because of: A; B"), "A; B");
        assert_eq!(without_points("Its sender is blocked"), "Its sender is blocked");
        assert_eq!(sentence("this link has expired"), "This link has expired.");
    }
}
