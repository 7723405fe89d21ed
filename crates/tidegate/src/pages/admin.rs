//! What an admin sees of all users.
//!
//! Invariant: who is no admin is told that there is no such page.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;
use tidegate_policy::guard::Listed;

use super::Site;
use super::frame::{self, Frame};
use super::held::refused;
use super::visitor::Visitor;
use crate::api::Refusal;
use crate::calendar;

pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new().route("/admin", get(overview)).route("/admin/damped", post(clear))
}

#[derive(Template)]
#[template(path = "admin.html")]
struct Admin {
    frame: Frame,
    figures: Vec<(&'static str, String)>,
    damped: Vec<Row>,
    own_policies: Vec<String>,
}

/// A signal that counts for nothing.
struct Row {
    name: String,
    corrections: u32,
    hits: u32,
    since: String,
}

impl Row {
    fn of(listed: Listed) -> Option<Self> {
        let damping = listed.damping.filter(|damping| damping.cleared.is_none())?;
        let standing = damping.standing;
        Some(Self {
            name: listed.signal,
            corrections: standing.corrections,
            hits: standing.hits.max(standing.corrections),
            since: calendar::date(damping.since),
        })
    }
}

#[derive(Deserialize)]
struct Done {
    done: Option<String>,
}

async fn overview(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(done): Query<Done>,
) -> Response {
    match made(&site, &visitor).await {
        Ok(page) => frame::page(&Admin { frame: page.frame.noting(done.done.as_deref()), ..page }),
        Err(Refusal::Forbidden) => frame::nothing_here(State(site)).await,
        Err(refusal) => refused(&site, &refusal),
    }
}

async fn made(site: &Site, visitor: &Visitor) -> Result<Admin, Refusal> {
    let (services, caller) = (&site.services, visitor.caller());
    let guarded = services.guarded(&caller).await?;
    let policies = services.all_choices(&caller).await?;
    let mut figures = Vec::new();
    if let Some(quarantine) = &services.quarantine {
        let counted = quarantine.counted();
        figures.push(("Messages held", counted.entries.to_string()));
        figures.push(("Megabytes on disk", format!("{:.1}", counted.bytes as f64 / 1e6)));
        figures.push(("Delivered on request since the last start", counted.released.to_string()));
        figures.push((
            "Could not be held since then, so delivered marked",
            counted.failed_holds.to_string(),
        ));
    }
    Ok(Admin {
        frame: Frame::of(site, visitor, "admin"),
        figures,
        damped: guarded.into_iter().filter_map(Row::of).collect(),
        own_policies: policies.into_iter().map(|it| it.subject.to_string()).collect(),
    })
}

#[derive(Deserialize)]
struct Which {
    form: String,
    name: String,
}

async fn clear(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Form(which): Form<Which>,
) -> Response {
    if let Some(refused) = visitor.refuses(&site, &which.form) {
        return refused;
    }
    match site.services.clear(&visitor.caller(), which.name, None).await {
        Ok(_) | Err(Refusal::Missing) => Redirect::to("/admin?done=cleared-1").into_response(),
        Err(Refusal::Forbidden) => frame::nothing_here(State(site)).await,
        Err(refusal) => refused(&site, &refusal),
    }
}
