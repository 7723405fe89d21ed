//! The API's socket and the users' pages, beside a daemon that has the store.
//!
//! Invariant: mail is judged whether these can be had or not; the log says what is missing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate_store::Store;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;

use crate::api::{self, socket};
use crate::daemon::Daemon;
use crate::pages::access::Access;
use crate::pages::{self, Site};
use crate::services::Services;

/// Sockets that are open, and not served yet.
pub(crate) struct Administration {
    services: Arc<Services>,
    socket: Option<UnixListener>,
    path: PathBuf,
    pages: Option<(TcpListener, Arc<Site>)>,
}

impl Administration {
    /// Opens the socket, beside that of the pages, which is open where they are wanted. `site` is the
    /// name of this one.
    ///
    /// # Errors
    /// When the pages are wanted and can't be served.
    pub(crate) fn open(
        config: &pages::Config,
        pages: Option<TcpListener>,
        folder: &Path,
        site: &str,
        daemon: &Arc<Daemon>,
        store: Option<&Arc<dyn Store>>,
    ) -> anyhow::Result<Option<Self>> {
        let (Some(store), Some(stored)) = (store, &daemon.policies) else {
            anyhow::ensure!(!config.enabled, "[pages] need the store, which can't be had");
            return Ok(None);
        };
        let at_work = Arc::clone(daemon);
        let of_journal = Arc::clone(daemon);
        let services = Arc::new(Services {
            folder: folder.to_owned(),
            lessons: Arc::clone(daemon.lessons()),
            remembered: Arc::clone(&daemon.remembered),
            stored: Arc::clone(stored),
            quarantine: daemon.quarantine().cloned(),
            names: Arc::clone(&daemon.running().names),
            access: Access::new(Arc::clone(store), config.session_seconds())?,
            engine: Box::new(move || Arc::clone(&at_work.running().engine)),
            journal: Box::new(move || of_journal.running().beside.as_ref()?.journal.clone()),
            erasing: tokio::sync::Mutex::default(),
        });
        let path = socket::path(folder);
        let socket = socket::listen(folder).inspect_err(|error| {
            tracing::error!("{}: {error}; the command line can't ask", path.display());
        });
        let pages = pages.map(|listener| {
            let (services, config) = (Arc::clone(&services), config.clone());
            (listener, Arc::new(Site { services, config, name: site.to_owned() }))
        });
        Ok(Some(Self { services, socket: socket.ok(), path, pages }))
    }

    /// Serves until ended.
    pub(crate) fn serve(self) -> Served {
        let mut tasks = Vec::new();
        let path = self.socket.is_some().then_some(self.path);
        if let Some(listener) = self.socket {
            let router = api::router(Arc::clone(&self.services));
            tasks.push(tokio::spawn(async move {
                if let Err(error) = socket::serve(listener, router).await {
                    tracing::error!("the API's socket: {error}");
                }
            }));
        }
        if let Some((listener, site)) = self.pages {
            tasks.push(tokio::spawn(async move {
                if let Err(error) = pages::serve(listener, site).await {
                    tracing::error!("the pages: {error}");
                }
            }));
        }
        Served { tasks, path }
    }
}

/// What is being served.
pub(crate) struct Served {
    tasks: Vec<JoinHandle<()>>,
    path: Option<PathBuf>,
}

impl Served {
    /// Takes no more requests. What was answered is durable; what was not is asked again.
    pub(crate) fn end(self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        if let Some(path) = self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}
