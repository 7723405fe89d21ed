//! What an MTA says to a filter: the `SMFIC_*` commands.
//!
//! Invariant: decoding what was encoded gives the same command, and a command borrows from the
//! bytes it was decoded from; nothing is copied.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::options::{Options, put_path};
use crate::wire::{DecodeError, Reader, Strings, frame, put_frame, put_string};

/// One command of the MTA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Command<'a> {
    /// What the MTA offers (`SMFIC_OPTNEG`).
    Negotiate(Options<'a>),
    /// Macros that go with the command whose stage is named (`SMFIC_MACRO`).
    Macros {
        /// The command that follows.
        stage: Stage,
        /// Names and values in turn.
        pairs: Strings<'a>,
    },
    /// A client connected (`SMFIC_CONNECT`).
    Connect {
        /// Its verified host name, or its address in brackets.
        name: &'a [u8],
        /// Where it connected from.
        peer: Peer<'a>,
    },
    /// The client's greeting (`SMFIC_HELO`).
    Helo(&'a [u8]),
    /// MAIL FROM (`SMFIC_MAIL`).
    Mail {
        /// The sender, in angle brackets.
        path: &'a [u8],
        /// ESMTP arguments, such as `SIZE=1000`.
        args: Strings<'a>,
    },
    /// RCPT TO (`SMFIC_RCPT`).
    Rcpt {
        /// The recipient, in angle brackets.
        path: &'a [u8],
        /// ESMTP arguments, such as `NOTIFY=NEVER`.
        args: Strings<'a>,
    },
    /// DATA (`SMFIC_DATA`, since version 4).
    Data,
    /// One header field (`SMFIC_HEADER`).
    Header {
        /// Its name, without the colon.
        name: &'a [u8],
        /// Its value; folded lines are divided by LF or CRLF.
        value: &'a [u8],
    },
    /// The header has ended (`SMFIC_EOH`).
    EndOfHeader,
    /// A piece of the body, with CRLF line ends (`SMFIC_BODY`).
    Body(&'a [u8]),
    /// The message has ended; it may carry the last piece (`SMFIC_BODYEOB`).
    EndOfMessage(&'a [u8]),
    /// The message was given up; the connection goes on (`SMFIC_ABORT`).
    Abort,
    /// The connection ends (`SMFIC_QUIT`).
    Quit,
    /// The client has gone, and another follows on this connection (`SMFIC_QUIT_NC`).
    QuitNewConnection,
    /// An SMTP command the MTA does not know (`SMFIC_UNKNOWN`, since version 3).
    Unknown(&'a [u8]),
}

/// Where an SMTP client connected from (`SMFIA_*`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Peer<'a> {
    /// The MTA does not know, or will not say (`SMFIA_UNKNOWN`).
    Unknown,
    /// A process of the same machine: the socket's path (`SMFIA_UNIX`).
    Unix(&'a [u8]),
    /// An address and a port; port 0 where the MTA does not tell it (`SMFIA_INET`, `SMFIA_INET6`).
    Inet(SocketAddr),
}

/// The command with which macros go, in the order of an SMTP session.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// CONNECT.
    Connect,
    /// HELO.
    Helo,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// A header field.
    Header,
    /// The end of the header.
    EndOfHeader,
    /// A piece of the body.
    Body,
    /// The end of the message.
    EndOfMessage,
    /// An SMTP command the MTA does not know.
    Unknown,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 10] = [
        Self::Connect,
        Self::Helo,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Header,
        Self::EndOfHeader,
        Self::Body,
        Self::EndOfMessage,
        Self::Unknown,
    ];

    /// The code of the command, as it stands on the wire.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Connect => code::CONNECT,
            Self::Helo => code::HELO,
            Self::Mail => code::MAIL,
            Self::Rcpt => code::RCPT,
            Self::Data => code::DATA,
            Self::Header => code::HEADER,
            Self::EndOfHeader => code::EOH,
            Self::Body => code::BODY,
            Self::EndOfMessage => code::BODYEOB,
            Self::Unknown => code::UNKNOWN,
        }
    }
}

mod code {
    pub(super) const ABORT: u8 = b'A';
    pub(super) const BODY: u8 = b'B';
    pub(super) const CONNECT: u8 = b'C';
    pub(super) const MACRO: u8 = b'D';
    pub(super) const BODYEOB: u8 = b'E';
    pub(super) const HELO: u8 = b'H';
    pub(super) const QUIT_NC: u8 = b'K';
    pub(super) const HEADER: u8 = b'L';
    pub(super) const MAIL: u8 = b'M';
    pub(super) const EOH: u8 = b'N';
    pub(super) const OPTNEG: u8 = b'O';
    pub(super) const QUIT: u8 = b'Q';
    pub(super) const RCPT: u8 = b'R';
    pub(super) const DATA: u8 = b'T';
    pub(super) const UNKNOWN: u8 = b'U';
}

/// The first command of `buf`, and the octets it took; `None` while it is not whole.
///
/// # Errors
/// When the bytes are no command, or one over `longest` octets (its code counted, its length field
/// not): the bound holds before anything is buffered.
pub fn decode(buf: &[u8], longest: u32) -> Result<Option<(Command<'_>, usize)>, DecodeError> {
    let Some(frame) = frame(buf, longest)? else { return Ok(None) };
    Ok(Some((Command::read(frame.code, frame.reader())?, frame.octets)))
}

impl<'a> Command<'a> {
    fn read(code: u8, mut data: Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match code {
            code::OPTNEG => Self::Negotiate(Options::read(data)?),
            code::MACRO => {
                let stage = data.octet("the command of the macros")?;
                let stage = Stage::ALL.into_iter().find(|known| known.code() == stage);
                let stage = stage.ok_or_else(|| data.malformed("the command of the macros"))?;
                Self::Macros { stage, pairs: data.strings("macros that end in NUL")? }
            }
            code::CONNECT => {
                Self::Connect { name: data.string("a host name")?, peer: Peer::read(data)? }
            }
            code::HELO => Self::Helo(data.string("a greeting")?),
            code::MAIL => {
                Self::Mail { path: data.string("a sender")?, args: data.strings("arguments")? }
            }
            code::RCPT => {
                Self::Rcpt { path: data.string("a recipient")?, args: data.strings("arguments")? }
            }
            code::DATA => Self::Data,
            code::HEADER => {
                Self::Header { name: data.string("a name")?, value: data.string("a value")? }
            }
            code::EOH => Self::EndOfHeader,
            code::BODY => Self::Body(data.rest()),
            code::BODYEOB => Self::EndOfMessage(data.rest()),
            code::ABORT => Self::Abort,
            code::QUIT => Self::Quit,
            code::QUIT_NC => Self::QuitNewConnection,
            code::UNKNOWN => Self::Unknown(data.string("an SMTP command")?),
            _ => return Err(DecodeError::UnknownCode(code)),
        })
    }

    /// Appends the command as one frame. A NUL inside a string ends that string.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_frame(out, self.code(), |out| match *self {
            Self::Negotiate(options) => options.write(out),
            Self::Macros { stage, pairs } => {
                out.push(stage.code());
                out.extend_from_slice(pairs.as_bytes());
            }
            Self::Connect { name, peer } => {
                put_string(out, name);
                peer.write(out);
            }
            Self::Mail { path, args } | Self::Rcpt { path, args } => put_path(out, path, args),
            Self::Header { name, value } => {
                put_string(out, name);
                put_string(out, value);
            }
            Self::Helo(string) | Self::Unknown(string) => put_string(out, string),
            Self::Body(octets) | Self::EndOfMessage(octets) => out.extend_from_slice(octets),
            Self::Data | Self::EndOfHeader | Self::Abort | Self::Quit | Self::QuitNewConnection => {
            }
        });
    }

    fn code(&self) -> u8 {
        match self {
            Self::Negotiate(_) => code::OPTNEG,
            Self::Macros { .. } => code::MACRO,
            Self::Connect { .. } => code::CONNECT,
            Self::Helo(_) => code::HELO,
            Self::Mail { .. } => code::MAIL,
            Self::Rcpt { .. } => code::RCPT,
            Self::Data => code::DATA,
            Self::Header { .. } => code::HEADER,
            Self::EndOfHeader => code::EOH,
            Self::Body(_) => code::BODY,
            Self::EndOfMessage(_) => code::BODYEOB,
            Self::Abort => code::ABORT,
            Self::Quit => code::QUIT,
            Self::QuitNewConnection => code::QUIT_NC,
            Self::Unknown(_) => code::UNKNOWN,
        }
    }
}

impl Command<'_> {
    /// What people call the command, for logs and errors.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Negotiate(_) => "OPTNEG",
            Self::Macros { .. } => "MACRO",
            Self::Connect { .. } => "CONNECT",
            Self::Helo(_) => "HELO",
            Self::Mail { .. } => "MAIL",
            Self::Rcpt { .. } => "RCPT",
            Self::Data => "DATA",
            Self::Header { .. } => "HEADER",
            Self::EndOfHeader => "EOH",
            Self::Body(_) => "BODY",
            Self::EndOfMessage(_) => "EOB",
            Self::Abort => "ABORT",
            Self::Quit => "QUIT",
            Self::QuitNewConnection => "QUIT_NC",
            Self::Unknown(_) => "UNKNOWN",
        }
    }
}

impl<'a> Peer<'a> {
    const UNKNOWN: u8 = b'U';
    const UNIX: u8 = b'L';
    const INET: u8 = b'4';
    const INET6: u8 = b'6';

    fn read(mut data: Reader<'a>) -> Result<Self, DecodeError> {
        let family = data.octet("an address family")?;
        if family == Self::UNKNOWN {
            return Ok(Self::Unknown);
        }
        let port = data.u16("a port")?;
        let address = data.string("an address")?;
        let text = std::str::from_utf8(address).unwrap_or_default();
        match family {
            Self::UNIX => Ok(Self::Unix(address)),
            Self::INET => {
                let address = text.parse::<Ipv4Addr>();
                let address = address.map_err(|_| data.malformed("an IPv4 address"))?;
                Ok(Self::Inet(SocketAddr::new(IpAddr::V4(address), port)))
            }
            Self::INET6 => {
                // Sendmail writes "IPv6:::1", Postfix "::1".
                let address = text.strip_prefix("IPv6:").unwrap_or(text).parse::<Ipv6Addr>();
                let address = address.map_err(|_| data.malformed("an IPv6 address"))?;
                Ok(Self::Inet(SocketAddr::new(IpAddr::V6(address), port)))
            }
            _ => Err(data.malformed("an address family")),
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        let (family, port) = match self {
            Self::Unknown => return out.push(Self::UNKNOWN),
            Self::Unix(_) => (Self::UNIX, 0),
            Self::Inet(address @ SocketAddr::V4(_)) => (Self::INET, address.port()),
            Self::Inet(address @ SocketAddr::V6(_)) => (Self::INET6, address.port()),
        };
        out.push(family);
        out.extend_from_slice(&port.to_be_bytes());
        match self {
            Self::Unix(path) => put_string(out, path),
            Self::Inet(address) => put_string(out, address.ip().to_string().as_bytes()),
            Self::Unknown => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(frame: &[u8], expect: Result<Command<'_>, &str>) {
        let mut wire = u32::try_from(frame.len()).unwrap().to_be_bytes().to_vec();
        wire.extend_from_slice(frame);
        let read = decode(&wire, 1 << 16);
        match expect {
            Ok(command) => assert_eq!(read, Ok(Some((command, wire.len())))),
            Err(words) => assert_eq!(read.unwrap_err().to_string(), words),
        }
    }

    #[test]
    fn commands_are_read_as_mtas_write_them() {
        let inet = |address: &str| Peer::Inet(address.parse().unwrap());
        check(
            b"Cmail.example\x004\x04\xd2192.0.2.1\0",
            Ok(Command::Connect { name: b"mail.example", peer: inet("192.0.2.1:1234") }),
        );
        check(
            b"C[::1]\x006\0\0IPv6:::1\0",
            Ok(Command::Connect { name: b"[::1]", peer: inet("[::1]:0") }),
        );
        check(
            b"Clocalhost\0L\0\0/tmp/s\0",
            Ok(Command::Connect { name: b"localhost", peer: Peer::Unix(b"/tmp/s") }),
        );
        check(b"Cunknown\0U", Ok(Command::Connect { name: b"unknown", peer: Peer::Unknown }));
        check(
            b"M<a@b.example>\0SIZE=9\0BODY=8BITMIME\0",
            Ok(Command::Mail {
                path: b"<a@b.example>",
                args: Strings::new(b"SIZE=9\0BODY=8BITMIME\0").unwrap(),
            }),
        );
        check(b"LSubject\0 hi\0", Ok(Command::Header { name: b"Subject", value: b" hi" }));
        check(b"E", Ok(Command::EndOfMessage(b"")));
    }

    #[test]
    fn malformed_commands_are_told_by_what_they_lack() {
        check(b"C", Err("malformed 'C': a host name expected"));
        check(b"Ca\0", Err("malformed 'C': an address family expected"));
        check(b"Ca\x004\0\0not an address\0", Err("malformed 'C': an IPv4 address expected"));
        check(b"M<a@b>\0SIZE=9", Err("malformed 'M': arguments expected"));
        check(b"LSubject\0hi", Err("malformed 'L': a value expected"));
        check(b"D", Err("malformed 'D': the command of the macros expected"));
        check(b"O\0\0\0\x06", Err("malformed 'O': actions expected"));
        check(b"z", Err("unknown code 'z'"));
    }
}
