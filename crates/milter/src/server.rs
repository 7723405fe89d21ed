//! The server: listeners, connections up to a bound, and an orderly end.
//!
//! Invariant: one task a connection, and no more connections served than there are places. As many more wait, those
//! of each MTA by turns; past that, the newest of the MTA with the most is closed.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::OnFailure;
use crate::connection::Connection;
use crate::counters::Counters;
use crate::filter::Filter;
use crate::gate::{Gate, Limits};
use crate::listen::{Listener, Stream};
use crate::session::SessionLimits;

/// Time to wait after an error of `accept`, which most often is a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bounds of a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ServerLimits {
    /// Bounds of each connection's session.
    pub session: SessionLimits,
    /// Most connections served at a time; as many more wait.
    pub connections: usize,
    /// Longest silence between two commands.
    pub idle: Duration,
    /// Longest time to begin the negotiation, to send the rest of a command, or to take a reply.
    pub stall: Duration,
    /// Time between two signs of life while a message is judged.
    pub progress: Duration,
    /// Time given to open transactions when the server ends.
    pub grace: Duration,
    /// What a message gets whose filter failed.
    pub on_failure: OnFailure,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            session: SessionLimits::default(),
            connections: 2_000,
            // As libmilter: a client may take hours to send one message, and nothing is told then.
            idle: Duration::from_secs(7_210),
            stall: Duration::from_secs(30),
            progress: Duration::from_secs(10),
            grace: Duration::from_secs(30),
            on_failure: OnFailure::TempFail,
        }
    }
}

/// A milter server; see the crate's example.
#[derive(Debug, Default)]
pub struct Server {
    limits: ServerLimits,
    counters: Arc<Counters>,
}

impl Server {
    /// A server within these bounds.
    #[must_use]
    pub fn new(limits: ServerLimits) -> Self {
        Self { limits, counters: Arc::default() }
    }

    /// What this server counts, also while it serves.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Serves until `shutdown` completes, with one filter of `make` for each connection. Then
    /// nothing more is accepted, connections without an open transaction are closed, and the others
    /// have the grace time to end theirs.
    pub async fn serve<F, M>(
        self,
        listeners: Vec<Listener>,
        make: M,
        shutdown: impl Future<Output = ()>,
    ) where
        F: Filter + 'static,
        M: Fn() -> F + Send + Sync + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        let (connections, wait) = (self.limits.connections, self.limits.idle);
        let places =
            Gate::new(Limits { places: connections, waiting: connections, octets: 0, wait });
        let Self { limits, counters } = self;
        let shared = Arc::new(Shared { limits, counters, make, stopped, places });
        let mut loops = JoinSet::new();
        for listener in listeners {
            loops.spawn(accept(listener, Arc::clone(&shared)));
        }
        shutdown.await;
        // Nobody listens if there are no listeners; then there is nothing to stop either.
        let _ = stop.send(true);
        while loops.join_next().await.is_some() {}
    }
}

/// What every connection of a server shares.
struct Shared<M> {
    limits: ServerLimits,
    counters: Arc<Counters>,
    make: M,
    stopped: watch::Receiver<bool>,
    /// Taken by turns of the MTAs; all that come over UNIX sockets are of one.
    places: Arc<Gate<Option<IpAddr>>>,
}

async fn accept<F, M>(listener: Listener, shared: Arc<Shared<M>>)
where
    F: Filter + 'static,
    M: Fn() -> F + Send + Sync + 'static,
{
    let mut stopped = shared.stopped.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = told_to_stop(&mut stopped) => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let shared = Arc::clone(&shared);
        // Boxed, or the whole connection would be copied each time that its task is handed on.
        connections.spawn(Box::pin(async move { serve_in_turn(stream, &shared).await }));
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(shared.limits.grace, drained).await.is_err() {
        // Their tasks end with the set; the MTAs keep those messages and try again.
        tracing::warn!(open = connections.len(), "ending connections after the grace time");
    }
}

/// Waits until the server ends.
pub(crate) async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that the server is gone already.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn serve_in_turn<F: Filter, M: Fn() -> F>(stream: Stream, shared: &Shared<M>) {
    let mut stopped = shared.stopped.clone();
    let place = tokio::select! {
        biased;
        place = shared.places.enter(stream.mta(), 0) => place,
        () = told_to_stop(&mut stopped) => return,
    };
    match place {
        Ok(_place) => serve_one(stream, shared).await,
        Err(why) => {
            shared.counters.turned_away();
            tracing::info!(why = why.as_str(), "connection not served");
        }
    }
}

async fn serve_one<F: Filter, M: Fn() -> F>(stream: Stream, shared: &Shared<M>) {
    let Shared { limits, counters, make, stopped, .. } = shared;
    let _open = counters.connection();
    let mta = stream.mta();
    let ended = match stream {
        Stream::Tcp(stream, _) => {
            Connection::new(stream, mta, limits, counters, make).run(stopped.clone()).await
        }
        Stream::Unix(stream) => {
            Connection::new(stream, mta, limits, counters, make).run(stopped.clone()).await
        }
    };
    if let Err(error) = ended {
        error.count(counters);
        tracing::info!(%error, "connection ended");
    }
}
