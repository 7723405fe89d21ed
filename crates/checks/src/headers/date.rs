//! Whether the Date field can be true (RFC 5322, sections 3.3 and 3.6.1).
//!
//! Invariant: a day of difference is nobody's fault: clocks run wrong, zones are set wrong, and a
//! message may wait in queues for days.

use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::{Check, Known};

/// No Date field.
pub static MISSING_DATE: SignalDef =
    SignalDef::new("MISSING_DATE", Family::Headers, 0.8, "The Date field is missing");
/// A Date field that no date can be read from.
pub static DATE_UNREADABLE: SignalDef =
    SignalDef::new("DATE_UNREADABLE", Family::Headers, 1.2, "The Date field can't be read");
/// Later than now.
pub static DATE_IN_FUTURE: SignalDef =
    SignalDef::new("DATE_IN_FUTURE", Family::Headers, 1.5, "The message is dated in the future");
/// Much earlier than now.
pub static DATE_IN_PAST: SignalDef =
    SignalDef::new("DATE_IN_PAST", Family::Headers, 0.3, "The message is dated long ago");

/// Compares the Date with the time of arrival.
#[derive(Default)]
pub struct Date;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Points from each age on; the last that is reached counts.
const FUTURE: [(i64, f32); 2] = [(26 * HOUR, 1.0), (4 * DAY, 1.5)];
/// The queue of an MTA gives up after five days; mail that was held by a moderator is older.
const PAST: [(i64, f32); 2] = [(4 * DAY, 0.1), (60 * DAY, 0.3)];

impl Check for Date {
    const KEY: &'static str = "headers.date";
    const RAISES: &'static [&'static SignalDef] =
        &[&MISSING_DATE, &DATE_UNREADABLE, &DATE_IN_FUTURE, &DATE_IN_PAST];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        let Some(field) = message.field("date") else {
            // The MTA adds what a user's program leaves out, after it has asked us.
            if known.envelope.authenticated.is_none() && !known.envelope.is_local() {
                signals.raise(&MISSING_DATE, "");
            }
            return;
        };
        let Some(date) = message.date() else {
            signals.raise(&DATE_UNREADABLE, field.raw_text());
            return;
        };
        let ahead = date.saturating_sub(known.now);
        if let Some(points) = points(&FUTURE, ahead) {
            signals.raise_with(&DATE_IN_FUTURE, points, format!("by {}", words(ahead)));
        }
        let behind = ahead.saturating_neg();
        if let Some(points) = points(&PAST, behind) {
            signals.raise_with(&DATE_IN_PAST, points, format!("{} ago", words(behind)));
        }
    }
}

fn points(grades: &[(i64, f32)], age: i64) -> Option<f32> {
    grades.iter().rev().find(|(from, _)| age >= *from).map(|(_, points)| *points)
}

fn words(seconds: i64) -> String {
    if seconds < 3 * DAY {
        format!("{} hours", seconds / HOUR)
    } else {
        format!("{} days", seconds / DAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(date: &str, expect: &[&str]) {
        assert_eq!(
            raised::<Date>(&format!("From: a@example.org\n{date}\nHello\n")),
            expect,
            "{date}"
        );
    }

    #[test]
    fn a_date_near_now_is_believed() {
        check("Date: Tue, 24 Nov 2026 09:15:00 +0000\n", &[]);
        check("Date: Tue, 24 Nov 2026 23:15:00 +0000\n", &[]);
        check("Date: Sat, 21 Nov 2026 09:15:00 +0100 (CET)\n", &[]);
    }

    #[test]
    fn a_date_far_from_now_is_told() {
        check("Date: Thu, 26 Nov 2026 09:15:00 +0000\n", &["DATE_IN_FUTURE"]);
        check("Date: Mon, 18 Jan 2038 03:14:07 +0000\n", &["DATE_IN_FUTURE"]);
        check("Date: Tue, 17 Nov 2026 09:15:00 +0000\n", &["DATE_IN_PAST"]);
        check("Date: Thu, 1 Jan 1970 00:00:00 +0000\n", &["DATE_IN_PAST"]);
    }

    #[test]
    fn no_date_is_told_from_one_that_cannot_be_read() {
        check("", &["MISSING_DATE"]);
        check("Date: yesterday\n", &["DATE_UNREADABLE"]);
        check("Date:\n", &["DATE_UNREADABLE"]);
    }
}
