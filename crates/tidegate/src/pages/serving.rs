//! Connections of browsers and programs, each in bounded time.
//!
//! Invariant: whoever is slow on purpose holds a connection for no longer than the bounds below, and
//! what a person asked to be done is carried through though their browser has gone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Bytes of a form, or of a request of the API.
const LONGEST_REQUEST: usize = 1 << 20;
/// Bytes of the lines before it.
const LONGEST_HEADER: usize = 32 << 10;
/// How long the header of a request may take, and then its body. An idle connection ends after the first.
const HEADER_TIME: Duration = Duration::from_secs(10);
const BODY_TIME: Duration = Duration::from_secs(20);
/// How long a connection lasts, however many requests it brings, however slowly answers are read.
const CONNECTION_TIME: Duration = Duration::from_secs(900);
/// Connections at a time; more wait.
const CONNECTIONS: usize = 512;
/// How long to wait before a connection is accepted again, when that failed: out of descriptors, say.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves for ever.
pub(super) async fn serve(listener: TcpListener, router: Router) -> std::io::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return Ok(()) };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let router = router.clone();
                tokio::spawn(async move {
                    let _place = place;
                    // What goes wrong on a connection is its client's matter.
                    let _ = tokio::time::timeout(CONNECTION_TIME, talk(stream, peer, router)).await;
                });
            }
            Err(error) => {
                tracing::warn!("a connection to the pages was not accepted: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn talk(stream: TcpStream, peer: SocketAddr, router: Router) -> hyper::Result<()> {
    let service = router.layer(Extension(ConnectInfo(peer)));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(LONGEST_HEADER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .await
}

/// Reads all of a request before anything is made of it, and then lets it come to its end.
pub(super) async fn whole(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let length = parts.headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > LONGEST_REQUEST) {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let body = match tokio::time::timeout(BODY_TIME, to_bytes(body, LONGEST_REQUEST)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    let request = Request::from_parts(parts, Body::from(body));
    // A browser that goes away takes its connection with it, not a release that is half done.
    let answered = tokio::spawn(next.run(request)).await;
    answered.unwrap_or_else(|_panic| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
