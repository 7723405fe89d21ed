//! `/v1/guard`: signals that users correct.
//!
//! Invariant: as in [`crate::services`].

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use tidegate_policy::guard::{Damping, Listed};

use crate::api::{Caller, Refusal};
use crate::services::Services;

pub(super) fn routes() -> Router<Arc<Services>> {
    Router::new().route("/guard", get(list)).route("/guard/{signal}/clear", post(clear))
}

async fn list(
    State(services): State<Arc<Services>>,
    caller: Caller,
) -> Result<Json<Vec<Listed>>, Refusal> {
    services.guarded(&caller).await.map(Json)
}

/// Who says so, for the record.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Who {
    by: Option<String>,
}

async fn clear(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(signal): Path<String>,
    who: Option<Json<Who>>,
) -> Result<Json<Damping>, Refusal> {
    let Json(who) = who.unwrap_or_default();
    services.clear(&caller, signal, who.by).await.map(Json)
}
