//! The daemon in front of a client that speaks an MTA's side of the milter protocol.

use std::fs;

use tempfile::TempDir;
use tidegate_checks::{AnyCheck, Known, Questions};
use tidegate_dns::Answers;
use tidegate_milter::{
    Address, Command, Listener, Options, Protocol, Reply, Server, ServerLimits, Strings, Symbols,
};
use tidegate_signal::Signals;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::config::{self, Loaded};

mod double;
mod five;
mod remembered;
mod splitting;

/// Rejects what says "unwanted" in its subject, whatever else the program knows.
const RULE: &str = "family = 'policy'\n[rules.TEST_UNWANTED]\nsays = 'The test word'\nscore = 100\n\
                    in = 'subject'\nwords = ['unwanted']\n[rules.TEST_DOUBTFUL]\n\
                    says = 'The other test word'\nscore = 9\nin = 'subject'\nwords = ['doubtful']\n";

fn load(settings: &str) -> Loaded {
    load_with(settings, "")
}

/// With the policies of `users`, where there are any.
fn load_with(settings: &str, users: &str) -> Loaded {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("rules.toml"), RULE).unwrap();
    fs::write(dir.path().join("users.toml"), users).unwrap();
    let own = if users.is_empty() { "" } else { "policy.users = ['users.toml']\n" };
    let text = format!(
        "rules.files = ['rules.toml']\nrules.builtin = false\nserver.id = 'mx.example'\n{own}{settings}"
    );
    let file = dir.path().join("tidegate.toml");
    fs::write(&file, text).unwrap();
    let options = config::Options { file: Some(file), offline: true, ..Default::default() };
    config::load(&options).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn running(loaded: Loaded) -> Running {
    let Loaded { settings, parts, .. } = loaded;
    let auto_learn = settings.statistics.auto_learn;
    Running::new(
        Arc::new(Engine::new(parts)),
        settings.verdict,
        Names::new(&settings.log, None),
        auto_learn,
        settings.policy.split_timeout_ms,
    )
}

fn of(loaded: Loaded) -> Arc<Daemon> {
    let lessons = crate::knowledge::alone(&loaded.settings).unwrap();
    let remembered = Remembered::nothing(&loaded.settings);
    Daemon::new(running(loaded), Metrics::new().unwrap(), lessons, remembered, None, None, None)
}

fn daemon(settings: &str) -> Arc<Daemon> {
    of(load(settings))
}

/// A connection to `daemon`, negotiated.
struct Mta {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Mta {
    async fn connect(daemon: &Arc<Daemon>) -> Self {
        Self::connect_within(daemon, ServerLimits::default()).await
    }

    async fn connect_within(daemon: &Arc<Daemon>, limits: ServerLimits) -> Self {
        let address = Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
        let listeners = Listener::open(&[address], &Default::default()).await.unwrap();
        let at = listeners[0].tcp_address().unwrap();
        let daemon = Arc::clone(daemon);
        let make = move || Session::new(Arc::clone(&daemon));
        tokio::spawn(Server::new(limits).serve(listeners, make, std::future::pending()));
        let mut mta = Self { stream: TcpStream::connect(at).await.unwrap(), received: Vec::new() };
        let protocol = Protocol::from_bits_retain(0x1f_ffff);
        let offer =
            Options { version: 6, actions: Actions::all(), protocol, symbols: Symbols::default() };
        let peer = Peer::Inet("203.0.113.9:1025".parse().unwrap());
        mta.send(&[
            Command::Negotiate(offer),
            Command::Connect { name: b"mail.shop.example", peer },
            Command::Helo(b"mail.shop.example"),
        ])
        .await;
        let negotiated = mta.replies().await;
        assert!(negotiated[0].contains("Negotiate"), "{negotiated:?}");
        mta
    }

    /// What is replied to one message.
    async fn message(&mut self, fields: &[(&str, &str)]) -> Vec<String> {
        self.message_to(&["bert@example.test"], fields).await
    }

    async fn message_to(&mut self, to: &[&str], fields: &[(&str, &str)]) -> Vec<String> {
        let args = Strings::default();
        let mut commands = vec![
            Command::Macros {
                stage: tidegate_milter::Stage::Mail,
                pairs: Strings::new(b"i\x004XYZ\x00").unwrap(),
            },
            Command::Mail { path: b"<anna@shop.example>", args },
        ];
        let paths: Vec<String> = to.iter().map(|to| format!("<{to}>")).collect();
        commands.extend(paths.iter().map(|path| Command::Rcpt { path: path.as_bytes(), args }));
        commands.extend(
            fields.iter().map(|(n, v)| Command::Header { name: n.as_bytes(), value: v.as_bytes() }),
        );
        commands.extend([Command::EndOfHeader, Command::EndOfMessage(b"Hello\r\n")]);
        self.send(&commands).await;
        self.replies().await
    }

    async fn send(&mut self, commands: &[Command<'_>]) {
        let mut wire = Vec::new();
        commands.iter().for_each(|command| command.encode(&mut wire));
        self.stream.write_all(&wire).await.unwrap();
    }

    /// The replies up to a final one, in words.
    async fn replies(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            while let Some((reply, octets)) = Reply::decode(&self.received, 1 << 20).unwrap() {
                told.push(in_words(&reply));
                let is_final = matches!(
                    reply,
                    Reply::Negotiate(_)
                        | Reply::Continue
                        | Reply::ReplyCode(_)
                        | Reply::TempFail
                        | Reply::Discard
                );
                self.received.drain(..octets);
                if is_final {
                    return told;
                }
            }
            let read = self.stream.read_buf(&mut self.received);
            let octets =
                tokio::time::timeout(Duration::from_secs(20), read).await.unwrap().unwrap();
            assert_ne!(octets, 0, "the connection was closed after {told:?}");
        }
    }
}

fn in_words(reply: &Reply<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\0', "");
    match reply {
        Reply::InsertHeader { index, name, value } => {
            format!("+{index} {}:{}", text(name), text(value))
        }
        Reply::ChangeHeader { index, name, value: b"" } => format!("-{} {index}", text(name)),
        Reply::ChangeHeader { index, name, value } => {
            format!("={} {index}:{}", text(name), text(value))
        }
        Reply::DeleteRecipient(path) => format!("-{}", text(path)),
        Reply::ReplyCode(words) => text(words),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn mail_that_is_wanted_is_marked_and_freed_of_forged_marks() {
    let daemon = daemon("");
    let mut mta = Mta::connect(&daemon).await;
    let told = mta
        .message(&[
            ("X-Spam-Flag", " NO"),
            ("Authentication-Results", " mx.example; dkim=pass"),
            ("Subject", " lunch"),
        ])
        .await;
    assert_eq!(told[0], "-X-Spam-Flag 1");
    assert_eq!(told[1], "-Authentication-Results 1");
    let [.., status, score, results, last] = &told[..] else { panic!("{told:?}") };
    assert!(status.starts_with("+0 X-Spam-Status: No, score="), "{told:?}");
    assert!(score.starts_with("+0 X-Spam-Score: "), "{told:?}");
    assert!(results.starts_with("+0 Authentication-Results: mx.example;"), "{told:?}");
    assert_eq!(last, "Continue");
}

#[tokio::test]
async fn mail_that_is_not_is_refused_with_a_reference_and_counted() {
    let daemon = daemon("[verdict]\ncontact = 'postmaster@example.org'\n");
    let mut mta = Mta::connect(&daemon).await;
    let told = mta.message(&[("Subject", " unwanted")]).await;
    let [words] = &told[..] else { panic!("{told:?}") };
    assert!(words.starts_with("550-5.7.1 "), "{words}");
    assert!(words.contains("postmaster@example.org") && words.contains("4XYZ"), "{words}");
    // The connection goes on.
    let told = mta.message(&[("Subject", " lunch")]).await;
    assert_eq!(told.last().unwrap(), "Continue");
    let page = daemon.metrics_page(&Counted::default()).unwrap();
    for line in [
        "tidegate_messages_total{verdict=\"reject\"} 1",
        "tidegate_messages_total{verdict=\"accept\"} 1",
        "tidegate_signals_total{signal=\"TEST_UNWANTED\"} 1",
        "tidegate_stage_seconds_count{stage=\"total\"} 2",
    ] {
        assert!(page.contains(line), "no {line} in\n{page}");
    }
}

#[tokio::test]
async fn one_message_too_many_is_deferred_or_marked_as_configured() {
    for (on_overload, expect) in [
        ("defer", "451 4.7.1 This message could not be judged now. Please try again later."),
        ("accept", "+0 X-Tidegate-Unfiltered: overload"),
    ] {
        let settings = format!(
            "[verdict]\nconcurrency = 1\noverload_wait_ms = 10\non_overload = '{on_overload}'"
        );
        let daemon = daemon(&settings);
        let mut mta = Mta::connect(&daemon).await;
        let running = daemon.running();
        let place = running.overload.enter(Client::Behind(None), 1).await;
        let told = mta.message(&[("X-Spam-Flag", " NO"), ("Subject", " lunch")]).await;
        assert!(told.iter().any(|words| words == expect), "{told:?}");
        let freed = told.iter().any(|words| words == "-X-Spam-Flag 1");
        assert_eq!(
            freed,
            on_overload == "accept",
            "a forged mark goes from mail that is delivered"
        );
        drop(place);
        let told = mta.message(&[("Subject", " lunch")]).await;
        assert!(told.iter().any(|words| words.contains("score=")), "{told:?}");
        let page = daemon.metrics_page(&Counted::default()).unwrap();
        assert!(page.contains("tidegate_unjudged_total{reason=\"overload\"} 1"), "{page}");
        assert!(page.contains("tidegate_refused_total{why=\"late\"} 1"), "{page}");
    }
}

/// A check with a bug.
struct Broken;

impl AnyCheck for Broken {
    fn key(&self) -> &'static str {
        "test.broken"
    }
    fn ask(&self, _: Stage, _: &Known<'_>, _: &mut Questions) {}
    fn judge(&self, _: &Known<'_>, _: &Answers, _: &mut Signals) {
        panic!("a bug");
    }
}

#[tokio::test]
async fn a_bug_in_a_check_loses_no_message() {
    let mut loaded = load("");
    loaded.parts.checks.push(Box::new(Broken));
    let daemon = of(loaded);
    let mut mta = Mta::connect(&daemon).await;
    for _ in 0..2 {
        let told = mta.message(&[("Subject", " lunch")]).await;
        let fields =
            ["+0 X-Tidegate-Unfiltered: panic", "+0 X-Spam-Status: No, not judged (panic)"];
        assert_eq!(told, [fields[0], fields[1], "Continue"]);
    }
}

#[tokio::test]
async fn a_message_ends_with_the_configuration_it_began_with() {
    let daemon = daemon("");
    let mut mta = Mta::connect(&daemon).await;
    let args = Strings::default();
    mta.send(&[Command::Mail { path: b"<anna@shop.example>", args }]).await;
    // The MTA waits for no reply to MAIL: only time tells that it was read.
    tokio::time::sleep(Duration::from_millis(200)).await;
    daemon.put_to_work(running(load("rules.disabled = ['TEST_UNWANTED']")));
    mta.send(&[
        Command::Rcpt { path: b"<bert@example.test>", args },
        Command::Header { name: b"Subject", value: b" unwanted" },
        Command::EndOfHeader,
        Command::EndOfMessage(b""),
    ])
    .await;
    assert!(mta.replies().await[0].starts_with("550"));
    let told = mta.message(&[("Subject", " unwanted")]).await;
    assert_eq!(told.last().unwrap(), "Continue", "the next one is judged by the new rules");
}
