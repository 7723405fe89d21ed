//! A throw-away Postfix on loopback, its milter a filter of this crate, its mail read at a sink.
//!
//! With `TIDEGATE_RECORD=1` what passed between the two is written to `tests/traces/`.

// Functions beside the tests may fail as loudly as the tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tidegate_milter::ServerLimits;

mod by_subject;

const PATIENCE: Duration = Duration::from_secs(20);

/// What the sink was given: envelope commands and message.
#[derive(Debug)]
struct Delivered {
    envelope: Vec<String>,
    message: String,
}

#[test]
fn postfix_does_what_the_filter_says() {
    let Some(master) = master() else { return };
    let place = tempfile::Builder::new().prefix("tg").tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let filter = place.path().join("filter");
    let counters = runtime.block_on(by_subject::serve(&filter, ServerLimits::default()));
    let trace = record(&place.path().join("milter"), &filter);
    let sink = TcpListener::bind("127.0.0.1:0").unwrap();
    let sink_port = sink.local_addr().unwrap().port();
    let (deliver, delivered) = channel();
    thread::spawn(move || sink_mail(&sink, &deliver));
    let postfix = Postfix::start(&master, place.path(), sink_port);

    let mut client = postfix.connect();
    let mut send = |subject: &str| client.send(subject);
    assert!(send("plain").starts_with("250 "));
    let mail = next(&delivered);
    assert_eq!(mail.envelope[0].split(' ').next(), Some("MAIL"));
    assert!(mail.message.ends_with("\r\n\r\nfirst line\r\n\r\nthird line\r\n"), "{mail:?}");

    assert!(send("insert").starts_with("250 "));
    let mail = next(&delivered).message;
    assert!(mail.starts_with("X-Top: one;\r\n\ttwo\r\nX-Second: 2\r\nReceived: "), "{mail}");
    assert!(mail.contains("\r\nX-End: 3\r\n\r\nfirst line"), "{mail}");

    assert!(send("change").starts_with("250 "));
    let mail = next(&delivered).message;
    assert!(!mail.contains("X-Marked: 1\r\n"), "{mail}");
    assert!(mail.contains("X-Marked: 2\r\nX-Marked: changed\r\n"), "{mail}");

    assert!(send("body").starts_with("250 "));
    assert!(next(&delivered).message.ends_with("\r\n\r\nanother\r\nbody\r\n"));

    assert!(send("recipients").starts_with("250 "));
    let envelope = next(&delivered).envelope;
    assert!(envelope[0].starts_with("MAIL FROM:<other@a.example>"), "{envelope:?}");
    let mut recipients = envelope[1..].to_vec();
    recipients.sort();
    let [carl, dora, emil] = &recipients[..] else { panic!("{recipients:?}") };
    assert!(carl.starts_with("RCPT TO:<carl@b.example>"), "{carl}");
    assert!(dora.starts_with("RCPT TO:<dora@b.example>"), "{dora}");
    assert!(emil.starts_with("RCPT TO:<emil@b.example>"), "{emil}");
    assert!(emil.ends_with(" NOTIFY=NEVER"), "{emil}");

    assert_eq!(send("refuse"), "550-5.7.1 100% unwanted\r\n550 5.7.1 ask postmaster\r\n");
    assert!(send("tempfail").starts_with("451 4.7.1 "));
    assert!(send("discard").starts_with("250 "));
    assert!(send("panic").starts_with("451 4.7.1 "));
    assert!(send("quarantine").starts_with("250 "));
    let held = walk(&place.path().join("queue/hold"));
    assert_eq!(held.len(), 1, "one message is held");
    assert!(send("after a panic").starts_with("250 "));
    next(&delivered);
    client.say("QUIT");
    let start = Instant::now();
    while trace.lock().unwrap().last().is_none_or(|line| line != "M: Q") {
        assert!(start.elapsed() < PATIENCE, "Postfix ends its milter's connection");
        thread::sleep(Duration::from_millis(20));
    }

    let counted = counters.read();
    assert_eq!(counted.early_replies, 0, "Postfix waits for nothing before the end of a message");
    assert_eq!((counted.messages, counted.failures), (11, 1));
    assert_eq!((counted.protocol_errors, counted.timeouts), (0, 0));
    let trace = trace.lock().unwrap().join("\n");
    assert!(trace.contains(r"{client_addr}\x00127.0.0.1\x00"), "the macros asked for are told");
    if std::env::var_os("TIDEGATE_RECORD").is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/postfix.txt");
        fs::write(file, trace + "\n").unwrap();
    }
}

/// Postfix's master program, if this machine can run one for a test.
fn master() -> Option<PathBuf> {
    let daemons = Command::new("postconf").args(["-h", "-d", "daemon_directory"]).output().ok();
    let daemons = daemons.and_then(|output| String::from_utf8(output.stdout).ok());
    let master = daemons.map(|path| Path::new(path.trim()).join("master"));
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if let Some(master) = master.filter(|master| master.exists() && root) {
        return Some(master);
    }
    assert!(std::env::var_os("TIDEGATE_REQUIRE_ALL").is_none(), "no Postfix, or not root");
    println!("skipped: no Postfix, or not root");
    None
}

fn next(delivered: &Receiver<Delivered>) -> Delivered {
    delivered.recv_timeout(PATIENCE).expect("a message at the sink")
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().flat_map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path) } else { vec![path] }
    });
    files.collect()
}

/// A Postfix of its own, ended with the test.
struct Postfix {
    master: Child,
    port: u16,
}

impl Postfix {
    fn start(master: &Path, place: &Path, sink_port: u16) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = place.display();
        fs::create_dir_all(place.join("conf")).unwrap();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {folder}/queue\n\
             data_directory = {folder}/data\nmyhostname = mx.example.org\nmydestination =\n\
             mynetworks = 127.0.0.0/8\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n\
             relayhost = [127.0.0.1]:{sink_port}\nsmtp_host_lookup = native\n\
             smtp_dns_support_level = disabled\nmilter_default_action = tempfail\n\
             smtpd_milters = unix:{folder}/milter\nmaillog_file_prefixes = {folder}\n\
             maillog_file = {folder}/log\nalias_maps =\nlocal_recipient_maps =\n"
        );
        fs::write(place.join("conf/main.cf"), main).unwrap();
        let mut services = format!("127.0.0.1:{port} inet n - n - - smtpd\n");
        services += "postlog unix-dgram n - n - 1 postlogd\n";
        for (name, wake, most) in [("cleanup", "-", "0"), ("qmgr", "300", "1")] {
            services += &format!("{name} unix n - n {wake} {most} {name}\n");
        }
        services += "rewrite unix - - n - - trivial-rewrite\n";
        for name in ["smtp", "proxymap", "anvil", "error"] {
            services += &format!("{name} unix - - n - - {name}\n");
        }
        for name in ["bounce", "defer", "trace"] {
            services += &format!("{name} unix - - n - 0 bounce\n");
        }
        fs::write(place.join("conf/master.cf"), services).unwrap();
        let owner = Command::new("id").args(["-u", "postfix"]).output().unwrap();
        let owner: u32 = String::from_utf8_lossy(&owner.stdout).trim().parse().unwrap();
        fs::create_dir_all(place.join("queue")).unwrap();
        fs::create_dir_all(place.join("queue/pid")).unwrap();
        let folders = "active bounce corrupt defer deferred flush hold incoming private public \
                       saved trace maildrop";
        for name in folders.split_whitespace() {
            fs::create_dir_all(place.join("queue").join(name)).unwrap();
            std::os::unix::fs::chown(place.join("queue").join(name), Some(owner), None).unwrap();
        }
        fs::create_dir_all(place.join("data")).unwrap();
        std::os::unix::fs::chown(place.join("data"), Some(owner), None).unwrap();
        let master = Command::new(master)
            .args(["-d", "-c"])
            .arg(place.join("conf"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { master, port }
    }

    fn connect(&self) -> Client {
        let start = Instant::now();
        loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(stream) => return Client::greet(stream),
                Err(error) if start.elapsed() > PATIENCE => panic!("no Postfix: {error}"),
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // SIGTERM lets master end the processes it started, which a SIGKILL would orphan.
        let id = self.master.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.master.wait();
    }
}

/// One SMTP session.
struct Client {
    stream: TcpStream,
    lines: BufReader<TcpStream>,
}

impl Client {
    fn greet(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap());
        let mut client = Self { stream, lines };
        client.reply();
        client.say("EHLO client.example");
        client
    }

    fn say(&mut self, line: &str) -> String {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.reply()
    }

    fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            let octets = self.lines.read_line(&mut reply).unwrap();
            if octets == 0 || reply.as_bytes().get(start + 3) != Some(&b'-') {
                return reply;
            }
        }
    }

    /// Sends a message, and returns what became of it.
    fn send(&mut self, subject: &str) -> String {
        for line in
            ["MAIL FROM:<anna@a.example>", "RCPT TO:<bert@b.example>", "RCPT TO:<carl@b.example>"]
        {
            assert!(self.say(line).starts_with("250 "), "{line}");
        }
        assert!(self.say("DATA").starts_with("354 "));
        self.say(&format!(
            "Subject: {subject}\r\nX-Marked: 1\r\nX-Folded: a\r\n\tb\r\nX-Marked: 2\r\n\
             X-Marked: 3\r\n\r\nfirst line\r\n\r\nthird line\r\n."
        ))
    }
}

/// Takes mail as Postfix's next hop.
fn sink_mail(sink: &TcpListener, deliver: &Sender<Delivered>) {
    for stream in sink.incoming() {
        let (stream, deliver) = (stream.unwrap(), deliver.clone());
        thread::spawn(move || {
            let mut out = stream.try_clone().unwrap();
            let mut lines = BufReader::new(stream);
            out.write_all(b"220 sink\r\n").unwrap();
            let (mut envelope, mut line) = (Vec::new(), String::new());
            while {
                line.clear();
                lines.read_line(&mut line).is_ok_and(|octets| octets > 0)
            } {
                let command = line.trim_end().to_owned();
                match command.get(..4) {
                    Some("EHLO") => out.write_all(b"250-sink\r\n250 DSN\r\n").unwrap(),
                    Some("DATA") => {
                        out.write_all(b"354 go\r\n").unwrap();
                        let mut message = String::new();
                        while !message.ends_with("\r\n.\r\n") {
                            lines.read_line(&mut message).unwrap();
                        }
                        message.truncate(message.len() - ".\r\n".len());
                        let envelope = std::mem::take(&mut envelope);
                        let _ = deliver.send(Delivered { envelope, message });
                        out.write_all(b"250 ok\r\n").unwrap();
                    }
                    Some("MAIL" | "RCPT") => {
                        envelope.push(command);
                        out.write_all(b"250 ok\r\n").unwrap();
                    }
                    _ => out.write_all(b"250 ok\r\n").unwrap(),
                }
            }
        });
    }
}

/// Stands between Postfix and filter, and keeps each frame as a line: `M:` from the MTA, `F:` from
/// the filter, octets escaped as in Rust.
fn record(from: &Path, to: &Path) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let listener = UnixListener::bind(from).unwrap();
    fs::set_permissions(from, fs::Permissions::from_mode(0o666)).unwrap();
    let (kept, to) = (Arc::clone(&lines), to.to_owned());
    thread::spawn(move || {
        for mta in listener.incoming() {
            let mta = mta.unwrap();
            let filter = UnixStream::connect(&to).unwrap();
            for (side, mut source, mut target) in
                [("M", mta.try_clone().unwrap(), filter.try_clone().unwrap()), ("F", filter, mta)]
            {
                let kept = Arc::clone(&kept);
                thread::spawn(move || {
                    while let Some(frame) = frame(&mut source) {
                        kept.lock().unwrap().push(format!("{side}: {}", frame[4..].escape_ascii()));
                        if target.write_all(&frame).is_err() {
                            break;
                        }
                    }
                    let _ = target.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    lines
}

fn frame(source: &mut UnixStream) -> Option<Vec<u8>> {
    let mut frame = vec![0; 4];
    source.read_exact(&mut frame).ok()?;
    let length = u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize;
    frame.resize(4 + length, 0);
    source.read_exact(&mut frame[4..]).ok()?;
    Some(frame)
}
