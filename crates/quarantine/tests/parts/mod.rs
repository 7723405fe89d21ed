//! What the tests are made of: an MTA that writes down what it is given, stores that fail on demand.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test uses its part of it"
)]

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tempfile::TempDir;
use tidegate_mail::{Address, Envelope};
use tidegate_quarantine::{Config, EntryId, HeldFor, HoldError, Holding, Quarantine, Said};
use tidegate_store::{Batch, Memory, Snapshot, Space, Store, StoreError, Written};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub const DAY: u64 = 86_400;
/// A morning in November 2026.
pub const NOW: u64 = 1_795_676_400;

pub const RAW: &str = "Received: from mail.shop.example by mx.example.test\r\nFrom: Anna <anna@shop.example>\r\nTo: bert@example.test\r\nSubject: Great offer\r\n\r\nBuy now\r\n";

/// A folder for objects, and a store, of which quarantines can be opened one after another.
pub struct Place {
    pub dir: TempDir,
    pub store: Arc<Flaky>,
    pub objects: Arc<Full>,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let objects = LocalFileSystem::new_with_prefix(dir.path()).unwrap().with_fsync(true);
        let objects = Full { inner: objects, is_full: AtomicBool::new(false) };
        Self { dir, store: Arc::new(Flaky::default()), objects: Arc::new(objects) }
    }

    pub fn open(&self, config: Config) -> Quarantine {
        let objects: Arc<dyn ObjectStore> = self.objects.clone();
        Quarantine::over(self.store.clone(), objects, config, "mx.example.test").unwrap()
    }

    /// The files of objects.
    pub fn files(&self) -> Vec<std::path::PathBuf> {
        let folders =
            std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap());
        files.map(|file| file.unwrap().path()).collect()
    }
}

/// Holds `raw` for `recipients` at `now`, for thirty days.
pub async fn hold(
    quarantine: &Quarantine,
    raw: &str,
    recipients: &[&str],
    now: u64,
) -> std::result::Result<Vec<EntryId>, HoldError> {
    let recipients: Vec<HeldFor> = recipients
        .iter()
        .map(|to| HeldFor::new(to, "9.20 points, at or over 8.0", now + 30 * DAY))
        .collect();
    let signals = [Said {
        name: "LISTED".to_owned(),
        family: "lists".to_owned(),
        score: 9.2,
        says: "The client is on a block list".to_owned(),
        detail: "203.0.113.9".to_owned(),
    }];
    let envelope = Envelope {
        sender: Some(Address::new("bounce@shop.example")),
        client: Some("203.0.113.9".parse().unwrap()),
        queue_id: Some("4XYZ".to_owned()),
        ..Envelope::default()
    };
    let holding = Holding {
        raw: raw.as_bytes(),
        envelope: &envelope,
        score: 9.2,
        signals: &signals,
        recipients: &recipients,
        now,
    };
    quarantine.hold(&holding).await
}

/// A store in memory that fails from the moment on that it is told to, as a disk does that is full, or as
/// everything does after a crash.
pub struct Flaky {
    inner: Memory,
    pub writes_left: AtomicI64,
}

impl Default for Flaky {
    fn default() -> Self {
        Self { inner: Memory::new(), writes_left: AtomicI64::new(i64::MAX) }
    }
}

impl Flaky {
    pub fn fail_after(&self, writes: i64) {
        self.writes_left.store(writes, SeqCst);
    }

    pub fn mend(&self) {
        self.fail_after(i64::MAX);
    }
}

impl Store for Flaky {
    fn get(&self, space: Space, key: &[u8]) -> std::result::Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(space, key)
    }

    fn snapshot(&self) -> std::result::Result<Box<dyn Snapshot + '_>, StoreError> {
        self.inner.snapshot()
    }

    fn write(&self, batch: &Batch) -> std::result::Result<Written, StoreError> {
        if self.writes_left.fetch_sub(1, SeqCst) <= 0 {
            return Err(StoreError::Failed("no space left on device".to_owned()));
        }
        self.inner.write(batch)
    }

    fn expire(&self, now: u64, most: usize) -> std::result::Result<usize, StoreError> {
        self.inner.expire(now, most)
    }
}

/// A folder on a disk that can be full.
#[derive(Debug)]
pub struct Full {
    inner: LocalFileSystem,
    pub is_full: AtomicBool,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Full({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Full {
    async fn put_opts(
        &self,
        at: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        if self.is_full.load(SeqCst) {
            let source = std::io::Error::from_raw_os_error(28).into();
            return Err(object_store::Error::Generic { store: "test", source });
        }
        self.inner.put_opts(at, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, opts).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// What an MTA does with mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Takes,
    RefusesRecipients,
    RefusesContent,
    /// Takes all of it, and goes away without a word.
    Vanishes,
    /// Says nothing at all.
    Sleeps,
}

/// What it was given, with dots taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub commands: Vec<String>,
    pub data: Vec<u8>,
}

impl Taken {
    /// Below the mark.
    pub fn message(&self) -> &[u8] {
        assert!(self.data.starts_with(b"X-Tidegate-Release: "), "{self:?}");
        let end = self
            .data
            .windows(2)
            .enumerate()
            .filter(|(_, two)| *two == b"\r\n")
            .map(|(at, _)| at + 2);
        let end = end.into_iter().find(|end| !matches!(self.data[*end], b' ' | b'\t')).unwrap();
        &self.data[end..]
    }
}

#[derive(Clone)]
pub struct Mta {
    pub port: u16,
    manner: Arc<Mutex<Manner>>,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Mta {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mta = Self { port, manner: Arc::new(Mutex::new(manner)), taken: Arc::default() };
        let server = mta.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.serve(client).await });
            }
        });
        mta
    }

    pub fn is_now(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// Settings that release to it, without delay.
    pub fn config(&self) -> Config {
        let release_to = format!("127.0.0.1:{}", self.port);
        Config { release_to, release_timeout_ms: 2_000, ..Config::default() }
    }

    async fn serve(&self, client: TcpStream) -> Option<()> {
        let manner = *self.manner.lock().unwrap();
        if manner == Manner::Sleeps {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        let mut client = BufReader::new(client);
        let mut commands = Vec::new();
        client.get_mut().write_all(b"220 mta\r\n").await.ok()?;
        loop {
            let mut line = String::new();
            if client.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            let reply = match line.split(' ').next()? {
                "EHLO" => "250-mta\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
                "RCPT" if manner == Manner::RefusesRecipients => {
                    "550 5.1.1 nobody of that name\r\n"
                }
                "DATA" => "354 go on\r\n",
                "QUIT" => "221 bye\r\n",
                _ => "250 2.0.0 ok\r\n",
            };
            client.get_mut().write_all(reply.as_bytes()).await.ok()?;
            commands.push(line.clone());
            if line == "DATA" {
                let data = Self::data(&mut client).await?;
                match manner {
                    Manner::RefusesContent => {
                        client.get_mut().write_all(b"451 4.3.0 later\r\n").await.ok()?;
                        continue;
                    }
                    Manner::Vanishes => {
                        self.taken.lock().unwrap().push(Taken { commands, data });
                        return None;
                    }
                    _ => {}
                }
                let taken = Taken { commands: std::mem::take(&mut commands), data };
                self.taken.lock().unwrap().push(taken);
                client.get_mut().write_all(b"250 2.0.0 queued as 1\r\n").await.ok()?;
            }
        }
    }

    /// RFC 5321, section 4.5.2.
    async fn data(client: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
        let mut data = Vec::new();
        while !data.ends_with(b"\r\n.\r\n") {
            data.push(client.read_u8().await.ok()?);
        }
        data.truncate(data.len() - 3);
        let mut whole = Vec::new();
        for line in data.split_inclusive(|byte| *byte == b'\n') {
            whole.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        }
        Some(whole)
    }
}
