//! `tidegate serve`: the daemon, in the order in which it starts and ends.
//!
//! Invariant: nothing is bound before the whole configuration is known to be right, root and all that
//! is never needed are given up before there is a second thread, and nothing is cut off at the end
//! that could finish in its grace time.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tidegate_bayes::Lessons;
use tidegate_milter::Server;
use tidegate_quarantine::Quarantine;
use tidegate_store::{Redis, Store};
use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Global;
use crate::administration::Administration;
use crate::cluster::Follower;
use crate::config::{Loaded, Options, Settings};
use crate::daemon::holder::Holder;
use crate::daemon::{Daemon, Session};
use crate::http::{self, Pages, Phase, Status};
use crate::indicators::Indicators;
use crate::metrics::Metrics;
use crate::names::Names;
use crate::policies::StoredPolicies;
use crate::quarantine::upkeep::look_after;
use crate::reload::{self, AtWork, Lasting};
use crate::remembered::Remembered;
use crate::sockets::Sockets;
use crate::{
    config, control, knowledge, logging, privileges, quarantine, sandbox, steady, succession,
};

pub(crate) fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let options = global.options(false);
    let loaded = match global.load_with_shadow(false) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let names = Names::new(&loaded.settings.log, None);
    logging::start(&loaded.settings.log, global.verbose, &names);
    succession::wait_for_predecessor(&loaded.settings);
    let sockets = Sockets::open(&loaded.settings)?;
    privileges::give_up(&loaded.settings.server)?;
    sandbox::enter(&loaded);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(loaded, sockets, &options, &names))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(
    loaded: Loaded,
    sockets: Sockets,
    options: &Options,
    names: &Arc<Names>,
) -> anyhow::Result<()> {
    let config::Summary { checks, rules, zones, users, .. } = loaded.summary;
    let (milter, http) = (loaded.settings.milter.clone(), loaded.settings.http.clone());
    let mut signals = Signals::new()?;
    let listeners = sockets.attach()?;
    let (pages_config, site) = (loaded.settings.pages.clone(), loaded.parts.site.id.clone());
    let folder = knowledge::folder(&loaded.settings);
    let store = open_store(&loaded.settings);
    store.iter().for_each(|store| names.keep_in(Arc::clone(store)));
    let redis = open_server(&loaded.settings);
    let shared = match (&redis, loaded.settings.store.server()) {
        (Some(redis), _) => Some(Arc::clone(redis) as Arc<dyn Store>),
        (None, Some(_)) => None,
        (None, None) => store.clone(),
    };
    let knowledge = Taught::open(&loaded.settings, shared.as_ref())?;
    let held = open_quarantine(&loaded, store.as_ref());
    let remembered = Arc::clone(&knowledge.remembered);
    let policies = knowledge.store.clone().map(|store| Arc::new(StoredPolicies::new(store)));
    let metrics = Metrics::new()?;
    let lessons = Arc::clone(&knowledge.lessons);
    let indicators = Indicators::new(store.clone(), metrics.beside.clone());
    let lasting = Lasting {
        lessons: &lessons,
        remembered: &remembered,
        policies: policies.as_deref(),
        indicators: &indicators,
        metrics: &metrics,
        names,
    };
    let (running, at_work) = reload::start(loaded, &lasting, None);
    let daemon = Daemon::new(
        running,
        metrics,
        lessons,
        remembered,
        policies,
        held.clone(),
        held.clone().map(|held| held as Arc<dyn Holder>),
    );

    let (of_users, store_kept) = (listeners.pages, store.as_ref());
    let administration =
        Administration::open(&pages_config, of_users, &folder, &site, &daemon, store_kept)?;
    let server = Server::new(milter.limits());
    let status = Arc::new(Status::default());
    let (stop, stopped) = watch::channel(false);
    let pages = listeners.http.map(|listener| {
        let pages = Pages {
            daemon: Arc::clone(&daemon),
            counters: server.counters(),
            status: Arc::clone(&status),
        };
        tokio::spawn(http::serve(listener, pages, told(stopped.clone())))
    });
    let control = knowledge.serve(&daemon);
    let administration = administration.map(Administration::serve);
    let following = redis.map(|redis| {
        let (daemon, status) = (Arc::clone(&daemon), Arc::clone(&status));
        tokio::spawn(Follower::new(redis, store.clone(), daemon, status).follow())
    });
    let upkeep = held.zip(store).map(|(held, store)| {
        let daemon = Arc::clone(&daemon);
        let policies = move || Arc::clone(&daemon.running().engine.parts().policies);
        tokio::spawn(look_after(held, store, Box::new(policies)))
    });
    status.set(Phase::Ready);
    let listen: Vec<String> = milter.listen.iter().map(ToString::to_string).collect();
    let at = |enabled, address: SocketAddr| match enabled {
        true => address.to_string(),
        false => "off".to_owned(),
    };
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = listen.join(" ").as_str(),
        http = at(http.enabled, http.listen).as_str(),
        pages = at(pages_config.enabled, pages_config.listen).as_str(),
        checks,
        rules,
        zones,
        users,
        "ready"
    );

    let filters = Arc::clone(&daemon);
    let shutdown =
        signals.until_told_to_end(at_work, options, &daemon, &knowledge.lessons, &status);
    server.serve(listeners.milter, move || Session::new(Arc::clone(&filters)), shutdown).await;

    control.abort();
    if let Some(administration) = administration {
        administration.end();
    }
    for task in [upkeep, following].into_iter().flatten() {
        task.abort();
    }
    if let Some(beside) = daemon.running().beside.clone() {
        tokio::task::spawn_blocking(move || beside.end()).await?;
    }
    knowledge.end().await;
    // The pages end last, so that a watcher sees the draining.
    let _ = stop.send(true);
    if let Some(pages) = pages {
        pages.await?.context("the pages of [http] failed")?;
    }
    tracing::info!("ended");
    Ok(())
}

/// Opens the store, for whoever keeps something in it. Mail is judged without it all the same: then
/// nothing can be learned or held, and the log says why.
fn open_store(settings: &Settings) -> Option<Arc<dyn Store>> {
    knowledge::store(settings)
        .inspect_err(|error| {
            tracing::error!("{error:#}; judging by the model alone, learning and holding nothing");
        })
        .ok()
}

/// Begins to connect to the server that machines share, where one is configured, and waits a moment for it.
fn open_server(settings: &Settings) -> Option<Arc<Redis>> {
    let server = knowledge::server(settings).inspect_err(|error| {
        tracing::error!("{error:#}; judging by the model alone, and learning nothing");
    });
    let server = server.ok().flatten()?;
    // Why it is not there yet is told by whoever follows it.
    let _ = server.wait(knowledge::patience(settings));
    Some(server)
}

/// Opens the quarantine over the store. Without it, mail that would be held is tagged, and the log says
/// why.
fn open_quarantine(loaded: &Loaded, store: Option<&Arc<dyn Store>>) -> Option<Arc<Quarantine>> {
    quarantine::open(loaded, store?)
        .inspect_err(|error| {
            tracing::error!("{error}; nothing can be held, and mail that would be is tagged");
        })
        .ok()
        .flatten()
}

/// What was learned, and who may add to it.
struct Taught {
    lessons: Arc<Lessons>,
    /// Whom users write to, and what they correct.
    remembered: Arc<Remembered>,
    /// The store, where this process has it.
    store: Option<Arc<dyn Store>>,
    /// The socket of the store that this process has.
    control: Option<UnixListener>,
    /// Where the socket is.
    socket: PathBuf,
}

impl Taught {
    /// Reads what was learned. Mail is judged without it all the same: then nothing can be learned, and
    /// the log says why.
    fn open(settings: &Settings, store: Option<&Arc<dyn Store>>) -> anyhow::Result<Self> {
        let folder = knowledge::folder(settings);
        let socket = control::path(&folder);
        let alone = |remembered, store| {
            let lessons = knowledge::alone(settings)?;
            Ok(Self { lessons, remembered, store, control: None, socket: socket.clone() })
        };
        let Some(store) = store.cloned() else {
            return alone(Remembered::nothing(settings), None);
        };
        let remembered = Remembered::open(Arc::clone(&store), settings).unwrap_or_else(|error| {
            if error.is_away() {
                return Remembered::later(Some(Arc::clone(&store)), settings);
            }
            tracing::error!("{error}; correspondents and corrections are not known");
            Remembered::nothing(settings)
        });
        let lessons = match knowledge::lessons(Arc::clone(&store), settings) {
            Ok(lessons) => lessons,
            Err(_) if store.reachable().is_err() => {
                knowledge::lessons_later(Arc::clone(&store), settings)?
            }
            Err(error) => {
                tracing::error!("{error:#}; judging by the model alone, and learning nothing");
                return alone(remembered, Some(store));
            }
        };
        // Switched off, nobody teaches; what was learned before fades, and can be erased, all the same.
        let control = settings.statistics.enabled.then(|| control::listen(&folder));
        let control = control.and_then(|control| {
            let told = control.inspect_err(|error| {
                tracing::error!("{}: {error}; nobody can teach", socket.display());
            });
            told.ok()
        });
        Ok(Self { lessons, remembered, store: Some(store), control, socket })
    }

    /// Takes lessons, and lets old ones fade, until aborted.
    fn serve(&self, daemon: &Arc<Daemon>) -> JoinHandle<()> {
        let clients = self.control.as_ref().and_then(|listener| {
            // Its own handle, since this one takes the socket away at the end.
            let copy = listener.as_fd().try_clone_to_owned().ok()?;
            UnixListener::from_std(copy.into()).ok()
        });
        let (daemon, lessons) = (Arc::clone(daemon), Arc::clone(&self.lessons));
        let remembered = Arc::clone(&self.remembered);
        tokio::spawn(async move {
            tokio::spawn(remembered.keep());
            if let Some(listener) = clients {
                tokio::spawn(control::serve(listener, daemon, Arc::clone(&lessons)));
            }
            loop {
                tokio::time::sleep(MAINTENANCE).await;
                let (lessons, now) = (Arc::clone(&lessons), steady::ageing());
                let done = tokio::task::spawn_blocking(move || lessons.maintain(now));
                if let Ok(Err(error)) = done.await {
                    tracing::error!("what was learned could not be tidied: {error}");
                }
            }
        })
    }

    /// Leaves the store so that it opens fast.
    async fn end(self) {
        if self.control.is_some() {
            let _ = std::fs::remove_file(&self.socket);
        }
        let done = tokio::task::spawn_blocking(move || {
            self.remembered.write();
            self.lessons.checkpoint()
        });
        if let Ok(Err(error)) = done.await {
            tracing::error!("what was learned could not be written as a whole: {error}");
        }
    }
}

/// How often what was learned fades and expires.
const MAINTENANCE: Duration = Duration::from_secs(3_600);

/// Waits until the program ends.
async fn told(mut stopped: watch::Receiver<bool>) {
    // An error means that it has ended already.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// What the operator says to a running daemon.
struct Signals {
    hang_up: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Reloads as often as told, until told to end.
    async fn until_told_to_end(
        &mut self,
        mut at_work: AtWork,
        options: &Options,
        daemon: &Daemon,
        lessons: &Arc<Lessons>,
        status: &Status,
    ) {
        loop {
            tokio::select! {
                _ = self.hang_up.recv() => {
                    at_work = reload::reload(at_work, options, daemon, lessons, status).await;
                }
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
            }
        }
        status.set(Phase::Draining);
        tracing::info!("ending: no more connections are accepted, messages in flight finish");
    }
}
