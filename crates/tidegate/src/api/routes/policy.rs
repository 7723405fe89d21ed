//! `/v1/policy`: what users and domains want.
//!
//! Invariant: as in [`crate::services`].

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;
use tidegate_policy::{Edit, Listed, Logged};

use crate::api::{Caller, Refusal};
use crate::services::{Choices, Edited, Services};

pub(super) fn routes() -> Router<Arc<Services>> {
    Router::new()
        .route("/policy", get(list))
        .route("/policy/{subject}", get(show).patch(edit))
        .route("/policy-log", get(log))
}

async fn list(
    State(services): State<Arc<Services>>,
    caller: Caller,
) -> Result<Json<Vec<Listed>>, Refusal> {
    services.all_choices(&caller).await.map(Json)
}

async fn show(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(subject): Path<String>,
) -> Result<Json<Choices>, Refusal> {
    services.choices(&caller, &subject).await.map(Json)
}

/// What is to be changed: an [`Edit`], whose subject stands in the path.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    #[serde(default)]
    set: BTreeMap<String, Value>,
    #[serde(default)]
    add: BTreeMap<String, Vec<Value>>,
    #[serde(default)]
    remove: BTreeMap<String, Vec<Value>>,
    #[serde(default)]
    unset: Vec<String>,
    version: Option<u64>,
    /// Who says so, for the record; the operator alone may say another name.
    by: Option<String>,
}

async fn edit(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(subject): Path<String>,
    Json(changes): Json<Changes>,
) -> Result<Json<Edited>, Refusal> {
    let Changes { set, add, remove, unset, version, by } = changes;
    let subject = subject.parse().map_err(Refusal::Wrong)?;
    let edit = Edit { subject, set, add, remove, unset, version };
    services.edit(&caller, edit, by).await.map(Json)
}

/// Whose edits: `?subject=`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    subject: Option<String>,
}

async fn log(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<Json<Vec<Logged>>, Refusal> {
    services.policy_log(&caller, which.subject).await.map(Json)
}
