//! One milter connection without its socket: the order of commands, and what they add up to.
//!
//! Feed it commands, act on the events, and send what it writes. `libmilter/engine.c` and Postfix's
//! `milter8.c` are the two sides it has to agree with.
//!
//! Invariant: a reply is written exactly where the MTA waits for one. A reply too many is read as
//! the answer to the next step; a reply too few leaves mail waiting until a time-out.

use std::net::IpAddr;

use thiserror::Error;

use crate::answer::{encode_disposition, encode_modification};
use crate::command::{Command, Stage};
use crate::envelope::Envelope;
use crate::message::Gathered;
use crate::modification::{Disposition, Modification, Outcome};
use crate::negotiate::{Agreed, NegotiateError, Steps, Wants};
use crate::options::{Actions, Protocol};
use crate::reply::Reply;
use crate::wire::Strings;

/// Most octets of macros kept for one stage; MTAs send some hundred.
const MACRO_OCTETS: usize = 64 * 1024;

/// Bounds of what one connection may make a filter keep.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionLimits {
    /// Longest frame, in octets, its code included. At least 65,536, which MTAs send.
    pub frame_octets: u32,
    /// Longest header kept, in octets; fields over it are left out.
    pub header_octets: usize,
    /// Most header fields kept; those over it are left out.
    pub header_fields: usize,
    /// Longest body kept, in octets; the rest is left out.
    pub body_octets: usize,
    /// Most recipients of one message; one more ends the connection.
    pub recipients: usize,
    /// Octets of sender, recipients and their arguments; one more ends the connection.
    pub envelope_octets: usize,
}

impl Default for SessionLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            frame_octets: 1024 * 1024,
            header_octets: MIB,
            header_fields: 2_000,
            body_octets: 32 * MIB,
            recipients: 10_000,
            envelope_octets: 4 * MIB,
        }
    }
}

/// Why a connection cannot go on. The MTA then does what it is configured to do without a filter.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SessionError {
    /// A command where it cannot stand.
    #[error("{command} in the phase {phase:?}")]
    OutOfOrder {
        /// The command.
        command: &'static str,
        /// How far the session had come.
        phase: Phase,
    },
    /// MTA and filter cannot work together.
    #[error(transparent)]
    Negotiate(#[from] NegotiateError),
    /// An envelope or its macros over the limits. Nothing of it can be left out without losing mail.
    #[error("{0} over the limit")]
    TooMuch(&'static str),
}

/// A filter asked for a change it did not negotiate. Nothing was written.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the action {0:?} was not agreed on with the MTA")]
pub struct NotAgreed(
    /// The action.
    pub Actions,
);

/// How far a session has come.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Phase {
    /// Nothing is agreed on yet.
    Negotiation,
    /// Between messages.
    Idle,
    /// A sender was named.
    Envelope,
    /// Header fields, or DATA, were told.
    Header,
    /// The header has ended.
    Body,
    /// The message is whole, and waits for its outcome.
    Ended,
}

/// What a command amounts to. Each but the last four may be answered with [`Session::answer`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event<'a> {
    /// A client connected.
    Connect,
    /// It greeted.
    Helo,
    /// It named the sender, which opens a transaction; one still open before it is given up.
    Mail,
    /// It named one more recipient.
    Rcpt,
    /// It is about to send the message.
    Data,
    /// A header field.
    Header {
        /// Its name.
        name: &'a [u8],
        /// Its value, as the MTA sent it.
        value: &'a [u8],
    },
    /// The header has ended.
    EndOfHeader,
    /// A piece of the body. The last may come with [`Event::Message`] instead.
    Body(&'a [u8]),
    /// An SMTP command the MTA does not know.
    Unknown(&'a [u8]),
    /// The message is whole: see [`Session::received`], answer with [`Session::finish`].
    Message,
    /// The transaction was given up.
    Abort,
    /// Another client follows on this connection.
    NewConnection,
    /// The connection ends.
    Quit,
    /// Nothing to act on: macros were kept, or the negotiation was answered.
    Quiet,
}

/// A whole message, lent to its filter.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Client, greeting, sender, recipients and macros.
    pub envelope: &'a Envelope,
    /// The message as it stood on the wire, with CRLF line ends.
    pub raw: &'a [u8],
    /// Octets of the header at the start of `raw`; an empty line follows.
    pub header_octets: usize,
    /// Octets of the message as received; more than `raw` has where it was truncated.
    pub octets: u64,
    /// Whether a limit kept a part of the message out of `raw`.
    pub truncated: bool,
    /// Whether the end of the message has come, be it behind what is told now.
    pub ended: bool,
    /// What may be done to the message.
    pub actions: Actions,
}

impl<'a> Received<'a> {
    /// The header, CRLF of its last field included.
    #[must_use]
    pub fn header(&self) -> &'a [u8] {
        self.raw.get(..self.header_octets).unwrap_or_default()
    }

    /// What is kept of the body.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.raw.get(self.header_octets + b"\r\n".len()..).unwrap_or_default()
    }
}

/// The filter's side of one milter connection.
#[derive(Debug)]
pub struct Session {
    wants: Wants,
    limits: SessionLimits,
    agreed: Agreed,
    phase: Phase,
    /// The step told last, until it is answered.
    pending: Option<Steps>,
    envelope: Envelope,
    message: Gathered,
}

impl Session {
    /// A session before its first octet.
    #[must_use]
    pub fn new(wants: Wants, limits: SessionLimits) -> Self {
        let agreed = Agreed { version: 0, actions: Actions::empty(), protocol: Protocol::empty() };
        Self {
            wants,
            limits,
            agreed,
            phase: Phase::Negotiation,
            pending: None,
            envelope: Envelope::default(),
            message: Gathered::default(),
        }
    }

    /// Takes a command in. The negotiation is answered here, into `out`.
    ///
    /// # Errors
    /// When the connection cannot go on.
    pub fn handle<'a>(
        &mut self,
        command: Command<'a>,
        out: &mut Vec<u8>,
    ) -> Result<Event<'a>, SessionError> {
        use Phase::{Body, Ended, Envelope, Header, Idle, Negotiation};
        self.pending = None;
        match (command, self.phase) {
            (Command::Negotiate(offer), Negotiation) => {
                self.agreed = Agreed::settle(&self.wants, &offer, self.limits.frame_octets)?;
                let mut lists = Vec::new();
                Reply::Negotiate(self.agreed.reply(&self.wants, &mut lists)).encode(out);
                self.phase = Idle;
                Ok(Event::Quiet)
            }
            (Command::Quit, _) => Ok(Event::Quit),
            (command, Negotiation | Ended) => Err(self.out_of_order(&command)),
            (Command::Macros { stage, pairs }, _) => self.keep_macros(stage, pairs),
            (Command::Connect { name, peer }, Idle) => {
                self.envelope.set_client(name, peer);
                Ok(self.told(Steps::CONNECT, Event::Connect))
            }
            (Command::Helo(name), Idle) => {
                self.envelope.set_helo(name);
                Ok(self.told(Steps::HELO, Event::Helo))
            }
            (Command::Mail { path, args }, _) => {
                // Its own macros came before it.
                self.open(Stage::Rcpt);
                self.envelope.set_sender(path, args);
                Ok(self.told(Steps::MAIL, Event::Mail))
            }
            (Command::Rcpt { path, args }, Envelope) => self.keep_recipient(path, args),
            (Command::Data, Envelope) => {
                self.phase = Header;
                Ok(self.told(Steps::DATA, Event::Data))
            }
            (Command::Header { name, value }, Envelope | Header) => {
                self.phase = Header;
                let leading_space = self.agreed.protocol.contains(Protocol::LEADING_SPACE);
                self.message.field(name, value, leading_space, &self.limits);
                Ok(self.told(Steps::HEADER, Event::Header { name, value }))
            }
            (Command::EndOfHeader, Envelope | Header) => {
                self.phase = Body;
                self.message.end_header();
                Ok(self.told(Steps::END_OF_HEADER, Event::EndOfHeader))
            }
            (Command::Body(piece), Envelope | Header | Body) => {
                self.phase = Body;
                self.message.body(piece, &self.limits);
                Ok(self.told(Steps::BODY, Event::Body(piece)))
            }
            (Command::EndOfMessage(piece), Envelope | Header | Body) => {
                self.message.body(piece, &self.limits);
                self.phase = Ended;
                Ok(Event::Message)
            }
            (Command::Unknown(line), _) => Ok(self.told(Steps::UNKNOWN, Event::Unknown(line))),
            (Command::Abort, _) => {
                self.close();
                Ok(Event::Abort)
            }
            (Command::QuitNewConnection, _) => {
                self.close();
                self.envelope.clear();
                Ok(Event::NewConnection)
            }
            (command, _) => Err(self.out_of_order(&command)),
        }
    }

    /// Answers the event told last, where the filter wanted to and the MTA waits for it.
    ///
    /// A step the filter did not declare in [`Wants::early`] is answered with "continue" whatever
    /// `disposition` says, so that a filter does the same under an MTA which waits at every step.
    pub fn answer(&mut self, disposition: &Disposition, out: &mut Vec<u8>) {
        let Some(step) = self.pending.take() else { return };
        if !self.wants.early.contains(step) {
            if self.agreed.answers(step) {
                Reply::Continue.encode(out);
            }
            return;
        }
        match disposition {
            Disposition::Continue | Disposition::Skip => {}
            Disposition::Reject | Disposition::TempFail | Disposition::Reply(_)
                if step == Steps::RCPT =>
            {
                self.envelope.drop_recipient();
            }
            _ if self.phase > Phase::Idle && step != Steps::UNKNOWN => self.close(),
            _ => {}
        }
        let skips = step == Steps::BODY && self.agreed.protocol.contains(Protocol::SKIP);
        encode_disposition(disposition, skips, out);
    }

    /// Answers [`Event::Message`]: the modifications, where the message is to be delivered, and what
    /// becomes of it. Another message may follow.
    ///
    /// # Errors
    /// When a modification was not agreed on; nothing is written then, and another outcome is due.
    pub fn finish(&mut self, outcome: &Outcome, out: &mut Vec<u8>) -> Result<(), NotAgreed> {
        let delivers = matches!(
            outcome.disposition,
            Disposition::Continue | Disposition::Accept | Disposition::Skip
        );
        let modifications = if delivers { outcome.modifications.as_slice() } else { &[] };
        let needed =
            modifications.iter().map(Modification::needs).fold(Actions::empty(), |a, b| a | b);
        if !self.agreed.actions.contains(needed) {
            return Err(NotAgreed(needed - self.agreed.actions));
        }
        let leading_space = self.agreed.protocol.contains(Protocol::LEADING_SPACE);
        for modification in modifications {
            let data_octets = self.agreed.protocol.data_octets() as usize;
            encode_modification(modification, leading_space, data_octets, out);
        }
        encode_disposition(&outcome.disposition, false, out);
        self.close();
        Ok(())
    }

    /// What of the body that `command` brought a limit keeps out of the message. To be asked once it was
    /// handled.
    #[must_use]
    pub fn left_out<'a>(&self, command: &Command<'a>) -> &'a [u8] {
        match command {
            Command::Body(piece) | Command::EndOfMessage(piece) => self.message.left_out(piece),
            _ => &[],
        }
    }

    /// The message of [`Event::Message`], until it is answered.
    #[must_use]
    pub fn received(&self) -> Received<'_> {
        Received {
            envelope: &self.envelope,
            raw: self.message.raw(),
            header_octets: self.message.header_octets(),
            octets: self.message.octets(),
            truncated: self.message.truncated(),
            ended: self.phase == Phase::Ended,
            actions: self.agreed.actions,
        }
    }

    /// The envelope as far as it has come.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Notes the MTA's address, for whoever reads the envelope.
    pub(crate) const fn set_mta(&mut self, mta: Option<IpAddr>) {
        self.envelope.set_mta(mta);
    }

    /// What was agreed on; nothing before the negotiation.
    #[must_use]
    pub fn agreed(&self) -> Agreed {
        self.agreed
    }

    /// How far the session has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    fn told<'a>(&mut self, step: Steps, event: Event<'a>) -> Event<'a> {
        self.pending = Some(step);
        event
    }

    fn keep_macros<'a>(
        &mut self,
        stage: Stage,
        pairs: Strings<'_>,
    ) -> Result<Event<'a>, SessionError> {
        if pairs.as_bytes().len() > MACRO_OCTETS {
            return Err(SessionError::TooMuch("macros"));
        }
        self.envelope.set_macros(stage, pairs);
        Ok(Event::Quiet)
    }

    fn keep_recipient<'a>(
        &mut self,
        path: &[u8],
        args: Strings<'_>,
    ) -> Result<Event<'a>, SessionError> {
        let octets = self.envelope.octets() + path.len() + args.as_bytes().len();
        if self.envelope.recipients().len() >= self.limits.recipients
            || octets > self.limits.envelope_octets
        {
            return Err(SessionError::TooMuch("recipients"));
        }
        self.envelope.add_recipient(path, args);
        Ok(self.told(Steps::RCPT, Event::Rcpt))
    }

    fn open(&mut self, macros_from: Stage) {
        self.envelope.clear_message(macros_from);
        self.message.clear();
        self.phase = Phase::Envelope;
    }

    fn close(&mut self) {
        self.open(Stage::Mail);
        self.phase = Phase::Idle;
    }

    fn out_of_order(&self, command: &Command<'_>) -> SessionError {
        SessionError::OutOfOrder { command: command.name(), phase: self.phase }
    }
}
