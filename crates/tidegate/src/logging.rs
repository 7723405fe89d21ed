//! The log: one line an event, to standard error, where a service manager collects it.
//!
//! Invariant: nothing of what a message says is logged: names of signals, never their evidence, and
//! of addresses what the configuration allows: each line goes through [`Names`].

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tidegate_engine::Judged;
use tidegate_mail::Envelope;
use tidegate_policy::explain;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Format, Level, Log};
use crate::daemon::Counts;
use crate::names::Names;

/// Begins to log, with addresses as `names` tells them. Once a process.
pub(crate) fn start(log: &Log, verbose: bool, names: &Arc<Names>) {
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
    let lines =
        tracing_subscriber::fmt::layer().with_writer(Lines(Arc::clone(names))).with_ansi(false);
    let registry = tracing_subscriber::registry().with(targets);
    // An error means that somebody logs already: then it is seen there.
    let _ = match log.format {
        Format::Text => registry.with(lines).try_init(),
        Format::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
}

/// Writes whole lines.
struct Lines(Arc<Names>);

/// Writes one.
struct Line<'l>(&'l Names);

impl<'l> MakeWriter<'l> for Lines {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line(&self.0)
    }
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // The subscriber writes an event at once: no address is cut in two.
        let text = String::from_utf8_lossy(line);
        io::stderr().lock().write_all(self.0.text(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// The one line of a message that was judged.
pub(crate) fn judged(judged: &Judged, reference: &str, octets: u64, names: &Names, split: Counts) {
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
        client = names.client(envelope.client).as_str(),
        sender = names.address(envelope.sender.as_ref()).as_str(),
        recipients = envelope.recipients.len(),
        split = split.words().as_str(),
        size = octets,
        elapsed_ms = milliseconds(judged.timings.total),
        partial = judged.missing.word().as_str(),
        left_out = judged.left_out.join(",").as_str(),
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
    let mut told = String::new();
    for signal in explain::by_weight(&judged.signals) {
        told.push_str(if told.is_empty() { "" } else { "," });
        told.push_str(signal.name());
        told.push('(');
        explain::push_points(&mut told, signal.score());
        told.push(')');
    }
    told
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
    names: &Names,
) {
    tracing::warn!(
        target: "tidegate::verdict",
        queue_id = reference,
        verdict = answer,
        reason,
        client = names.client(envelope.client).as_str(),
        sender = names.address(envelope.sender.as_ref()).as_str(),
        recipients = envelope.recipients.len(),
        size = octets,
        "not judged"
    );
}
