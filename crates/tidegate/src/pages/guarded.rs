//! What stands on every answer: header fields that forbid browsers what no page of ours needs, and words
//! where there would be none.
//!
//! Invariant: no answer leaves without these fields, and none with an error that is not in our words: JSON
//! below `/v1`, a page everywhere else.

use std::sync::Arc;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Site, frame};

const FIELDS: [(HeaderName, &str); 9] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; \
         base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Links to sign in carry what opens the door: no other site is told. "no-referrer" would have forms
    // come with "Origin: null" (Fetch, section 3.2), as those from elsewhere do.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
];

/// Bytes of an error that are passed on in the API.
const LONGEST_ERROR: usize = 4_096;

/// Puts on each answer what belongs on it.
pub(super) async fn guarded(
    State(site): State<Arc<Site>>,
    request: Request,
    next: Next,
) -> Response {
    let is_api = request.uri().path().starts_with("/v1/");
    let mut response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    let in_our_words = kind.is_some_and(|kind| match is_api {
        true => kind.as_bytes().starts_with(b"application/json"),
        false => kind.as_bytes().starts_with(b"text/html"),
    });
    let status = response.status();
    if (status.is_client_error() || status.is_server_error()) && !in_our_words {
        response = match is_api {
            true => as_json(response).await,
            false => as_page(&site, status),
        };
    }
    if is_api && status == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    }
    for (name, value) in FIELDS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What the router itself refuses, it refuses in text.
async fn as_json(response: Response) -> Response {
    let status = response.status();
    let body = to_bytes(response.into_body(), LONGEST_ERROR).await.unwrap_or_default();
    let mut words = String::from_utf8_lossy(&body).trim().to_owned();
    if words.is_empty() {
        words = status.canonical_reason().unwrap_or("refused").to_lowercase();
    }
    (status, Json(json!({ "error": words }))).into_response()
}

fn as_page(site: &Site, status: StatusCode) -> Response {
    let (title, text) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ("Too much", "That is more than these pages take at once.")
        }
        StatusCode::REQUEST_TIMEOUT => {
            ("Too slow", "It took too long to arrive. Please try again.")
        }
        StatusCode::NOT_FOUND => ("Nothing here", "There is no such page, or it is not yours."),
        status if status.is_server_error() => (
            "Not now",
            "Something failed here. Your mail is not touched by that; please try again later.",
        ),
        _ => ("Not done", "This address or form is not one of ours, or a part of it is missing."),
    };
    frame::said(site, status, title, text)
}
