//! The command line's side of the API: a running daemon is asked at its socket; where none runs, the same
//! routes are served here, over the store itself.
//!
//! Invariant: a command does the same whether a daemon runs or not.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response, StatusCode, header};
use axum::{Extension, Router};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tower::ServiceExt;

use super::{Caller, socket};
use crate::services::Services;

/// How long an answer may take: a release waits for the MTA.
const PATIENCE: Duration = Duration::from_secs(300);
/// Bytes of an answer.
const LONGEST_ANSWER: usize = 256 << 20;

/// What was asked for is not there, or not to be seen.
#[derive(Debug, thiserror::Error)]
#[error("there is no such thing")]
pub(crate) struct Missing;

/// Who does what is asked.
pub(crate) enum Clerk {
    /// The running daemon.
    Daemon(hyper::client::conn::http1::SendRequest<Body>),
    /// This process, which has the store.
    Here(Router, Arc<Services>),
}

impl Clerk {
    /// The daemon that has the store in `folder`, or else what `here` opens.
    pub(crate) async fn find(
        folder: &Path,
        here: impl FnOnce() -> anyhow::Result<Arc<Services>>,
    ) -> anyhow::Result<Self> {
        let Ok(stream) = UnixStream::connect(socket::path(folder)).await else {
            let services = here()?;
            let router = super::router(Arc::clone(&services)).layer(Extension(Caller::Operator));
            return Ok(Self::Here(router, services));
        };
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .context("the running daemon does not answer")?;
        tokio::spawn(connection);
        Ok(Self::Daemon(sender))
    }

    /// Asks for `path`, with a body in JSON where there is one.
    ///
    /// # Errors
    /// In the words of who refused.
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let body = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))?;
        let answered = tokio::time::timeout(PATIENCE, self.send(request));
        let (status, body) = answered.await.context("no answer came in time")??;
        let value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? };
        if status == StatusCode::NOT_FOUND {
            return Err(Missing.into());
        }
        if !status.is_success() {
            match value.get("error").and_then(Value::as_str) {
                Some(error) => bail!("{error}"),
                None => bail!("refused: {status}"),
            }
        }
        Ok(value)
    }

    /// Leaves a store that was opened here so that it opens fast.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        if let Self::Here(_, services) = self {
            services.lessons.checkpoint()?;
        }
        Ok(())
    }

    async fn send(&mut self, request: Request<Body>) -> anyhow::Result<(StatusCode, Bytes)> {
        match self {
            Self::Daemon(sender) => {
                sender.ready().await.context("the running daemon has gone")?;
                let answer = sender.send_request(request).await;
                whole(answer.context("the running daemon has gone")?).await
            }
            Self::Here(router, _) => {
                let Ok(answer) = router.clone().oneshot(request).await;
                whole(answer).await
            }
        }
    }
}

async fn whole<B>(answer: Response<B>) -> anyhow::Result<(StatusCode, Bytes)>
where
    B: axum::body::HttpBody,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let status = answer.status();
    let body = http_body_util::Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await;
    match body {
        Ok(body) => Ok((status, body.to_bytes())),
        Err(error) => bail!("the answer can't be read: {error}"),
    }
}
