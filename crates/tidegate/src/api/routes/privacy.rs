//! `/v1/privacy`: what is held on a person.
//!
//! Invariant: as in [`crate::services`].

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::api::{Caller, Refusal};
use crate::privacy::Report;
use crate::services::Services;

pub(super) fn routes() -> Router<Arc<Services>> {
    Router::new()
        .route("/privacy/{address}", get(export).delete(erase))
        .route("/privacy/{address}/pseudonyms", get(pseudonyms))
}

async fn export(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(address): Path<String>,
) -> Result<Json<Report>, Refusal> {
    services.export(&caller, &address).await.map(Json)
}

async fn erase(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(address): Path<String>,
) -> Result<Json<Report>, Refusal> {
    services.erase(&caller, &address).await.map(Json)
}

async fn pseudonyms(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(address): Path<String>,
) -> Result<Json<Vec<Value>>, Refusal> {
    let told = services.pseudonyms(&caller, &address).await?;
    let told = told.into_iter().map(|(since, name)| json!({ "since": since, "name": name }));
    Ok(Json(told.collect()))
}

#[cfg(test)]
mod tests {
    use axum::Extension;
    use axum::body::Body;
    use axum::http::{Method, Request, StatusCode};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use crate::api::{Caller, router};
    use crate::config::{self, Options};
    use crate::pages::access::Person;
    use crate::services::Services;

    #[tokio::test]
    async fn a_person_is_told_of_themselves_and_only_an_admin_erases() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options::new(None, Some(dir.path().to_owned()), true);
        let loaded = config::load(&options).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let services = Services::open(loaded).unwrap();
        let person =
            |admin| Caller::Person(Person { address: "anna@example.org".to_owned(), admin });
        let (anna, admin) = (person(false), person(true));
        let routes = router(services);
        for (caller, method, path, expect) in [
            (&anna, Method::GET, "anna@example.org", StatusCode::OK),
            (&anna, Method::GET, "Anna+shop@example.org", StatusCode::OK),
            (&anna, Method::GET, "bert@example.org", StatusCode::NOT_FOUND),
            (&anna, Method::DELETE, "anna@example.org", StatusCode::FORBIDDEN),
            (&anna, Method::GET, "anna@example.org/pseudonyms", StatusCode::FORBIDDEN),
            (&admin, Method::GET, "bert@example.org/pseudonyms", StatusCode::FORBIDDEN),
            (&admin, Method::GET, "bert@example.org", StatusCode::OK),
            (&admin, Method::DELETE, "bert@example.org", StatusCode::OK),
            (&admin, Method::DELETE, "bert", StatusCode::BAD_REQUEST),
            (&Caller::Operator, Method::GET, "bert@example.org/pseudonyms", StatusCode::OK),
        ] {
            let request = Request::builder().method(&method).uri(format!("/v1/privacy/{path}"));
            let routes = routes.clone().layer(Extension(caller.clone()));
            let answer = routes.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), expect, "{caller:?} {method} {path}");
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let text = String::from_utf8_lossy(&body);
            // Whom else mail of theirs is held for is not a person's to see.
            let sees_others = text.contains("\"part\":\"sent\"");
            let may = *caller != anna && expect == StatusCode::OK && !path.ends_with("pseudonyms");
            assert_eq!(sees_others, may, "{caller:?} {method} {path}: {text}");
        }
    }
}
