//! How many messages are judged at once, what is left out when there are too many, and what happens to the one
//! too many.
//!
//! Three steps: from three quarters of the places on, a message does not wait for the network any more; when it
//! has waited long for its place, or many wait, what is heavy is left out; and what can't have its place in time
//! gets the configured answer.
//!
//! Invariant: no message waits for its turn for longer than the configuration says.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tidegate_engine::Pressure;
use tidegate_milter::gate::{Gate, Limits, Place};
use tidegate_policy::Config;

use crate::network::network;

pub(crate) use tidegate_milter::gate::{Held, Refused};

/// For how long the service is told to be overloaded after it last was, so that one look a second sees it.
const TOLD_FOR: Duration = Duration::from_secs(2);

/// Whom a message comes from, as far as turns go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    /// An SMTP client, by its network.
    Network(IpAddr),
    /// The MTA did not tell; the MTA's own address, where there is one, stands for the client.
    Behind(Option<IpAddr>),
}

impl Client {
    /// By the address of the client, or else of the `mta`.
    pub(crate) fn of(client: Option<IpAddr>, mta: Option<IpAddr>) -> Self {
        client.map_or(Self::Behind(mta), |client| Self::Network(network(client)))
    }
}

/// What waits for a processor for no longer than this has not waited.
const LAG: Duration = Duration::from_millis(50);

/// The gate, and how it has gone lately.
#[derive(Debug)]
pub(crate) struct Overload {
    gate: Arc<Gate<Client>>,
    sheds: bool,
    processors: usize,
    began: Instant,
    /// Milliseconds from `began` to when it last happened, and one more; 0: never.
    pressed: AtomicU64,
    refused: AtomicU64,
}

impl Overload {
    pub(crate) fn new(config: &Config) -> Self {
        let octets = usize::try_from(config.max_waiting_bytes).unwrap_or(usize::MAX);
        let limits = Limits {
            places: config.concurrency,
            waiting: config.max_waiting,
            octets,
            wait: Duration::from_millis(config.overload_wait_ms),
        };
        Self {
            gate: Gate::new(limits),
            sheds: config.shed,
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            began: Instant::now(),
            pressed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// A place for a message of so many octets, and under what pressure it is to be judged there.
    pub(crate) async fn enter(
        &self,
        client: Client,
        octets: usize,
    ) -> Result<(Place<Client>, Pressure), Refused> {
        let entered = self.gate.enter(client, octets).await;
        let place = entered.inspect_err(|_| self.note(&self.refused))?;
        let mut waited = place.waited();
        if waited.is_zero() && place.taken() > self.processors {
            // All that have come take their places before one is judged: else they would wait where nobody counts
            // them, each for a processor. How long that takes is waiting, too.
            let began = Instant::now();
            tokio::task::yield_now().await;
            waited = Some(began.elapsed()).filter(|lag| *lag > LAG).unwrap_or_default();
        }
        if waited > self.gate.limits().wait {
            // Its turn came in time, and a processor didn't.
            self.note(&self.refused);
            return Err(Refused::Late);
        }
        let pressure = self.pressure(place.taken(), waited);
        if pressure == Pressure::Pressed {
            self.note(&self.pressed);
        }
        Ok((place, pressure))
    }

    fn pressure(&self, taken: usize, waited: Duration) -> Pressure {
        let of = || self.under(taken, waited, self.gate.held().waiting);
        if self.sheds { of() } else { Pressure::None }
    }

    /// With so many places `taken`, after so long a wait, while so many others are `waiting`.
    fn under(&self, taken: usize, waited: Duration, waiting: usize) -> Pressure {
        let limits = self.gate.limits();
        let is_long = waited * 4 > limits.wait || waiting * 2 > limits.waiting;
        // Who has the only place hurries nobody.
        match (waited.is_zero(), taken > 1 && taken * 4 > limits.places * 3) {
            (true, false) => Pressure::None,
            (true, true) => Pressure::Hurried,
            (false, _) if is_long => Pressure::Pressed,
            (false, _) => Pressure::Hurried,
        }
    }

    /// What the gate holds.
    pub(crate) fn held(&self) -> Held {
        self.gate.held()
    }

    /// In words, how it is overloaded, or was a moment ago.
    pub(crate) fn told(&self) -> Option<&'static str> {
        let is_full = self.held().waiting >= self.gate.limits().waiting.max(1);
        if is_full || self.is_recent(&self.refused) {
            Some("overloaded: messages are not judged")
        } else if self.is_recent(&self.pressed) {
            Some("overloaded: messages are judged without what takes long")
        } else {
            None
        }
    }

    fn note(&self, when: &AtomicU64) {
        when.store(self.elapsed() + 1, Relaxed);
    }

    fn is_recent(&self, when: &AtomicU64) -> bool {
        let at = when.load(Relaxed);
        at > 0 && Duration::from_millis((self.elapsed() + 1).saturating_sub(at)) < TOLD_FOR
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOMEONE: Client = Client::Behind(None);

    #[tokio::test]
    async fn one_too_many_waits_and_is_told() {
        let config = Config { concurrency: 1, overload_wait_ms: 20, ..Config::default() };
        let overload = Overload::new(&config);
        let first = overload.enter(SOMEONE, 1).await;
        assert!(first.is_ok());
        assert_eq!(overload.enter(SOMEONE, 1).await.unwrap_err(), Refused::Late);
        assert_eq!(overload.told(), Some("overloaded: messages are not judged"));
        drop(first);
        assert!(overload.enter(SOMEONE, 1).await.is_ok());
    }

    #[tokio::test]
    async fn the_fuller_it_is_the_less_is_done_for_a_message() {
        let config = Config { concurrency: 4, overload_wait_ms: 60_000, ..Config::default() };
        let overload = Arc::new(Overload::new(&config));
        let mut inside = Vec::new();
        let mut pressures = Vec::new();
        for _ in 0..4 {
            let (place, pressure) = overload.enter(SOMEONE, 1).await.unwrap();
            inside.push(place);
            pressures.push(pressure);
        }
        use Pressure::{Hurried, None, Pressed};
        assert_eq!(pressures, [None, None, None, Hurried]);
        assert_eq!(overload.told(), Option::None);
        assert_eq!(overload.under(4, Duration::from_secs(1), 0), Hurried);
        assert_eq!(overload.under(4, Duration::from_secs(16), 0), Pressed);
        assert_eq!(overload.under(4, Duration::from_secs(1), 513), Pressed);
    }

    #[test]
    fn a_client_in_ipv6_is_its_network_and_unknown_ones_take_turns_by_mta() {
        let of = |text: &str| Client::of(Some(text.parse().unwrap()), None);
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        let mta = |text: &str| Client::of(None, Some(text.parse().unwrap()));
        assert_ne!(mta("192.0.2.1"), mta("192.0.2.2"));
        assert_ne!(mta("192.0.2.1"), of("192.0.2.1"), "an MTA is not one of its clients");
    }

    #[tokio::test]
    async fn nothing_is_left_out_where_that_is_not_wanted() {
        let config = Config { concurrency: 1, shed: false, ..Config::default() };
        let overload = Overload::new(&config);
        let (_place, pressure) = overload.enter(SOMEONE, 1).await.unwrap();
        assert_eq!(pressure, Pressure::None);
    }

    #[tokio::test]
    async fn it_is_told_that_it_was_overloaded_and_soon_that_it_is_not() {
        let config = Config { concurrency: 1, ..Config::default() };
        let overload = Overload::new(&config);
        overload.note(&overload.pressed);
        assert_eq!(
            overload.told(),
            Some("overloaded: messages are judged without what takes long")
        );
        let long_ago = Overload { began: Instant::now() - TOLD_FOR * 3, ..overload };
        assert_eq!(long_ago.told(), None);
    }
}
