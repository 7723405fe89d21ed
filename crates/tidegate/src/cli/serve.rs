//! `tidegate serve`: the daemon, in the order in which it starts and ends.
//!
//! Invariant: nothing is bound before the whole configuration is known to be right, and nothing is
//! cut off at the end that could finish in its grace time.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use tidegate_milter::{Listener, Server};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::Global;
use crate::config::{Loaded, Options};
use crate::daemon::{Daemon, Session};
use crate::http::{self, Pages, Phase, Status};
use crate::metrics::Metrics;
use crate::reload::{self, AtWork};
use crate::{config, logging};

pub(crate) fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let options = global.options(false);
    let loaded = match global.load(false) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    logging::start(&loaded.settings.log, global.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(loaded, &options))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(loaded: Loaded, options: &Options) -> anyhow::Result<()> {
    let config::Summary { checks, rules, zones, .. } = loaded.summary;
    let (milter, http) = (loaded.settings.milter.clone(), loaded.settings.http.clone());
    let mut signals = Signals::new()?;
    let (running, at_work) = reload::start(loaded);
    let daemon = Daemon::new(running, Metrics::new()?);

    let listeners = Listener::open(&milter.listen, &milter.access()).await?;
    let page_listener = match http.enabled {
        true => Some(
            TcpListener::bind(http.listen)
                .await
                .with_context(|| format!("cannot listen at {} for [http]", http.listen))?,
        ),
        false => None,
    };

    let server = Server::new(milter.limits());
    let status = Arc::new(Status::default());
    let (stop, stopped) = watch::channel(false);
    let pages = page_listener.map(|listener| {
        let pages = Pages {
            daemon: Arc::clone(&daemon),
            counters: server.counters(),
            status: Arc::clone(&status),
        };
        tokio::spawn(http::serve(listener, pages, told(stopped.clone())))
    });
    status.set(Phase::Ready);
    let listen: Vec<String> = milter.listen.iter().map(ToString::to_string).collect();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = listen.join(" ").as_str(),
        checks,
        rules,
        zones,
        "ready"
    );

    let filters = Arc::clone(&daemon);
    let shutdown = signals.until_told_to_end(at_work, options, &daemon, &status);
    server.serve(listeners, move || Session::new(Arc::clone(&filters)), shutdown).await;

    // The pages end last, so that a watcher sees the draining.
    let _ = stop.send(true);
    if let Some(pages) = pages {
        pages.await?.context("the pages of [http] failed")?;
    }
    tracing::info!("ended");
    Ok(())
}

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
        status: &Status,
    ) {
        loop {
            tokio::select! {
                _ = self.hang_up.recv() => {
                    at_work = reload::reload(at_work, options, daemon, status).await;
                }
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
            }
        }
        status.set(Phase::Draining);
        tracing::info!("ending: no more connections are accepted, messages in flight finish");
    }
}
