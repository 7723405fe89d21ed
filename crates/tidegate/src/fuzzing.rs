//! Ways in for fuzz targets: configuration, the journal's segments, requests of the API and of the pages.
//!
//! Invariant: each takes what a stranger or a damaged disk may have written, and ends.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tidegate_mail::Envelope;
use tidegate_quarantine::{Filter, HeldFor, Holding};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

use crate::api::{Caller, router};
use crate::config::{self, Options};
use crate::knowledge::seconds;
use crate::pages::access::Person;
use crate::pages::{self, Site};
use crate::services::Services;

/// Who is signed in to the pages.
const OWNER: &str = "anna@site.example";

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
        let (runtime, services) = services()?;
        Some((runtime, router(services).layer(Extension(Caller::Operator))))
    });
    let Some((runtime, router)) = &*SERVED else { return Vec::new() };
    runtime.block_on(answered(router, requests))
}

/// Answers `requests` as they come over a connection of the pages; all that was answered. `SESSION`, `FORM`
/// and `ENTRY` stand for what a browser would have got of us: the cookie's value, what forms carry, and the id
/// of a message that is held for who is signed in.
pub fn pages(requests: &[u8]) -> Vec<u8> {
    static SERVED: LazyLock<Option<(Runtime, Pages)>> = LazyLock::new(|| {
        let (runtime, services) = services()?;
        let pages = Pages::of(services)?;
        Some((runtime, pages))
    });
    let Some((runtime, pages)) = &*SERVED else { return Vec::new() };
    runtime.block_on(async {
        let Some(entry) = pages.held().await else { return Vec::new() };
        let mut known = requests.to_vec();
        for (word, value) in [("SESSION", &pages.session), ("FORM", &pages.form), ("ENTRY", &entry)]
        {
            known = replaced(&known, word.as_bytes(), value.as_bytes());
        }
        answered(&pages.router, &known).await
    })
}

struct Pages {
    services: Arc<Services>,
    router: Router,
    session: String,
    form: String,
}

impl Pages {
    fn of(services: Arc<Services>) -> Option<Self> {
        let person = Person { address: OWNER.to_owned(), admin: false };
        let link = services.access.link(&person, seconds()).ok()??;
        let session = services.access.sign_in(&link, seconds()).ok()??;
        let form = services.access.form(&session);
        let config = pages::Config { admins: vec![OWNER.to_owned()], ..pages::Config::default() };
        let name = "mx.site.example".to_owned();
        let router =
            pages::router(Arc::new(Site { services: Arc::clone(&services), config, name }));
        Some(Self { services, router, session, form })
    }

    /// The id of a message that is held: the one that is there, or a new one.
    async fn held(&self) -> Option<String> {
        const RAW: &[u8] = b"From: a@evil.example\r\nSubject: x\r\n\r\nhello\r\n";
        let quarantine = self.services.quarantine.as_ref()?;
        let filter = Filter { owner: Some(OWNER.to_owned()), ..Filter::default() };
        if let Some(entry) = quarantine.list(&filter).await.ok()?.entries.first() {
            return Some(entry.id.to_string());
        }
        let (now, envelope) = (seconds(), Envelope::default());
        let recipients = &[HeldFor::new(OWNER, "9 points", now + 86_400)];
        let holding =
            Holding { raw: RAW, envelope: &envelope, score: 9.0, signals: &[], recipients, now };
        let ids = quarantine.hold(&holding).await.ok()?;
        ids.first().map(ToString::to_string)
    }
}

async fn answered(router: &Router, requests: &[u8]) -> Vec<u8> {
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
}

/// `text` with `value` for each `word` in it.
fn replaced(text: &[u8], word: &[u8], value: &[u8]) -> Vec<u8> {
    let mut made = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(&first) = rest.first() {
        if let Some(behind) = rest.strip_prefix(word) {
            made.extend(value);
            rest = behind;
        } else {
            made.push(first);
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    made
}

fn services() -> Option<(Runtime, Arc<Services>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let services = {
        let _within = runtime.enter();
        Services::open(config::load(&options(None)).ok()?).ok()?
    };
    Some((runtime, services))
}

/// Offline, with a store of its own, without the shipped rules. Whatever is released is taken by nobody: no
/// MTA listens at the port for what is discarded.
fn options(file: Option<PathBuf>) -> Options {
    let environment = [
        ("TIDEGATE__RULES__BUILTIN", "false"),
        ("TIDEGATE__QUARANTINE__RELEASE_TO", "127.0.0.1:9"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    Options { file, store: Some(scratch("store")), offline: true, environment }
}

fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tidegate-fuzz-{}", std::process::id()));
    let _ = std::fs::create_dir_all(&folder);
    folder.join(name)
}
