//! Mail under load: many connections that send messages, each known by its Message-ID, and send them again
//! after "come again later" or when nothing was answered, as an MTA does.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::five::{HOLD, SUBJECT};
use super::mail;
use super::postfix::fields;

/// Messages of the long form, and of the short one.
const LONG: usize = 20_000;
const SHORT: usize = 300;
/// Connections at a time.
const CONNECTIONS: usize = 32;
/// Messages of one connection.
const OF_ONE_CONNECTION: usize = 8;
/// How long a sender waits before it comes again.
const PAUSE: Duration = Duration::from_millis(300);
/// How long one reply may take; Postfix gives a milter up after 30 seconds.
const REPLY: Duration = Duration::from_secs(90);

/// Whether the long form was asked for.
pub fn is_long() -> bool {
    std::env::var_os("TIDEGATE_LONG").is_some()
}

/// What is to become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Clean,
    Tagged,
    Held,
    Rejected,
}

impl Kind {
    /// A share of each: of twenty, one is rejected, two are held and two tagged.
    pub fn of(number: usize) -> Self {
        match number % 20 {
            7 => Self::Rejected,
            1 | 11 => Self::Held,
            4 | 14 => Self::Tagged,
            _ => Self::Clean,
        }
    }

    fn recipient(self) -> &'static str {
        match self {
            Self::Held => HOLD,
            Self::Tagged => SUBJECT,
            Self::Clean | Self::Rejected => "bert@example.test",
        }
    }
}

/// The Message-ID of a message.
pub fn id(number: usize) -> String {
    format!("<load-{number}@shop.example>")
}

/// Messages to be sent.
pub struct Load {
    /// The number of the first.
    pub first: usize,
    pub messages: usize,
    /// Octets added to every tenth message.
    pub padding: usize,
    /// A header field that some have, the last line end included.
    pub field: fn(usize) -> &'static str,
    /// How often a message that is put off is sent again.
    pub tries: usize,
    clean: String,
    gtube: String,
}

/// What a sender knows of a message at the end.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    pub number: usize,
    /// The last reply.
    pub reply: String,
    /// How often it was put off.
    pub deferred: usize,
    /// How often a connection ended without an answer.
    pub unanswered: usize,
    /// What was said, or seen, when it was last put off.
    pub put_off: String,
}

/// How far the sending has come.
pub struct Progress {
    answered: AtomicUsize,
    messages: usize,
}

impl Progress {
    /// How many messages are done with, of how many.
    pub fn answered(&self) -> (usize, usize) {
        (self.answered.load(Relaxed), self.messages)
    }

    pub fn is_going_on(&self) -> bool {
        self.answered.load(Relaxed) < self.messages
    }

    /// Waits until that share of the messages is done with.
    pub fn wait(&self, share: f64) {
        while (self.answered.load(Relaxed) as f64) < share * self.messages as f64 {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A message that is to be sent when it is time.
struct Task {
    due: Instant,
    sent: Sent,
}

impl Load {
    /// As many as the form of the test has.
    pub fn new() -> Self {
        let messages = if is_long() { LONG } else { SHORT };
        let (clean, gtube) = (mail("clean.eml"), mail("gtube.eml"));
        Self { first: 0, messages, padding: 0, field: |_| "", tries: usize::MAX, clean, gtube }
    }

    fn message(&self, number: usize) -> String {
        let kind = Kind::of(number);
        let text = if kind == Kind::Rejected { &self.gtube } else { &self.clean };
        let named = text.replace(&fields(text, "Message-ID").concat(), &id(number));
        let subject = match kind {
            Kind::Tagged | Kind::Held => format!("Subject: doubtful {number} "),
            Kind::Clean | Kind::Rejected => format!("Subject: {number} "),
        };
        let padding = if number.is_multiple_of(10) { self.padding } else { 0 };
        let lines = "So much to say, and so little to say it with.\n".repeat(padding / 46);
        format!("{}{}{lines}", (self.field)(number), named.replacen("Subject: ", &subject, 1))
    }

    /// Sends them all, while something is done `meanwhile`; what became of each, as they were done with.
    pub fn send(&self, port: u16, meanwhile: impl FnOnce(&Progress)) -> Vec<Sent> {
        let now = Instant::now();
        let fresh = |number| Sent { number, ..Sent::default() };
        let task = |number| Task { due: now, sent: fresh(number) };
        let numbers = self.first..self.first + self.messages;
        let queue: Mutex<VecDeque<Task>> = Mutex::new(numbers.map(task).collect());
        let done = Mutex::new(Vec::new());
        let progress = Progress { answered: AtomicUsize::new(0), messages: self.messages };
        thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| self.work_off(port, &queue, &done, &progress));
            }
            meanwhile(&progress);
        });
        println!("{} messages in {:.1} s", self.messages, now.elapsed().as_secs_f64());
        done.into_inner().unwrap()
    }

    /// One sender.
    fn work_off(
        &self,
        port: u16,
        queue: &Mutex<VecDeque<Task>>,
        done: &Mutex<Vec<Sent>>,
        progress: &Progress,
    ) {
        let most = if is_long() { 7_200 } else { 240 };
        let (began, mut connection) = (Instant::now(), None);
        while progress.is_going_on() {
            assert!(began.elapsed() < Duration::from_secs(most), "{:?}", progress.answered());
            let is_due = |task: &mut Task| task.due <= Instant::now();
            let Some(mut task) = queue.lock().unwrap().pop_front_if(is_due) else {
                thread::sleep(Duration::from_millis(20));
                continue;
            };
            let kept = connection.take().filter(|it: &Connection| it.messages < OF_ONE_CONNECTION);
            let connected = kept.map_or_else(|| Connection::open(port), Ok);
            let reply = connected.and_then(|mut open| {
                let number = task.sent.number;
                let reply = open.transfer(Kind::of(number).recipient(), &self.message(number))?;
                // After "later", an MTA makes a new connection for its next try.
                connection = Some(open).filter(|_| !reply.starts_with('4'));
                Ok(reply)
            });
            match reply {
                Ok(reply) if reply.starts_with('4') => {
                    task.sent.deferred += 1;
                    task.sent.put_off.clone_from(&reply);
                    task.sent.reply = reply;
                }
                Ok(reply) => {
                    task.sent.reply = reply;
                    done.lock().unwrap().push(task.sent);
                    progress.answered.fetch_add(1, Relaxed);
                    continue;
                }
                Err(error) => {
                    task.sent.unanswered += 1;
                    task.sent.reply = error.to_string();
                    task.sent.put_off.clone_from(&task.sent.reply);
                }
            }
            if task.sent.deferred >= self.tries {
                done.lock().unwrap().push(task.sent);
                progress.answered.fetch_add(1, Relaxed);
                continue;
            }
            task.due = Instant::now() + PAUSE;
            queue.lock().unwrap().push_back(task);
        }
    }
}

/// A connection to Postfix that may end at any time.
struct Connection {
    stream: BufReader<TcpStream>,
    messages: usize,
}

impl Connection {
    /// From a well-kept server of `shop.example`, as [`super::smtp::Mail::new`] tells it.
    fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(REPLY))?;
        stream.set_nodelay(true)?;
        let mut connection = Self { stream: BufReader::new(stream), messages: 0 };
        connection.reply()?;
        let host = "mail.shop.example";
        connection.command(&format!("XCLIENT ADDR=203.0.113.9 NAME={host} HELO={host}"))?;
        connection.command(&format!("EHLO {host}"))?;
        Ok(connection)
    }

    /// The reply that decided on a message.
    fn transfer(&mut self, recipient: &str, message: &str) -> io::Result<String> {
        self.messages += 1;
        for line in ["MAIL FROM:<anna@shop.example>", &format!("RCPT TO:<{recipient}>"), "DATA"] {
            let reply = self.command(line)?;
            if !reply.starts_with(['2', '3']) {
                return Ok(reply);
            }
        }
        let mut data = String::with_capacity(message.len() + 100);
        for line in message.lines() {
            data.push_str(if line.starts_with('.') { "." } else { "" });
            data.push_str(line);
            data.push_str("\r\n");
        }
        data.push_str(".\r\n");
        self.stream.get_mut().write_all(data.as_bytes())?;
        self.reply()
    }

    fn command(&mut self, line: &str) -> io::Result<String> {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        self.reply()
    }

    fn reply(&mut self) -> io::Result<String> {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::Error::other(format!("closed after: {reply}")));
            }
            let last = line.as_bytes().get(3) != Some(&b'-');
            reply.push_str(&line);
            if last {
                return Ok(reply);
            }
        }
    }
}

/// Numbers that look random and are the same in each run with the same seed.
pub struct Random(pub u64);

impl Random {
    /// One below `below`; xorshift64 (Marsaglia 2003, "Xorshift RNGs").
    pub fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below.max(1)
    }

    pub fn pause(&mut self, from_ms: u64, to_ms: u64) {
        thread::sleep(Duration::from_millis(from_ms + self.below(to_ms - from_ms)));
    }
}
