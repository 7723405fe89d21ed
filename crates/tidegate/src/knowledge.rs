//! What was learned: the model that comes with the program, and the store that lies over it.
//!
//! Where machines share a server, lessons, corrections, correspondents and policies are kept there; what is this
//! machine's own, held mail among it, stays in its folder.
//!
//! Invariant: one process has the store in a folder at a time; whoever can't have it judges by the model alone
//! and says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tidegate_bayes::{Lessons, Limits, Model};
use tidegate_store::{Embedded, FILE_NAME, Memory, Redis, RedisConfig, Store, StoreError};

use crate::config::Settings;
use crate::sandbox;
use crate::steady::now;

/// Where a service keeps what outlives a message.
const SERVICE: &str = "/var/lib/tidegate";
/// Where anybody else does, relative to where the program is started.
const OWN: &str = "tidegate-state";

/// The folder of this machine's own store: as configured, else the service's where that may be written.
pub(crate) fn folder(settings: &Settings) -> PathBuf {
    if let Some(folder) = settings.store.url.as_deref().and_then(|url| url.strip_prefix("file:")) {
        return PathBuf::from(folder);
    }
    if let Some(folder) = &settings.store.folder {
        return folder.clone();
    }
    let service = Path::new(SERVICE);
    let may_write = nix::unistd::access(service, nix::unistd::AccessFlags::W_OK).is_ok();
    if may_write { service.to_owned() } else { PathBuf::from(OWN) }
}

/// The store in this machine's folder: what outlives a message, for whoever keeps something.
///
/// # Errors
/// When another process has it, or it can't be opened or made.
pub(crate) fn store(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    let opened = Embedded::open(&folder(settings))?;
    if let Some(lost) = &opened.lost {
        tracing::error!("{lost}");
    }
    if let Some(error) = &opened.not_rewritten {
        tracing::warn!(
            "the store could not be written anew, and keeps bytes of what was erased until it is: {error}"
        );
    }
    Ok(Arc::new(opened.store))
}

/// The store of one command, and the one in which others may have a share: the same, where no server is configured.
pub(crate) struct Stores {
    pub(crate) own: Arc<dyn Store>,
    pub(crate) shared: Arc<dyn Store>,
}

/// Both, for a command.
///
/// # Errors
/// When another process has the folder, or the server isn't there.
pub(crate) fn stores(settings: &Settings) -> anyhow::Result<Stores> {
    let own = store(settings)?;
    let shared = match settings.store.server() {
        Some(_) => shared(settings)?,
        None => Arc::clone(&own),
    };
    Ok(Stores { own, shared })
}

/// The one in which others may have a share, for a command.
///
/// # Errors
/// When another process has it, or the server isn't there.
pub(crate) fn shared(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    let Some(server) = server(settings)? else { return store(settings) };
    server.wait(patience(settings))?;
    Ok(server)
}

/// The server that is to be shared, where one is; it may not be there yet.
///
/// # Errors
/// When a file that it takes can't be read, or what is in it is of no use.
pub(crate) fn server(settings: &Settings) -> anyhow::Result<Option<Arc<Redis>>> {
    let Some(url) = settings.store.server() else { return Ok(None) };
    let named = |file: &Option<PathBuf>| -> anyhow::Result<Option<Vec<u8>>> {
        let Some(file) = file else { return Ok(None) };
        let read = fs::read(file).map_err(sandbox::told);
        read.map(Some).with_context(|| file.display().to_string())
    };
    let password = named(&settings.store.password_file)?;
    let password = password.map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned());
    let config = RedisConfig {
        url: url.to_owned(),
        password,
        authorities: named(&settings.store.ca_file)?,
        timeout: patience(settings),
    };
    Ok(Some(Arc::new(Redis::open(&config)?)))
}

/// How long the server is waited for.
pub(crate) fn patience(settings: &Settings) -> Duration {
    Duration::from_millis(settings.store.timeout_ms.get().into())
}

/// What was learned, of a store, to judge by it and to learn.
///
/// # Errors
/// When the store can't be read.
pub(crate) fn lessons(store: Arc<dyn Store>, settings: &Settings) -> anyhow::Result<Arc<Lessons>> {
    let (lessons, found) = Lessons::open(store, model()?, limits(settings), seconds())?;
    if found != Default::default() {
        tracing::warn!(?found, "not all that was learned could be read");
    }
    Ok(Arc::new(lessons))
}

/// What was learned, of a server that isn't there: nothing, until it is followed.
///
/// # Errors
/// When the model can't be read.
pub(crate) fn lessons_later(
    store: Arc<dyn Store>,
    settings: &Settings,
) -> anyhow::Result<Arc<Lessons>> {
    Ok(Arc::new(Lessons::unread(store, model()?, limits(settings), seconds())))
}

/// What there is to judge by without writing: the store where it is free, else the model alone, with
/// the reason.
pub(crate) fn borrow(settings: &Settings) -> anyhow::Result<(Arc<Lessons>, Option<String>)> {
    let opened = match free(settings) {
        Ok(None) => return Ok((alone(settings)?, None)),
        Ok(Some(store)) => lessons(store, settings).map_err(|error| error.to_string()),
        Err(why) => Err(why),
    };
    match opened {
        Ok(lessons) => Ok((lessons, None)),
        Err(why) => {
            Ok((alone(settings)?, Some(format!("{why}: what was learned here is not counted"))))
        }
    }
}

/// The store, for whoever only reads it: `None` where there is none yet.
///
/// # Errors
/// Why it can't be had, in words.
pub(crate) fn free(settings: &Settings) -> Result<Option<Arc<dyn Store>>, String> {
    if settings.store.server().is_some() {
        return shared(settings).map(Some).map_err(|error| format!("{error:#}"));
    }
    if !folder(settings).join(FILE_NAME).exists() {
        return Ok(None);
    }
    store(settings).map(Some).map_err(|error| match error.downcast_ref() {
        Some(StoreError::InUse(_)) => "the running daemon has the store".to_owned(),
        _ => error.to_string(),
    })
}

/// The model that comes with the program, and what is learned from now on, in memory.
pub(crate) fn alone(settings: &Settings) -> anyhow::Result<Arc<Lessons>> {
    over(model()?, settings)
}

/// Any model, and what is learned from now on, in memory.
pub(crate) fn over(model: Arc<Model>, settings: &Settings) -> anyhow::Result<Arc<Lessons>> {
    let store = Arc::new(Memory::new());
    Ok(Arc::new(Lessons::open(store, model, limits(settings), seconds())?.0))
}

/// The model in `file`.
pub(crate) fn model_in(file: &Path) -> anyhow::Result<Arc<Model>> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    Ok(Arc::new(Model::load(bytes).with_context(|| file.display().to_string())?))
}

fn model() -> anyhow::Result<Arc<Model>> {
    Ok(Arc::new(Model::shipped()?))
}

fn limits(settings: &Settings) -> Limits {
    settings.statistics.learning.clone()
}

/// Seconds since 1970, as lessons count them.
pub(crate) fn seconds() -> u64 {
    u64::try_from(now()).unwrap_or(0)
}
