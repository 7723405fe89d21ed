//! What is counted of overload: who waits, what is left out, and who is turned away.
//!
//! Invariant: as in all metrics, labels come from the program, never from mail.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};
use tidegate_engine::Pressure;

use crate::overload::{Held, Refused};

/// Counters and gauges of the gate.
pub(crate) struct Overload {
    judged: IntGauge,
    waiting: IntGauge,
    octets: IntGauge,
    pressure: IntCounterVec,
    shed: IntCounterVec,
    refused: IntCounterVec,
}

impl Overload {
    /// # Errors
    /// When two metrics have one name.
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let counters = |name: &str, help: &str, label: &str, values: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counters.clone()))?;
            for value in values {
                counters.with_label_values(&[value]);
            }
            Ok::<_, prometheus::Error>(counters)
        };
        Ok(Self {
            judged: gauge("tidegate_judging", "Messages being judged.")?,
            waiting: gauge("tidegate_waiting_messages", "Messages that wait for their turn.")?,
            octets: gauge("tidegate_waiting_bytes", "Bytes of the messages that wait.")?,
            pressure: counters(
                "tidegate_hurried_total",
                "Messages judged with less, by how: hurried, without waiting for the network; pressed, \
                 without what is heavy.",
                "pressure",
                &[Pressure::Hurried.as_str(), Pressure::Pressed.as_str()],
            )?,
            shed: counters(
                "tidegate_shed_total",
                "Messages for which it was left out, by what was.",
                "check",
                &["lists", "trust", "authentication", "rules", "statistics"],
            )?,
            refused: counters(
                "tidegate_refused_total",
                "Messages that got the answer to overload, by why: too much waits, or no turn came in time.",
                "why",
                &[Refused::Full.as_str(), Refused::Late.as_str()],
            )?,
        })
    }

    /// Counts a message that was let in under `pressure`.
    pub(crate) fn entered(&self, pressure: Pressure) {
        if pressure > Pressure::None {
            self.pressure.with_label_values(&[pressure.as_str()]).inc();
        }
    }

    /// Counts what was left out of a message.
    pub(crate) fn left_out(&self, names: &[&str]) {
        for name in names {
            self.shed.with_label_values(&[name]).inc();
        }
    }

    /// Counts a message that was not let in.
    pub(crate) fn refused(&self, why: Refused) {
        self.refused.with_label_values(&[why.as_str()]).inc();
    }

    /// What the gate holds now.
    pub(crate) fn holds(&self, held: Held) {
        let Held { inside, waiting, octets } = held;
        for (gauge, value) in
            [(&self.judged, inside), (&self.waiting, waiting), (&self.octets, octets)]
        {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}
