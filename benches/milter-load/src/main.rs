//! milter-load: drives any milter as an MTA would, and says what it costs.
//!
//! `milter-load --connect inet:127.0.0.1:8895 --index INDEX --connections 8 --pid PID` tells each message
//! of the index to the filter over eight connections at once, and prints rate, latency, verdicts, and the
//! CPU and memory of the filter.
//!
//! Invariant: a message that is not answered is counted as failed, and fails the run.

mod message;
mod report;
mod watch;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;

use crate::message::Message;
use crate::report::{Measured, Report};
use crate::wire::{
    CONNECT, Connection, DATA, END_OF_HEADER, END_OF_MESSAGE, HEADER, HELO, MAIL, Place, RCPT,
    Reply,
};

/// Drives any milter as an MTA would, and measures what it costs.
#[derive(Debug, Parser)]
#[command(version)]
struct Flags {
    /// Where the filter listens: inet:HOST:PORT or unix:PATH
    #[arg(long, default_value = "inet:127.0.0.1:8895")]
    connect: Place,
    /// Names the messages, a line each: `ham PATH` or `spam PATH`
    #[arg(long, required_unless_present = "size")]
    index: Option<PathBuf>,
    /// Tell one made letter of so many bytes, in place of those of an index
    #[arg(long, conflicts_with = "index")]
    size: Option<usize>,
    /// Read so many messages of the index
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    first: usize,
    /// Tell so many messages in all, the same ones over again if need be; default: each once
    #[arg(long)]
    messages: Option<usize>,
    /// Connections at a time
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Begin so many messages a second, whether those before are answered or not. What finds all connections
    /// busy waits, which counts as the filter's time; what is not begun when all should be is not told
    #[arg(long)]
    rate: Option<f64>,
    /// Messages told over one connection before the next is opened
    #[arg(long, default_value_t = 1)]
    per_connection: usize,
    /// Messages told before anything is measured
    #[arg(long, default_value_t = 0)]
    warm_up: usize,
    /// The filter's process, whose CPU and memory are told; its children count with it
    #[arg(long)]
    pid: Option<u32>,
    /// The address of the client that the filter is told of
    #[arg(long, default_value = "192.0.2.10")]
    client: String,
    /// Tell of another client with each connection: of 198.51.0.0/16, in place of --client
    #[arg(long)]
    many_clients: bool,
    /// Milliseconds between the steps of SMTP up to the message, as of a client far away
    #[arg(long, default_value_t = 0)]
    pause: u64,
    /// Keep so many more connections open that say nothing past HELO
    #[arg(long, default_value_t = 0)]
    idle: usize,
    /// The name of the client, and of its HELO
    #[arg(long, default_value = "mail.example.com")]
    helo: String,
    /// The recipient
    #[arg(long, default_value = "user@example.org")]
    rcpt: String,
    /// Seconds that an answer may take
    #[arg(long, default_value_t = 60)]
    patience: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(&Flags::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("milter-load: {failed} messages were not answered");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("milter-load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: &Flags) -> anyhow::Result<usize> {
    let messages = match (&flags.index, flags.size) {
        (Some(index), _) => message::read_index(index, flags.first)?,
        (None, size) => vec![Message::of_size(size.unwrap_or_default())],
    };
    anyhow::ensure!(!messages.is_empty(), "the index names no message");
    let idle = (0..flags.idle).map(|number| greet(flags, number));
    let idle = idle.collect::<Result<Vec<_>, _>>().context("opening idle connections")?;
    if flags.warm_up > 0 {
        drive(flags, &messages, flags.warm_up);
    }
    let before = flags.pid.map(watch::used).unwrap_or_default();
    let driver_before = watch::used(std::process::id()).cpu;
    let began = Instant::now();
    let measured = drive(flags, &messages, flags.messages.unwrap_or(messages.len()));
    let elapsed = began.elapsed();
    let driver = watch::used(std::process::id()).cpu - driver_before;
    let mut after = flags.pid.map(watch::used).unwrap_or_default();
    after.cpu -= before.cpu;
    drop(idle);
    let report = Report::new(&measured, elapsed, flags.pid.map(|_| after), driver);
    if flags.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report}");
    }
    Ok(report.failed)
}

/// Tells `count` messages over all connections.
fn drive(flags: &Flags, messages: &[Message], count: usize) -> Measured {
    let (next, began) = (AtomicUsize::new(0), Instant::now());
    std::thread::scope(|scope| {
        let drivers: Vec<_> = (0..flags.connections.max(1))
            .map(|_| scope.spawn(|| one_driver(flags, messages, &next, count, began)))
            .collect();
        let mut all = Measured::default();
        for driver in drivers {
            if let Ok(measured) = driver.join() {
                all.add(measured);
            }
        }
        all
    })
}

fn one_driver(
    flags: &Flags,
    messages: &[Message],
    next: &AtomicUsize,
    count: usize,
    start: Instant,
) -> Measured {
    let mut measured = Measured::default();
    let mut kept: Option<(Connection, usize)> = None;
    loop {
        let number = next.fetch_add(1, Relaxed);
        let planned =
            flags.rate.map(|rate| Duration::from_secs_f64(count as f64 / rate.max(0.001)));
        if number >= count || planned.is_some_and(|planned| start.elapsed() > planned) {
            if let Some((connection, _)) = kept {
                let _ = connection.quit();
            }
            return measured;
        }
        let message = &messages[number % messages.len()];
        let began = match flags.rate {
            Some(rate) => start + Duration::from_secs_f64(number as f64 / rate.max(0.001)),
            None => Instant::now(),
        };
        std::thread::sleep(began.saturating_duration_since(Instant::now()));
        let connection = match kept.take() {
            Some(kept) => Ok(kept),
            None => greet(flags, number).map(|connection| (connection, 0)),
        };
        let told = connection.and_then(|(mut connection, used)| {
            let told = tell(&mut connection, flags, message, number)?;
            Ok((connection, used + 1, told))
        });
        match told {
            Ok((mut connection, used, (reply, waited))) => {
                let changes = std::mem::take(&mut connection.changes);
                measured.answered(reply, began.elapsed(), waited, message.octets, changes);
                if used < flags.per_connection {
                    kept = Some((connection, used));
                } else {
                    let _ = connection.quit();
                }
            }
            Err(error) => measured.failed(&error),
        }
    }
}

/// Opens a connection, and tells who greets.
fn greet(flags: &Flags, number: usize) -> std::io::Result<Connection> {
    let client = match flags.many_clients {
        true => format!("198.51.{}.{}", number / 250 % 250, number % 250 + 1),
        false => flags.client.clone(),
    };
    let mut connection = Connection::open(&flags.connect, Duration::from_secs(flags.patience))?;
    let family = if client.contains(':') { b'6' } else { b'4' };
    let name = ["j", "{daemon_name}", "v"];
    let values = ["mx.example.org", "smtpd", "milter-load"];
    let macros: Vec<_> = name.into_iter().zip(values).collect();
    connection.macros(CONNECT, &macros);
    let address = format!("{client}\0");
    connection.take(
        CONNECT,
        &[flags.helo.as_bytes(), b"\0", &[family], &40_000u16.to_be_bytes(), address.as_bytes()],
    )?;
    connection.pause(flags.pause)?;
    connection.take(HELO, &[flags.helo.as_bytes(), b"\0"])?;
    connection.pause(flags.pause)?;
    if flags.idle > 0 {
        connection.flush()?;
    }
    Ok(connection)
}

/// Tells one message; what the filter said, and how long it took from the end of the message on.
fn tell(
    connection: &mut Connection,
    flags: &Flags,
    message: &Message,
    number: usize,
) -> std::io::Result<(Reply, Duration)> {
    let sender = format!("<{}>\0", message.sender);
    let recipient = format!("<{}>\0", flags.rcpt);
    let queue_id = format!("{number:010X}");
    let mut reply = connection.take(MAIL, &[sender.as_bytes()])?;
    connection.pause(flags.pause)?;
    if reply == Reply::Continue {
        reply = connection.take(RCPT, &[recipient.as_bytes()])?;
        connection.pause(flags.pause)?;
    }
    if reply == Reply::Continue {
        connection.macros(DATA, &[("i", &queue_id)]);
        reply = connection.take(DATA, &[])?;
    }
    for field in &message.fields {
        if reply != Reply::Continue {
            break;
        }
        reply = connection.take(HEADER, &[field])?;
    }
    if reply == Reply::Continue {
        reply = connection.take(END_OF_HEADER, &[])?;
    }
    if reply == Reply::Continue {
        reply = connection.body(&message.body)?;
    }
    if reply != Reply::Continue {
        connection.abort()?;
        return Ok((reply, Duration::ZERO));
    }
    connection.macros(END_OF_MESSAGE, &[("i", &queue_id)]);
    let began = Instant::now();
    let reply = connection.take(END_OF_MESSAGE, &[])?;
    Ok((reply, began.elapsed()))
}
