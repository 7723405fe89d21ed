//! The MTA's side of the milter protocol, as Postfix speaks it: commands out, replies in.
//!
//! Written apart from `tidegate-milter`, so that what is measured is not measured by itself.
//!
//! Invariant: commands are kept back until an answer to one of them is waited for, and then written at
//! once; what the filter said it doesn't want is not sent, and what it doesn't answer is not waited for.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

/// Actions offered: all (SMFI_V6_ACTS).
const ACTIONS: u32 = 0x1FF;
/// Steps offered to be left out or not answered: all that protocol 6 has (SMFI_V6_PROT).
const STEPS: u32 = 0x1F_FFFF;
/// Bytes of a body chunk when nothing else was agreed on (MILTER_CHUNK_SIZE).
const CHUNK: usize = 65_535;

/// Where a milter listens.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// `inet:HOST:PORT`
    Inet(String),
    /// `unix:PATH`
    Unix(String),
}

impl std::str::FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("inet", rest)) if rest.contains(':') => Ok(Self::Inet(rest.to_owned())),
            Some(("unix", path)) if !path.is_empty() => Ok(Self::Unix(path.to_owned())),
            _ => Err("write inet:HOST:PORT or unix:PATH".to_owned()),
        }
    }
}

/// What can be read and written.
trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A step of the protocol, by the bits that speak of it: SMFIP_NO*, SMFIP_NR_*.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    command: u8,
    unwanted: u32,
    unanswered: u32,
}

const fn step(command: u8, unwanted: u32, unanswered: u32) -> Step {
    Step { command, unwanted, unanswered }
}

pub(crate) const CONNECT: Step = step(b'C', 0x1, 0x1000);
pub(crate) const HELO: Step = step(b'H', 0x2, 0x2000);
pub(crate) const MAIL: Step = step(b'M', 0x4, 0x4000);
pub(crate) const RCPT: Step = step(b'R', 0x8, 0x8000);
pub(crate) const DATA: Step = step(b'T', 0x200, 0x1_0000);
pub(crate) const HEADER: Step = step(b'L', 0x20, 0x80);
pub(crate) const END_OF_HEADER: Step = step(b'N', 0x40, 0x4_0000);
pub(crate) const BODY: Step = step(b'B', 0x10, 0x8_0000);
pub(crate) const END_OF_MESSAGE: Step = step(b'E', 0, 0);

/// What a filter answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    Continue,
    Skip,
    Accept,
    Reject,
    TempFail,
    Discard,
}

/// A connection to a filter.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    outbox: Vec<u8>,
    inbox: Vec<u8>,
    steps: u32,
    /// The changes to the message that the filter asked for.
    pub(crate) changes: u64,
}

impl Connection {
    /// Connects and negotiates.
    pub(crate) fn open(place: &Place, patience: std::time::Duration) -> io::Result<Self> {
        let stream: Box<dyn Stream> = match place {
            Place::Inet(at) => {
                let stream = TcpStream::connect(at)?;
                stream.set_read_timeout(Some(patience))?;
                Box::new(stream)
            }
            Place::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(patience))?;
                Box::new(stream)
            }
        };
        let mut it = Self { stream, outbox: Vec::new(), inbox: Vec::new(), steps: 0, changes: 0 };
        let offer = [6u32, ACTIONS, STEPS].map(u32::to_be_bytes).concat();
        it.frame(b'O', &[&offer]);
        it.flush()?;
        let (command, agreed) = it.read_frame()?;
        let steps = agreed.get(8..12).and_then(|octets| octets.try_into().ok());
        match (command, steps) {
            (b'O', Some(steps)) => it.steps = u32::from_be_bytes(steps),
            _ => return Err(io::Error::other("the filter did not negotiate")),
        }
        Ok(it)
    }

    /// Tells macros for a step (SMFIC_MACRO): names and values by turns.
    pub(crate) fn macros(&mut self, step: Step, values: &[(&str, &str)]) {
        if self.steps & step.unwanted != 0 {
            return;
        }
        let mut payload = vec![step.command];
        for text in values.iter().flat_map(|(name, value)| [name, value]) {
            payload.extend_from_slice(text.as_bytes());
            payload.push(0);
        }
        self.frame(b'D', &[&payload]);
    }

    /// Takes a step, unless it is not wanted; waits where it is answered.
    pub(crate) fn take(&mut self, step: Step, payload: &[&[u8]]) -> io::Result<Reply> {
        if self.steps & step.unwanted != 0 {
            return Ok(Reply::Continue);
        }
        self.frame(step.command, payload);
        if self.steps & step.unanswered != 0 {
            return Ok(Reply::Continue);
        }
        self.flush()?;
        self.reply()
    }

    /// The body in pieces, until the filter wants no more.
    pub(crate) fn body(&mut self, body: &[u8]) -> io::Result<Reply> {
        for piece in body.chunks(CHUNK) {
            match self.take(BODY, &[piece])? {
                Reply::Continue => {}
                Reply::Skip => break,
                other => return Ok(other),
            }
        }
        Ok(Reply::Continue)
    }

    /// Ends a message that will not be finished.
    pub(crate) fn abort(&mut self) -> io::Result<()> {
        self.frame(b'A', &[]);
        self.flush()
    }

    /// Says goodbye.
    pub(crate) fn quit(mut self) -> io::Result<()> {
        self.frame(b'Q', &[]);
        self.flush()
    }

    fn frame(&mut self, command: u8, payload: &[&[u8]]) {
        let length: usize = payload.iter().map(|part| part.len()).sum();
        let length = u32::try_from(length + 1).unwrap_or(u32::MAX);
        self.outbox.extend_from_slice(&length.to_be_bytes());
        self.outbox.push(command);
        for part in payload {
            self.outbox.extend_from_slice(part);
        }
    }

    /// Lets so many milliseconds pass, once all that was taken is sent.
    pub(crate) fn pause(&mut self, milliseconds: u64) -> io::Result<()> {
        if milliseconds > 0 {
            self.flush()?;
            std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.outbox)?;
        self.outbox.clear();
        Ok(())
    }

    fn reply(&mut self) -> io::Result<Reply> {
        loop {
            let (command, payload) = self.read_frame()?;
            return Ok(match command {
                b'c' => Reply::Continue,
                b's' => Reply::Skip,
                b'a' => Reply::Accept,
                b'r' => Reply::Reject,
                b't' => Reply::TempFail,
                b'd' => Reply::Discard,
                b'y' if payload.first() == Some(&b'4') => Reply::TempFail,
                b'y' => Reply::Reject,
                b'p' => continue,
                b'h' | b'i' | b'm' | b'+' | b'2' | b'-' | b'b' | b'e' | b'q' => {
                    self.changes += 1;
                    continue;
                }
                other => {
                    let what = format!("the filter answered {:?}", char::from(other));
                    return Err(io::Error::other(what));
                }
            });
        }
    }

    fn read_frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        loop {
            if let Some((head, rest)) = self.inbox.split_first_chunk::<4>() {
                let length = u32::from_be_bytes(*head) as usize;
                if length == 0 {
                    return Err(io::Error::other("the filter sent an empty frame"));
                }
                if rest.len() >= length {
                    let frame = (rest[0], rest[1..length].to_vec());
                    self.inbox.drain(..4 + length);
                    return Ok(frame);
                }
            }
            let mut piece = [0; 4_096];
            match self.stream.read(&mut piece)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.inbox.extend_from_slice(&piece[..count]),
            }
        }
    }
}
