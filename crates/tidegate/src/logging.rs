//! The log: one line an event, to standard error, where a service manager collects it.
//!
//! Invariant: nothing of what a message says is logged: names of signals, never their evidence, and
//! of addresses what the configuration allows.

use tidegate_engine::Judged;
use tidegate_mail::{Address, Envelope};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Addresses, Format, Level, Log};

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
pub(crate) fn judged(judged: &Judged, reference: &str, octets: u64, addresses: Addresses) {
    let names: Vec<&str> = judged.signals.iter().map(|signal| signal.name()).collect();
    let envelope = &judged.envelope;
    // Strings as strings, not displayed: the subscriber escapes what strangers wrote.
    tracing::info!(
        target: "tidegate::verdict",
        queue_id = reference,
        verdict = judged.decision.verdict.as_str(),
        score = %format_args!("{:.2}", judged.decision.score),
        signals = names.join(",").as_str(),
        client = client(envelope).as_str(),
        sender = sender(envelope.sender.as_ref(), addresses).as_str(),
        recipients = envelope.recipients.len(),
        size = octets,
        elapsed_ms = %format_args!("{:.1}", judged.timings.total.as_secs_f64() * 1000.0),
        partial = judged.missing.word().as_str(),
        "judged"
    );
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
