//! What time it is, when the machine's clock leaps.
//!
//! A clock that leapt by more than an hour against the time that passed is doubted for a day. Meanwhile mail
//! is judged by the later of what it says and what it should say: ahead it may be after a pause of the
//! machine, while behind it is wrong, and would have all mail come out of the future. And what is kept grows
//! old by the earlier of both, so that nothing goes because of a leap.
//!
//! Invariant: a clock that goes as time does is believed at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds by which a clock may differ from the time that passed.
const TOLERANCE: u64 = 3_600;
/// How long one that differs by more is doubted.
const PROBATION: Duration = Duration::from_secs(24 * 3_600);

/// What this process has seen of the machine's clock.
static CLOCK: Mutex<Option<Clock>> = Mutex::new(None);

/// Seconds since 1970, UTC, by which mail is judged.
pub(crate) fn now() -> i64 {
    i64::try_from(look().judging).unwrap_or(i64::MAX)
}

/// Seconds since 1970, UTC, by which what is kept grows old.
pub(crate) fn ageing() -> u64 {
    look().ageing
}

fn look() -> Time {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = Instant::now();
    let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    clock.get_or_insert(Clock::starting(wall, now)).look(wall, now)
}

/// Seconds since 1970, for either purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time {
    judging: u64,
    ageing: u64,
}

/// What was believed last, and since when the clock is doubted.
#[derive(Clone, Copy)]
struct Clock {
    believed: u64,
    at: Instant,
    doubted: Option<Instant>,
}

impl Clock {
    const fn starting(wall: u64, now: Instant) -> Self {
        Self { believed: wall, at: now, doubted: None }
    }

    fn look(&mut self, wall: u64, now: Instant) -> Time {
        let passed = now.saturating_duration_since(self.at).as_secs();
        let expected = self.believed.saturating_add(passed);
        if wall.abs_diff(expected) > TOLERANCE {
            let since = *self.doubted.get_or_insert_with(|| {
                tracing::warn!(
                    clock = wall,
                    expected,
                    "the machine's clock leapt, and is doubted for a day or until a restart"
                );
                now
            });
            if now.saturating_duration_since(since) < PROBATION {
                return Time { judging: wall.max(expected), ageing: wall.min(expected) };
            }
        }
        *self = Self::starting(wall, now);
        Time { judging: wall, ageing: wall }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: u64 = 365 * 86_400;
    const NOW: u64 = 1_800_000_000;

    /// What a clock that begins at [`NOW`] is taken for, when it says `wall` after so many seconds.
    fn told(looks: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let began = Instant::now();
        let mut clock = Clock::starting(NOW, began);
        let look = |(passed, wall): &(u64, u64)| {
            let Time { judging, ageing } = clock.look(*wall, began + Duration::from_secs(*passed));
            (judging, ageing)
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn a_clock_that_goes_as_time_does_is_believed() {
        // Set right by some minutes, on and back.
        let looks = [(60, NOW + 60), (120, NOW + 900), (180, NOW + 180)];
        assert_eq!(told(&looks), looks.map(|(_, wall)| (wall, wall)));
    }

    #[test]
    fn a_leap_ahead_makes_nothing_older_and_mail_may_be_of_that_day() {
        let looks = [(60, NOW + YEAR + 60), (3_600, NOW + YEAR + 3_600), (7_200, NOW + 7_200)];
        let wanted = [
            (NOW + YEAR + 60, NOW + 60),
            (NOW + YEAR + 3_600, NOW + 3_600),
            // It was set right again.
            (NOW + 7_200, NOW + 7_200),
        ];
        assert_eq!(told(&looks), wanted);
    }

    #[test]
    fn a_leap_back_makes_no_mail_come_out_of_the_future() {
        let looks = [(60, NOW - YEAR + 60), (120, NOW + 120)];
        assert_eq!(told(&looks), [(NOW + 60, NOW - YEAR + 60), (NOW + 120, NOW + 120)]);
    }

    #[test]
    fn one_that_stays_there_for_a_day_is_believed() {
        let hours: Vec<(u64, u64)> =
            (1..=26).map(|hour| (hour * 3_600, NOW + YEAR + hour * 3_600)).collect();
        for (hour, (_, ageing)) in (1..=26).zip(told(&hours)) {
            assert_eq!(ageing > NOW + YEAR, hour >= 25, "hour {hour}");
        }
    }
}
