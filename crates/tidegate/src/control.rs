//! The control socket: how `tidegate learn` teaches a running daemon, which alone has the store.
//!
//! A request is a line, `learn CLASS LENGTH [USER]`, and LENGTH bytes of a message; or `features CLASS
//! LENGTH [USER]`, and as many bytes of what was found in one: its id and its features. The answer is a
//! line, a word of [`word`] or `error: …`. Several may follow each other on a connection.
//!
//! Invariant: the socket is its owner's alone; a lesson is answered when it is durable, and not before.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tidegate_bayes::{Class, Lesson, LessonId, Lessons, Taught};
use tidegate_engine::{Engine, Learnable};
use tidegate_mail::Address;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::daemon::Daemon;
use crate::knowledge;
use crate::remembered::Remembered;

/// Its name in the folder of the store.
const NAME: &str = "control.sock";
/// Bytes of the line that begins a request.
const LONGEST_LINE: u64 = 1_024;
/// Bytes of a message.
pub(crate) const LONGEST_MESSAGE: u64 = 64 << 20;
/// A client that is silent for so long has gone.
const SILENCE: Duration = Duration::from_secs(60);

/// Where the socket of the store in `folder` is.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// Listens in the folder of a store that this process has.
pub(crate) fn listen(folder: &Path) -> io::Result<UnixListener> {
    listen_at(&path(folder))
}

/// Listens at `path` for the user that runs the program; whoever has the store knows that a socket left
/// behind there by another is stale.
pub(crate) fn listen_at(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves clients for ever.
pub(crate) async fn serve(listener: UnixListener, daemon: Arc<Daemon>, lessons: Arc<Lessons>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                let (daemon, lessons) = (Arc::clone(&daemon), Arc::clone(&lessons));
                tokio::spawn(async move {
                    // Who goes away in the middle has taught nothing.
                    let _ = converse(client, &daemon, &lessons).await;
                });
            }
            Err(error) => {
                tracing::warn!("the control socket: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn converse(client: UnixStream, daemon: &Daemon, lessons: &Arc<Lessons>) -> io::Result<()> {
    let mut client = BufReader::new(client);
    loop {
        let mut line = String::new();
        let mut bounded = (&mut client).take(LONGEST_LINE);
        let read = bounded.read_line(&mut line);
        let Ok(count) = tokio::time::timeout(SILENCE, read).await else { return Ok(()) };
        if count? == 0 {
            return Ok(());
        }
        let Some(request) = Request::parse(&line) else {
            return client.write_all(b"error: the request is not understood\n").await;
        };
        let mut raw = vec![0; request.length];
        let read = client.read_exact(&mut raw);
        let Ok(whole) = tokio::time::timeout(SILENCE, read).await else { return Ok(()) };
        whole?;
        let (engine, lessons) = (Arc::clone(&daemon.running().engine), Arc::clone(lessons));
        let remembered = Arc::clone(&daemon.remembered);
        let taught = tokio::task::spawn_blocking(move || {
            let (class, user) = (request.class, request.user.as_deref());
            match request.features {
                true => teach_found(&lessons, read_found(&raw)?, class, user),
                false => teach(&engine, &lessons, &remembered, &raw, class, user),
            }
            .map_err(|error| error.to_string())
        });
        let answer = match taught.await {
            Ok(Ok(taught)) => {
                daemon.metrics.learned(word(taught));
                word(taught).to_owned()
            }
            Ok(Err(error)) => {
                daemon.metrics.learned("refused");
                format!("error: {error}")
            }
            Err(_panic) => "error: the message could not be read".to_owned(),
        };
        client.write_all(format!("{answer}\n").as_bytes()).await?;
    }
}

/// Learns a message, and counts it as a correction where it was judged otherwise; returns when that
/// is durable.
pub(crate) fn teach(
    engine: &Engine,
    lessons: &Lessons,
    remembered: &Remembered,
    raw: &[u8],
    class: Option<Class>,
    user: Option<&str>,
) -> Result<Taught, tidegate_bayes::LearnError> {
    let taught = teach_found(lessons, engine.learnable(raw), class, user)?;
    // As a recipient is written who is judged for.
    let user = user.map(Address::new);
    // Counted once a message and person: what fails here is made up for when it is taught again.
    remembered.correct(engine, raw, class, user.as_ref().map(Address::as_str))?;
    Ok(taught)
}

/// Learns what was found in a message.
pub(crate) fn teach_found(
    lessons: &Lessons,
    Learnable { id, features }: Learnable,
    class: Option<Class>,
    user: Option<&str>,
) -> Result<Taught, tidegate_bayes::LearnError> {
    // As a recipient is written who is judged for.
    let user = user.map(Address::new);
    let user = user.as_ref().map(Address::as_str);
    lessons.teach(&Lesson { id, features: &features, class, user, now: knowledge::seconds() })
}

/// What was found in a message, as it goes through the socket.
pub(crate) fn written_found(found: &Learnable) -> Vec<u8> {
    let features = found.features.iter().flat_map(|feature| feature.to_le_bytes());
    found.id.bytes().iter().copied().chain(features).collect()
}

fn read_found(bytes: &[u8]) -> Result<Learnable, String> {
    let found = bytes.split_first_chunk::<16>();
    let (id, features) = found.ok_or("the features have no id")?;
    let (features, []) = features.as_chunks::<8>() else {
        return Err("the features end in the middle of one".to_owned());
    };
    let features = features.iter().map(|feature| u64::from_le_bytes(*feature)).collect();
    Ok(Learnable { id: LessonId::new(*id), features })
}

/// What came of a lesson, in a word.
pub(crate) const fn word(taught: Taught) -> &'static str {
    match taught {
        Taught::New => "new",
        Taught::Already => "already",
        Taught::Moved => "moved",
        Taught::Forgotten => "forgotten",
        Taught::Unknown => "unknown",
    }
}

struct Request {
    /// What follows is what was found in a message, not the message.
    features: bool,
    class: Option<Class>,
    length: usize,
    user: Option<String>,
}

impl Request {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.trim_end().splitn(4, ' ');
        let (Some(verb), Some(class), Some(length)) = (words.next(), words.next(), words.next())
        else {
            return None;
        };
        let features = match verb {
            "learn" => false,
            "features" => true,
            _ => return None,
        };
        let class = match class {
            "spam" => Some(Class::Spam),
            "ham" => Some(Class::Ham),
            "forget" => None,
            _ => return None,
        };
        let length = length.parse::<u64>().ok().filter(|length| *length <= LONGEST_MESSAGE)?;
        let user = words.next().filter(|user| !user.is_empty()).map(str::to_owned);
        Some(Self { features, class, length: usize::try_from(length).ok()?, user })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_class_length_and_user() {
        let request = Request::parse("learn spam 12 bert@example.test\n").unwrap();
        assert_eq!((request.class, request.length), (Some(Class::Spam), 12));
        assert_eq!(request.user.as_deref(), Some("bert@example.test"));
        assert!(Request::parse("learn forget 0\n").unwrap().class.is_none());
        for bad in ["", "learn", "learn spam", "learn eggs 1", "learn ham -1", "unlearn ham 1"] {
            assert!(Request::parse(bad).is_none(), "{bad}");
        }
        assert!(Request::parse("learn ham 99999999999").is_none());
        assert!(Request::parse("features ham 16").unwrap().features);
    }

    #[test]
    fn what_was_found_goes_through_the_socket_whole() {
        let found = Learnable { id: LessonId::new([7; 16]), features: vec![1, u64::MAX] };
        let written = written_found(&found);
        let read = read_found(&written).unwrap();
        assert_eq!((read.id, read.features), (found.id, found.features));
        assert!(read_found(&written[..written.len() - 1]).is_err());
        assert!(read_found(b"short").is_err());
    }
}
