//! The one place that questions go through: cached, shared in flight, bounded, counted.
//!
//! Invariant: of one question at most one is under way; it goes on when its askers have given up, so
//! that what came too late for one message is there for the next.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use crate::cache::Cache;
use crate::line::{Asker, Lines};
use crate::stats::{Counters, Dealt};
use crate::told::Told;
use crate::upstream::{Upstream, system_servers};
use crate::{Answer, Config, ConfigError, Question, Stats, Why, public};

/// Questions that may wait for their turn, for each that is with a server.
const WAITING_FOR_EACH: usize = 16;
/// A question may cost several tries along a chain of aliases; past this many it is given up.
const MOST_TRIES: u32 = 3;

/// Answers questions; cheap to clone, and every clone has the same cache.
#[derive(Clone)]
pub struct Resolver(Arc<Inner>);

struct Inner {
    /// None: offline.
    upstream: Option<Upstream>,
    lines: Lines<Flight>,
    servers: Vec<SocketAddr>,
    cache: Cache,
    flights: Mutex<HashMap<Question, Arrival>>,
    /// A place each for a question that is with a server.
    places: Arc<Semaphore>,
    most_flights: usize,
    longest_flight: Duration,
    counters: Counters,
    doubted: AtomicBool,
}

/// Where the answer to a question under way will stand.
type Arrival = watch::Receiver<Option<Answer>>;

/// An answer that is there, or under way.
#[must_use = "wait for it with `until`, or drop it: the question goes on for the cache"]
pub struct Lookup {
    state: State,
    /// An answer that nothing is there is not believed.
    doubted: bool,
}

enum State {
    Ready(Answer),
    UnderWay(Arrival, Resolver),
}

impl Resolver {
    /// Makes a resolver; opens no socket before the first question.
    ///
    /// # Errors
    /// When no server is written, and the system's can't be read.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let config = config.bounded();
        let servers = match config.servers.as_slice() {
            [] => system_servers()?,
            written => written.to_vec(),
        };
        let upstream = Upstream::new(&config, &servers)?;
        Ok(Self::build(&config, Some(upstream), servers))
    }

    /// One that opens no socket ever: every answer is [`Why::Offline`].
    #[must_use]
    pub fn offline() -> Self {
        let config = Config { cache_entries: 0, ..Config::default() }.bounded();
        Self::build(&config, None, Vec::new())
    }

    fn build(config: &Config, upstream: Option<Upstream>, servers: Vec<SocketAddr>) -> Self {
        let tries = config.attempts.saturating_mul(MOST_TRIES);
        Self(Arc::new(Inner {
            upstream,
            lines: Lines::new(servers.clone(), Duration::from_millis(config.timeout_ms)),
            servers,
            cache: Cache::new(config),
            flights: Mutex::default(),
            places: Arc::new(Semaphore::new(config.max_in_flight)),
            most_flights: config.max_in_flight.saturating_mul(WAITING_FOR_EACH),
            longest_flight: Duration::from_millis(config.timeout_ms).saturating_mul(tries),
            counters: Counters::default(),
            doubted: AtomicBool::new(false),
        }))
    }

    /// Asks, and returns at once: with the answer when it is cached, else with what to wait for.
    /// Outside of a Tokio runtime nothing can be sent, and the answer is [`Why::Offline`].
    pub fn start(&self, question: Question) -> Lookup {
        let doubted = self.0.doubted.load(Ordering::Relaxed);
        Lookup { state: self.look_up(question), doubted }
    }

    /// Whether answers that nothing is there are believed. They are not while the resolver denies
    /// what is known to exist, as some do that have no way out: they are [`Why::Doubted`] then.
    pub fn doubt(&self, doubted: bool) {
        if self.0.doubted.swap(doubted, Ordering::Relaxed) != doubted {
            if doubted {
                tracing::warn!(
                    "the DNS servers deny the test points of every list: what they say is missing \
                     counts as unknown; see [dns] servers"
                );
            } else {
                tracing::info!("the DNS servers are believed again");
            }
        }
    }

    fn look_up(&self, question: Question) -> State {
        let unknown = |why| State::Ready(Answer::Unknown(why));
        let Ok(runtime) = Handle::try_current() else { return unknown(Why::Offline) };
        if self.is_offline() {
            return unknown(Why::Offline);
        }
        if let Some(answer) = self.0.cache.get(&question, Instant::now()) {
            self.0.counters.asked(Dealt::Cached);
            return State::Ready(answer);
        }
        let mut flights = self.0.flights();
        if let Some(arrival) = flights.get(&question) {
            self.0.counters.asked(Dealt::Shared);
            return State::UnderWay(arrival.clone(), self.clone());
        }
        // A flight leaves its answer in the cache before it ends, so this one may have just landed.
        if let Some(answer) = self.0.cache.get(&question, Instant::now()) {
            self.0.counters.asked(Dealt::Cached);
            return State::Ready(answer);
        }
        if flights.len() >= self.0.most_flights {
            self.0.counters.asked(Dealt::Busy);
            return unknown(Why::Busy);
        }
        self.0.counters.asked(Dealt::Sent);
        let (landing, arrival) = watch::channel(None);
        flights.insert(question.clone(), arrival.clone());
        drop(flights);
        Flight { resolver: self.clone(), question, landing, place: None }.depart(&runtime);
        State::UnderWay(arrival, self.clone())
    }

    /// Asks, and waits for the answer until `deadline`.
    pub async fn ask(&self, question: Question, deadline: Instant) -> Answer {
        self.start(question).until(deadline).await
    }

    /// Asks, and believes the answer whatever it is: for what finds out whether to doubt.
    pub(crate) fn start_openly(&self, question: Question) -> Lookup {
        Lookup { state: self.look_up(question), doubted: false }
    }

    /// How long an answer that it gave still holds; `None` when that is not known any more.
    #[must_use]
    pub fn holds(&self, question: &Question, answer: &Answer) -> Option<Duration> {
        self.0.cache.holds(question, answer, Instant::now())
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            entries: self.0.cache.len() as u64,
            in_flight: self.0.flights().len() as u64,
            ..self.0.counters.read()
        }
    }

    /// The servers that it asks; none when it is offline.
    #[must_use]
    pub fn servers(&self) -> &[SocketAddr] {
        &self.0.servers
    }

    /// The operator of a public resolver among the servers: most lists refuse what comes from there.
    #[must_use]
    pub fn public_resolver(&self) -> Option<&'static str> {
        public::operator(&self.0.servers)
    }

    /// Whether it asks nobody.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.0.upstream.is_none()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("servers", &self.0.servers).finish_non_exhaustive()
    }
}

impl Inner {
    fn flights(&self) -> MutexGuard<'_, HashMap<Question, Arrival>> {
        // Held for a look or an insert only, which leave the map whole.
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lookup {
    /// The answer when it is there already.
    #[must_use]
    pub fn ready(&self) -> Option<Answer> {
        let answer = match &self.state {
            State::Ready(answer) => Some(answer.clone()),
            State::UnderWay(arrival, _) => arrival.borrow().clone(),
        };
        answer.map(|answer| believed(answer, self.doubted))
    }

    /// Waits for the answer; at `deadline` it is [`Why::Late`]. What is there is given even when the
    /// deadline has passed.
    pub async fn until(self, deadline: Instant) -> Answer {
        let doubted = self.doubted;
        let (mut arrival, resolver) = match self.state {
            State::Ready(answer) => return believed(answer, doubted),
            State::UnderWay(arrival, resolver) => (arrival, resolver),
        };
        match tokio::time::timeout_at(deadline, arrival.wait_for(Option::is_some)).await {
            Ok(Ok(answer)) => {
                believed(answer.clone().unwrap_or(Answer::Unknown(Why::Network)), doubted)
            }
            // The flight ended without landing: its runtime is going down.
            Ok(Err(_)) => Answer::Unknown(Why::Network),
            Err(_) => {
                resolver.0.counters.gave_up();
                Answer::Unknown(Why::Late)
            }
        }
    }
}

fn believed(answer: Answer, doubted: bool) -> Answer {
    if doubted && answer.is_nothing() { Answer::Unknown(Why::Doubted) } else { answer }
}

/// A question under way: with a line, or in a task of its own.
struct Flight {
    resolver: Resolver,
    question: Question,
    landing: watch::Sender<Option<Answer>>,
    place: Option<OwnedSemaphorePermit>,
}

impl Flight {
    /// Asks at once where there is a place, and otherwise in a task that waits for one.
    fn depart(mut self, runtime: &Handle) {
        let places = Arc::clone(&self.resolver.0.places);
        self.place = places.try_acquire_owned().ok();
        let resolver = self.resolver.clone();
        let back = if self.place.is_some() {
            resolver.0.lines.ask(self, runtime).err()
        } else {
            Some(self)
        };
        if let Some(flight) = back {
            runtime.spawn(flight.run());
        }
    }

    async fn run(mut self) {
        let told = self.ask().await;
        self.land(told);
    }

    fn land(self, Told { answer, ttl }: Told) {
        let inner = &self.resolver.0;
        inner.counters.answered(&answer);
        // That there was no room says nothing of the next time.
        if answer != Answer::Unknown(Why::Busy) {
            inner.cache.keep(self.question.clone(), answer.clone(), ttl, Instant::now());
        }
        self.landing.send_replace(Some(answer));
    }

    async fn ask(&mut self) -> Told {
        let inner = &self.resolver.0;
        let Some(upstream) = &inner.upstream else { return Told::unknown(Why::Offline) };
        let longest = inner.longest_flight;
        if self.place.is_none() {
            let place = Arc::clone(&inner.places).acquire_owned();
            // The semaphore is never closed, so what fails is the wait.
            let Ok(place) = tokio::time::timeout(longest, place).await else {
                return Told::unknown(Why::Busy);
            };
            self.place = place.ok();
        }
        let told = tokio::time::timeout(longest, upstream.ask(&self.question)).await;
        told.unwrap_or(Told::unknown(Why::Late))
    }
}

impl Asker for Flight {
    fn question(&self) -> &Question {
        &self.question
    }

    /// Lands, or goes on by the ways that are left.
    fn told(self, told: Option<Told>) {
        match told {
            Some(told) => self.land(told),
            None => {
                tokio::spawn(self.run());
            }
        }
    }
}

impl Drop for Flight {
    /// However it ends: a question that stayed here would never be asked again.
    fn drop(&mut self) {
        self.resolver.0.flights().remove(&self.question);
    }
}
