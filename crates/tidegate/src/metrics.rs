//! What is counted, for Prometheus.
//!
//! Invariant: labels come from the program and its configuration, never from mail, so that the
//! number of series is bounded.

mod beside;
mod overload;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};
use tidegate_dns::{Resolver, Stats};
use tidegate_engine::{Engine, Judged};
use tidegate_milter::Counted;
use tidegate_policy::{Action, Verdict};

pub(crate) use beside::Beside;
use overload::Overload;

use crate::daemon::Counts;
use crate::process;

/// The bounds of the stages' histograms, in seconds: from what a check takes to what DNS takes.
const BUCKETS: [f64; 14] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0,
    5.0,
];

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    messages: IntCounterVec,
    recipients: IntCounterVec,
    split_failures: IntCounterVec,
    signals: IntCounterVec,
    stages: HistogramVec,
    partial: IntCounter,
    unjudged: IntCounterVec,
    lessons: IntCounterVec,
    reload_failures: IntCounter,
    zones: IntGaugeVec,
    damped: IntGaugeVec,
    shared_store: IntGaugeVec,
    connections: IntGauge,
    followed: Vec<Followed>,
    pub(crate) beside: Beside,
    pub(crate) overload: Overload,
}

/// A counter that follows a total counted elsewhere.
struct Followed {
    counter: IntCounter,
    read: fn(&Counted, &Stats) -> u64,
    last: AtomicU64,
}

impl Metrics {
    /// # Errors
    /// When two metrics have one name.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, label: &str| {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            let gauges = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauges.clone()))?;
            Ok::<_, prometheus::Error>(gauges)
        };
        let messages = counters(
            "tidegate_messages_total",
            "Messages answered, by verdict: the mildest that one of its recipients has.",
            "verdict",
        )?;
        for verdict in Verdict::ALL {
            messages.with_label_values(&[verdict.as_str()]);
        }
        let recipients = counters(
            "tidegate_recipients_total",
            "Recipients of messages that were judged, by what their policy makes of it.",
            "action",
        )?;
        for action in Action::ALL.map(Action::as_str).into_iter().chain(["off"]) {
            recipients.with_label_values(&[action]);
        }
        let split_failures = counters(
            "tidegate_split_failures_total",
            "Recipients for whom a message could not be held or copied, and who got it all the same.",
            "step",
        )?;
        for step in ["hold", "copy"] {
            split_failures.with_label_values(&[step]);
        }
        let signals = counters("tidegate_signals_total", "Signals raised, by name.", "signal")?;
        let unjudged =
            counters("tidegate_unjudged_total", "Messages not judged, by reason.", "reason")?;
        for reason in ["overload", "timeout", "panic"] {
            unjudged.with_label_values(&[reason]);
        }
        let help = "Seconds from the end of a message, by stage.";
        let options = HistogramOpts::new("tidegate_stage_seconds", help).buckets(BUCKETS.to_vec());
        let stages = HistogramVec::new(options, &["stage"])?;
        registry.register(Box::new(stages.clone()))?;
        let connections = IntGauge::new("tidegate_connections", "Milter connections open.")?;
        registry.register(Box::new(connections.clone()))?;
        let build = gauges("tidegate_build_info", "Which program this is.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let followed = followed(&counter, &counters)?;
        Ok(Self {
            messages,
            recipients,
            split_failures,
            signals,
            stages,
            partial: counter("tidegate_partial_verdicts_total", "Verdicts that lacked answers.")?,
            unjudged,
            lessons: counters("tidegate_lessons_total", "Lessons taken, by outcome.", "outcome")?,
            reload_failures: counter(
                "tidegate_config_reload_failures_total",
                "Reloads refused because of mistakes.",
            )?,
            zones: gauges(
                "tidegate_list_zone_health",
                "1 for the state that each DNS list is in.",
                &["zone", "state"],
            )?,
            damped: gauges(
                "tidegate_signals_damped",
                "1 for each signal that counts for nothing, since users corrected it.",
                &["signal"],
            )?,
            shared_store: gauges(
                "tidegate_shared_store_up",
                "1 while the server that machines share can be reached; nothing where there is none.",
                &[],
            )?,
            connections,
            followed,
            beside: Beside::new(&registry)?,
            overload: Overload::new(&registry)?,
            registry,
        })
    }

    /// Counts a message that was judged.
    pub(crate) fn judged(&self, judged: &Judged) {
        self.messages.with_label_values(&[judged.verdict().as_str()]).inc();
        for recipient in &judged.recipients {
            let action = recipient.own.decision.action.as_str();
            let action = if recipient.is_filtered() { action } else { "off" };
            self.recipients.with_label_values(&[action]).inc();
        }
        if judged.recipients.iter().all(|recipient| !recipient.is_filtered())
            && !judged.recipients.is_empty()
        {
            return;
        }
        self.overload.left_out(&judged.left_out);
        for signal in judged.signals.iter() {
            self.signals.with_label_values(&[signal.name()]).inc();
        }
        if judged.missing.any() {
            self.partial.inc();
        }
        let took = |stage: &str, time: Duration| {
            self.stages.with_label_values(&[stage]).observe(time.as_secs_f64());
        };
        let timings = &judged.timings;
        took("parse", timings.parse);
        took("network", timings.network);
        took("authentication", timings.authentication);
        took("checks", timings.checks);
        took("rules", timings.rules);
        took("statistics", timings.statistics);
        took("total", timings.total);
    }

    /// Counts recipients who got a message that was to be held or copied.
    pub(crate) fn split(&self, counts: Counts) {
        for (step, count) in [("hold", counts.unheld), ("copy", counts.uncopied)] {
            self.split_failures.with_label_values(&[step]).inc_by(count as u64);
        }
    }

    /// Counts a message that could not be judged, and what was answered.
    pub(crate) fn unjudged(&self, reason: &str, answer: Verdict) {
        self.messages.with_label_values(&[answer.as_str()]).inc();
        self.unjudged.with_label_values(&[reason]).inc();
    }

    /// Counts a message of our own making, which passes unjudged.
    pub(crate) fn passed(&self) {
        self.messages.with_label_values(&[Verdict::Accept.as_str()]).inc();
    }

    /// Counts a lesson, by what came of it.
    pub(crate) fn learned(&self, outcome: &str) {
        self.lessons.with_label_values(&[outcome]).inc();
    }

    /// Tells whether the server that machines share can be reached.
    pub(crate) fn shared_store(&self, is_up: bool) {
        self.shared_store.with_label_values::<&str>(&[]).set(is_up.into());
    }

    /// Counts a reload that changed nothing because of mistakes.
    pub(crate) fn reload_failed(&self) {
        self.reload_failures.inc();
    }

    /// The page, in Prometheus's text form.
    ///
    /// # Errors
    /// When a metric can't be written.
    pub(crate) fn page(&self, milter: &Counted, engine: &Engine) -> prometheus::Result<String> {
        let resolver: &Resolver = &engine.parts().resolver;
        let stats = resolver.stats();
        for followed in &self.followed {
            followed.catch_up((followed.read)(milter, &stats));
        }
        self.connections.set(i64::try_from(milter.connections_open).unwrap_or(i64::MAX));
        self.zones.reset();
        let parts = engine.parts();
        for zone in parts.lists.zones().chain(parts.trust.zones()) {
            let state = format!("{:?}", zone.health()).to_lowercase();
            self.zones.with_label_values(&[zone.name().as_str(), &state]).set(1);
        }
        self.damped.reset();
        for name in engine.parts().scores.damped().now().iter() {
            self.damped.with_label_values(&[name.as_str()]).set(1);
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned() + &process::metrics())
    }
}

impl Followed {
    fn catch_up(&self, total: u64) {
        let last = self.last.swap(total, Relaxed);
        // Less than before: what counted it was replaced by a reload, and began at 0.
        self.counter.inc_by(if total >= last { total - last } else { total });
    }
}

/// What the milter server and the resolver count themselves.
fn followed(
    counter: &dyn Fn(&str, &str) -> prometheus::Result<IntCounter>,
    counters: &dyn Fn(&str, &str, &str) -> prometheus::Result<IntCounterVec>,
) -> prometheus::Result<Vec<Followed>> {
    let errors = counters(
        "tidegate_protocol_errors_total",
        "Milter connections that ended wrongly, by kind.",
        "kind",
    )?;
    let dns = counters("tidegate_dns_queries_total", "Questions to DNS, by outcome.", "outcome")?;
    let follow = |counter, read| Followed { counter, read, last: AtomicU64::new(0) };
    Ok(vec![
        follow(
            counter("tidegate_connections_total", "Milter connections accepted.")?,
            |milter, _| milter.connections,
        ),
        follow(
            counter(
                "tidegate_connections_refused_total",
                "Milter connections closed because too many waited.",
            )?,
            |milter, _| milter.turned_away,
        ),
        follow(counter("tidegate_bytes_total", "Bytes of the messages received.")?, |milter, _| {
            milter.message_octets
        }),
        follow(
            counter("tidegate_truncated_messages_total", "Messages kept in part only.")?,
            |milter, _| milter.truncated,
        ),
        follow(errors.with_label_values(&["protocol"]), |milter, _| milter.protocol_errors),
        follow(errors.with_label_values(&["timeout"]), |milter, _| milter.timeouts),
        follow(errors.with_label_values(&["filter"]), |milter, _| milter.failures),
        follow(dns.with_label_values(&["cached"]), |_, dns| dns.cached),
        follow(dns.with_label_values(&["shared"]), |_, dns| dns.shared),
        follow(dns.with_label_values(&["found"]), |_, dns| dns.found),
        follow(dns.with_label_values(&["nothing"]), |_, dns| dns.nothing),
        follow(dns.with_label_values(&["late"]), |_, dns| dns.late),
        follow(dns.with_label_values(&["refused"]), |_, dns| dns.refused),
        follow(dns.with_label_values(&["failed"]), |_, dns| dns.failed),
    ])
}
