//! A bounded number of places, and a bounded queue before them, in which those who come take turns: messages
//! to be judged, by the client that sends them, or connections to be served, by the MTA that makes them.
//!
//! A place that comes free goes to the one whose turn it is, whatever the others have waiting. When the queue is
//! full, the one who has the most in it loses its newest.
//!
//! Invariant: nothing waits longer, and no more waits, than the limits say; and while a place is free, entering
//! takes no lock.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// What tells apart who takes turns.
pub trait Turn: Copy + Eq + Hash {}
impl<K: Copy + Eq + Hash> Turn for K {}

/// How many are let in, and how many may wait.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many are inside at a time.
    pub places: usize,
    /// How many wait.
    pub waiting: usize,
    /// Octets that all who wait keep in memory; one may always wait.
    pub octets: usize,
    /// How long one waits.
    pub wait: Duration,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Too much waits already.
    Full,
    /// No place came free in time.
    Late,
}

/// What the gate holds at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// How many are inside.
    pub inside: usize,
    /// How many wait.
    pub waiting: usize,
    /// The octets that these keep in memory.
    pub octets: usize,
}

/// Lets in who comes, up to a bound. `K` tells apart who takes turns.
#[derive(Debug)]
pub struct Gate<K: Turn> {
    limits: Limits,
    free: AtomicUsize,
    /// How many wait; written under the lock of `queue`.
    waiting: AtomicUsize,
    queue: Mutex<Queue<K>>,
}

/// A place inside, which is free again when dropped.
#[derive(Debug)]
pub struct Place<K: Turn> {
    /// `None` once it was given back.
    gate: Option<Arc<Gate<K>>>,
    /// How long it was waited for; zero: it was free.
    waited: Duration,
    /// Places that were taken when it was got, this one among them.
    taken: usize,
}

/// Who waits.
#[derive(Debug)]
struct Queue<K: Turn> {
    lines: HashMap<K, Line<K>>,
    /// Those with a line, the next one first.
    turns: VecDeque<K>,
    waiting: usize,
    octets: usize,
    next_number: u64,
}

/// What waits of one of them, the oldest first.
#[derive(Debug)]
struct Line<K: Turn> {
    waiters: VecDeque<Waiter<K>>,
    octets: usize,
}

#[derive(Debug)]
struct Waiter<K: Turn> {
    number: u64,
    octets: usize,
    turn: oneshot::Sender<Place<K>>,
}

/// Takes off the queue who has gone.
struct Waiting<'g, K: Turn> {
    gate: &'g Arc<Gate<K>>,
    who: K,
    number: u64,
}

impl Refused {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Late => "late",
        }
    }
}

impl<K: Turn> Gate<K> {
    /// A gate within `limits`, with one place at least.
    #[must_use]
    pub fn new(limits: Limits) -> Arc<Self> {
        let limits = Limits { places: limits.places.max(1), ..limits };
        Arc::new(Self {
            limits,
            free: AtomicUsize::new(limits.places),
            waiting: AtomicUsize::new(0),
            queue: Mutex::new(Queue::new()),
        })
    }

    /// Its bounds.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What it holds now.
    #[must_use]
    pub fn held(&self) -> Held {
        let Queue { waiting, octets, .. } = *self.queue();
        Held { inside: self.taken(), waiting, octets }
    }

    /// Waits for a place for `who`, with so many octets in memory meanwhile.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn enter(self: &Arc<Self>, who: K, octets: usize) -> Result<Place<K>, Refused> {
        if self.waiting.load(SeqCst) == 0 && self.take() {
            return Ok(self.place());
        }
        let began = Instant::now();
        let (turn, mine) = oneshot::channel();
        let number = self.stand_in_line(who, octets, turn);
        let _waiting = Waiting { gate: self, who, number };
        match tokio::time::timeout(self.limits.wait, mine).await {
            Ok(Ok(mut place)) => {
                place.waited = began.elapsed();
                Ok(place)
            }
            Ok(Err(_dropped)) => Err(Refused::Full),
            Err(_late) => Err(Refused::Late),
        }
    }

    fn stand_in_line(
        self: &Arc<Self>,
        who: K,
        octets: usize,
        turn: oneshot::Sender<Place<K>>,
    ) -> u64 {
        let mut queue = self.queue();
        let number = queue.add(who, octets, turn);
        // Told before it is looked whether a place is free: whoever frees one in between looks here.
        self.waiting.store(queue.waiting, SeqCst);
        self.hand_out(&mut queue);
        while queue.waiting > self.limits.waiting {
            queue.drop_newest_of_largest(|line| line.waiters.len());
        }
        while queue.octets > self.limits.octets && queue.waiting > 1 {
            queue.drop_newest_of_largest(|line| line.octets);
        }
        self.waiting.store(queue.waiting, SeqCst);
        number
    }

    /// Gives free places to whose turn it is.
    fn hand_out(self: &Arc<Self>, queue: &mut Queue<K>) {
        while queue.waiting > 0 && self.take() {
            let mut place = self.place();
            let left = loop {
                let Some(turn) = queue.next() else { break Some(place) };
                match turn.send(place) {
                    Ok(()) => break None,
                    // It has just gone away.
                    Err(back) => place = back,
                }
            };
            if let Some(mut place) = left {
                // Dropped as it is, it would look into the queue, which is locked.
                place.gate = None;
                self.free.fetch_add(1, SeqCst);
                break;
            }
        }
        self.waiting.store(queue.waiting, SeqCst);
    }

    fn take(&self) -> bool {
        self.free.fetch_update(SeqCst, SeqCst, |free| free.checked_sub(1)).is_ok()
    }

    fn taken(&self) -> usize {
        self.limits.places.saturating_sub(self.free.load(SeqCst))
    }

    /// One that was taken.
    fn place(self: &Arc<Self>) -> Place<K> {
        Place { gate: Some(Arc::clone(self)), waited: Duration::ZERO, taken: self.taken() }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<K>> {
        // Nothing panics while it is held.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Turn> Place<K> {
    /// How long it was waited for; zero: it was free.
    #[must_use]
    pub const fn waited(&self) -> Duration {
        self.waited
    }

    /// Places that were taken when it was got, this one among them.
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.taken
    }
}

impl<K: Turn> Drop for Place<K> {
    fn drop(&mut self) {
        let Some(gate) = self.gate.take() else { return };
        gate.free.fetch_add(1, SeqCst);
        if gate.waiting.load(SeqCst) > 0 {
            gate.hand_out(&mut gate.queue());
        }
    }
}

impl<K: Turn> Drop for Waiting<'_, K> {
    fn drop(&mut self) {
        let mut queue = self.gate.queue();
        queue.remove(self.who, self.number);
        self.gate.waiting.store(queue.waiting, SeqCst);
    }
}

impl<K: Turn> Queue<K> {
    fn new() -> Self {
        let (lines, turns) = (HashMap::new(), VecDeque::new());
        Self { lines, turns, waiting: 0, octets: 0, next_number: 0 }
    }

    fn add(&mut self, who: K, octets: usize, turn: oneshot::Sender<Place<K>>) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        self.waiting += 1;
        self.octets += octets;
        let line = self.lines.entry(who).or_insert_with(|| {
            self.turns.push_back(who);
            Line { waiters: VecDeque::new(), octets: 0 }
        });
        line.octets += octets;
        line.waiters.push_back(Waiter { number, octets, turn });
        number
    }

    /// The oldest of whose turn it is, who is last from then on.
    fn next(&mut self) -> Option<oneshot::Sender<Place<K>>> {
        let who = self.turns.pop_front()?;
        let waiter = self.lines.get_mut(&who)?.waiters.pop_front()?;
        self.turns.push_back(who);
        Some(self.gone(who, waiter))
    }

    /// Drops the newest of who has the most, and of two such the newer one.
    fn drop_newest_of_largest(&mut self, size: impl Fn(&Line<K>) -> usize) {
        let newest = |line: &Line<K>| line.waiters.back().map(|waiter| waiter.number);
        let largest = self.lines.iter().max_by_key(|(_, line)| (size(line), newest(line)));
        let Some(who) = largest.map(|(who, _)| *who) else { return };
        let dropped = self.lines.get_mut(&who).and_then(|line| line.waiters.pop_back());
        dropped.into_iter().for_each(|waiter| drop(self.gone(who, waiter)));
    }

    fn remove(&mut self, who: K, number: u64) {
        let Some(line) = self.lines.get_mut(&who) else { return };
        let at = line.waiters.binary_search_by_key(&number, |waiter| waiter.number);
        let removed = at.ok().and_then(|at| line.waiters.remove(at));
        removed.into_iter().for_each(|waiter| drop(self.gone(who, waiter)));
    }

    /// Counts a waiter out that has been taken off the line of `who`.
    fn gone(&mut self, who: K, waiter: Waiter<K>) -> oneshot::Sender<Place<K>> {
        self.waiting -= 1;
        self.octets -= waiter.octets;
        if let Some(line) = self.lines.get_mut(&who) {
            line.octets -= waiter.octets;
            if line.waiters.is_empty() {
                self.lines.remove(&who);
                self.turns.retain(|other| *other != who);
            }
        }
        waiter.turn
    }
}

#[cfg(test)]
mod tests;
