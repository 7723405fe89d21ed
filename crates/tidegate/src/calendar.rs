//! Moments as people and programs read them.
//!
//! Invariant: any number of seconds has a date, and every hour that is told says of which time zone.

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};

fn at(seconds: u64) -> DateTime<Utc> {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

/// `2026-11-26T03:30:00Z` (RFC 3339), for seconds since 1970.
pub(crate) fn utc(seconds: u64) -> String {
    at(seconds).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `2026-11-26`, in UTC.
pub(crate) fn day(seconds: u64) -> String {
    at(seconds).format("%Y-%m-%d").to_string()
}

/// `20261126T033000`, in UTC.
pub(crate) fn stamp(seconds: u64) -> String {
    at(seconds).format("%Y%m%dT%H%M%S").to_string()
}

/// `2026-11-26 03:30:00`, in UTC.
pub(crate) fn second(seconds: u64) -> String {
    at(seconds).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `Thu, 26 Nov 2026 03:30:00 +0000` (RFC 5322, section 3.3).
pub(crate) fn rfc5322(seconds: u64) -> String {
    at(seconds).to_rfc2822()
}

/// `26 November 2026`, in the time of this machine.
pub(crate) fn date(seconds: u64) -> String {
    at(seconds).with_timezone(&chrono::Local).format("%-d %B %Y").to_string()
}

/// `26 November 2026, 03:30 (UTC+00:00)`, in the time of this machine.
pub(crate) fn minute(seconds: u64) -> String {
    minute_in(seconds, &chrono::Local)
}

fn minute_in<Z: TimeZone>(seconds: u64, zone: &Z) -> String
where
    Z::Offset: std::fmt::Display,
{
    at(seconds).with_timezone(zone).format("%-d %B %Y, %H:%M (UTC%:z)").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_by_date_and_time() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (1_764_126_000, "2025-11-26T03:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (u64::MAX, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(utc(seconds), text);
        }
        assert_eq!(day(951_868_799), "2000-02-29");
        assert_eq!(rfc5322(1_795_662_600), "Thu, 26 Nov 2026 03:10:00 +0000");
    }

    #[test]
    fn an_hour_says_of_which_zone() {
        let east = chrono::FixedOffset::east_opt(3_600).unwrap();
        assert_eq!(minute_in(1_795_662_600, &east), "26 November 2026, 04:10 (UTC+01:00)");
    }
}
