//! The pages for users and admins: what was held and why, release, choices. Plain HTML that works
//! without scripts.
//!
//! Invariant: nothing of a held message is ever markup; nothing is changed but by a form of the
//! person's own session; every answer forbids what it doesn't need (Content-Security-Policy).

pub(crate) mod access;
mod admin;
mod choices;
mod frame;
mod guarded;
mod held;
mod letter;
mod serving;
mod settings;
mod sign_in;
mod typed;
mod visitor;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

pub(crate) use settings::Config;

use crate::api;
use crate::services::Services;

/// What the pages are made from.
pub(crate) struct Site {
    pub(crate) services: Arc<Services>,
    pub(crate) config: Config,
    /// The name of the site, as it stands on each page.
    pub(crate) name: String,
}

impl Site {
    /// Whether everybody's mail is theirs to see. Asked each time: who is no admin any more loses it at
    /// once, not with the session.
    fn is_admin(&self, user: &str) -> bool {
        self.config.admins.iter().any(|admin| self.services.user(admin) == user)
    }
}

/// Serves pages and API for ever.
pub(crate) async fn serve(listener: TcpListener, site: Arc<Site>) -> std::io::Result<()> {
    serving::serve(listener, router(site)).await
}

/// All pages, and the API below `/v1`.
pub(crate) fn router(site: Arc<Site>) -> Router {
    let api = api::router(Arc::clone(&site.services))
        .layer(from_fn_with_state(Arc::clone(&site), visitor::bearer));
    Router::new()
        .route("/style.css", get(style))
        .merge(sign_in::routes())
        .merge(held::routes())
        .merge(choices::routes())
        .merge(admin::routes())
        .fallback(frame::nothing_here)
        .with_state(Arc::clone(&site))
        .merge(api)
        // The bound is that of all requests, in `serving`.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(serving::whole))
        .layer(from_fn_with_state(site, guarded::guarded))
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("../../templates/style.css")).into_response()
}
