//! The words in which a decision leaves the house: header fields, and the text of an SMTP reply.
//!
//! Invariant: a rejection always carries a reference to quote and what kind of fault it was found
//! at, unless the operator chose to tell less; it never quotes the message.

use std::fmt::Write;

use tidegate_signal::{Family, Signal, Signals};

use crate::{Decision, ReplyDetail, Verdict};

/// The value of `X-Spam-Status`, in one line; the milter folds it.
///
/// `missing` says what a partial verdict lacks, such as `dns`; empty for a whole one.
#[must_use]
pub fn status(decision: &Decision, signals: &Signals, missing: &str) -> String {
    let verdict = decision.action.verdict();
    let start = format!(
        "{}, score={:.2} tag={:.1} quarantine={:.1} reject={:.1} verdict={}",
        if verdict == Verdict::Accept { "No" } else { "Yes" },
        decision.score,
        decision.thresholds.tag,
        decision.thresholds.quarantine,
        decision.thresholds.reject,
        verdict,
    );
    with_signals(start, signals, missing)
}

/// The same for one of several recipients who may differ: only what is common to all of them, and
/// whether the message is tagged for those who get it in this form. A threshold would be somebody's.
#[must_use]
pub fn shared_status(tagged: bool, score: f32, signals: &Signals, missing: &str) -> String {
    let start = format!("{}, score={score:.2}", if tagged { "Yes" } else { "No" });
    with_signals(start, signals, missing)
}

fn with_signals(mut value: String, signals: &Signals, missing: &str) -> String {
    if !missing.is_empty() {
        value.push_str(" partial=");
        value.push_str(missing);
    }
    value.push_str(" signals=");
    if signals.is_empty() {
        value.push_str("none");
    }
    for (index, signal) in by_weight(signals).into_iter().enumerate() {
        // A comma and a space, so that the field can be folded between signals.
        value.push_str(if index == 0 { "" } else { ", " });
        value.push_str(signal.name());
        match signal.is_damped() {
            true => value.push_str("(damped)"),
            false => {
                value.push('(');
                push_points(&mut value, signal.score());
                value.push(')');
            }
        }
    }
    value
}

/// Appends points with two digits behind the point, as `{:.2}` writes them: many are told of a message,
/// and the general way reads each as a fraction of any size.
pub fn push_points(text: &mut String, points: f32) {
    // The 24 bits of a mantissa, times a hundred, are exact in a double, and so is what is rounded here.
    let hundredths = (f64::from(points).abs() * 100.0).round_ties_even();
    if hundredths.is_nan() || hundredths >= 100_000.0 {
        // Writing to a String can't fail.
        let _ = write!(text, "{points:.2}");
        return;
    }
    let hundredths = hundredths as u32;
    if points.is_sign_negative() {
        text.push('-');
    }
    let whole = hundredths / 100;
    for (unit, is_written) in [(100, whole >= 100), (10, whole >= 10), (1, true)] {
        if is_written {
            text.push(digit(whole / unit));
        }
    }
    text.push('.');
    text.push(digit(hundredths / 10));
    text.push(digit(hundredths));
}

/// The last digit of a number.
fn digit(number: u32) -> char {
    char::from(b'0' + (number % 10) as u8)
}

/// The signals, the weightiest first; those of equal weight by name.
#[must_use]
pub fn by_weight(signals: &Signals) -> Vec<&Signal> {
    let mut sorted: Vec<&Signal> = signals.iter().collect();
    sorted.sort_by(|a, b| {
        b.score().abs().total_cmp(&a.score().abs()).then_with(|| a.name().cmp(b.name()))
    });
    sorted
}

/// Why the outcome is what it is, in one line for a person.
#[must_use]
pub fn reason(decision: &Decision, signals: &Signals) -> String {
    let from = match decision.verdict {
        Verdict::Accept if decision.decisive.is_empty() => {
            return format!("{:.2} points, under {:.1}", decision.score, decision.thresholds.tag);
        }
        Verdict::Accept => format!("under {:.1} thanks to", decision.thresholds.tag),
        _ if decision.set_apart => format!("{} as asked for", decision.verdict),
        verdict => match decision.thresholds.of(verdict) {
            Some(from) => format!("at or over {from:.1} because of"),
            None => "because of".to_owned(),
        },
    };
    let words: Vec<&str> =
        decision.decisive.iter().filter_map(|name| signals.get(name)).map(Signal::says).collect();
    format!("{:.2} points, {from}: {}", decision.score, words.join("; "))
}

/// The lines of a `550 5.7.1` reply, without the codes; each within what SMTP allows a line.
///
/// `reference` is the id an operator can search for; `contact` an address or a URL.
#[must_use]
pub fn rejection(
    decision: &Decision,
    signals: &Signals,
    detail: ReplyDetail,
    reference: &str,
    contact: Option<&str>,
) -> Vec<String> {
    let decisive = || decision.decisive.iter().filter_map(|name| signals.get(name));
    // What somebody has decided says nothing of how the message looks.
    let chosen = decisive().count() > 0 && decisive().all(|it| it.family() == Family::Policy);
    let because = if chosen { "" } else { " because it looks like spam" };
    let mut lines = vec![format!("This message was refused{because}.")];
    match detail {
        ReplyDetail::None => {}
        ReplyDetail::Class => {
            let mut families: Vec<Family> = decisive().map(Signal::family).collect();
            families.sort_unstable();
            families.dedup();
            lines.extend(families.into_iter().map(|family| fault(family).to_owned()));
        }
        ReplyDetail::Full => lines.extend(
            decisive().take(6).map(|signal| format!("{}: {}.", signal.name(), signal.says())),
        ),
    }
    lines.push(match contact {
        Some(contact) => {
            format!(
                "If it is wanted mail, please write to {contact} and quote reference {reference}"
            )
        }
        None => format!("Please quote reference {reference} if you ask the recipient about it."),
    });
    for line in &mut lines {
        bound(line);
    }
    lines
}

/// What a sender can mend, by the kind of evidence.
const fn fault(family: Family) -> &'static str {
    match family {
        Family::Client => {
            "Fault: the sending server's name or HELO. Give it a reverse name that resolves back."
        }
        Family::Authentication => {
            "Fault: authentication. Check the SPF, DKIM and DMARC of your domain."
        }
        Family::Lists => {
            "Fault: the sending address or a domain in the message is on a block list."
        }
        Family::Headers => {
            "Fault: the header is malformed or looks forged. Check the program that sent it."
        }
        Family::Content => "Fault: the text or its formatting resembles known spam.",
        Family::Links => "Fault: links that mislead or lead to abused places.",
        Family::Attachments => "Fault: an attachment of a dangerous kind.",
        Family::Statistics => "Fault: the message resembles mail that was reported as spam.",
        Family::Bulk => {
            "Fault: bulk mail without the marks of wanted bulk mail, such as List-Unsubscribe."
        }
        Family::Trust => "Fault: a certification that the message claims was denied.",
        Family::Policy => "Fault: the receiving site does not accept this kind of message.",
    }
}

/// RFC 5321, section 4.5.3.1.5: a reply line has at most 512 octets with codes and CRLF.
fn bound(line: &mut String) {
    const LONGEST: usize = 400;
    if line.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
        line.truncate(end);
    }
    if !line.is_ascii() {
        *line = line.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;
    use tidegate_signal::SignalDef;

    #[track_caller]
    fn check_points(points: f32) {
        let mut text = String::new();
        push_points(&mut text, points);
        assert_eq!(text, format!("{points:.2}"), "{points:?}");
    }

    #[test]
    fn points_are_written_as_fractions_are() {
        for points in [0.0, -0.0, 0.125, 0.375, -0.005, 0.995, 9.995, 99.995, 999.994, 999.995] {
            check_points(points);
            check_points(-points);
        }
        for points in [1e9, f32::MAX, f32::MIN_POSITIVE, f32::INFINITY, f32::NAN] {
            check_points(points);
        }
        // All floats are too many; these are some of every size and sign.
        (0..=u32::MAX).step_by(99_991).map(f32::from_bits).for_each(check_points);
    }

    static LATE: SignalDef =
        SignalDef::new("DATE_IN_FUTURE", Family::Headers, 8.0, "The date lies in the future");
    static LIST: SignalDef =
        SignalDef::new("LISTED_SBL", Family::Lists, 8.0, "The client is on a block list");
    static GOOD: SignalDef =
        SignalDef::new("DKIM_PASS", Family::Authentication, -0.1, "A signature verifies");

    fn rejected() -> (Decision, Signals) {
        let mut signals = Signals::new();
        signals.raise(&LATE, "by 3 days");
        signals.raise(&GOOD, "");
        signals.raise(&LIST, "");
        (Policy::default().decide(&signals), signals)
    }

    #[test]
    fn the_status_field_lists_signals_by_weight() {
        let (decision, signals) = rejected();
        assert_eq!(
            status(&decision, &signals, ""),
            "Yes, score=15.90 tag=5.0 quarantine=8.0 reject=15.0 verdict=reject \
             signals=DATE_IN_FUTURE(8.00), LISTED_SBL(8.00), DKIM_PASS(-0.10)"
        );
    }

    #[test]
    fn a_partial_verdict_says_so() {
        let signals = Signals::new();
        let decision = Policy::default().decide(&signals);
        assert_eq!(
            status(&decision, &signals, "dns"),
            "No, score=0.00 tag=5.0 quarantine=8.0 reject=15.0 verdict=accept partial=dns signals=none"
        );
    }

    #[test]
    fn what_all_recipients_share_tells_no_thresholds() {
        let (decision, signals) = rejected();
        assert_eq!(
            shared_status(true, decision.score, &signals, "dns:1/2"),
            "Yes, score=15.90 partial=dns:1/2 \
             signals=DATE_IN_FUTURE(8.00), LISTED_SBL(8.00), DKIM_PASS(-0.10)"
        );
        assert!(shared_status(false, 1.0, &Signals::new(), "").starts_with("No, score=1.00 "));
    }

    #[test]
    fn a_rejection_names_the_kind_of_fault_and_a_reference() {
        let (decision, signals) = rejected();
        let text =
            |detail, contact| rejection(&decision, &signals, detail, "7f3a", contact).join("\n");
        assert_eq!(
            text(ReplyDetail::Class, Some("postmaster@example.org")),
            "This message was refused because it looks like spam.\n\
             Fault: the header is malformed or looks forged. Check the program that sent it.\n\
             If it is wanted mail, please write to postmaster@example.org and quote reference 7f3a"
        );
        assert!(
            text(ReplyDetail::Full, None).contains("DATE_IN_FUTURE: The date lies in the future.")
        );
        assert!(!text(ReplyDetail::None, None).contains("Fault"));
    }

    #[test]
    fn the_reason_names_what_tipped_it() {
        let (decision, signals) = rejected();
        assert_eq!(
            reason(&decision, &signals),
            "15.90 points, at or over 15.0 because of: The date lies in the future"
        );
    }
}
