//! Days and zones that no calendar has (RFC 5322, section 3.3): programs that make Dates up forget
//! that the day of the week follows from the date, and that no clock is 19 hours behind.
//!
//! Invariant: a Date without a day of the week, or with a zone that is a name, raises nothing.

use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::{Check, Known};

/// Such as `Mon, 24 Nov 2026`, which is a Tuesday.
pub static DATE_WEEKDAY_WRONG: SignalDef = SignalDef::new(
    "DATE_WEEKDAY_WRONG",
    Family::Headers,
    1.5,
    "The Date names a day of the week which that date isn't",
);
/// Such as `-1900` or `+0370`.
pub static DATE_ZONE_IMPOSSIBLE: SignalDef = SignalDef::new(
    "DATE_ZONE_IMPOSSIBLE",
    Family::Headers,
    2.0,
    "The Date is in a time zone that doesn't exist",
);

/// Reads the Date as it is written.
#[derive(Default)]
pub struct Calendar;

impl Check for Calendar {
    const KEY: &'static str = "headers.calendar";
    const RAISES: &'static [&'static SignalDef] = &[&DATE_WEEKDAY_WRONG, &DATE_ZONE_IMPOSSIBLE];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(field) = known.message.and_then(|message| message.field("date")) else { return };
        let text = field.raw_text();
        if weekday_is_wrong(&text) {
            signals.raise(&DATE_WEEKDAY_WRONG, text.trim());
        }
        if let Some(zone) = impossible_zone(&text) {
            signals.raise(&DATE_ZONE_IMPOSSIBLE, zone);
        }
    }
}

const WEEKDAYS: [&str; 7] = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

fn weekday_is_wrong(text: &str) -> bool {
    let mut words = text.split([' ', ',', '\t']).filter(|word| !word.is_empty());
    let mut next = || words.next();
    let written = next().and_then(|word| place(&WEEKDAYS, word));
    let day = next().and_then(|word| word.parse::<i64>().ok());
    let month = next().and_then(|word| place(&MONTHS, word));
    let year = next().filter(|word| word.len() == 4).and_then(|word| word.parse::<i64>().ok());
    match (written, day, month, year) {
        (Some(written), Some(day @ 1..=31), Some(month), Some(year @ 1970..)) => {
            days_since_1970(year, month, day).rem_euclid(7) != written
        }
        _ => false,
    }
}

fn place(names: &[&str], word: &str) -> Option<i64> {
    let at = names.iter().position(|name| name.eq_ignore_ascii_case(word))?;
    i64::try_from(at).ok()
}

/// Of the Gregorian calendar; `month` from 0. Years are counted from March, so that the leap day is
/// the last of its year.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let before_month = (153 * month + 2) / 5;
    365 * year + year / 4 - year / 100 + year / 400 + before_month + day - 1 - 719_468
}

/// A zone of four digits beyond those that are in use anywhere: -1200 to +1400, by quarters of an
/// hour.
fn impossible_zone(text: &str) -> Option<&str> {
    let zone = text
        .split_ascii_whitespace()
        .find(|word| word.len() == 5 && word.starts_with(['+', '-']))?;
    let number = zone.get(1..)?.parse::<u32>().ok()?;
    let most = if zone.starts_with('-') { 1200 } else { 1400 };
    (number > most || !matches!(number % 100, 0 | 15 | 30 | 45)).then_some(zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(date: &str, expect: &[&str]) {
        assert_eq!(raised::<Calendar>(&format!("Date: {date}\n\nHello\n")), expect, "{date}");
    }

    #[test]
    fn days_and_zones_of_the_calendar_raise_nothing() {
        for date in [
            "Tue, 24 Nov 2026 09:15:00 +0000",
            "tue,24 nov 2026 09:15 -0930",
            "24 Nov 2026 09:15:00 +1400",
            "Thu, 29 Feb 2024 09:15:00 +0545",
            "Thu, 1 Jan 1970 00:00:00 GMT",
            "Tuesday, the 24th",
            "Mon, 1 Mar 2100 00:00:00 -1200",
            "",
        ] {
            check(date, &[]);
        }
    }

    #[test]
    fn days_and_zones_of_no_calendar_are_told() {
        check("Mon, 24 Nov 2026 09:15:00 +0000", &["DATE_WEEKDAY_WRONG"]);
        check("Tue, 24 Nov 2026 09:15:00 -1900", &["DATE_ZONE_IMPOSSIBLE"]);
        check("Tue, 24 Nov 2026 09:15:00 +0370", &["DATE_ZONE_IMPOSSIBLE"]);
    }
}
