//! The sockets that the daemon is reached at, opened before it gives up anything.
//!
//! Invariant: they are open before there is a runtime, so that no thread exists yet when the process
//! becomes another user and goes into its sandbox.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;
use tidegate_milter::{Detached, Listener};
use tokio::net::TcpListener as Attached;

use crate::config::Settings;

/// Open, and served by nobody yet: whoever connects waits.
pub(crate) struct Sockets {
    milter: Vec<Detached>,
    http: Option<TcpListener>,
    pages: Option<TcpListener>,
}

/// The same in the runtime that serves them.
pub(crate) struct Listeners {
    /// Of MTAs.
    pub(crate) milter: Vec<Listener>,
    /// Of monitoring, where that is wanted.
    pub(crate) http: Option<Attached>,
    /// Of users, where they have pages.
    pub(crate) pages: Option<Attached>,
}

impl Sockets {
    /// Opens all that the settings name.
    ///
    /// # Errors
    /// At the first that can't be opened.
    pub(crate) fn open(settings: &Settings) -> anyhow::Result<Self> {
        let Settings { milter, http, pages, .. } = settings;
        let opening = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let milter = opening.block_on(async {
            let open = Listener::open(&milter.listen, &milter.access()).await?;
            anyhow::Ok(open.into_iter().map(Listener::detach).collect::<Result<_, _>>()?)
        })?;
        Ok(Self {
            milter,
            http: http.enabled.then(|| bind(http.listen, "[http]")).transpose()?,
            pages: pages.enabled.then(|| bind(pages.listen, "[pages]")).transpose()?,
        })
    }

    /// Puts them into the runtime that calls.
    ///
    /// # Errors
    /// When it can't watch them.
    pub(crate) fn attach(self) -> anyhow::Result<Listeners> {
        Ok(Listeners {
            milter: self.milter.into_iter().map(Detached::attach).collect::<Result<_, _>>()?,
            http: self.http.map(Attached::from_std).transpose()?,
            pages: self.pages.map(Attached::from_std).transpose()?,
        })
    }
}

fn bind(address: SocketAddr, section: &str) -> anyhow::Result<TcpListener> {
    let told = || format!("cannot listen at {address} for {section}");
    let listener = TcpListener::bind(address).with_context(told)?;
    listener.set_nonblocking(true).with_context(told)?;
    Ok(listener)
}
