//! Why the API does not do what it was asked.
//!
//! Invariant: a refusal is `{"error": "…"}` in words for a person, and tells nothing of what the caller
//! may not know.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A request that was not carried out.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Nobody known asks.
    Unknown,
    /// Somebody known, who may not.
    Forbidden,
    /// There is no such thing, or it is not the caller's.
    Missing,
    /// It can't be understood, or contradicts what is.
    Wrong(String),
    /// It was right once: what it refers to has changed since.
    Changed(String),
    /// It is right, and failed all the same.
    Failed(String),
    /// It is right, and the MTA did not do its part.
    Mta(String),
    /// Whoever asks has been wrong too often, and may ask again after so many seconds.
    TooOften(u64),
    /// This part is switched off.
    Off(&'static str),
}

impl Refusal {
    /// A failure of ours, told to the log as well.
    pub(crate) fn failed(error: impl std::fmt::Display) -> Self {
        tracing::error!("administration: {error}");
        Self::Failed(error.to_string())
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Wrong(_) => StatusCode::BAD_REQUEST,
            Self::Changed(_) => StatusCode::CONFLICT,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Mta(_) => StatusCode::BAD_GATEWAY,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Off(_) => StatusCode::NOT_IMPLEMENTED,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("show a token: Authorization: Bearer …"),
            Self::Forbidden => f.write_str("only an admin may do this"),
            Self::Missing => f.write_str("there is no such thing"),
            Self::Wrong(what) | Self::Changed(what) | Self::Failed(what) | Self::Mta(what) => {
                f.write_str(what)
            }
            Self::TooOften(_) => {
                f.write_str("too many wrong tokens came from here: ask again later")
            }
            Self::Off(section) => write!(f, "this is switched off; see [{section}]"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response =
            (self.status(), Json(json!({ "error": self.to_string() }))).into_response();
        if let Self::TooOften(seconds) = self {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
