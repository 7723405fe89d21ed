//! The log: one line an event, to standard error, where a service manager collects it.
//!
//! Invariant: nothing of what a message says is logged: names of signals, never their evidence, and
//! of addresses what the configuration allows.

use std::time::Duration;

use tidegate_engine::Judged;
use tidegate_mail::{Address, Envelope};
use tidegate_policy::explain;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Addresses, Format, Level, Log};
use crate::daemon::Counts;

/// Begins to log. Once a process.
pub(crate) fn start(log: &Log, verbose: bool) {
    let level = match log.level {
        Level::Trace => LevelFilter::TRACE,
        _ if verbose => LevelFilter::DEBUG,
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warn => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    };
    // What libraries have to tell below a warning is about them, not about mail.
    let targets =
        Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("tidegate", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let registry = tracing_subscriber::registry().with(targets);
    // An error means that somebody logs already: then it is seen there.
    let _ = match log.format {
        Format::Text => registry.with(lines).try_init(),
        Format::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
}

/// The one line of a message that was judged.
pub(crate) fn judged(
    judged: &Judged,
    reference: &str,
    octets: u64,
    addresses: Addresses,
    split: Counts,
) {
    let envelope = &judged.envelope;
    let decision = &judged.decision;
    // Strings as strings, not displayed: the subscriber escapes what strangers wrote.
    tracing::info!(
        target: "tidegate::verdict",
        queue_id = reference,
        verdict = judged.verdict().as_str(),
        score = hundredths(decision.score),
        signals = scored(judged).as_str(),
        decisive = decision.decisive.join(",").as_str(),
        client = client(envelope).as_str(),
        sender = sender(envelope.sender.as_ref(), addresses).as_str(),
        recipients = envelope.recipients.len(),
        split = split.words().as_str(),
        size = octets,
        elapsed_ms = milliseconds(judged.timings.total),
        partial = judged.missing.word().as_str(),
        "judged"
    );
    let times = judged.timings;
    tracing::debug!(
        target: "tidegate::verdict",
        queue_id = reference,
        parse_ms = milliseconds(times.parse),
        network_ms = milliseconds(times.network),
        authentication_ms = milliseconds(times.authentication),
        checks_ms = milliseconds(times.checks),
        rules_ms = milliseconds(times.rules),
        dns_asked = judged.missing.asked,
        dns_unanswered = judged.missing.unanswered,
        "stages"
    );
}

/// The one line of a message that none of its recipients wants filtered: that it came.
pub(crate) fn unfiltered(envelope: &Envelope, reference: &str, octets: u64) {
    tracing::info!(
        target: "tidegate::verdict",
        queue_id = reference,
        recipients = envelope.recipients.len(),
        size = octets,
        "not filtered"
    );
}

/// `NAME(1.50),NAME(-0.20)`: the names and points of what was said, the weightiest first.
fn scored(judged: &Judged) -> String {
    let signals = explain::by_weight(&judged.signals);
    let each = signals.iter().map(|signal| format!("{}({:.2})", signal.name(), signal.score()));
    each.collect::<Vec<_>>().join(",")
}

/// Points as a number with two digits behind the point.
fn hundredths(points: f32) -> f64 {
    (f64::from(points) * 100.0).round() / 100.0
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 10.0
}

/// The one line of a message that could not be judged.
pub(crate) fn unjudged(
    envelope: &Envelope,
    reason: &str,
    answer: &str,
    reference: &str,
    octets: u64,
    addresses: Addresses,
) {
    tracing::warn!(
        target: "tidegate::verdict",
        queue_id = reference,
        verdict = answer,
        reason,
        client = client(envelope).as_str(),
        sender = sender(envelope.sender.as_ref(), addresses).as_str(),
        recipients = envelope.recipients.len(),
        size = octets,
        "not judged"
    );
}

fn client(envelope: &Envelope) -> String {
    envelope.client.map(|client| client.to_string()).unwrap_or_default()
}

fn sender(sender: Option<&Address>, addresses: Addresses) -> String {
    let Some(sender) = sender else { return String::new() };
    match addresses {
        Addresses::None => String::new(),
        _ if sender.is_null() => "<>".to_owned(),
        Addresses::Domain => sender.domain().unwrap_or_default().to_owned(),
        Addresses::Full => sender.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_what_is_allowed_is_logged() {
        let anna = Address::new("anna@example.org");
        assert_eq!(sender(Some(&anna), Addresses::Domain), "example.org");
        assert_eq!(sender(Some(&anna), Addresses::Full), "anna@example.org");
        assert_eq!(sender(Some(&anna), Addresses::None), "");
        assert_eq!(sender(Some(&Address::new("")), Addresses::Domain), "<>");
    }
}
