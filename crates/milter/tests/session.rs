//! A session driven with bytes, split wherever they can be split.

// Functions beside the tests may fail as loudly as the tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::num::NonZeroU32;

use tidegate_milter::{
    Actions, Command, Disposition, Event, HeaderName, HeaderValue, Modification, OneLine, Options,
    Outcome, Peer, Phase, Protocol, Reply, Session, SessionError, SessionLimits, SmtpReply, Stage,
    Steps, Strings, Symbols, Wants, decode,
};

const LONGEST: u32 = 1 << 20;

fn offer(version: u32, actions: u32, protocol: u32) -> Command<'static> {
    Command::Negotiate(Options {
        version,
        actions: Actions::from_bits_retain(actions),
        protocol: Protocol::from_bits_retain(protocol),
        symbols: Symbols::default(),
    })
}

fn postfix() -> Command<'static> {
    offer(6, 0x1ff, 0x1f_ffff)
}

fn args(octets: &[u8]) -> Strings<'_> {
    Strings::new(octets).unwrap()
}

/// One message, without negotiation and CONNECT.
fn message() -> Vec<Command<'static>> {
    vec![
        Command::Macros { stage: Stage::Mail, pairs: args(b"{auth_authen}\0anna\0") },
        Command::Mail { path: b"<anna@a.example>", args: args(b"SIZE=99\0") },
        Command::Rcpt { path: b"<bert@b.example>", args: args(b"") },
        Command::Rcpt { path: b"<carl@b.example>", args: args(b"NOTIFY=NEVER\0") },
        Command::Macros { stage: Stage::Data, pairs: args(b"i\x004Xyz\0") },
        Command::Data,
        Command::Header { name: b"Subject", value: b" hello\n\tworld" },
        Command::Header { name: b"From", value: b" anna@a.example" },
        Command::EndOfHeader,
        Command::Body(b"one\r\n"),
        Command::Body(b"two\r\n"),
        Command::EndOfMessage(b""),
    ]
}

const RAW: &[u8] = b"Subject: hello\r\n\tworld\r\nFrom: anna@a.example\r\n\r\none\r\ntwo\r\n";

fn connection() -> Vec<Command<'static>> {
    let peer = Peer::Inet("192.0.2.1:25".parse().unwrap());
    vec![
        postfix(),
        Command::Macros { stage: Stage::Connect, pairs: args(b"j\0mx.example\0") },
        Command::Connect { name: b"mail.a.example", peer },
        Command::Helo(b"mail.a.example"),
    ]
}

fn encoded(commands: &[Command<'_>]) -> Vec<u8> {
    let mut wire = Vec::new();
    commands.iter().for_each(|command| command.encode(&mut wire));
    wire
}

/// A session on a wire: answers every step the same way, and every message with its outcome.
struct Driven {
    session: Session,
    wire: Vec<u8>,
    sent: Vec<u8>,
    answer: Disposition,
    outcome: Outcome,
    /// What each message looked like.
    messages: Vec<Vec<u8>>,
    events: Vec<String>,
}

impl Driven {
    fn new(wants: Wants) -> Self {
        Self {
            session: Session::new(wants, SessionLimits::default()),
            wire: Vec::new(),
            sent: Vec::new(),
            answer: Disposition::Continue,
            outcome: Outcome::default(),
            messages: Vec::new(),
            events: Vec::new(),
        }
    }

    fn feed(&mut self, octets: &[u8]) -> Result<(), SessionError> {
        self.wire.extend_from_slice(octets);
        let mut used = 0;
        while let Some((command, octets)) = decode(&self.wire[used..], LONGEST).unwrap() {
            used += octets;
            let event = self.session.handle(command, &mut self.sent)?;
            self.events.push(format!("{event:?}"));
            if event == Event::Message {
                self.messages.push(self.session.received().raw.to_vec());
                self.session.finish(&self.outcome, &mut self.sent).unwrap();
            } else {
                self.session.answer(&self.answer, &mut self.sent);
            }
        }
        self.wire.drain(..used);
        Ok(())
    }

    fn tell(&mut self, commands: &[Command<'_>]) -> Result<(), SessionError> {
        self.feed(&encoded(commands))
    }

    /// What was sent since the last look.
    fn replies(&mut self) -> Vec<String> {
        let sent = std::mem::take(&mut self.sent);
        let mut replies = Vec::new();
        let mut at = 0;
        while let Some((reply, octets)) = Reply::decode(&sent[at..], LONGEST).unwrap() {
            replies.push(format!("{reply:?}"));
            at += octets;
        }
        assert_eq!(at, sent.len(), "half a reply was sent");
        replies
    }
}

#[test]
fn one_message_costs_one_reply() {
    let mut driven = Driven::new(Wants::default());
    driven.tell(&connection()).unwrap();
    assert_eq!(driven.replies().len(), 1, "the negotiation alone is answered");
    let message = message();
    let (end, rest) = message.split_last().unwrap();
    driven.tell(rest).unwrap();
    assert!(driven.sent.is_empty());
    let received = driven.session.received();
    assert_eq!(received.envelope.macro_value("i"), Some(&b"4Xyz"[..]));
    assert_eq!(received.envelope.macro_value("{auth_authen}"), Some(&b"anna"[..]));
    assert_eq!(received.envelope.recipients().len(), 2);
    assert_eq!(received.header(), b"Subject: hello\r\n\tworld\r\nFrom: anna@a.example\r\n");
    driven.tell(&[*end]).unwrap();
    assert_eq!(driven.replies(), ["Continue"]);
}

#[test]
fn bytes_add_up_to_the_same_however_they_are_split() {
    let wire = encoded(&[connection(), message(), message(), vec![Command::Quit]].concat());
    let mut whole = Driven::new(Wants::default());
    whole.feed(&wire).unwrap();
    assert_eq!(whole.messages, [RAW, RAW]);
    for at in 0..=wire.len() {
        let mut split = Driven::new(Wants::default());
        split.feed(&wire[..at]).unwrap();
        split.feed(&wire[at..]).unwrap();
        assert_eq!(split.sent, whole.sent, "split at {at}");
        assert_eq!(split.events, whole.events, "split at {at}");
        assert_eq!(split.messages, whole.messages, "split at {at}");
    }
    let mut single = Driven::new(Wants::default());
    wire.chunks(1).for_each(|octet| single.feed(octet).unwrap());
    assert_eq!((single.sent, single.events), (whole.sent, whole.events));
}

#[test]
fn an_mta_of_version_2_is_answered_at_every_step() {
    let mut driven = Driven::new(Wants::default());
    driven.answer = Disposition::Reject;
    let mut commands = connection();
    commands[0] = offer(2, 0x3f, 0x7f);
    let told = message().into_iter().filter(|command| *command != Command::Data);
    commands.extend(told.map(|command| match command {
        // Before version 6 the space behind the colon is not sent.
        Command::Header { name, value } => Command::Header { name, value: &value[1..] },
        other => other,
    }));
    driven.tell(&commands).unwrap();
    let replies = driven.replies();
    assert_eq!(replies.len(), 1 + 2 + 3 + 2 + 1 + 2 + 1, "{replies:?}");
    assert!(replies[1..].iter().all(|reply| reply == "Continue"), "{replies:?}");
    assert_eq!(driven.messages, [RAW]);
}

#[test]
fn a_recipient_refused_early_is_not_kept() {
    let mut driven = Driven::new(Wants { early: Steps::RCPT, ..Wants::default() });
    driven.tell(&connection()).unwrap();
    driven.tell(&message()[..3]).unwrap();
    driven.answer = Disposition::Reply(SmtpReply::new(550, "5.1.1", "100% unknown").unwrap());
    driven.tell(&message()[3..4]).unwrap();
    let text = format!("ReplyCode({:?})", b"550 5.1.1 100%% unknown");
    assert_eq!(driven.replies()[1..], ["Continue".to_owned(), text]);
    assert_eq!(driven.session.envelope().recipients().len(), 1);
}

#[test]
fn a_transaction_answered_early_is_over() {
    let mut driven = Driven::new(Wants { early: Steps::MAIL, ..Wants::default() });
    driven.answer = Disposition::TempFail;
    driven.tell(&connection()).unwrap();
    driven.tell(&message()[..2]).unwrap();
    assert_eq!(driven.session.phase(), Phase::Idle);
    driven.answer = Disposition::Continue;
    driven.tell(&message()).unwrap();
    assert_eq!(driven.messages, [RAW]);
}

#[test]
fn an_aborted_message_leaves_nothing_to_the_next() {
    let mut driven = Driven::new(Wants::default());
    driven.tell(&connection()).unwrap();
    driven.tell(&message()[..10]).unwrap();
    driven.tell(&[Command::Abort]).unwrap();
    assert_eq!(driven.session.envelope().macro_value("i"), None);
    assert_eq!(driven.session.envelope().macro_value("j"), Some(&b"mx.example"[..]));
    driven.tell(&message()).unwrap();
    assert_eq!(driven.messages, [RAW]);
}

#[test]
fn another_client_follows_on_the_same_connection() {
    let mut driven = Driven::new(Wants::default());
    driven.tell(&[connection(), message(), vec![Command::QuitNewConnection]].concat()).unwrap();
    assert_eq!(driven.session.envelope().helo(), None);
    assert_eq!(driven.session.envelope().macro_value("j"), None);
    let again = Command::Connect { name: b"other", peer: Peer::Unknown };
    driven.tell(&[again]).unwrap();
    driven.tell(&message()).unwrap();
    assert_eq!(driven.messages, [RAW, RAW]);
}

#[test]
fn commands_out_of_order_are_errors() {
    for (commands, words) in [
        (vec![Command::Helo(b"x")], "HELO in the phase Negotiation"),
        (vec![postfix(), postfix()], "OPTNEG in the phase Idle"),
        (vec![postfix(), Command::Data], "DATA in the phase Idle"),
        (vec![postfix(), Command::EndOfMessage(b"")], "EOB in the phase Idle"),
    ] {
        let error = Driven::new(Wants::default()).tell(&commands).unwrap_err();
        assert_eq!(error.to_string(), words);
    }
    let mut driven = Driven::new(Wants::default());
    driven.tell(&connection()).unwrap();
    driven.tell(&message()[..10]).unwrap();
    let error = driven.tell(&message()[6..7]).unwrap_err();
    assert_eq!(error.to_string(), "HEADER in the phase Body");
}

#[test]
fn recipients_over_the_limit_end_the_connection() {
    let limits = SessionLimits { recipients: 1, ..SessionLimits::default() };
    let mut driven = Driven::new(Wants::default());
    driven.session = Session::new(Wants::default(), limits);
    driven.tell(&connection()).unwrap();
    assert_eq!(driven.tell(&message()), Err(SessionError::TooMuch("recipients")));
}

#[test]
fn a_body_over_the_limit_is_cut_and_told() {
    let limits = SessionLimits { body_octets: 7, ..SessionLimits::default() };
    let mut session = Session::new(Wants::default(), limits);
    let mut sent = Vec::new();
    for command in [connection(), message()].concat() {
        session.handle(command, &mut sent).unwrap();
    }
    let received = session.received();
    assert!(received.truncated && received.raw.ends_with(b"\r\n\r\none\r\ntw"));
    assert_eq!(received.octets, RAW.len() as u64);
}

fn everything() -> Wants {
    Wants { optional: Actions::all(), ..Wants::default() }
}

fn every_modification() -> Vec<Modification> {
    let name = HeaderName::new("X-Seen").unwrap();
    let value = HeaderValue::new("a\r\nb").unwrap();
    let path = OneLine::new("<d@d.example>").unwrap();
    let index = NonZeroU32::MIN;
    vec![
        Modification::AddHeader { name: name.clone(), value: value.clone() },
        Modification::InsertHeader { index: 0, name: name.clone(), value: value.clone() },
        Modification::ChangeHeader { name: name.clone(), index, value },
        Modification::DeleteHeader { name, index },
        Modification::ReplaceBody(vec![b'x'; 70_000]),
        Modification::AddRecipient(path.clone()),
        Modification::AddRecipientWithArgs(path.clone(), OneLine::new("NOTIFY=NEVER").unwrap()),
        Modification::DeleteRecipient(path.clone()),
        Modification::ChangeFrom(path, None),
        Modification::Quarantine(OneLine::new("seen").unwrap()),
    ]
}

#[test]
fn modifications_are_sent_in_order_before_the_final_reply() {
    let mut driven = Driven::new(everything());
    driven.outcome.modifications = every_modification();
    driven.tell(&[connection(), message()].concat()).unwrap();
    let sent = std::mem::take(&mut driven.sent);
    let mut replies = Vec::new();
    let mut at = 0;
    while let Some((reply, octets)) = Reply::decode(&sent[at..], LONGEST).unwrap() {
        replies.push(reply);
        at += octets;
    }
    let (name, value) = (&b"X-Seen"[..], &b" a\n\tb"[..]);
    let path = &b"<d@d.example>"[..];
    let expect = [
        Reply::AddHeader { name, value },
        Reply::InsertHeader { index: 0, name, value },
        Reply::ChangeHeader { index: 1, name, value },
        Reply::ChangeHeader { index: 1, name, value: b"" },
        Reply::ReplaceBody(&[b'x'; 65_535]),
        Reply::ReplaceBody(&[b'x'; 70_000 - 65_535]),
        Reply::AddRecipient(path),
        Reply::AddRecipientWithArgs { path, args: args(b"NOTIFY=NEVER\0") },
        Reply::DeleteRecipient(path),
        Reply::ChangeFrom { path, args: args(b"") },
        Reply::Quarantine(b"seen"),
        Reply::Continue,
    ];
    assert_eq!(replies[1..], expect);
}

#[test]
fn a_refused_message_is_not_modified() {
    let mut driven = Driven::new(everything());
    driven.outcome =
        Outcome { modifications: every_modification(), disposition: Disposition::Reject };
    driven.tell(&[connection(), message()].concat()).unwrap();
    assert_eq!(driven.replies()[1..], ["Reject"]);
}

#[test]
fn a_modification_not_agreed_on_is_refused_whole() {
    let mut session = Session::new(Wants::default(), SessionLimits::default());
    let mut sent = Vec::new();
    for command in [connection(), message()].concat() {
        session.handle(command, &mut sent).unwrap();
    }
    sent.clear();
    let outcome = Outcome { modifications: every_modification(), ..Outcome::default() };
    assert!(session.finish(&outcome, &mut sent).is_err());
    assert!(sent.is_empty());
    session.finish(&Disposition::TempFail.into(), &mut sent).unwrap();
    assert_eq!(session.phase(), Phase::Idle);
}
