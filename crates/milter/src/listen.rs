//! Sockets to listen at: TCP, UNIX, or passed by the service manager (`sd_listen_fds(3)`).
//!
//! Invariant: a UNIX socket appears under its name with its mode and group already set, and never in
//! the place of one on which another process still answers.

use std::io;
use std::net::IpAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use nix::sys::socket::{Backlog, listen, setsockopt, sockopt::TcpNoDelay};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::address::Address;

/// Who may connect to a UNIX socket.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Access {
    /// Permission bits, such as `0o660`; `None` leaves them to the umask.
    pub mode: Option<u32>,
    /// Name of the group the socket belongs to; `None` leaves it to the process.
    pub group: Option<String>,
}

/// Why a socket could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The operating system refused.
    #[error("cannot listen at {address}: {source}")]
    Bind {
        /// Where.
        address: Address,
        /// What the system said.
        source: io::Error,
    },
    /// The operating system refused to set it up.
    #[error("cannot set up a socket to listen at: {0}")]
    Options(io::Error),
    /// Another process listens there.
    #[error("{} is in use: a process answers on it", .0.display())]
    InUse(PathBuf),
    /// A file of another kind has the socket's name.
    #[error("{} exists and is not a socket: remove it, or listen elsewhere", .0.display())]
    NotASocket(PathBuf),
    /// No such group.
    #[error("there is no group {0:?}")]
    Group(String),
    /// The service manager passed no socket of that name or number.
    #[error("no socket {0:?} was passed: see LISTEN_FDS and LISTEN_FDNAMES")]
    NotPassed(String),
}

/// An open socket on which MTAs are accepted.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// UNIX.
    Unix(UnixListener),
}

/// An open socket of no runtime: to be opened before there is one, as whoever may open it.
#[derive(Debug)]
pub enum Detached {
    /// TCP.
    Tcp(std::net::TcpListener),
    /// UNIX.
    Unix(std::os::unix::net::UnixListener),
}

impl Detached {
    /// Puts it into the runtime that calls.
    ///
    /// # Errors
    /// When the runtime can't watch it.
    pub fn attach(self) -> io::Result<Listener> {
        match self {
            Self::Tcp(listener) => TcpListener::from_std(listener).map(Listener::Tcp),
            Self::Unix(listener) => UnixListener::from_std(listener).map(Listener::Unix),
        }
    }
}

/// An MTA's connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream, IpAddr),
    Unix(UnixStream),
}

/// What a connection asks of its stream beside octets.
pub(crate) trait Socket {
    /// Acknowledges what was read, and what is read from now on, without delay: the other side may hold back
    /// what it has to say until what it said is acknowledged.
    fn acknowledge(&self);

    /// Waits until there is something to read, or may be.
    async fn arrival(&self) -> io::Result<()>;
}

impl Socket for TcpStream {
    fn acknowledge(&self) {
        // Elsewhere, and where it fails, things go on as well, only later.
        #[cfg(target_os = "linux")]
        let _ = self.set_quickack(true);
    }

    async fn arrival(&self) -> io::Result<()> {
        self.readable().await
    }
}

impl Socket for UnixStream {
    fn acknowledge(&self) {}

    async fn arrival(&self) -> io::Result<()> {
        self.readable().await
    }
}

impl Stream {
    /// The address of the MTA; `None` on this machine, over a UNIX socket.
    pub(crate) const fn mta(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(_, mta) => Some(*mta),
            Self::Unix(_) => None,
        }
    }
}

impl Listener {
    /// Opens every address, in order.
    ///
    /// Passed sockets are taken from the environment, which is changed by that: call this once,
    /// before other threads read it.
    ///
    /// # Errors
    /// At the first address that cannot be opened.
    pub async fn open(addresses: &[Address], access: &Access) -> Result<Vec<Self>, ListenError> {
        let mut passed = None;
        let mut listeners = Vec::with_capacity(addresses.len());
        for address in addresses {
            let bind = |source| ListenError::Bind { address: address.clone(), source };
            listeners.push(match address {
                Address::Tcp { host, port } => {
                    let bound = TcpListener::bind((host.as_str(), *port)).await;
                    Self::Tcp(bound.map_err(bind)?)
                }
                Address::Unix(path) => Self::Unix(open_unix(path, address, access).await?),
                Address::Passed(name) => {
                    let passed = passed.get_or_insert_with(Passed::from_environment);
                    passed
                        .take(name)
                        .map_err(bind)?
                        .ok_or_else(|| ListenError::NotPassed(name.clone()))?
                }
            });
        }
        listeners.iter().try_for_each(Self::set_up)?;
        Ok(listeners)
    }

    fn set_up(&self) -> Result<(), ListenError> {
        // As many may wait to be accepted as the system lets: an MTA that meets a full queue tries again
        // after a second, and the library leaves it at 128.
        let done = match self {
            Self::Tcp(listener) => {
                // Replies are written whole; Nagle's algorithm could only hold them back. What is set
                // here each connection has from the start.
                listen(listener, Backlog::MAXCONN)
                    .and_then(|()| setsockopt(listener, TcpNoDelay, &true))
            }
            Self::Unix(listener) => listen(listener, Backlog::MAXCONN),
        };
        done.map_err(|error| ListenError::Options(error.into()))
    }

    /// Takes it out of the runtime, which may end then.
    ///
    /// # Errors
    /// When the runtime can't let it go.
    pub fn detach(self) -> io::Result<Detached> {
        match self {
            Self::Tcp(listener) => listener.into_std().map(Detached::Tcp),
            Self::Unix(listener) => listener.into_std().map(Detached::Unix),
        }
    }

    /// Where TCP is listened at: with port 0, the system has chosen one.
    #[must_use]
    pub fn tcp_address(&self) -> Option<std::net::SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, mta) = listener.accept().await?;
                Ok(Stream::Tcp(stream, mta.ip().to_canonical()))
            }
            Self::Unix(listener) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

/// Binds under a name of its own, sets mode and group, and only then takes the place of a stale
/// socket: nobody can connect in between.
async fn open_unix(
    path: &Path,
    address: &Address,
    access: &Access,
) -> Result<UnixListener, ListenError> {
    match std::fs::symlink_metadata(path) {
        Ok(file) if !file.file_type().is_socket() => {
            return Err(ListenError::NotASocket(path.to_owned()));
        }
        Ok(_) if UnixStream::connect(path).await.is_ok() => {
            return Err(ListenError::InUse(path.to_owned()));
        }
        _ => {}
    }
    let group = access.group.as_deref().map(group_id).transpose()?;
    let fresh = path.with_extension(format!("new{}", std::process::id()));
    let bound = || {
        let listener = UnixListener::bind(&fresh)?;
        if let Some(mode) = access.mode {
            std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(mode))?;
        }
        if group.is_some() {
            chown(&fresh, None, group)?;
        }
        std::fs::rename(&fresh, path)?;
        Ok(listener)
    };
    bound().map_err(|source| {
        // What was made is taken back; that it may not exist is no news.
        let _ = std::fs::remove_file(&fresh);
        ListenError::Bind { address: address.clone(), source }
    })
}

fn group_id(name: &str) -> Result<u32, ListenError> {
    let group = nix::unistd::Group::from_name(name).ok().flatten();
    group.map(|group| group.gid.as_raw()).ok_or_else(|| ListenError::Group(name.to_owned()))
}

/// The sockets of `LISTEN_FDS`, each to be taken once.
struct Passed {
    names: Vec<String>,
    sockets: ListenFd,
}

impl Passed {
    fn from_environment() -> Self {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        Self { names: names.split(':').map(str::to_owned).collect(), sockets: ListenFd::from_env() }
    }

    fn take(&mut self, name: &str) -> io::Result<Option<Listener>> {
        let place = name.parse().ok().or_else(|| self.names.iter().position(|known| known == name));
        let Some(place) = place else { return Ok(None) };
        // The kind is not known: what is no UNIX socket is tried as TCP, whose error is then told.
        if let Ok(Some(socket)) = self.sockets.take_unix_listener(place) {
            socket.set_nonblocking(true)?;
            return UnixListener::from_std(socket).map(|unix| Some(Listener::Unix(unix)));
        }
        let Some(socket) = self.sockets.take_tcp_listener(place)? else { return Ok(None) };
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket).map(|tcp| Some(Listener::Tcp(tcp)))
    }
}
