//! Where messages lie: one object each, in a folder of this machine or a bucket of an S3 service.
//!
//! An object is a line `tidegate-held 1 LENGTH`, LENGTH bytes of JSON (a [`Record`]), a line end, and the
//! message as it came. Both are written by one call, so that neither is there without the other.
//!
//! Invariant: when [`Objects::put`] has returned, the object is durable: in a folder its file and the
//! folders above are written through to the disk (`LocalFileSystem::with_fsync`); a service has
//! acknowledged it.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};

use crate::entry::Record;
use crate::error::OpenError;

const MAGIC: &str = "tidegate-held 1 ";
/// Letters of a name that are the folder it lies in, so that no folder has too many files.
const FOLDER_LETTERS: usize = 2;
/// How long a service may take for one request: an MTA waits.
const SERVICE: Duration = Duration::from_secs(10);
/// How object names end.
const ENDING: &str = ".held";

/// What a URL of `[quarantine]` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A folder.
    Folder(PathBuf),
    /// A bucket, and what the names of its objects begin with.
    Bucket(String, String),
}

/// Reads a URL: `file:/FOLDER` or `s3://BUCKET/PREFIX`.
///
/// # Errors
/// In words, when it is neither.
pub(crate) fn kind_of(url: &str) -> Result<Kind, String> {
    if let Some(rest) = url.strip_prefix("s3://") {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_bucket =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
        if bucket.is_empty() || !bucket.chars().all(is_bucket) {
            return Err(format!("\"{}\" names no bucket", url.escape_debug()));
        }
        return Ok(Kind::Bucket(bucket.to_owned(), prefix.trim_matches('/').to_owned()));
    }
    let folder = url.strip_prefix("file://").or_else(|| url.strip_prefix("file:"));
    match folder {
        Some(folder) if !folder.is_empty() => Ok(Kind::Folder(PathBuf::from(folder))),
        _ => Err(format!("\"{}\" is neither a folder nor a bucket", url.escape_debug())),
    }
}

/// Opens what `url` names. A folder is made where it is missing, for its owner alone; access to a bucket
/// is as the variables of `environment` say (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`,
/// `AWS_ENDPOINT`, …).
///
/// # Errors
/// When the folder can't be made, or the environment does not say enough.
pub fn keeper(
    url: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Arc<dyn ObjectStore>, OpenError> {
    match kind_of(url).map_err(OpenError::Url)? {
        Kind::Folder(folder) => {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            made.map_err(|source| OpenError::Folder { path: folder.clone(), source })?;
            let objects = LocalFileSystem::new_with_prefix(&folder).map_err(OpenError::objects)?;
            Ok(Arc::new(objects.with_fsync(true)))
        }
        Kind::Bucket(bucket, prefix) => {
            // One cryptography for the whole program; set already: that is the same one.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let mut builder = AmazonS3Builder::new()
                .with_client_options(ClientOptions::new().with_timeout(SERVICE));
            for (name, value) in environment {
                // As `AmazonS3Builder::from_env` reads them.
                let key = name.starts_with("AWS_").then(|| name.to_ascii_lowercase().parse());
                if let Some(Ok(key)) = key {
                    builder = builder.with_config(key, value);
                }
            }
            let retries =
                RetryConfig { max_retries: 2, retry_timeout: SERVICE, ..RetryConfig::default() };
            let objects = builder
                .with_bucket_name(bucket)
                .with_retry(retries)
                // Objects go one at a time, and not every service knows another way.
                .with_disable_bulk_delete(true)
                .build()
                .map_err(OpenError::objects)?;
            Ok(match prefix.as_str() {
                "" => Arc::new(objects),
                prefix => Arc::new(PrefixStore::new(objects, prefix)),
            })
        }
    }
}

/// The objects.
#[derive(Clone)]
pub(crate) struct Objects(Arc<dyn ObjectStore>);

impl Objects {
    pub(crate) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self(store)
    }

    /// Stores an object that [`written`] has made.
    pub(crate) async fn put(&self, name: &str, object: Bytes) -> object_store::Result<()> {
        self.0.put(&path(name), PutPayload::from_bytes(object)).await.map(drop)
    }

    /// The object of that name; `None` when there is none.
    pub(crate) async fn get(&self, name: &str) -> object_store::Result<Option<Bytes>> {
        match self.0.get(&path(name)).await {
            Ok(found) => found.bytes().await.map(Some),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes an object; one that isn't there is removed already.
    pub(crate) async fn delete(&self, name: &str) -> object_store::Result<()> {
        match self.0.delete(&path(name)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            done => done,
        }
    }

    /// The names of all objects, and their sizes.
    pub(crate) async fn all(&self) -> object_store::Result<Vec<(String, u64)>> {
        let named = |meta: object_store::ObjectMeta| {
            let name = meta.location.filename()?.strip_suffix(ENDING)?.to_owned();
            (path(&name) == meta.location).then_some((name, meta.size))
        };
        let list = self.0.list(None).try_filter_map(|meta| async move { Ok(named(meta)) });
        list.try_collect().await
    }
}

fn path(name: &str) -> Path {
    let folder = name.get(..FOLDER_LETTERS).unwrap_or(name);
    Path::from_iter([folder.to_owned(), format!("{name}{ENDING}")])
}

/// An object of a record and its message.
pub(crate) fn written(record: &Record, raw: &[u8]) -> serde_json::Result<Bytes> {
    let json = serde_json::to_vec(record)?;
    let mut object = format!("{MAGIC}{}\n", json.len()).into_bytes();
    object.reserve(json.len() + 1 + raw.len());
    object.extend_from_slice(&json);
    object.push(b'\n');
    object.extend_from_slice(raw);
    Ok(object.into())
}

/// The same as an object of `size` bytes, for a record that has become shorter.
pub(crate) fn written_within(
    record: &Record,
    raw: &[u8],
    size: usize,
) -> serde_json::Result<Bytes> {
    let json = serde_json::to_string(record)?;
    let rest = size.saturating_sub(MAGIC.len() + 2 + raw.len());
    // The length of the record is written before it, and takes as many digits as it has.
    let digits = (1..20).find(|digits| rest.saturating_sub(*digits).to_string().len() <= *digits);
    let length = rest.saturating_sub(digits.unwrap_or(0)).max(json.len());
    let mut object = format!("{MAGIC}{length}\n{json}").into_bytes();
    // Not by the formatter, whose widths end at 65,535.
    object.resize(object.len() + length - json.len(), b' ');
    object.push(b'\n');
    object.extend_from_slice(raw);
    Ok(object.into())
}

/// The record and the message of an object; `None` when this is no such object.
pub(crate) fn read(object: &Bytes) -> Option<(Record, Bytes)> {
    let rest = object.strip_prefix(MAGIC.as_bytes())?;
    let line = rest.iter().take(20).position(|byte| *byte == b'\n')?;
    let length: usize = std::str::from_utf8(&rest[..line]).ok()?.parse().ok()?;
    let begin = MAGIC.len() + line + 1;
    let end = begin.checked_add(length)?;
    if object.get(end) != Some(&b'\n') {
        return None;
    }
    let record = serde_json::from_slice(&object[begin..end]).ok()?;
    Some((record, object.slice(end + 1..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_folder_or_a_bucket() {
        assert_eq!(kind_of("file:/var/q"), Ok(Kind::Folder("/var/q".into())));
        assert_eq!(kind_of("file:///var/q"), Ok(Kind::Folder("/var/q".into())));
        assert_eq!(
            kind_of("s3://held/mail/"),
            Ok(Kind::Bucket("held".to_owned(), "mail".to_owned()))
        );
        assert_eq!(kind_of("s3://held"), Ok(Kind::Bucket("held".to_owned(), String::new())));
        for bad in ["", "file:", "/var/q", "s3://", "s3:///x", "http://held/x"] {
            assert!(kind_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_record_that_has_become_shorter_takes_as_many_bytes_as_before() {
        let (mut record, raw) = crate::hold::tests::sample();
        let short = record.subject.clone();
        for longer in [1, 90, 1_000, 70_000, 200_000] {
            record.subject = "x".repeat(longer) + &short;
            let size = written(&record, &raw).unwrap().len();
            record.subject.clone_from(&short);
            let object = written_within(&record, &raw, size).unwrap();
            assert_eq!(object.len(), size);
            assert_eq!(read(&object), Some((record.clone(), Bytes::from(raw.clone()))));
        }
    }

    #[tokio::test]
    async fn an_object_comes_back_byte_for_byte_and_damage_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let objects =
            Objects::new(keeper(&format!("file:{}/q", dir.path().display()), []).unwrap());
        let (mut record, raw) = crate::hold::tests::sample();
        record.subject = "Grüße\n".to_owned();
        objects.put("abcdef", written(&record, &raw).unwrap()).await.unwrap();
        let object = objects.get("abcdef").await.unwrap().unwrap();
        assert_eq!(read(&object), Some((record, Bytes::from(raw))));
        assert_eq!(read(&object.slice(..40)), None);
        assert_eq!(objects.all().await.unwrap(), [("abcdef".to_owned(), object.len() as u64)]);
        objects.delete("abcdef").await.unwrap();
        objects.delete("abcdef").await.unwrap();
        assert_eq!(objects.get("abcdef").await.unwrap(), None);
    }
}
