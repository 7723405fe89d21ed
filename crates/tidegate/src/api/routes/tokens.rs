//! `/v1/tokens`: what programs show to be let in.
//!
//! Invariant: a token is told once, to whoever made it; only an admin makes one.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Caller, Refusal};
use crate::knowledge::seconds;
use crate::pages::access::{Person, Token, folded};
use crate::services::{Services, apart};

const DAY: u64 = 86_400;
/// Days that a token may be good for, at the longest.
const MOST_DAYS: u64 = 3_650;

pub(super) fn routes() -> Router<Arc<Services>> {
    Router::new().route("/tokens", get(list).post(issue)).route("/tokens/{id}", delete(revoke))
}

/// What a token is asked for with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    address: String,
    #[serde(default)]
    admin: bool,
    #[serde(default)]
    note: String,
    #[serde(default = "a_year")]
    days: u64,
}

const fn a_year() -> u64 {
    365
}

async fn list(
    State(services): State<Arc<Services>>,
    caller: Caller,
) -> Result<Json<Vec<Token>>, Refusal> {
    caller.admin()?;
    apart(move || services.access.tokens(seconds())).await.map(Json)
}

async fn issue(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Refusal> {
    caller.admin()?;
    let address = folded(&wanted.address);
    if !address.contains('@') {
        return Err(Refusal::Wrong(format!("'{address}' is no address")));
    }
    if !(1..=MOST_DAYS).contains(&wanted.days) {
        return Err(Refusal::Wrong(format!("days: write 1 to {MOST_DAYS}")));
    }
    let person = Person { address: services.user(&address), admin: wanted.admin };
    let made = apart(move || {
        let now = seconds();
        services.access.issue(person, &wanted.note, now, now + wanted.days * DAY)
    });
    let (token, shown) = made.await?;
    tracing::info!(by = caller.name(), id = token.id.as_str(), "a token was made");
    Ok(Json(json!({ "token": shown, "id": token.id, "ends": token.ends })))
}

async fn revoke(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    caller.admin()?;
    let named = id.clone();
    match apart(move || services.access.revoke(&named)).await? {
        true => {
            tracing::info!(by = caller.name(), id = id.as_str(), "a token was revoked");
            Ok(StatusCode::NO_CONTENT)
        }
        false => Err(Refusal::Missing),
    }
}
