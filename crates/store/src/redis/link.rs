//! The connections to the server, and the one thread that keeps them.
//!
//! Whoever asks borrows a connection that is open already, or is refused at once: only the keeper finds hosts and
//! connects. It looks whether the server is there each second, so that it is known before a message needs it, and
//! what is known to be away is not asked.
//!
//! Invariant: a call ends after two time-outs at the latest, one to borrow and one to be answered (of what is large,
//! later, and no message waits for that); and at once while the server is known to be away. A connection on which something went wrong is never used again.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Client, Connection, ErrorKind, RedisError, RedisResult, cmd};

use super::scripts::WRITES;
use crate::StoreError;

/// Connections that are open side by side.
const CONNECTIONS: usize = 8;
/// How often it is looked whether the server is there.
const LOOK: Duration = Duration::from_secs(1);
/// Time between two tries to reach it, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Errors by which a server that answers says that it is of no use.
const OF_NO_USE: [&str; 7] =
    ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH", "WRONGPASS", "NOPERM"];

/// A server, wherever it is just now.
pub(super) struct Link(Arc<Shared>);

struct Shared {
    client: Client,
    /// Of connecting, of each reading and each writing.
    timeout: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    free: Vec<Connection>,
    there: bool,
    /// Why it isn't.
    why: String,
    /// How often it was connected to: what was borrowed before is not taken back.
    times: u64,
    /// What its operator should know of it.
    doubts: Vec<String>,
    ended: bool,
}

impl Link {
    /// Begins to connect, beside.
    ///
    /// # Errors
    /// When there can't be a thread.
    pub(super) fn to(client: Client, timeout: Duration) -> Result<Self, StoreError> {
        let state = State {
            free: Vec::new(),
            there: false,
            why: "not connected yet".to_owned(),
            times: 0,
            doubts: Vec::new(),
            ended: false,
        };
        let state = Mutex::new(state);
        let shared = Arc::new(Shared { client, timeout, state, changed: Condvar::new() });
        let keeper = Arc::clone(&shared);
        thread::Builder::new()
            .name("shared store".to_owned())
            .spawn(move || keeper.keep())
            .map_err(|error| StoreError::Unusable(error.to_string()))?;
        Ok(Self(shared))
    }

    /// Asks the server, where it is there.
    ///
    /// # Errors
    /// [`StoreError::Away`] when it isn't, [`StoreError::Failed`] when it refuses.
    pub(super) fn ask<T>(
        &self,
        ask: impl FnOnce(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let (mut connection, times) = self.0.lend()?;
        match ask(&mut connection) {
            Ok(answer) => {
                self.0.take_back(connection, times);
                Ok(answer)
            }
            Err(error) if is_refusal(&error) => {
                self.0.take_back(connection, times);
                Err(StoreError::Failed(error.to_string()))
            }
            Err(error) => {
                drop(connection);
                let why = error.to_string();
                self.0.lost(times, &why);
                Err(StoreError::Away(why))
            }
        }
    }

    /// The same, waiting so much longer for the answer.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(super) fn ask_patiently<T>(
        &self,
        longer: Duration,
        ask: impl FnOnce(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let usual = self.0.timeout;
        self.ask(|server| {
            server.set_read_timeout(Some(usual + longer))?;
            let answer = ask(server);
            server.set_read_timeout(Some(usual))?;
            answer
        })
    }

    /// As [`crate::Store::reachable`].
    pub(super) fn reachable(&self) -> Result<(), StoreError> {
        let state = self.0.lock();
        if state.there { Ok(()) } else { Err(StoreError::Away(state.why.clone())) }
    }

    /// Waits for it to be there, `most` at the longest. Blocks.
    pub(super) fn wait(&self, most: Duration) -> Result<(), StoreError> {
        let waiting = |state: &mut State| !state.there;
        drop(self.0.changed.wait_timeout_while(self.0.lock(), most, waiting));
        self.reachable()
    }

    pub(super) fn doubts(&self) -> Vec<String> {
        self.0.lock().doubts.clone()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Changed by single assignments: a panic leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lend(&self) -> Result<(Connection, u64), StoreError> {
        let began = Instant::now();
        let mut state = self.lock();
        loop {
            if !state.there {
                return Err(StoreError::Away(state.why.clone()));
            }
            if let Some(connection) = state.free.pop() {
                return Ok((connection, state.times));
            }
            let Some(left) = self.timeout.checked_sub(began.elapsed()) else {
                return Err(StoreError::Away("all connections to it are busy".to_owned()));
            };
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn take_back(&self, connection: Connection, times: u64) {
        let mut state = self.lock();
        if state.there && state.times == times {
            state.free.push(connection);
            self.changed.notify_all();
        }
    }

    /// Notes that it went away, since it was connected to for the `times`th time.
    fn lost(&self, times: u64, why: &str) {
        let mut state = self.lock();
        if state.there && state.times == times {
            state.there = false;
            state.free.clear();
            why.clone_into(&mut state.why);
            self.changed.notify_all();
        }
    }

    /// Looks after the connections until nobody needs them any more.
    fn keep(&self) {
        let mut pause = FIRST_PAUSE;
        let mut own: Option<Connection> = None;
        loop {
            let state = self.lock();
            if state.ended {
                return;
            }
            let times = state.times;
            if state.there {
                let idle = |state: &mut State| state.there && !state.ended;
                let waited = self.changed.wait_timeout_while(state, LOOK, idle);
                let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
                let is_due = state.there && !state.ended;
                drop(state);
                if is_due
                    && let Some(Err(error)) = own.as_mut().map(|own| cmd("PING").query::<()>(own))
                {
                    self.lost(times, &error.to_string());
                }
                continue;
            }
            drop(state);
            match self.connect() {
                Ok((mut connections, doubts)) => {
                    own = connections.pop();
                    pause = FIRST_PAUSE;
                    let mut state = self.lock();
                    (state.free, state.doubts) = (connections, doubts);
                    state.times += 1;
                    state.there = true;
                    self.changed.notify_all();
                }
                Err(error) => {
                    let mut state = self.lock();
                    state.why = error.to_string();
                    let waits = |state: &mut State| !state.ended;
                    drop(self.changed.wait_timeout_while(state, pause, waits));
                    pause = (2 * pause).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Connections that answer, to a server that can be written, and what is to be said of it.
    fn connect(&self) -> RedisResult<(Vec<Connection>, Vec<String>)> {
        let mut connections = Vec::with_capacity(CONNECTIONS + 1);
        for _ in 0..=CONNECTIONS {
            let connection = self.client.get_connection_with_timeout(self.timeout)?;
            connection.set_read_timeout(Some(self.timeout))?;
            connection.set_write_timeout(Some(self.timeout))?;
            connections.push(connection);
        }
        let mut doubts = Vec::new();
        if let Some(own) = connections.last_mut() {
            // Changes nothing, and is refused where nothing can be changed.
            let tried = cmd("HINCRBY").arg(WRITES).arg("").arg(0).query::<()>(own);
            match tried {
                Err(error) if is_refusal(&error) => doubts.push(error.to_string()),
                tried => tried?,
            }
            // Who may not ask this is none the wiser.
            let said = cmd("INFO").query::<String>(own).unwrap_or_default();
            doubts.extend(doubts_of(&said));
        }
        Ok((connections, doubts))
    }
}

/// Whether the server has heard and refuses, and can be asked something else.
fn is_refusal(error: &RedisError) -> bool {
    let heard = matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension);
    heard && !error.code().is_some_and(|code| OF_NO_USE.contains(&code))
}

/// What of a server's settings does not go with what is kept in it.
fn doubts_of(info: &str) -> Vec<String> {
    let is = |line: &str| info.lines().any(|known| known == line);
    let mut doubts = Vec::new();
    if is("aof_enabled:0") {
        doubts.push(
            "it writes no log of changes: what was learned since it last saved is lost when it crashes (appendonly yes)"
                .to_owned(),
        );
    }
    if info.lines().any(|line| line.starts_with("maxmemory_policy:allkeys")) {
        doubts.push(
            "it forgets anything when its memory is full (maxmemory-policy noeviction)".to_owned(),
        );
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_forgets_is_doubted() {
        assert!(doubts_of("aof_enabled:1\r\nmaxmemory_policy:noeviction\r\n").is_empty());
        assert_eq!(doubts_of("aof_enabled:0\r\nmaxmemory_policy:allkeys-lru\r\n").len(), 2);
        assert!(doubts_of("").is_empty(), "it may not be asked");
    }
}
