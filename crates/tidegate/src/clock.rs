//! Times as people read them.
//!
//! Invariant: always in UTC, and it says so where an hour is told.

use time::OffsetDateTime;

fn at(seconds: u64) -> OffsetDateTime {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// `2026-11-26`
pub(crate) fn day(seconds: u64) -> String {
    let at = at(seconds);
    format!("{:04}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day())
}

/// `26 November 2026, 03:10 UTC`
pub(crate) fn minute(seconds: u64) -> String {
    let at = at(seconds);
    let (hour, minute) = (at.hour(), at.minute());
    format!("{} {} {}, {hour:02}:{minute:02} UTC", at.day(), at.month(), at.year())
}

/// `Thu, 26 Nov 2026 03:10:00 +0000` (RFC 5322, section 3.3)
pub(crate) fn rfc5322(seconds: u64) -> String {
    let at = at(seconds);
    let (weekday, month) = (at.weekday().to_string(), at.month().to_string());
    let (hour, minute, second) = at.to_hms();
    format!(
        "{}, {} {} {} {hour:02}:{minute:02}:{second:02} +0000",
        &weekday[..3],
        at.day(),
        &month[..3],
        at.year()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_utc() {
        assert_eq!(day(1_795_662_600), "2026-11-26");
        assert_eq!(minute(1_795_662_600), "26 November 2026, 03:10 UTC");
        assert_eq!(day(u64::MAX), "1970-01-01", "no time at all");
    }
}
