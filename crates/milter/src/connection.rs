//! One MTA's connection: bytes in, commands to the session, events to the filter, bytes out.
//!
//! Invariant: all that one read brought is worked off before one write answers it, and no more is
//! buffered than one frame and what was read behind it; nothing, while the MTA is silent.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::pin::pin;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use crate::command::{Stage, decode};
use crate::counters::Counters;
use crate::filter::Filter;
use crate::guard::Guarded;
use crate::listen::Socket;
use crate::modification::{Disposition, Outcome};
use crate::reply::Reply;
use crate::server::{ServerLimits, told_to_stop};
use crate::session::{Event, Phase, Received, Session, SessionError};
use crate::wire::{DecodeError, brings};

/// Room made for each read, in octets.
const READ_OCTETS: usize = 16 * 1024;
/// Capacity kept for replies, in octets.
const KEPT_CAPACITY: usize = 4 * READ_OCTETS;

/// Why a connection ended before the MTA said so.
#[derive(Debug, Error)]
pub(crate) enum Broken {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("{0}")]
    Late(&'static str),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Broken {
    pub(crate) fn count(&self, counters: &Counters) {
        match self {
            Self::Decode(_) | Self::Session(_) => counters.protocol_error(),
            Self::Late(_) => counters.timeout(),
            Self::Io(_) => {}
        }
    }
}

/// A connection with its session and its filter.
pub(crate) struct Connection<'a, S, F, M> {
    stream: S,
    limits: &'a ServerLimits,
    counters: &'a Counters,
    session: Session,
    filter: Guarded<'a, F, M>,
    outbox: Vec<u8>,
    /// The outcome of a message is in the outbox.
    unanswered: bool,
}

impl<'a, S, F, M> Connection<'a, S, F, M>
where
    S: AsyncRead + AsyncWrite + Socket + Unpin,
    F: Filter,
    M: Fn() -> F,
{
    pub(crate) fn new(
        stream: S,
        mta: Option<IpAddr>,
        limits: &'a ServerLimits,
        counters: &'a Counters,
        make: &'a M,
    ) -> Self {
        let filter = make();
        let mut session = Session::new(filter.wants(), limits.session);
        session.set_mta(mta);
        let filter = Guarded::new(make, filter, counters);
        Self { stream, limits, counters, session, filter, outbox: Vec::new(), unanswered: false }
    }

    /// Serves the connection to its end: the MTA's QUIT or hang-up, or `stopped` between messages.
    pub(crate) async fn run(mut self, mut stopped: watch::Receiver<bool>) -> Result<(), Broken> {
        let mut inbox = Vec::new();
        // When the frame that has begun must be whole.
        let mut due = None;
        // Whether the system acknowledges at once what comes. It does until a reply has gone out.
        let mut acknowledges = true;
        loop {
            let before = inbox.len();
            let worked_off = self.work_off(&mut inbox).await;
            if !self.outbox.is_empty() {
                acknowledges = false;
            } else if before > 0 && !acknowledges {
                // No reply carries the acknowledgement. An MTA that sends in small pieces waits for it before
                // the next one (Nagle's algorithm), some 40 ms, which is how long the system delays it.
                self.stream.acknowledge();
                acknowledges = true;
            }
            // An answer that was found is sent, whatever became of the commands behind it.
            send(&mut self.stream, &mut self.outbox, self.limits).await?;
            if std::mem::take(&mut self.unanswered) {
                self.filter.run(Filter::answered).await;
            }
            if worked_off?.is_break() {
                return Ok(());
            }
            if inbox.len() < before {
                due = None;
            }
            let now = Instant::now();
            let deadline = if inbox.is_empty() {
                inbox = Vec::new();
                // An MTA says at once what it can do; whoever doesn't is none, or is gone.
                let silent = self.session.phase() == Phase::Negotiation;
                now + if silent { self.limits.stall } else { self.limits.idle }
            } else {
                *due.get_or_insert(now + self.limits.stall)
            };
            let between_messages = self.session.phase() <= Phase::Idle;
            let came = tokio::select! {
                // What has come already is served, even when the server ends.
                biased;
                came = timeout_at(deadline, read(&mut self.stream, &mut inbox)) => came,
                () = told_to_stop(&mut stopped), if between_messages => return Ok(()),
            };
            match came {
                Ok(Ok(0)) if inbox.is_empty() => return Ok(()),
                Ok(Ok(0)) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(error.into()),
                Err(_) if inbox.is_empty() => return Err(Broken::Late("no command came in time")),
                Err(_) => return Err(Broken::Late("the rest of a command did not come in time")),
            }
        }
    }

    /// Takes every whole command out of `inbox`; breaks at QUIT.
    async fn work_off(&mut self, inbox: &mut Vec<u8>) -> Result<ControlFlow<()>, Broken> {
        let longest = self.limits.session.frame_octets;
        let mut used = 0;
        while let Some((command, octets)) = decode(inbox.get(used..).unwrap_or_default(), longest)?
        {
            used += octets;
            let event = self.session.handle(command, &mut self.outbox)?;
            if event == Event::Quit {
                return Ok(ControlFlow::Break(()));
            }
            let rest = self.session.left_out(&command);
            if !rest.is_empty() {
                let received = self.session.received();
                self.filter.run(|filter| filter.beyond(received, rest)).await;
            }
            self.act(event, inbox.get(used..).unwrap_or_default()).await?;
        }
        inbox.drain(..used);
        Ok(ControlFlow::Continue(()))
    }

    /// Tells the filter what happened, and answers where an answer is due. `behind`: what has come after it.
    async fn act(&mut self, event: Event<'_>, behind: &[u8]) -> Result<(), Broken> {
        let Self { session, filter, limits, .. } = self;
        let envelope = session.envelope();
        let disposition = match event {
            Event::Connect => filter.run(|filter| filter.connect(envelope)).await,
            Event::Helo => filter.run(|filter| filter.helo(envelope)).await,
            Event::Mail => {
                filter.renew(envelope).await;
                filter.run(|filter| filter.mail(envelope)).await
            }
            Event::Rcpt => match envelope.recipients().next_back() {
                Some(last) => filter.run(|filter| filter.rcpt(envelope, last)).await,
                None => None,
            },
            Event::Data => filter.run(|filter| filter.data(envelope)).await,
            Event::Header { name, value } => filter.run(|filter| filter.header(name, value)).await,
            Event::EndOfHeader => {
                let ended = brings(behind, Stage::EndOfMessage.code(), limits.session.frame_octets);
                let received = Received { ended, ..session.received() };
                filter.run(|filter| filter.headers(received)).await
            }
            Event::Body(piece) => filter.run(|filter| filter.body(piece)).await,
            Event::Unknown(line) => filter.run(|filter| filter.unknown(line)).await,
            // What judging takes lies apart, so that a connection at rest does not hold room for it.
            Event::Message => return Box::pin(self.judge()).await,
            Event::Abort => {
                filter.run(Filter::abort).await;
                return Ok(());
            }
            Event::NewConnection => {
                filter.replace();
                return Ok(());
            }
            Event::Quiet | Event::Quit => return Ok(()),
        };
        // A step that panicked has no say; its message is answered by on_failure at the end.
        let disposition = disposition.unwrap_or(Disposition::Continue);
        let before = self.outbox.len();
        self.session.answer(&disposition, &mut self.outbox);
        if self.outbox.len() > before {
            self.counters.early_reply();
        }
        Ok(())
    }

    /// Has the filter judge the whole message, with signs of life to the MTA meanwhile.
    async fn judge(&mut self) -> Result<(), Broken> {
        let Self { stream, limits, counters, session, filter, outbox, unanswered } = self;
        let received = session.received();
        let (octets, truncated) = (received.octets, received.truncated);
        let judged = filter.run(|filter| filter.message(received));
        let outcome = with_progress(judged, stream, outbox, limits).await?;
        let on_failure = || Outcome::from(limits.on_failure);
        let outcome = outcome.unwrap_or_else(on_failure);
        if let Err(error) = session.finish(&outcome, outbox) {
            tracing::error!(%error, "the filter's outcome cannot be sent");
            counters.failure();
            // Without modifications there is nothing that could be refused.
            let _ = session.finish(&on_failure(), outbox);
        }
        *unanswered = true;
        counters.message(octets, truncated);
        Ok(())
    }
}

/// Awaits `judged`, and writes PROGRESS each time it has taken as long as the MTA should not wait.
async fn with_progress<T>(
    judged: impl Future<Output = T>,
    stream: &mut (impl AsyncWrite + Unpin),
    outbox: &mut Vec<u8>,
    limits: &ServerLimits,
) -> Result<T, Broken> {
    let mut judged = pin!(judged);
    loop {
        if let Ok(outcome) = timeout(limits.progress, judged.as_mut()).await {
            return Ok(outcome);
        }
        Reply::Progress.encode(outbox);
        send(stream, outbox, limits).await?;
    }
}

/// Reads into `inbox` what is there, or will be; room is made for it when it has come.
async fn read<S>(stream: &mut S, inbox: &mut Vec<u8>) -> io::Result<usize>
where
    S: AsyncRead + Socket + Unpin,
{
    if inbox.is_empty() {
        stream.arrival().await?;
    }
    inbox.reserve(READ_OCTETS);
    stream.read_buf(inbox).await
}

/// Writes all of `outbox` at once, and empties it.
async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    outbox: &mut Vec<u8>,
    limits: &ServerLimits,
) -> Result<(), Broken> {
    if outbox.is_empty() {
        return Ok(());
    }
    match timeout(limits.stall, stream.write_all(outbox)).await {
        Ok(written) => written?,
        Err(_) => return Err(Broken::Late("the MTA did not take a reply in time")),
    }
    outbox.clear();
    outbox.shrink_to(KEPT_CAPACITY);
    Ok(())
}
