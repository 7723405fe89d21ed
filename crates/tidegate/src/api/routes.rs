//! The routes of the API, `/v1/…`: one file a subject.
//!
//! Invariant: a route reads its request and asks [`Services`], which knows who may do what.

mod guard;
mod policy;
mod privacy;
mod quarantine;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::routing::any;

use super::Refusal;
use crate::services::Services;

/// All routes. Who asks is found in the request: see [`super::Caller`].
pub(crate) fn router(services: Arc<Services>) -> Router {
    let of_version = Router::new()
        .merge(guard::routes())
        .merge(policy::routes())
        .merge(privacy::routes())
        .merge(quarantine::routes())
        .merge(tokens::routes())
        .route("/{*path}", any(|| async { Refusal::Missing }));
    Router::new().nest("/v1", of_version).with_state(services)
}
