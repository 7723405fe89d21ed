//! The pages for monitoring: `/metrics`, `/healthz` and `/readyz`.
//!
//! Invariant: no page tells anything of a message, and none changes anything.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tidegate_milter::Counters;
use tokio::net::TcpListener;

use crate::daemon::Daemon;

/// How far the program is, as the pages tell it.
#[derive(Debug, Default)]
pub(crate) struct Status {
    phase: AtomicU8,
    /// Why the last reload changed nothing.
    refused: Mutex<Option<String>>,
    /// Why the server that machines share can't be reached.
    away: Mutex<Option<String>>,
}

/// The life of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Sockets are not open yet.
    Starting,
    /// Mail is judged.
    Ready,
    /// What is in flight ends; nothing more is accepted.
    Draining,
}

impl Status {
    pub(crate) fn set(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Draining,
        }
    }

    /// Notes how a reload ended: in words why it was refused, or `None`.
    pub(crate) fn reloaded(&self, refused: Option<String>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    /// Notes why the server that machines share can't be reached, in words; `None` while it can.
    pub(crate) fn away(&self, why: Option<String>) {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Whether mail is judged, and what there is to say about it.
    /// `overloaded`: how, in words, where it is.
    fn ready(&self, overloaded: Option<&str>) -> (StatusCode, String) {
        match self.phase() {
            Phase::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting\n".to_owned()),
            Phase::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned()),
            Phase::Ready => {
                if let Some(how) = overloaded {
                    return (StatusCode::SERVICE_UNAVAILABLE, format!("{how}\n"));
                }
                let mut told = "ready\n".to_owned();
                for note in [&self.refused, &self.away] {
                    let note = note.lock().unwrap_or_else(PoisonError::into_inner);
                    told.extend(note.as_deref().map(|why| format!("{why}\n")));
                }
                (StatusCode::OK, told)
            }
        }
    }
}

/// What the pages read.
pub(crate) struct Pages {
    pub(crate) daemon: Arc<Daemon>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) status: Arc<Status>,
}

/// Serves the pages until `shutdown` completes.
pub(crate) async fn serve(
    listener: TcpListener,
    pages: Pages,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(Arc::new(pages));
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

async fn ready(State(pages): State<Arc<Pages>>) -> Response {
    let overloaded = pages.daemon.running().overload.told();
    pages.status.ready(overloaded).into_response()
}

async fn metrics(State(pages): State<Arc<Pages>>) -> Response {
    match pages.daemon.metrics_page(&pages.counters.read()) {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_that_judges_is_ready() {
        let status = Status::default();
        let code = || status.ready(None).0.as_u16();
        assert_eq!(code(), 503);
        status.set(Phase::Ready);
        assert_eq!(code(), 200);
        status.reloaded(Some("the last reload was refused".to_owned()));
        assert_eq!(
            status.ready(None),
            (StatusCode::OK, "ready\nthe last reload was refused\n".to_owned())
        );
        let overloaded = (StatusCode::SERVICE_UNAVAILABLE, "overloaded\n".to_owned());
        assert_eq!(status.ready(Some("overloaded")), overloaded);
        status.set(Phase::Draining);
        assert_eq!(
            status.ready(Some("overloaded")),
            (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned())
        );
    }
}
