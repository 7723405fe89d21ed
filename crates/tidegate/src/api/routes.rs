//! The routes of the API, `/v1/…`: one file a subject.
//!
//! Invariant: what blocks on the disk runs where it holds up no mail.

mod quarantine;
mod tokens;

use std::sync::Arc;

use axum::Router;

use super::Refusal;
use crate::services::Services;

/// All routes. Who asks is found in the request: see [`super::Caller`].
pub(crate) fn router(services: Arc<Services>) -> Router {
    let of_version = Router::new().merge(quarantine::routes()).merge(tokens::routes());
    Router::new()
        .nest("/v1", of_version)
        .fallback(|| async { Refusal::Missing })
        .with_state(services)
}

/// Does what blocks on the disk beside the threads that serve mail.
pub(super) async fn apart<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Refusal>
where
    T: Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Refusal::failed(error)),
        Err(_panic) => Err(Refusal::failed("it ended in the middle")),
    }
}
