//! A verdict as one line of JSON. Its keys are stable: scripts depend on them.
//!
//! Invariant: one object a message, one message a line.

use serde::Serialize;
use serde_json::Value;
use tidegate_engine::Judged;
use tidegate_policy::{Thresholds, Verdict, explain};
use tidegate_signal::Family;

/// A message that was judged.
#[derive(Serialize)]
struct Line<'j> {
    file: &'j str,
    verdict: Verdict,
    score: f64,
    thresholds: Levels,
    signals: Vec<Said<'j>>,
    recipients: Vec<Recipient<'j>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed_us: Option<u128>,
    decisive: &'j [String],
    /// Answers that are missing of those asked for, as in `dns:3/20`.
    #[serde(skip_serializing_if = "String::is_empty")]
    partial: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_id: Option<&'j str>,
}

#[derive(Serialize)]
struct Levels {
    tag: f64,
    quarantine: f64,
    reject: f64,
}

#[derive(Serialize)]
struct Said<'j> {
    name: &'j str,
    family: Family,
    score: f64,
    detail: &'j str,
    /// Its points were taken off, since users keep correcting it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    damped: bool,
}

#[derive(Serialize)]
struct Recipient<'j> {
    address: &'j str,
    verdict: Verdict,
    reason: &'j str,
}

/// The line of a judged message, without its end.
///
/// # Errors
/// None in practice: everything in it has a form in JSON.
pub(crate) fn line(file: &str, judged: &Judged) -> serde_json::Result<String> {
    written(file, judged, Some(judged.timings.total.as_micros()))
}

/// The same without the time it took, which is another each time.
///
/// # Errors
/// None in practice, as above.
pub(crate) fn verdict(file: &str, judged: &Judged) -> serde_json::Result<String> {
    written(file, judged, None)
}

fn written(file: &str, judged: &Judged, elapsed_us: Option<u128>) -> serde_json::Result<String> {
    let Thresholds { tag, quarantine, reject } = judged.decision.thresholds;
    let said = explain::by_weight(judged.told()).into_iter().map(|signal| Said {
        name: signal.name(),
        family: signal.family(),
        score: hundredths(signal.score()),
        detail: signal.detail(),
        damped: signal.is_damped(),
    });
    let recipients = judged.recipients.iter().map(|recipient| Recipient {
        address: recipient.address.as_str(),
        verdict: recipient.verdict,
        reason: &recipient.reason,
    });
    serde_json::to_string(&Line {
        file,
        verdict: judged.verdict(),
        score: hundredths(judged.decision.score),
        thresholds: Levels {
            tag: hundredths(tag),
            quarantine: hundredths(quarantine),
            reject: hundredths(reject),
        },
        signals: said.collect(),
        recipients: recipients.collect(),
        elapsed_us,
        decisive: &judged.decision.decisive,
        partial: judged.missing.word(),
        queue_id: judged.envelope.queue_id.as_deref(),
    })
}

/// A verdict that says nothing of the recipients whom `keep` refuses; what else it says stays as it was
/// written, byte for byte. `None` for what is no verdict.
pub(crate) fn with_recipients(verdict: &str, keep: &dyn Fn(&str) -> bool) -> Option<String> {
    // Within a string the quotes would have backslashes before them.
    const BEGIN: &str = "\"recipients\":[";
    let begin = verdict.find(BEGIN)? + BEGIN.len();
    let (mut rest, mut kept) = (&verdict[begin..], Vec::new());
    while !rest.starts_with(']') {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let recipient = values.next()?.ok()?;
        let end = values.byte_offset();
        if recipient.get("address").and_then(Value::as_str).is_some_and(keep) {
            kept.push(&rest[..end]);
        }
        rest = &rest[end..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some(format!("{}{}{rest}", &verdict[..begin], kept.join(",")))
}

/// The line of a file that could not be read.
///
/// # Errors
/// None in practice, as above.
pub(crate) fn error(file: &str, error: &str) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Unread<'e> {
        file: &'e str,
        error: &'e str,
    }
    serde_json::to_string(&Unread { file, error })
}

/// Points are meant to hundredths; more digits would be those of a binary fraction.
fn hundredths(points: f32) -> f64 {
    (f64::from(points) * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_loses_recipients_and_nothing_else() {
        let verdict = r#"{"file":"\"recipients\":[","recipients":[{"address":"a@b","x":"]"},{"address":"c@d"}],"z":1}"#;
        let with = |keep: &str| with_recipients(verdict, &|to| to == keep).unwrap();
        assert_eq!(with_recipients(verdict, &|_| true).unwrap(), verdict);
        assert_eq!(with("c@d"), verdict.replace(r#"{"address":"a@b","x":"]"},"#, ""));
        assert!(with("x").ends_with(r#""recipients":[],"z":1}"#));
        assert_eq!(with_recipients("", &|_| true), None);
        assert_eq!(with_recipients(r#"{"recipients":["#, &|_| true), None);
    }

    #[test]
    fn points_have_no_digits_that_nobody_wrote() {
        assert_eq!(serde_json::to_string(&hundredths(15.9)).unwrap(), "15.9");
        assert_eq!(serde_json::to_string(&hundredths(-0.1)).unwrap(), "-0.1");
    }
}
