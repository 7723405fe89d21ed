//! Dates as header fields write them (RFC 5322, section 3.3).

use mail_parser::DateTime;

/// Seconds since 1970, UTC, of a date that exists.
///
/// Years of two digits are of this century up to 49 (RFC 5322, section 4.3).
pub(crate) fn seconds(mut date: DateTime) -> Option<i64> {
    if (1900..1950).contains(&date.year) {
        date.year += 100;
    } else if date.year < 100 {
        date.year += if date.year < 50 { 2000 } else { 1900 };
    }
    date.is_valid().then(|| date.to_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_of_two_digits_are_near() {
        let read = |text| DateTime::parse_rfc822(text).and_then(seconds);
        let expect = Some(1_030_000_000);
        assert_eq!(read("Thu, 22 Aug 2002 07:06:40 +0000"), expect);
        assert_eq!(read("Thu, 22 Aug 02 07:06:40 GMT"), expect);
        assert_eq!(read("Thu, 22 Aug 2002 03:06:40 -0400 (EDT)"), expect);
        assert_eq!(read("yesterday"), None);
    }
}
