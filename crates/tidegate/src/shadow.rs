//! A second configuration, judging beside the first without effect.
//!
//! Each message that was answered is judged again by the configuration that `[shadow]` names: with the
//! same clock, the same answers of the network and the same lessons. Where the two come out differently,
//! that is counted, and the latest such messages are kept in a report.
//!
//! Invariant: one message at a time, behind a queue that drops what is too much; the answer to a message
//! was on its way before.

pub(crate) mod report;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tidegate_dns::Prober;
use tidegate_engine::{Again, Engine, Judged};
use tokio::runtime::Handle;

use crate::beside::Seen;
use crate::compare::Difference;
use crate::metrics::Beside;
use crate::steady::now;
use report::{Report, Told};

/// Messages, and their bytes, that wait to be judged.
const MOST_WAITING: usize = 256;
const MOST_BYTES_WAITING: usize = 64 << 20;
/// How often the report is written, when there is something new.
const WRITE: Duration = Duration::from_secs(2);

/// `[shadow]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The second configuration; none: nothing is judged twice. A path relative to the file that names
    /// it is made one relative to the process when the configuration is built.
    pub(crate) config: Option<PathBuf>,
    /// The share of messages that it judges.
    pub(crate) share: Share,
    /// Whether it may ask the network what the first did not ask.
    pub(crate) dns: bool,
    /// Differences that are kept.
    pub(crate) keep: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { config: None, share: Share(1.0), dns: false, keep: 500 }
    }
}

/// A part of all, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(crate) struct Share(f64);

impl TryFrom<f64> for Share {
    type Error = &'static str;

    fn try_from(share: f64) -> Result<Self, Self::Error> {
        (0.0..=1.0).contains(&share).then_some(Self(share)).ok_or("write a number from 0 to 1")
    }
}

/// The second configuration at work.
pub(crate) struct Shadow {
    config: Config,
    version: String,
    /// `None` in it: judge what is there, and end.
    queue: SyncSender<Option<Arc<Seen>>>,
    /// Bytes of messages in the queue.
    waiting: Arc<AtomicUsize>,
    counts: Beside,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Shadow {
    /// Begins to judge with `engine`, which is told apart from others by `version`, and to write the
    /// report to `file`. To be called within a Tokio runtime.
    ///
    /// # Errors
    /// When no thread can be had.
    pub(crate) fn start(
        config: &Config,
        engine: Arc<Engine>,
        version: String,
        file: PathBuf,
        counts: &Beside,
    ) -> std::io::Result<Self> {
        let (queue, queued) = sync_channel(MOST_WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let named = config.config.as_ref().map(|path| path.display().to_string());
        let report = Report::go_on(&file, version.clone(), named.unwrap_or_default(), now());
        let worker = Worker {
            runtime: Handle::current(),
            engine,
            further: config.dns,
            keep: config.keep,
            queued,
            waiting: Arc::clone(&waiting),
            counts: counts.clone(),
            report,
            file,
        };
        let thread = std::thread::Builder::new().name("shadow".to_owned());
        let thread = Mutex::new(Some(thread.spawn(move || worker.run())?));
        Ok(Self { config: config.clone(), version, queue, waiting, counts: counts.clone(), thread })
    }

    /// Whether it is what `config` asks for, and reads as `version`.
    pub(crate) fn is(&self, config: &Config, version: &str) -> bool {
        (&self.config, self.version.as_str()) == (config, version)
    }

    /// Whether a message is in the share that is judged twice: the same ones whenever asked.
    pub(crate) fn samples(&self, reference: &str) -> bool {
        f64::from(crc32fast::hash(reference.as_bytes()))
            < self.config.share.0 * (f64::from(u32::MAX) + 1.0)
    }

    /// Judges a message when its turn comes, unless too much waits already.
    pub(crate) fn judge(&self, seen: Arc<Seen>) {
        let bytes = seen.bytes();
        let before = self.waiting.fetch_add(bytes, Relaxed);
        let fits = before == 0 || before + bytes <= MOST_BYTES_WAITING;
        if !fits || self.queue.try_send(Some(seen)).is_err() {
            self.waiting.fetch_sub(bytes, Relaxed);
            self.counts.shadow_skipped();
        }
    }

    /// Waits until what is in the queue is judged and reported. Blocks.
    pub(crate) fn end(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && self.queue.send(None).is_ok()
        {
            // A panic in it has been told by its hook.
            let _ = thread.join();
        }
    }
}

struct Worker {
    runtime: Handle,
    engine: Arc<Engine>,
    further: bool,
    keep: usize,
    queued: Receiver<Option<Arc<Seen>>>,
    waiting: Arc<AtomicUsize>,
    counts: Beside,
    report: Report,
    file: PathBuf,
}

impl Worker {
    fn run(mut self) {
        let prober = self.further.then(|| {
            let _within = self.runtime.enter();
            let parts = self.engine.parts();
            let zones = parts.lists.zones().chain(parts.trust.zones());
            Prober::start(parts.resolver.clone(), zones.cloned().collect())
        });
        let mut unwritten = None;
        loop {
            match self.queued.recv_timeout(WRITE) {
                Ok(Some(seen)) => {
                    self.one(&seen);
                    self.waiting.fetch_sub(seen.bytes(), Relaxed);
                    unwritten.get_or_insert_with(Instant::now);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(None) | Err(RecvTimeoutError::Disconnected) => break,
            }
            if unwritten.is_some_and(|since: Instant| since.elapsed() >= WRITE) {
                self.write();
                unwritten = None;
            }
        }
        if unwritten.is_some() {
            self.write();
        }
        drop(prober);
    }

    fn one(&mut self, seen: &Seen) {
        let judged = catch_unwind(AssertUnwindSafe(|| self.again(seen)));
        let Ok(Some(judged)) = judged else { return self.counts.shadow_skipped() };
        self.counts.shadow(seen.judged.decision.verdict, judged.decision.verdict);
        let difference = Difference::between(&seen.judged, &judged);
        let told = Told { reference: seen.reference.clone(), time: seen.now, difference };
        self.report.add(told, self.keep, now());
    }

    fn again(&self, seen: &Seen) -> Option<Judged> {
        let again = Again {
            recording: seen.judged.recording.clone()?,
            further: self.further,
            // Other rules and points make other features of the message.
            recorded_estimate: false,
            // Its own policies are what it is tried for.
            recorded_policies: false,
        };
        let (raw, envelope) = (seen.raw.as_deref()?, seen.judged.envelope.clone());
        Some(self.runtime.block_on(self.engine.judge_again(envelope, raw, seen.now, again)))
    }

    fn write(&self) {
        if let Err(error) = self.report.write(&self.file) {
            tracing::warn!("the report of the shadow, {}: {error}", self.file.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_from_0_to_1() {
        assert_eq!(Share::try_from(0.5), Ok(Share(0.5)));
        for wrong in [-0.1, 1.1, f64::NAN] {
            assert!(Share::try_from(wrong).is_err());
        }
    }
}
