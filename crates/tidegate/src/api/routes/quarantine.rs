//! `/v1/quarantine`: held mail.
//!
//! Invariant: as in [`crate::services`].

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use tidegate_quarantine::{EntryId, Filter, Page, Shown, Summary};

use crate::api::{Caller, Refusal};
use crate::services::{Expired, Released, Services};

pub(super) fn routes() -> Router<Arc<Services>> {
    Router::new()
        .route("/quarantine", get(list))
        .route("/quarantine/expire", post(expire))
        .route("/quarantine/{id}", get(show).delete(delete))
        .route("/quarantine/{id}/release", post(release))
}

/// What to list: `?user=&search=&queue_id=&after=&limit=`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    user: Option<String>,
    search: Option<String>,
    queue_id: Option<String>,
    after: Option<EntryId>,
    limit: Option<usize>,
}

async fn list(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Page>, Refusal> {
    let Asked { user, search, queue_id, after, limit } = asked;
    let filter = Filter { owner: user, search, queue_id, after, limit };
    services.held(&caller, filter).await.map(Json)
}

async fn show(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Shown>, Refusal> {
    services.show(&caller, &id).await.map(Json)
}

/// How to release it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct How {
    /// Learn that it is wanted.
    learn: bool,
}

async fn release(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(id): Path<String>,
    how: Option<Json<How>>,
) -> Result<Json<Released>, Refusal> {
    let Json(how) = how.unwrap_or_default();
    services.release(&caller, &id, how.learn).await.map(Json)
}

async fn delete(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Summary>, Refusal> {
    services.delete(&caller, &id).await.map(Json)
}

async fn expire(
    State(services): State<Arc<Services>>,
    caller: Caller,
) -> Result<Json<Expired>, Refusal> {
    services.expire(&caller).await.map(Json)
}
