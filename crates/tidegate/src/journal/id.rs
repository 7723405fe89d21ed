//! The names of records: `20261126T025119-4bQx7z3`, the second of arrival (UTC) and the MTA's id.
//!
//! Invariant: an id is a word: it can be written in a shell, a file name and a log without quotes.

use crate::calendar;

/// Characters of the MTA's id that are kept.
const LONGEST_REFERENCE: usize = 64;

/// The id of a message that arrived at `now`, in seconds since 1970, and is known as `reference`.
pub(super) fn of(now: i64, reference: &str) -> String {
    let mut id = stamp(now);
    id.push('-');
    id.push_str(&word(reference));
    id
}

/// The reference as it stands in an id.
pub(super) fn word(reference: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let plain = reference.chars().map(|c| if is_plain(c) { c } else { '_' });
    plain.take(LONGEST_REFERENCE).collect()
}

/// `20261126` of an id, or of a second.
pub(super) fn day(stamp: &str) -> Option<&str> {
    let (day, rest) = stamp.split_at_checked(8)?;
    let is_day = day.bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with('T');
    is_day.then_some(day)
}

/// The MTA's id in an id.
pub(super) fn reference(id: &str) -> &str {
    id.split_once('-').map_or(id, |(_, reference)| reference)
}

/// `20261126T025119`
pub(super) fn stamp(now: i64) -> String {
    calendar::stamp(four_digits(now))
}

/// `2026-11-26 02:51:19`, UTC, for a person.
pub(crate) fn time(now: i64) -> String {
    calendar::second(four_digits(now))
}

/// A second of the years that have four digits: a clock outside of them is wrong, and its ids still sort.
fn four_digits(now: i64) -> u64 {
    u64::try_from(now).unwrap_or(0).min(253_402_300_799)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_the_second_and_the_queue_id() {
        assert_eq!(of(1_795_661_479, "4bQx7z3"), "20261126T025119-4bQx7z3");
        assert_eq!(of(0, "a b/c\n"), "19700101T000000-a_b_c_");
        let id = of(951_827_696, "X-1");
        assert_eq!(
            (id.as_str(), day(&id), reference(&id)),
            ("20000229T123456-X-1", Some("20000229"), "X-1")
        );
        assert_eq!(time(4_107_542_399), "2100-02-28 23:59:59");
        assert_eq!(time(4_107_542_400), "2100-03-01 00:00:00");
        assert_eq!(day("4bQx7z3"), None);
        assert_eq!(day("ühernümm"), None);
        of(i64::MIN, &"x".repeat(1_000));
        of(i64::MAX, "");
    }
}
