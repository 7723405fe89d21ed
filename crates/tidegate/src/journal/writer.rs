//! The thread that writes the journal, and the queue to it.
//!
//! Invariant: putting something into the queue takes no disk and no wait; what has been written for a
//! second is durable. When the disk refuses, records are lost and counted, and mail goes on.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::segments::{self, Segment};
use super::{Config, Keep, Record, frame};
use crate::beside::Seen;
use crate::metrics::Beside;
use crate::steady::ageing;

/// Records and bytes of messages that wait to be written.
const MOST_WAITING: usize = 1_000;
const MOST_BYTES_WAITING: usize = 64 << 20;
/// How long what was written may wait to be durable.
const SYNC: Duration = Duration::from_secs(1);
/// How often what is too old is looked for.
const PRUNE: Duration = Duration::from_secs(600);
/// How often a failing disk is told of.
const COMPLAIN: Duration = Duration::from_secs(60);
/// Segments that the journal is made of when it is full: so much of it goes at a time.
const SEGMENTS: u64 = 16;
/// Bytes of a segment, at the least and at the most.
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = 4 << 10..=64 << 20;

/// A journal that is being written.
pub(crate) struct Journal {
    config: Config,
    folder: PathBuf,
    queue: SyncSender<Told>,
    /// Bytes of messages in the queue.
    waiting: Arc<AtomicUsize>,
    counts: Beside,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    /// Begins to write into `folder`. No file is made before the first record.
    ///
    /// # Errors
    /// When no thread can be had.
    pub(crate) fn start(config: Config, folder: PathBuf, counts: &Beside) -> io::Result<Self> {
        let (queue, queued) = sync_channel(MOST_WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let writer = Writer {
            config,
            folder: folder.clone(),
            queued,
            waiting: Arc::clone(&waiting),
            counts: counts.clone(),
            open: None,
            unsynced: None,
            complained: None,
        };
        let thread = std::thread::Builder::new().name("journal".to_owned());
        let thread = Mutex::new(Some(thread.spawn(move || writer.run())?));
        Ok(Self { config, folder, queue, waiting, counts: counts.clone(), thread })
    }

    /// Whether it is what `config` asks for, in that folder.
    pub(crate) fn is(&self, config: Config, folder: &PathBuf) -> bool {
        (self.config, &self.folder) == (config, folder)
    }

    /// How much of a message is kept.
    pub(crate) const fn keep(&self) -> Keep {
        self.config.keep
    }

    /// Keeps what was seen, unless too much waits already.
    pub(crate) fn keep_record(&self, seen: Arc<Seen>) {
        let bytes = seen.bytes();
        let before = self.waiting.fetch_add(bytes, Relaxed);
        let fits = before == 0 || before + bytes <= MOST_BYTES_WAITING;
        if !fits || self.queue.try_send(Told::Seen(seen)).is_err() {
            self.waiting.fetch_sub(bytes, Relaxed);
            self.counts.journal("dropped");
        }
    }

    /// Ends the segment that is being written, with all that was told before: the segments that nobody
    /// writes to from then on. `None`: nothing is written any more. Blocks.
    pub(super) fn close_segment(&self) -> Option<io::Result<Vec<Segment>>> {
        let (answer, answered) = sync_channel(1);
        self.queue.send(Told::Close(answer)).ok()?;
        answered.recv().ok()
    }

    /// Waits until everything is written and durable; nothing is kept from then on. Blocks.
    pub(crate) fn end(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && self.queue.send(Told::End).is_ok()
        {
            // A panic in it has been told by its hook.
            let _ = thread.join();
        }
    }
}

/// What the thread is told.
enum Told {
    /// Write this.
    Seen(Arc<Seen>),
    /// End the segment that is open, and answer with all there are.
    Close(SyncSender<io::Result<Vec<Segment>>>),
    /// Write what is there, and end.
    End,
}

struct Writer {
    config: Config,
    folder: PathBuf,
    queued: Receiver<Told>,
    waiting: Arc<AtomicUsize>,
    counts: Beside,
    open: Option<(File, Segment)>,
    /// When the first record was written that is not durable yet.
    unsynced: Option<Instant>,
    complained: Option<Instant>,
}

impl Writer {
    fn run(mut self) {
        self.prune();
        let mut pruned = Instant::now();
        loop {
            match self.queued.recv_timeout(SYNC) {
                Ok(Told::Seen(seen)) => {
                    let written = self.write(&seen);
                    self.waiting.fetch_sub(seen.bytes(), Relaxed);
                    self.count(written);
                }
                Ok(Told::Close(answer)) => {
                    self.sync();
                    self.open = None;
                    // Who asked may have gone.
                    let _ = answer.send(segments::list(&self.folder));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Told::End) | Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.unsynced.is_some_and(|since| since.elapsed() >= SYNC) {
                self.sync();
            }
            if pruned.elapsed() >= PRUNE {
                self.prune();
                pruned = Instant::now();
            }
        }
        self.sync();
    }

    fn count(&mut self, written: io::Result<bool>) {
        match written {
            Ok(true) => self.counts.journal("written"),
            Ok(false) => self.counts.journal("left_out"),
            Err(error) => {
                self.counts.journal("failed");
                self.complain(&error);
            }
        }
    }

    fn complain(&mut self, error: &io::Error) {
        if self.complained.is_none_or(|last| last.elapsed() >= COMPLAIN) {
            self.complained = Some(Instant::now());
            let folder = self.folder.display().to_string();
            tracing::error!(
                folder,
                "the journal can't be written: {error}; mail is judged all the same"
            );
        }
    }

    /// Whether there was something to write.
    fn write(&mut self, seen: &Seen) -> io::Result<bool> {
        let Some(record) = Record::of(seen, self.config.keep) else { return Ok(false) };
        let frame = frame::encode(&record.id, &record.body()?)?;
        let length = frame.len() as u64;
        if length > self.config.max_bytes / 2 {
            return Err(io::Error::other("a record is longer than half of max_bytes"));
        }
        let longest =
            (self.config.max_bytes / SEGMENTS).clamp(*SEGMENT_BYTES.start(), *SEGMENT_BYTES.end());
        let day = record.id.get(..8).unwrap_or_default();
        let goes_on = self.open.as_ref().is_some_and(|(_, segment)| {
            segment.name.starts_with(day) && segment.bytes + length <= longest
        });
        if !goes_on {
            self.sync();
            self.open = Some(segments::begin(&self.folder, record.now)?);
            self.prune();
        }
        let Some((file, segment)) = &mut self.open else { return Ok(false) };
        if let Err(error) = file.write_all(&frame) {
            // What was begun is a torn tail; more behind it would not be found.
            self.open = None;
            return Err(error);
        }
        segment.bytes += length;
        self.unsynced.get_or_insert_with(Instant::now);
        if self.counts.journal_grew(length) > self.config.max_bytes {
            self.prune();
        }
        Ok(true)
    }

    fn sync(&mut self) {
        self.unsynced = None;
        if let Some(Err(error)) = self.open.as_ref().map(|(file, _)| file.sync_data()) {
            self.open = None;
            self.complain(&error);
        }
    }

    fn prune(&mut self) {
        let Config { max_bytes, keep_days, .. } = self.config;
        let at_work = self.open.as_ref().map(|(_, segment)| segment.name.as_str());
        let now = i64::try_from(ageing()).unwrap_or(i64::MAX);
        match segments::prune(&self.folder, at_work, max_bytes, keep_days, now) {
            Ok(bytes) => self.counts.journal_holds(bytes),
            Err(error) => self.complain(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use prometheus::{Encoder, Registry, TextEncoder};

    use super::super::{Read, find};
    use super::*;
    use crate::beside::tests::seen;

    const NOW: i64 = 1_795_661_479;

    struct Kept {
        dir: tempfile::TempDir,
        journal: Journal,
        registry: Registry,
    }

    impl Kept {
        fn new(max_bytes: u64) -> Self {
            let (dir, registry) = (tempfile::tempdir().unwrap(), Registry::new());
            let config =
                Config { enabled: true, keep: Keep::Message, max_bytes, keep_days: 36_500 };
            let counts = Beside::new(&registry).unwrap();
            let journal = Journal::start(config, dir.path().join("journal"), &counts).unwrap();
            Self { dir, journal, registry }
        }

        fn folder(&self) -> PathBuf {
            self.dir.path().join("journal")
        }

        fn metrics(&self) -> String {
            let mut text = Vec::new();
            TextEncoder::new().encode(&self.registry.gather(), &mut text).unwrap();
            String::from_utf8(text).unwrap()
        }

        #[track_caller]
        fn counted(&self, outcome: &str, expect: u64) {
            let text = self.metrics();
            let line =
                format!("tidegate_journal_records_total{{outcome=\"{outcome}\"}} {expect}\n");
            assert!(text.contains(&line), "{line} in {text}");
        }
    }

    #[tokio::test]
    async fn the_journal_keeps_its_bound_and_the_newest() {
        let kept = Kept::new(100_000);
        for number in 0..60 {
            let seen = seen(5_000, NOW + number, &["bert@example.test"], &[]).await;
            kept.journal.keep_record(Arc::new(seen));
        }
        kept.journal.end();
        let bytes: u64 = fs::read_dir(kept.folder())
            .unwrap()
            .map(|it| it.unwrap().metadata().unwrap().len())
            .sum();
        assert!((60_000..=100_000).contains(&bytes), "{bytes}");
        kept.counted("written", 60);
        let newest = find(&kept.folder(), &format!("Q{}", NOW + 59)).unwrap();
        assert_eq!(newest.now, NOW + 59);
        assert!(newest.message.is_some_and(|message| message.len() > 5_000));
        assert!(find(&kept.folder(), &format!("Q{NOW}")).is_err());
        let times: Vec<i64> =
            Read::all(&kept.folder()).unwrap().map(|record| record.unwrap().now).collect();
        assert!(times.is_sorted() && times.len() > 10, "{times:?}");
        // What comes after the end is lost, and said so.
        kept.journal.keep_record(Arc::new(seen(1, NOW, &[], &[]).await));
        kept.counted("dropped", 1);
    }

    #[tokio::test]
    async fn nothing_is_kept_of_recipients_who_are_not_filtered() {
        let kept = Kept::new(1 << 20);
        let both = ["bert@example.test", "carla@example.test"];
        for (second, left_out) in [(0, &both[..1]), (1, &both[..])] {
            let seen = seen(10, NOW + second, &both, left_out).await;
            kept.journal.keep_record(Arc::new(seen));
        }
        kept.journal.end();
        kept.counted("written", 1);
        kept.counted("left_out", 1);
        let record = Read::all(&kept.folder()).unwrap().next().unwrap().unwrap();
        assert_eq!((record.left_out, record.envelope().recipients.len()), (1, 1));
        assert!(!serde_json::to_string(&record).unwrap().contains("bert@"));
    }

    #[tokio::test]
    async fn a_disk_that_refuses_costs_records_and_nothing_else() {
        let kept = Kept::new(1 << 20);
        fs::write(kept.folder(), "in the way").unwrap();
        kept.journal.keep_record(Arc::new(seen(10, NOW, &[], &[]).await));
        let began = Instant::now();
        while !kept.metrics().contains("{outcome=\"failed\"} 1") {
            assert!(began.elapsed() < Duration::from_secs(10), "{}", kept.metrics());
            std::thread::sleep(Duration::from_millis(10));
        }
        fs::remove_file(kept.folder()).unwrap();
        kept.journal.keep_record(Arc::new(seen(10, NOW + 1, &[], &[]).await));
        kept.journal.end();
        kept.counted("written", 1);
        assert_eq!(Read::all(&kept.folder()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn what_no_segment_holds_is_not_written() {
        let kept = Kept::new(10_000);
        kept.journal.keep_record(Arc::new(seen(20_000, NOW, &[], &[]).await));
        kept.journal.end();
        kept.counted("failed", 1);
    }
}
