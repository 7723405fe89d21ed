//! What stands around every page, and how a page becomes an answer.
//!
//! Invariant: templates escape all that they are given; none of it is markup.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::Site;
use super::visitor::Visitor;
use crate::pages::access::Person;

/// What the template of every page asks for.
pub(super) struct Frame {
    /// The name of the site.
    pub(super) site: String,
    /// Who is signed in.
    pub(super) who: Option<Person>,
    /// What forms of this session carry.
    pub(super) form: String,
    /// Which of the pages this is.
    pub(super) here: &'static str,
    /// What was done just now.
    pub(super) notice: Option<String>,
}

impl Frame {
    /// Around a page for nobody in particular.
    pub(super) fn outside(site: &Site) -> Self {
        Self { site: site.name.clone(), who: None, form: String::new(), here: "", notice: None }
    }

    /// Around a page of a visitor who is signed in.
    pub(super) fn of(site: &Site, visitor: &Visitor, here: &'static str) -> Self {
        Self {
            who: Some(visitor.person.clone()),
            form: visitor.form.clone(),
            here,
            ..Self::outside(site)
        }
    }

    /// With what was done just now, by its word in the address.
    pub(super) fn noting(mut self, done: Option<&str>) -> Self {
        self.notice = done.and_then(notice);
        self
    }
}

/// `released-2` in words. Words of an address are never shown themselves.
fn notice(done: &str) -> Option<String> {
    let (what, count) = done.split_once('-').unwrap_or((done, "1"));
    let count: u32 = count.parse().ok()?;
    let messages = if count == 1 { "1 message".to_owned() } else { format!("{count} messages") };
    Some(match what {
        "released" => format!("{messages} delivered."),
        "learned" => format!("{messages} delivered. The filter has learned from it."),
        "deleted" => format!("{messages} deleted."),
        "failed" => format!(
            "{messages} could not be delivered just now, and stays held. Please try again later."
        ),
        "gone" => format!("{messages} could not be found: delivered or deleted already."),
        "none" => "Choose messages first: tick the box before each.".to_owned(),
        "saved" => "Saved. It holds for mail that comes from now on.".to_owned(),
        "reset" => "Mail is filtered as this site recommends again.".to_owned(),
        "cleared" => "The rule counts again.".to_owned(),
        "out" => "You are signed out.".to_owned(),
        _ => return None,
    })
}

/// The page as an answer.
pub(super) fn page(template: &impl Template) -> Response {
    with(StatusCode::OK, template)
}

/// The page as an answer with a status.
pub(super) fn with(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!("a page could not be made: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A page with a few words.
#[derive(Template)]
#[template(path = "said.html")]
struct Said<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
}

/// A few words, and nothing else.
pub(super) fn said(site: &Site, status: StatusCode, title: &str, text: &str) -> Response {
    with(status, &Said { frame: Frame::outside(site), title, text })
}

/// What failed is in the log; the page says only that something did.
pub(super) fn failed(site: &Site, error: impl std::fmt::Display) -> Response {
    tracing::error!("a page failed: {error}");
    let text = "Something failed here. Your mail is not touched by that; please try again later.";
    said(site, StatusCode::INTERNAL_SERVER_ERROR, "Not now", text)
}

pub(super) async fn nothing_here(State(site): State<Arc<Site>>) -> Response {
    let text = "There is no such page, or it is not yours.";
    said(&site, StatusCode::NOT_FOUND, "Nothing here", text)
}

/// A question that a form answers: what a link in mail does, it does not do before that, since
/// programs follow links, too.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct Confirm<'a> {
    pub(super) frame: Frame,
    pub(super) question: &'a str,
    pub(super) text: &'a str,
    pub(super) about: Vec<(&'a str, String)>,
    pub(super) action: &'a str,
    pub(super) hidden: Vec<(&'a str, &'a str)>,
    pub(super) button: &'a str,
    /// Where not doing it leads.
    pub(super) back: Option<(&'a str, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_told_in_our_words_alone() {
        assert_eq!(notice("deleted-1").as_deref(), Some("1 message deleted."));
        assert_eq!(notice("released-3").as_deref(), Some("3 messages delivered."));
        assert_eq!(notice("<b>hello</b>"), None);
        assert_eq!(notice("released-<b>"), None);
    }
}
