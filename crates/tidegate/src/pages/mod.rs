//! The pages for users and admins: what was held and why, release, choices. Plain HTML that works
//! without scripts.
//!
//! Invariant: nothing of a held message is ever markup; nothing is changed but by a form of the
//! person's own session; every answer forbids what it doesn't need (Content-Security-Policy).

pub(crate) mod access;
mod admin;
mod choices;
mod frame;
mod held;
mod letter;
mod settings;
mod sign_in;
mod visitor;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware::from_fn_with_state};
use tokio::net::TcpListener;

pub(crate) use settings::Config;

use crate::api;
use crate::services::Services;

/// Bytes of a form or of a request of the API.
const LONGEST_REQUEST: usize = 1 << 20;

/// What the pages are made from.
pub(crate) struct Site {
    pub(crate) services: Arc<Services>,
    pub(crate) config: Config,
    /// The name of the site, as it stands on each page.
    pub(crate) name: String,
}

/// Serves pages and API for ever.
pub(crate) async fn serve(listener: TcpListener, site: Arc<Site>) -> std::io::Result<()> {
    let service = router(site).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await
}

fn router(site: Arc<Site>) -> Router {
    let api = api::router(Arc::clone(&site.services))
        .layer(from_fn_with_state(Arc::clone(&site), visitor::bearer));
    Router::new()
        .route("/style.css", get(style))
        .merge(sign_in::routes())
        .merge(held::routes())
        .merge(choices::routes())
        .merge(admin::routes())
        .fallback(frame::nothing_here)
        .with_state(site)
        .nest_service("/v1", api)
        .layer(axum::extract::DefaultBodyLimit::max(LONGEST_REQUEST))
        .layer(middleware::from_fn(guarded))
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("../../templates/style.css")).into_response()
}

/// Forbids browsers what no page of ours needs.
async fn guarded(request: Request, next: Next) -> Response {
    const FIELDS: [(HeaderName, &str); 6] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; \
             base-uri 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Links to sign in carry what opens the door.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let mut response = next.run(request).await;
    for (name, value) in FIELDS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
