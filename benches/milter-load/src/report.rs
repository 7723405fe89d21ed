//! What was measured, and how it is told.
//!
//! Invariant: percentiles are of all messages, not of a sample.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::time::Duration;

use serde::Serialize;

use crate::watch::Used;
use crate::wire::Reply;

/// Everything that one driver, or all of them, saw.
#[derive(Default)]
pub(crate) struct Measured {
    whole: Vec<Duration>,
    end: Vec<Duration>,
    /// Of these, the ones that were not put off.
    served: Vec<Duration>,
    replies: BTreeMap<&'static str, usize>,
    errors: BTreeMap<String, usize>,
    octets: u64,
    changes: u64,
}

impl Measured {
    pub(crate) fn answered(
        &mut self,
        reply: Reply,
        whole: Duration,
        end: Duration,
        octets: usize,
        changes: u64,
    ) {
        let word = match reply {
            Reply::Continue | Reply::Skip => "continue",
            Reply::Accept => "accept",
            Reply::Reject => "reject",
            Reply::TempFail => "tempfail",
            Reply::Discard => "discard",
        };
        *self.replies.entry(word).or_default() += 1;
        self.whole.push(whole);
        self.end.push(end);
        if reply != Reply::TempFail {
            self.served.push(end);
        }
        self.octets += octets as u64;
        self.changes += changes;
    }

    pub(crate) fn failed(&mut self, error: &io::Error) {
        *self.errors.entry(error.to_string()).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.whole.extend(other.whole);
        self.end.extend(other.end);
        self.served.extend(other.served);
        for (word, count) in other.replies {
            *self.replies.entry(word).or_default() += count;
        }
        for (error, count) in other.errors {
            *self.errors.entry(error).or_default() += count;
        }
        self.octets += other.octets;
        self.changes += other.changes;
    }
}

/// The figures of a run.
#[derive(Serialize)]
pub(crate) struct Report {
    messages: usize,
    pub(crate) failed: usize,
    errors: BTreeMap<String, usize>,
    seconds: f64,
    per_second: f64,
    kilobytes_a_message: f64,
    changes_a_message: f64,
    whole_ms: Percentiles,
    end_of_message_ms: Percentiles,
    /// Of messages that were not put off.
    served_ms: Percentiles,
    replies: BTreeMap<&'static str, usize>,
    /// Of the filter, where its process was named.
    cpu_ms_a_message: Option<f64>,
    processes: Option<usize>,
    peak_mb_of_one: Option<f64>,
    memory_mb_of_all: Option<f64>,
    /// Of this program.
    driver_cpu_ms_a_message: f64,
}

#[derive(Serialize)]
struct Percentiles {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Percentiles {
    fn of(times: &[Duration]) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let at = |share: f64| {
            let last = sorted.len().saturating_sub(1);
            let index = ((last as f64) * share).round() as usize;
            sorted.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e3)
        };
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1.0) }
    }
}

impl Report {
    pub(crate) fn new(
        measured: &Measured,
        elapsed: Duration,
        used: Option<Used>,
        driver_cpu: f64,
    ) -> Self {
        let messages = measured.whole.len();
        let each = |total: f64| total / messages.max(1) as f64;
        Self {
            messages,
            failed: measured.errors.values().sum(),
            errors: measured.errors.clone(),
            seconds: elapsed.as_secs_f64(),
            per_second: messages as f64 / elapsed.as_secs_f64().max(1e-9),
            kilobytes_a_message: each(measured.octets as f64) / 1e3,
            changes_a_message: each(measured.changes as f64),
            whole_ms: Percentiles::of(&measured.whole),
            end_of_message_ms: Percentiles::of(&measured.end),
            served_ms: Percentiles::of(&measured.served),
            replies: measured.replies.clone(),
            cpu_ms_a_message: used.map(|used| each(used.cpu * 1e3)),
            processes: used.map(|used| used.processes),
            peak_mb_of_one: used.map(|used| used.peak_of_one),
            memory_mb_of_all: used.map(|used| used.memory_of_all),
            driver_cpu_ms_a_message: each(driver_cpu * 1e3),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "messages    {} of {:.1} kB, {} not answered",
            self.messages, self.kilobytes_a_message, self.failed
        )?;
        writeln!(f, "rate        {:.0} a second, {:.2} s in all", self.per_second, self.seconds)?;
        for (name, times) in [
            ("whole", &self.whole_ms),
            ("end", &self.end_of_message_ms),
            ("served", &self.served_ms),
        ] {
            let Percentiles { p50, p90, p99, max } = times;
            writeln!(f, "{name:<11} {p50:.2} ms p50, {p90:.2} p90, {p99:.2} p99, {max:.2} max")?;
        }
        let replies: Vec<String> =
            self.replies.iter().map(|(word, count)| format!("{count} {word}")).collect();
        writeln!(
            f,
            "answers     {}; {:.1} changes a message",
            replies.join(", "),
            self.changes_a_message
        )?;
        if let (Some(cpu), Some(processes), Some(peak), Some(all)) =
            (self.cpu_ms_a_message, self.processes, self.peak_mb_of_one, self.memory_mb_of_all)
        {
            writeln!(f, "CPU         {cpu:.3} ms a message")?;
            writeln!(
                f,
                "memory      {peak:.1} MB at most in one of {processes} processes, {all:.1} MB in all now"
            )?;
        }
        write!(f, "driver      {:.3} ms of CPU a message", self.driver_cpu_ms_a_message)?;
        for (error, count) in &self.errors {
            write!(f, "\nnot answered {count} times: {error}")?;
        }
        Ok(())
    }
}
