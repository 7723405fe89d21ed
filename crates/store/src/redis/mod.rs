//! The store in a Redis or Valkey server, which several machines share.
//!
//! A batch is one script on the server, so nobody sees half of it. A scan goes in pieces, each of one moment; what is
//! written between two of them is seen or not. There is no snapshot.
//!
//! Invariant: nothing is answered by what was read before; a server that is away answers nothing, at once.

mod link;
mod scripts;

use std::ops::ControlFlow;
use std::time::Duration;

use ::redis::{Client, ConnectionAddr, IntoConnectionInfo, Script, TlsCertificates, cmd, pipe};

use crate::record::unwrap;
use crate::{Batch, Snapshot, Space, Store, StoreError, Visit, Written};
use link::Link;

/// Entries that are read at a time.
const PIECE: usize = 100;
/// Octets of a batch for which a second more is waited.
const LARGE: usize = 1 << 20;

/// Where the server is, and how it is asked.
#[derive(Clone)]
pub struct RedisConfig {
    /// `redis://[USER[:PASSWORD]@]HOST[:PORT][/NUMBER]`; `rediss:` over TLS.
    pub url: String,
    /// The password, where it doesn't stand in the URL.
    pub password: Option<String>,
    /// Certificates (PEM) of those who may certify the server, in place of those whom the system trusts.
    pub authorities: Option<Vec<u8>>,
    /// Longest wait to connect, for each answer, and for a connection that is free.
    pub timeout: Duration,
}

/// A store in a server.
pub struct Redis {
    link: Link,
    write: Script,
    expire: Script,
    piece: Script,
}

impl Redis {
    /// Begins to connect to the server, and goes on until it is there. Doesn't wait for that.
    ///
    /// # Errors
    /// When the address or the certificates can't be used.
    pub fn open(config: &RedisConfig) -> Result<Self, StoreError> {
        Ok(Self {
            link: Link::to(client(config)?, config.timeout)?,
            write: scripts::write(),
            expire: Script::new(scripts::EXPIRE),
            piece: Script::new(scripts::PIECE),
        })
    }

    /// Waits until the server is there, `most` at the longest. Blocks.
    ///
    /// # Errors
    /// When it isn't then, with the reason.
    pub fn wait(&self, most: Duration) -> Result<(), StoreError> {
        self.link.wait(most)
    }

    /// What the server's settings put at risk, in words for its operator; known once it is there.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        self.link.doubts()
    }

    /// Whether `url` can be the address of a server; what is wrong is told without the password.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn can_be_at(url: &str) -> Result<(), String> {
        if url.contains('#') {
            return Err("it must not contain '#'".to_owned());
        }
        let info = url.into_connection_info().map_err(|error| error.to_string())?;
        match info.addr() {
            ConnectionAddr::Tcp(..) | ConnectionAddr::TcpTls { .. } => Ok(()),
            _ => Err("it names no host".to_owned()),
        }
    }
}

fn client(config: &RedisConfig) -> Result<Client, StoreError> {
    let unusable = |error: ::redis::RedisError| StoreError::Unusable(error.to_string());
    Redis::can_be_at(&config.url).map_err(StoreError::Unusable)?;
    let mut info = config.url.as_str().into_connection_info().map_err(unusable)?;
    if let Some(password) = &config.password {
        let settings = info.redis_settings().clone().set_password(password.as_str());
        info = info.set_redis_settings(settings);
    }
    match config.authorities.clone() {
        Some(root_cert) if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) => {
            let tls = TlsCertificates { client_tls: None, root_cert: Some(root_cert) };
            Client::build_with_tls(info, tls).map_err(unusable)
        }
        _ => Client::open(info).map_err(unusable),
    }
}

impl Store for Redis {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        View(self).get(space, key)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        self.link.reachable()?;
        Ok(Box::new(View(self)))
    }

    fn write(&self, batch: &Batch) -> Result<Written, StoreError> {
        let arguments = scripts::arguments(batch);
        let mut invocation = self.write.prepare_invoke();
        for argument in &arguments {
            invocation.arg(argument);
        }
        let octets: usize = arguments.iter().map(Vec::len).sum();
        let done: bool = match octets / LARGE {
            0 => self.link.ask(|server| invocation.invoke(server))?,
            // A whole table of what was learned takes its time, which says nothing of the server.
            times => {
                let longer = Duration::from_secs(times as u64);
                self.link.ask_patiently(longer, |server| invocation.invoke(server))?
            }
        };
        Ok(if done { Written::Done } else { Written::Conflict })
    }

    fn expire(&self, now: u64, most: usize) -> Result<usize, StoreError> {
        let mut invocation = self.expire.prepare_invoke();
        invocation.arg(now).arg(most);
        self.link.ask(|server| invocation.invoke(server))
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn reachable(&self) -> Result<(), StoreError> {
        self.link.reachable()
    }

    fn written(&self, spaces: &[Space]) -> Result<Option<Vec<u64>>, StoreError> {
        let mut ask = cmd("HMGET");
        ask.arg(scripts::WRITES);
        for space in spaces {
            ask.arg(space.name());
        }
        let counts: Vec<Option<u64>> = self.link.ask(|server| ask.query(server))?;
        Ok(Some(counts.into_iter().map(Option::unwrap_or_default).collect()))
    }
}

/// What is there whenever it is asked.
struct View<'s>(&'s Redis);

/// Keys, and the value of each.
type Piece = (Vec<Vec<u8>>, Vec<Option<Vec<u8>>>);

impl Snapshot for View<'_> {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut ask = cmd("HGET");
        ask.arg(scripts::values(space)).arg(key);
        let found: Option<Vec<u8>> = self.0.link.ask(|server| ask.query(server))?;
        let Some(wrapped) = found else { return Ok(None) };
        unwrap(space, key, &wrapped).map(|(_, value)| Some(value.to_vec()))
    }

    fn get_many(&self, keys: &[(Space, &[u8])]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut values = vec![None; keys.len()];
        if keys.is_empty() {
            return Ok(values);
        }
        let mut spaces: Vec<Space> = keys.iter().map(|(space, _)| *space).collect();
        spaces.sort_unstable();
        spaces.dedup();
        // Which of the keys each answer is for.
        let places = spaces.iter().map(|space| {
            let of = keys.iter().enumerate().filter(|(_, (of, _))| of == space);
            of.map(|(place, _)| place).collect::<Vec<_>>()
        });
        let places: Vec<Vec<usize>> = places.collect();
        let mut ask = pipe();
        for (space, places) in spaces.iter().zip(&places) {
            let mut of_space = cmd("HMGET");
            of_space.arg(scripts::values(*space));
            for place in places {
                of_space.arg(keys[*place].1);
            }
            ask.add_command(of_space);
        }
        let answers: Vec<Vec<Option<Vec<u8>>>> = self.0.link.ask(|server| ask.query(server))?;
        for (places, found) in places.iter().zip(answers) {
            for (place, wrapped) in places.iter().zip(found) {
                let (space, key) = keys[*place];
                let wrapped = wrapped.as_deref();
                let value = wrapped.and_then(|wrapped| unwrap(space, key, wrapped).ok());
                values[*place] = value.map(|(_, value)| value.to_vec());
            }
        }
        Ok(values)
    }

    fn scan(
        &self,
        space: Space,
        prefix: &[u8],
        from: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<usize, StoreError> {
        let mut damaged = 0;
        let mut begin = [b"[", from.max(prefix)].concat();
        let end = scripts::end_of(prefix);
        loop {
            let mut invocation = self.0.piece.prepare_invoke();
            invocation.arg(space.name()).arg(&begin).arg(&end).arg(PIECE);
            let piece: Option<Piece> = self.0.link.ask(|server| invocation.invoke(server))?;
            let Some((keys, values)) = piece else { return Ok(damaged) };
            for (key, wrapped) in keys.iter().zip(&values) {
                let wrapped = wrapped.as_deref().unwrap_or_default();
                match unwrap(space, key, wrapped) {
                    Ok((_, value)) => {
                        if let ControlFlow::Break(()) = visit(key, value) {
                            return Ok(damaged);
                        }
                    }
                    Err(_) => damaged += 1,
                }
            }
            match keys.last() {
                Some(last) if keys.len() == PIECE => begin = [b"(", last.as_slice()].concat(),
                _ => return Ok(damaged),
            }
        }
    }
}
