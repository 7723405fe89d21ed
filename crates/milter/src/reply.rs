//! What a filter says to an MTA: the `SMFIR_*` replies.
//!
//! Invariant: decoding what was encoded gives the same reply. The types a filter's author uses are
//! those of [`crate::Modification`] and [`crate::Disposition`]; they cannot hold what would break
//! these frames.

use crate::options::{Options, put_path};
use crate::wire::{DecodeError, Reader, Strings, frame, put_frame, put_string};

/// One reply of the filter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reply<'a> {
    /// What the filter wants of what was offered (`SMFIC_OPTNEG`, with `SMFIR_SETSYMLIST`'s lists).
    Negotiate(Options<'a>),
    /// Go on (`SMFIR_CONTINUE`).
    Continue,
    /// Take the message, or the connection, and ask no more (`SMFIR_ACCEPT`).
    Accept,
    /// Refuse with the MTA's own words (`SMFIR_REJECT`).
    Reject,
    /// Refuse for now with the MTA's own words (`SMFIR_TEMPFAIL`).
    TempFail,
    /// Take the message and throw it away (`SMFIR_DISCARD`).
    Discard,
    /// Refuse with these words: code, text, `%` doubled (`SMFIR_REPLYCODE`).
    ReplyCode(&'a [u8]),
    /// Send no more of this kind (`SMFIR_SKIP`).
    Skip,
    /// Still working: start the time-out anew (`SMFIR_PROGRESS`).
    Progress,
    /// Close the client's connection with 421 (`SMFIR_SHUTDOWN`).
    Shutdown,
    /// Fail the client's connection (`SMFIR_CONN_FAIL`).
    ConnectionFail,
    /// Add a field at the end of the header (`SMFIR_ADDHEADER`).
    AddHeader {
        /// Its name.
        name: &'a [u8],
        /// Its value, lines folded with LF.
        value: &'a [u8],
    },
    /// Add a field before another (`SMFIR_INSHEADER`).
    InsertHeader {
        /// How many fields stand above it.
        index: u32,
        /// Its name.
        name: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// Change a field, or remove it with an empty value (`SMFIR_CHGHEADER`).
    ChangeHeader {
        /// Which of the fields of that name, from 1.
        index: u32,
        /// Their name.
        name: &'a [u8],
        /// The new value.
        value: &'a [u8],
    },
    /// The next piece of a new body (`SMFIR_REPLBODY`).
    ReplaceBody(&'a [u8]),
    /// Add a recipient (`SMFIR_ADDRCPT`).
    AddRecipient(&'a [u8]),
    /// Add a recipient with ESMTP arguments (`SMFIR_ADDRCPT_PAR`).
    AddRecipientWithArgs {
        /// The recipient.
        path: &'a [u8],
        /// One string that holds all arguments, or none.
        args: Strings<'a>,
    },
    /// Remove a recipient (`SMFIR_DELRCPT`).
    DeleteRecipient(&'a [u8]),
    /// Change the envelope sender (`SMFIR_CHGFROM`).
    ChangeFrom {
        /// The new sender.
        path: &'a [u8],
        /// One string that holds all arguments, or none.
        args: Strings<'a>,
    },
    /// Have the MTA hold the message, for this reason (`SMFIR_QUARANTINE`).
    Quarantine(&'a [u8]),
}

mod code {
    pub(super) const ADDRCPT: u8 = b'+';
    pub(super) const DELRCPT: u8 = b'-';
    pub(super) const ADDRCPT_PAR: u8 = b'2';
    pub(super) const SHUTDOWN: u8 = b'4';
    pub(super) const OPTNEG: u8 = b'O';
    pub(super) const ACCEPT: u8 = b'a';
    pub(super) const REPLBODY: u8 = b'b';
    pub(super) const CONTINUE: u8 = b'c';
    pub(super) const DISCARD: u8 = b'd';
    pub(super) const CHGFROM: u8 = b'e';
    pub(super) const CONN_FAIL: u8 = b'f';
    pub(super) const ADDHEADER: u8 = b'h';
    pub(super) const INSHEADER: u8 = b'i';
    pub(super) const CHGHEADER: u8 = b'm';
    pub(super) const PROGRESS: u8 = b'p';
    pub(super) const QUARANTINE: u8 = b'q';
    pub(super) const REJECT: u8 = b'r';
    pub(super) const SKIP: u8 = b's';
    pub(super) const TEMPFAIL: u8 = b't';
    pub(super) const REPLYCODE: u8 = b'y';
}

impl<'a> Reply<'a> {
    /// The first reply of `buf`, and the octets it took; `None` while it is not whole.
    ///
    /// # Errors
    /// When the bytes are no reply, or one over `longest` octets.
    pub fn decode(buf: &'a [u8], longest: u32) -> Result<Option<(Self, usize)>, DecodeError> {
        let Some(frame) = frame(buf, longest)? else { return Ok(None) };
        Ok(Some((Self::read(frame.code, frame.reader())?, frame.octets)))
    }

    fn read(code: u8, mut data: Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match code {
            code::OPTNEG => Self::Negotiate(Options::read(data)?),
            code::CONTINUE => Self::Continue,
            code::ACCEPT => Self::Accept,
            code::REJECT => Self::Reject,
            code::TEMPFAIL => Self::TempFail,
            code::DISCARD => Self::Discard,
            code::REPLYCODE => Self::ReplyCode(data.string("a code and text")?),
            code::SKIP => Self::Skip,
            code::PROGRESS => Self::Progress,
            code::SHUTDOWN => Self::Shutdown,
            code::CONN_FAIL => Self::ConnectionFail,
            code::ADDHEADER => {
                Self::AddHeader { name: data.string("a name")?, value: data.string("a value")? }
            }
            code::INSHEADER => Self::InsertHeader {
                index: data.u32("an index")?,
                name: data.string("a name")?,
                value: data.string("a value")?,
            },
            code::CHGHEADER => Self::ChangeHeader {
                index: data.u32("an index")?,
                name: data.string("a name")?,
                value: data.string("a value")?,
            },
            code::REPLBODY => Self::ReplaceBody(data.rest()),
            code::ADDRCPT => Self::AddRecipient(data.string("a recipient")?),
            code::ADDRCPT_PAR => Self::AddRecipientWithArgs {
                path: data.string("a recipient")?,
                args: data.strings("arguments")?,
            },
            code::DELRCPT => Self::DeleteRecipient(data.string("a recipient")?),
            code::CHGFROM => Self::ChangeFrom {
                path: data.string("a sender")?,
                args: data.strings("arguments")?,
            },
            code::QUARANTINE => Self::Quarantine(data.string("a reason")?),
            _ => return Err(DecodeError::UnknownCode(code)),
        })
    }

    /// Appends the reply as one frame. A NUL inside a string ends that string.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_frame(out, self.code(), |out| match *self {
            Self::Negotiate(options) => options.write(out),
            Self::ReplyCode(string)
            | Self::AddRecipient(string)
            | Self::DeleteRecipient(string)
            | Self::Quarantine(string) => put_string(out, string),
            Self::AddHeader { name, value } => {
                put_string(out, name);
                put_string(out, value);
            }
            Self::InsertHeader { index, name, value }
            | Self::ChangeHeader { index, name, value } => {
                out.extend_from_slice(&index.to_be_bytes());
                put_string(out, name);
                put_string(out, value);
            }
            Self::ReplaceBody(octets) => out.extend_from_slice(octets),
            Self::AddRecipientWithArgs { path, args } | Self::ChangeFrom { path, args } => {
                put_path(out, path, args);
            }
            Self::Continue
            | Self::Accept
            | Self::Reject
            | Self::TempFail
            | Self::Discard
            | Self::Skip
            | Self::Progress
            | Self::Shutdown
            | Self::ConnectionFail => {}
        });
    }

    fn code(&self) -> u8 {
        match self {
            Self::Negotiate(_) => code::OPTNEG,
            Self::Continue => code::CONTINUE,
            Self::Accept => code::ACCEPT,
            Self::Reject => code::REJECT,
            Self::TempFail => code::TEMPFAIL,
            Self::Discard => code::DISCARD,
            Self::ReplyCode(_) => code::REPLYCODE,
            Self::Skip => code::SKIP,
            Self::Progress => code::PROGRESS,
            Self::Shutdown => code::SHUTDOWN,
            Self::ConnectionFail => code::CONN_FAIL,
            Self::AddHeader { .. } => code::ADDHEADER,
            Self::InsertHeader { .. } => code::INSHEADER,
            Self::ChangeHeader { .. } => code::CHGHEADER,
            Self::ReplaceBody(_) => code::REPLBODY,
            Self::AddRecipient(_) => code::ADDRCPT,
            Self::AddRecipientWithArgs { .. } => code::ADDRCPT_PAR,
            Self::DeleteRecipient(_) => code::DELRCPT,
            Self::ChangeFrom { .. } => code::CHGFROM,
            Self::Quarantine(_) => code::QUARANTINE,
        }
    }
}
