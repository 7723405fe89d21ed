//! Questions by datagrams over one socket, and the answers to them: the way that nearly every question
//! goes. What gets no plain answer here goes on to `upstream`, which knows all ways.
//!
//! An answer is believed for what it cannot be forged without (RFC 5452, section 9): it comes from the
//! server, to a port that the system drew, under an id that was drawn, and repeats the question.
//!
//! Invariant: a socket asks few questions and takes few strays, then another port is drawn; whoever asks
//! is told within the line's patience, or dropped with the runtime that would have told.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};
use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::Question;
use crate::datagram::{Datagram, id};
use crate::told::Told;

/// Longest time for a plain answer. The whole time of a question is that of `upstream`.
const PATIENCE: Duration = Duration::from_millis(400);
/// How often it is looked for what is late.
const TICK: Duration = Duration::from_millis(50);
/// Questions of a line, each with an id of its own.
const QUESTIONS: usize = 256;
/// Time until another port is drawn.
const AGE: Duration = Duration::from_secs(10);
/// Datagrams that answer nothing, after which a line is not used any more: somebody may be guessing.
const STRAYS: u32 = 16;
/// Longest datagram that is read. More than is asked for is out of the ordinary.
const LONGEST: usize = 4_096;
/// Datagrams read before other tasks have their turn.
const AT_ONCE: usize = 64;

/// Who waits for an answer.
pub(crate) trait Asker: Send + 'static {
    fn question(&self) -> &Question;
    /// `None`: there is no plain answer.
    fn told(self, told: Option<Told>);
}

/// The line in use.
pub(crate) struct Lines<A> {
    servers: Vec<SocketAddr>,
    /// The server to ask.
    at: AtomicUsize,
    patience: Duration,
    line: Mutex<Option<Arc<Line<A>>>>,
}

struct Line<A> {
    socket: AsyncFd<UdpSocket>,
    runtime: Id,
    opened: Instant,
    state: Mutex<State<A>>,
}

struct State<A> {
    /// Not used yet; none: nothing more is asked here.
    ids: Vec<u16>,
    open: HashMap<u16, Open<A>>,
    strays: u32,
    /// The server could not be reached, or was late.
    failed: bool,
}

struct Open<A> {
    asker: A,
    datagram: Datagram,
    until: Instant,
}

impl<A: Asker> Lines<A> {
    pub(crate) fn new(servers: Vec<SocketAddr>, timeout: Duration) -> Self {
        Self { servers, at: 0.into(), patience: timeout.min(PATIENCE), line: Mutex::default() }
    }

    /// Sends the question of `asker`, who is told what comes of it; or gives `asker` back.
    pub(crate) fn ask(&self, asker: A, runtime: &Handle) -> Result<(), A> {
        let Some(datagram) = Datagram::new(asker.question()) else { return Err(asker) };
        let mut current = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let fits =
            |line: &Arc<Line<A>>| line.runtime == runtime.id() && line.opened.elapsed() < AGE;
        let line = current.as_ref().filter(|line| fits(line)).cloned();
        let (asker, datagram) = match line {
            None => (asker, datagram),
            Some(line) => match line.ask(asker, datagram, self.patience) {
                Ok(()) => return Ok(()),
                Err(back) => back,
            },
        };
        if current.take().is_some_and(|line| line.state().failed) {
            self.at.fetch_add(1, Relaxed);
        }
        let server = self.at.load(Relaxed) % self.servers.len().max(1);
        let Some(Ok(line)) = self.servers.get(server).map(|it| Line::open(*it, runtime)) else {
            return Err(asker);
        };
        let asked = line.ask(asker, datagram, self.patience);
        *current = Some(line);
        asked.map_err(|(asker, _)| asker)
    }
}

impl<A: Asker> Line<A> {
    fn open(server: SocketAddr, runtime: &Handle) -> io::Result<Arc<Self>> {
        let any = match server {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(any)?;
        // From now on the system takes datagrams of the server alone.
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        // Of what can be written nobody is to be woken: each datagram sent would wake the reader once.
        #[expect(deprecated, reason = "sound for a socket, which owns its descriptor")]
        let socket = AsyncFd::with_interest(socket, Interest::READABLE)?;
        let state = State { ids: drawn()?, open: HashMap::new(), strays: 0, failed: false };
        let line = Arc::new(Self {
            socket,
            runtime: runtime.id(),
            opened: Instant::now(),
            state: Mutex::new(state),
        });
        runtime.spawn(Reader(Arc::clone(&line)).run());
        Ok(line)
    }

    fn ask(&self, asker: A, datagram: Datagram, patience: Duration) -> Result<(), (A, Datagram)> {
        let mut state = self.state();
        let Some(id) = state.ids.pop() else { return Err((asker, datagram)) };
        // Sent under the lock, so that the answer finds who asked.
        if self.socket.get_ref().send(&datagram.under(id)).is_err() {
            state.fail();
            return Err((asker, datagram));
        }
        state.open.insert(id, Open { asker, datagram, until: Instant::now() + patience });
        Ok(())
    }

    /// Reads what has come.
    fn take(&self, mut ready: AsyncFdReadyGuard<'_, UdpSocket>, buffer: &mut [u8]) {
        for _ in 0..AT_ONCE {
            match ready.try_io(|socket| socket.get_ref().recv(buffer)) {
                Ok(Ok(octets)) => self.arrived(buffer.get(..octets).unwrap_or_default()),
                // Nobody listens there.
                Ok(Err(_)) => return self.give_up(|_| true),
                Err(_nothing_more) => return,
            }
        }
    }

    fn arrived(&self, datagram: &[u8]) {
        let mut state = self.state();
        let known = id(datagram).filter(|id| {
            state.open.get(id).is_some_and(|open| open.datagram.is_answered_by(datagram))
        });
        match known.and_then(|id| state.open.remove(&id)) {
            Some(Open { asker, datagram: asked, .. }) => {
                drop(state);
                let whole = datagram.len() < LONGEST;
                let told = whole.then(|| asked.read(asker.question(), datagram)).flatten();
                asker.told(told);
            }
            None => {
                state.strays += 1;
                if state.strays < STRAYS {
                    return;
                }
                drop(state);
                tracing::debug!(
                    "{STRAYS} datagrams answer no question: going on from another port"
                );
                self.give_up(|_| true);
            }
        }
    }

    /// Tells those who have waited too long that there is no plain answer, and has later ones ask another
    /// way.
    fn give_up(&self, too_long: impl Fn(&Open<A>) -> bool) {
        let mut state = self.state();
        let late: Vec<u16> =
            state.open.iter().filter(|(_, open)| too_long(open)).map(|(id, _)| *id).collect();
        let late: Vec<A> =
            late.iter().filter_map(|id| state.open.remove(id)).map(|open| open.asker).collect();
        state.fail();
        drop(state);
        late.into_iter().for_each(|asker| asker.told(None));
    }

    fn state(&self) -> MutexGuard<'_, State<A>> {
        // Held for a look or an insert only, which leave the map whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A> State<A> {
    fn fail(&mut self) {
        self.failed = true;
        self.ids.clear();
    }
}

/// Reads the answers of a line, in a task of its own.
struct Reader<A: Asker>(Arc<Line<A>>);

impl<A: Asker> Reader<A> {
    async fn run(self) {
        let line = &self.0;
        let mut buffer = vec![0; LONGEST];
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                ready = line.socket.readable() => match ready {
                    Ok(ready) => line.take(ready, &mut buffer),
                    // The runtime ends.
                    Err(_) => return,
                },
                now = tick.tick() => {
                    if line.state().open.values().any(|open| open.until < now) {
                        line.give_up(|open| open.until < now);
                    }
                    if self.is_done() {
                        return;
                    }
                }
            }
        }
    }

    /// Nobody waits, and nobody will.
    fn is_done(&self) -> bool {
        let mut state = self.0.state();
        if !state.open.is_empty() {
            return false;
        }
        if Arc::strong_count(&self.0) == 1 || self.0.opened.elapsed() > AGE {
            state.ids.clear();
        }
        state.ids.is_empty()
    }
}

impl<A: Asker> Drop for Reader<A> {
    /// However it ends, perhaps with its runtime: nobody would be told any more.
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.ids.clear();
        let cut_off = std::mem::take(&mut state.open);
        drop(state);
        drop(cut_off);
    }
}

/// Ids, each different from the others.
fn drawn() -> io::Result<Vec<u16>> {
    let mut octets = [0; 2 * QUESTIONS];
    SystemRandom::new().fill(&mut octets).map_err(|_| io::Error::other("no random numbers"))?;
    let mut seen = HashSet::new();
    let ids = octets.as_chunks().0.iter().map(|id| u16::from_ne_bytes(*id));
    Ok(ids.filter(|id| seen.insert(*id)).collect())
}
