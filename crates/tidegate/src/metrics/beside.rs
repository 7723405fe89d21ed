//! What is counted of the journal, of the shadow and of fetches.
//!
//! Invariant: as in all metrics, labels come from the program, never from mail.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use tidegate_policy::Verdict;

/// Counters that threads of their own write to; cheap to clone.
#[derive(Clone)]
pub(crate) struct Beside {
    records: IntCounterVec,
    bytes: IntGauge,
    shadow: IntCounterVec,
    skipped: IntCounter,
    marks: IntCounterVec,
}

impl Beside {
    /// # Errors
    /// When two metrics have one name.
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let help = "Records of the journal, by what became of them.";
        let records =
            IntCounterVec::new(Opts::new("tidegate_journal_records_total", help), &["outcome"])?;
        for outcome in ["written", "left_out", "dropped", "failed"] {
            records.with_label_values(&[outcome]);
        }
        let bytes = IntGauge::new("tidegate_journal_bytes", "Bytes of the journal on disk.")?;
        let help = "Messages judged by the shadow configuration too, by verdicts.";
        let shadow =
            IntCounterVec::new(Opts::new("tidegate_shadow_total", help), &["live", "shadow"])?;
        let help = "Messages that the shadow configuration was too slow for, or failed at.";
        let skipped = IntCounter::new("tidegate_shadow_skipped_total", help)?;
        let help = "Fetches of mark certificates, by what came of them.";
        let marks =
            IntCounterVec::new(Opts::new("tidegate_mark_fetches_total", help), &["outcome"])?;
        for outcome in ["holds", "fails", "refused", "unreachable", "left_out"] {
            marks.with_label_values(&[outcome]);
        }
        registry.register(Box::new(marks.clone()))?;
        registry.register(Box::new(records.clone()))?;
        registry.register(Box::new(bytes.clone()))?;
        registry.register(Box::new(shadow.clone()))?;
        registry.register(Box::new(skipped.clone()))?;
        Ok(Self { records, bytes, shadow, skipped, marks })
    }

    /// Counts a record.
    pub(crate) fn journal(&self, outcome: &str) {
        self.records.with_label_values(&[outcome]).inc();
    }

    /// The bytes of the journal, found out anew.
    pub(crate) fn journal_holds(&self, bytes: u64) {
        self.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Counts bytes more; all that there are now.
    pub(crate) fn journal_grew(&self, bytes: u64) -> u64 {
        self.bytes.add(i64::try_from(bytes).unwrap_or(i64::MAX));
        u64::try_from(self.bytes.get()).unwrap_or(0)
    }

    /// Counts a message that both configurations judged.
    pub(crate) fn shadow(&self, live: Verdict, shadow: Verdict) {
        self.shadow.with_label_values(&[live.as_str(), shadow.as_str()]).inc();
    }

    /// Counts a fetch of a mark certificate.
    pub(crate) fn mark_fetched(&self, outcome: &str) {
        self.marks.with_label_values(&[outcome]).inc();
    }

    /// Counts a message that the shadow did not judge.
    pub(crate) fn shadow_skipped(&self) {
        self.skipped.inc();
    }
}
