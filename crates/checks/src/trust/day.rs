//! Days, as the operator writes until when a mark holds.
//!
//! Invariant: a mark holds to the end of its last day, UTC.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A day in the Gregorian calendar, such as `2027-06-30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Day {
    year: i64,
    month: u8,
    day: u8,
}

/// Text that is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no day; write it like \"2027-06-30\"")]
pub struct ParseDayError(String);

/// Seconds of a day.
const DAY: i64 = 86_400;

impl Day {
    /// Whether it has passed at `now`, in seconds since 1970, UTC.
    #[must_use]
    pub const fn is_past(self, now: i64) -> bool {
        now >= (self.since_1970() + 1) * DAY
    }

    /// Days since 1 January 1970; from years that begin in March, so that a leap day is their last.
    const fn since_1970(self) -> i64 {
        let (month, year) = match self.month {
            month @ 3.. => (month as i64 - 3, self.year),
            month => (month as i64 + 9, self.year - 1),
        };
        let of_year = (153 * month + 2) / 5 + self.day as i64 - 1;
        let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
        era * 146_097 + year * 365 + year / 4 - year / 100 + of_year - 719_468
    }
}

impl FromStr for Day {
    type Err = ParseDayError;

    fn from_str(text: &str) -> Result<Self, ParseDayError> {
        let read = || {
            let mut parts = text.split('-');
            let mut number = |digits| {
                let part = parts.next().filter(|part| part.len() == digits)?;
                part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u16>().ok())?
            };
            let (year, month, day) = (number(4)?, number(2)?, number(2)?);
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                4 | 6 | 9 | 11 => 30,
                2 if leap => 29,
                2 => 28,
                1..=12 => 31,
                _ => return None,
            };
            let day = u8::try_from(day).ok().filter(|day| (1..=last).contains(day))?;
            let ends = parts.next().is_none();
            ends.then_some(Self { year: year.into(), month: u8::try_from(month).ok()?, day })
        };
        read().ok_or_else(|| ParseDayError(text.to_owned()))
    }
}

impl TryFrom<String> for Day {
    type Error = ParseDayError;

    fn try_from(text: String) -> Result<Self, ParseDayError> {
        text.parse()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, since_1970: i64) {
        let day: Day = text.parse().unwrap();
        assert_eq!((day.since_1970(), day.to_string().as_str()), (since_1970, text));
    }

    #[test]
    fn days_are_counted_from_1970() {
        check("1970-01-01", 0);
        check("1970-12-31", 364);
        check("2000-02-29", 11_016);
        check("2000-03-01", 11_017);
        check("2026-11-24", 20_781);
    }

    #[test]
    fn a_day_lasts_to_its_end() {
        let day: Day = "1970-01-02".parse().unwrap();
        assert!(!day.is_past(2 * DAY - 1) && day.is_past(2 * DAY));
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for wrong in
            ["", "2026-02-29", "2026-13-01", "2026-1-1", "tomorrow", "2026-01-01-", "2026-00-10"]
        {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
    }
}
