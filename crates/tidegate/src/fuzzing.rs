//! Ways in for fuzz targets: configuration, the journal's segments, requests of the API.
//!
//! Invariant: each takes what a stranger or a damaged disk may have written, and ends.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

use crate::api::{Caller, router};
use crate::config::{self, Options};
use crate::services::Services;

/// Reads a configuration and puts everything together that it describes, but for the shipped rules,
/// which take long.
pub fn configuration(text: &str) {
    let file = scratch("configuration.toml");
    if std::fs::write(&file, text).is_ok() {
        match config::load(&options(Some(file))) {
            Ok(loaded) => assert!(loaded.summary.checks > 0 || !text.is_empty()),
            Err(mistakes) => {
                assert!(!mistakes.is_empty());
                mistakes.iter().for_each(|mistake| drop(mistake.to_string()));
            }
        }
    }
}

/// Reads a segment of the journal.
pub fn journal(segment: &[u8]) {
    crate::journal::fuzzing::read(segment);
}

/// Answers `requests` as they come over a connection of the operator's; all that was answered.
pub fn api(requests: &[u8]) -> Vec<u8> {
    static SERVED: LazyLock<Option<(Runtime, Router)>> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let services = {
            let _within = runtime.enter();
            services()?
        };
        Some((runtime, router(services).layer(Extension(Caller::Operator))))
    });
    let Some((runtime, router)) = &*SERVED else { return Vec::new() };
    runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let service = TowerToHyperService::new(router.clone());
        let served = http1::Builder::new().serve_connection(TokioIo::new(server), service);
        let asked = async {
            let sent = client.write_all(requests).await;
            let ended = client.shutdown().await;
            let mut answered = Vec::new();
            if sent.and(ended).is_ok() {
                let _ = client.read_to_end(&mut answered).await;
            }
            answered
        };
        // What is malformed ends the connection, and that is all.
        let (answered, _) = tokio::join!(asked, served);
        answered
    })
}

fn services() -> Option<Arc<Services>> {
    let loaded = config::load(&options(None)).ok()?;
    Services::open(loaded).ok()
}

/// Offline, with a store of its own, without the shipped rules.
fn options(file: Option<PathBuf>) -> Options {
    let environment = vec![("TIDEGATE__RULES__BUILTIN".to_owned(), "false".to_owned())];
    Options { file, store: Some(scratch("store")), offline: true, environment }
}

fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tidegate-fuzz-{}", std::process::id()));
    let _ = std::fs::create_dir_all(&folder);
    folder.join(name)
}
