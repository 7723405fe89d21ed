//! How often each has done something within a window of time that begins with the first.
//!
//! Invariant: no more are counted at a time than a bound, and nobody whose window has passed.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who is counted at a time.
const MOST_COUNTED: usize = 20_000;

/// The counts of one window.
#[derive(Debug)]
pub(crate) struct Counts<K> {
    seconds: u64,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    counted: HashMap<K, Counted>,
    /// The second up to which those whose window has passed are gone.
    swept: u64,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    since: u64,
    times: u32,
}

impl<K: Eq + Hash> Counts<K> {
    /// Counts within so many seconds.
    pub(crate) fn within(seconds: u64) -> Self {
        Self { seconds, state: Mutex::new(State { counted: HashMap::new(), swept: 0 }) }
    }

    /// How often `who` has done it, in the window that `now` lies in.
    pub(crate) fn times(&self, who: &K, now: u64) -> u32 {
        let state = self.state();
        state.counted.get(who).filter(|it| self.is_open(it, now)).map_or(0, |it| it.times)
    }

    /// Counts one more of `who`; how often it is with that. `None`: it can't be counted, for as many others
    /// are.
    pub(crate) fn count(&self, who: K, now: u64) -> Option<u32> {
        let State { counted, swept } = &mut *self.state();
        // Nobody is remembered for longer than it takes. Windows end with a second.
        if *swept != now {
            counted.retain(|_, it| self.is_open(it, now));
            *swept = now;
        }
        if counted.len() >= MOST_COUNTED && !counted.contains_key(&who) {
            return None;
        }
        let of_one = counted.entry(who).or_insert(Counted { since: now, times: 0 });
        of_one.times = of_one.times.saturating_add(1);
        Some(of_one.times)
    }

    fn is_open(&self, counted: &Counted, now: u64) -> bool {
        now < counted.since.saturating_add(self.seconds)
    }

    fn state(&self) -> MutexGuard<'_, State<K>> {
        // Numbers only, which are right after each step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_past_the_bound_are_not_counted_until_windows_have_passed() {
        let counts = Counts::within(60);
        assert!((0..MOST_COUNTED).all(|who| counts.count(who, 100) == Some(1)));
        assert_eq!(counts.count(MOST_COUNTED, 159), None);
        assert_eq!(counts.state().counted.len(), MOST_COUNTED);
        assert_eq!(counts.count(0, 159), Some(2), "who is counted already goes on");
        assert_eq!(counts.times(&MOST_COUNTED, 159), 0);
        assert_eq!(counts.count(MOST_COUNTED, 160), Some(1));
        assert_eq!((counts.times(&0, 160), counts.state().counted.len()), (0, 1));
    }
}
