//! Messages in a bucket: the same life, over the requests that an S3 service is sent.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

mod parts;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use parts::{NOW, RAW, hold};
use tidegate_quarantine::{Config, HoldError, OpenError, Quarantine, Recovered, keeper};
use tidegate_store::Memory;

/// A service with one bucket, `held`: put, get, delete and list, for who signs requests.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<BTreeMap<String, Bytes>>>);

async fn answer(
    State(service): State<Service>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let signed = headers.get("authorization").is_some_and(|value| {
        value.to_str().unwrap().starts_with("AWS4-HMAC-SHA256 Credential=us/")
    });
    if !signed {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut objects = service.0.lock().unwrap();
    let key = uri.path().strip_prefix("/held").unwrap().trim_start_matches('/').to_owned();
    let dated = [("etag", "\"1\""), ("last-modified", "Thu, 26 Nov 2026 07:00:00 GMT")];
    match method {
        Method::PUT => {
            objects.insert(key, body);
            dated.into_response()
        }
        Method::GET if key.is_empty() => {
            let prefix =
                uri.query().unwrap().split("prefix=").nth(1).unwrap().split('&').next().unwrap();
            let contents: String = objects
                .iter()
                .filter(|(key, _)| key.starts_with(&prefix.replace("%2F", "/")))
                .map(|(key, value)| {
                    format!(
                        "<Contents><Key>{key}</Key><LastModified>2026-11-26T07:00:00.000Z</LastModified>\
                         <ETag>\"1\"</ETag><Size>{}</Size></Contents>",
                        value.len()
                    )
                })
                .collect();
            format!("<ListBucketResult>{contents}</ListBucketResult>").into_response()
        }
        Method::GET => match objects.get(&key) {
            Some(object) => (dated, object.clone()).into_response(),
            None => {
                (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response()
            }
        },
        Method::DELETE => {
            objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

#[tokio::test]
async fn mail_is_held_in_a_bucket() {
    let service = Service::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(service.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let environment = |id: &str| {
        [
            ("AWS_ENDPOINT", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "eu-test-1"),
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", "a secret"),
            ("HOME", "/nowhere"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let open = |store: Arc<Memory>, id: &str| {
        let objects = keeper("s3://held/mail", environment(id)).unwrap();
        Quarantine::over(store, objects, Config::default(), "mx.example.test").unwrap()
    };
    let store = Arc::new(Memory::new());
    let quarantine = open(store, "us");
    let ids = hold(&quarantine, RAW, &["bert@example.test"], NOW).await.unwrap();
    let keys: Vec<String> = service.0.lock().unwrap().keys().cloned().collect();
    assert!(
        keys.len() == 1 && keys[0].starts_with("mail/") && keys[0].ends_with(".held"),
        "{keys:?}"
    );
    assert_eq!(quarantine.show(&ids[0]).await.unwrap().summary.subject, "Great offer");

    // Another index finds it.
    let other = open(Arc::new(Memory::new()), "us");
    assert_eq!(other.recover().await.unwrap(), Recovered { messages: 1, ..Recovered::default() });
    other.delete(&ids[0], NOW).await.unwrap();
    assert!(service.0.lock().unwrap().is_empty());

    // Who may not write holds nothing, and says so.
    let stranger = open(Arc::new(Memory::new()), "them");
    let held = hold(&stranger, RAW, &["bert@example.test"], NOW).await;
    assert!(matches!(held, Err(HoldError::Objects(_))), "{held:?}");
}

#[test]
fn a_url_of_another_kind_is_refused() {
    assert!(matches!(keeper("ftp://held", []), Err(OpenError::Url(_))));
}
