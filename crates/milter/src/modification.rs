//! What a filter does to a message, and what becomes of it: [`Outcome`].
//!
//! Header fields follow RFC 5322 section 2.2. Invariant: a [`Modification`] that exists can be
//! sent; nothing in it can end a string early or start another header field.

use std::num::NonZeroU32;

use thiserror::Error;

use crate::options::Actions;
use crate::smtp_reply::SmtpReply;

/// What a filter answers, at an early step or at the end of a message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Disposition {
    /// Go on; at the end of a message, deliver it unless another filter objects.
    #[default]
    Continue,
    /// Deliver, and ask this filter no more: about the message, or at CONNECT and HELO about the
    /// connection.
    Accept,
    /// Refuse for good, in the MTA's words; at RCPT, this recipient alone.
    Reject,
    /// Refuse for now, in the MTA's words; at RCPT, this recipient alone.
    TempFail,
    /// Refuse in these words; their code says whether for good.
    Reply(SmtpReply),
    /// Take the message and throw it away, without a word to anyone.
    Discard,
    /// Go on, and send no more of the body; at any other step, go on.
    Skip,
}

/// What a filter decided about one message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Outcome {
    /// Done in this order, and only when the message is to be delivered.
    pub modifications: Vec<Modification>,
    /// What becomes of the message.
    pub disposition: Disposition,
}

impl From<Disposition> for Outcome {
    fn from(disposition: Disposition) -> Self {
        Self { modifications: Vec::new(), disposition }
    }
}

/// One change of a message. The MTA makes it only if its action was agreed on.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Modification {
    /// Add a field at the end of the header.
    AddHeader {
        /// The field's name.
        name: HeaderName,
        /// The field's value.
        value: HeaderValue,
    },
    /// Add a field below `index` others; 0 is the very top.
    InsertHeader {
        /// How many fields stand above it.
        index: u32,
        /// The field's name.
        name: HeaderName,
        /// The field's value.
        value: HeaderValue,
    },
    /// Give one of the fields of a name another value.
    ChangeHeader {
        /// The name, in any case.
        name: HeaderName,
        /// Which of the fields of that name, counted from the top, from 1.
        index: NonZeroU32,
        /// The new value.
        value: HeaderValue,
    },
    /// Remove one of the fields of a name.
    DeleteHeader {
        /// The name, in any case.
        name: HeaderName,
        /// Which of the fields of that name, counted from the top, from 1. The MTA counts the
        /// fields it received: removing one does not renumber the others.
        index: NonZeroU32,
    },
    /// Put another body in the place of the whole body; lines end in CRLF.
    ReplaceBody(Vec<u8>),
    /// Add a recipient.
    AddRecipient(OneLine),
    /// Add a recipient with ESMTP arguments, such as `NOTIFY=NEVER`.
    AddRecipientWithArgs(OneLine, OneLine),
    /// Remove a recipient.
    DeleteRecipient(OneLine),
    /// Change the envelope sender, with ESMTP arguments or without.
    ChangeFrom(OneLine, Option<OneLine>),
    /// Have the MTA hold the message, and keep this reason with it.
    Quarantine(OneLine),
}

impl Modification {
    /// The action that must have been agreed on.
    #[must_use]
    pub fn needs(&self) -> Actions {
        match self {
            Self::AddHeader { .. } | Self::InsertHeader { .. } => Actions::ADD_HEADERS,
            Self::ChangeHeader { .. } | Self::DeleteHeader { .. } => Actions::CHANGE_HEADERS,
            Self::ReplaceBody(_) => Actions::CHANGE_BODY,
            Self::AddRecipient(_) => Actions::ADD_RECIPIENTS,
            Self::AddRecipientWithArgs(..) => Actions::ADD_RECIPIENTS_WITH_ARGS,
            Self::DeleteRecipient(_) => Actions::DELETE_RECIPIENTS,
            Self::ChangeFrom(..) => Actions::CHANGE_FROM,
            Self::Quarantine(_) => Actions::QUARANTINE,
        }
    }
}

/// Why text cannot be part of a modification.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TextError {
    /// Nothing at all.
    #[error("it is empty")]
    Empty,
    /// A character that must not occur, at this octet.
    #[error("octet {at} is {octet:#04x}, which cannot be sent")]
    Octet {
        /// The octet.
        octet: u8,
        /// Where it stands, from 0.
        at: usize,
    },
}

fn allow(text: &str, allowed: impl Fn(u8) -> bool) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    match text.bytes().enumerate().find(|&(_, octet)| !allowed(octet)) {
        Some((at, octet)) => Err(TextError::Octet { octet, at }),
        None => Ok(()),
    }
}

/// The name of a header field: printable ASCII but the colon (RFC 5322 section 2.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderName(String);

impl HeaderName {
    /// # Errors
    /// When the name is empty or holds what RFC 5322 does not allow there.
    pub fn new(name: impl Into<String>) -> Result<Self, TextError> {
        let name = name.into();
        allow(&name, |octet| matches!(octet, b'!'..=b'~') && octet != b':')?;
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The value of a header field, without leading space; its lines are folded with LF.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderValue(String);

impl HeaderValue {
    /// Makes a value that is one header field, whatever it is made from: CR goes (the MTA writes
    /// its own line ends), a line that would start a new field is given a tab, empty lines go.
    ///
    /// # Errors
    /// When nothing but white space is there (MTAs read that as "remove the field"), or a NUL is.
    pub fn new(value: &str) -> Result<Self, TextError> {
        let mut folded = String::with_capacity(value.len() + 2);
        for line in value.split('\n') {
            let line = line.replace('\r', "");
            let line = line.trim_end_matches([' ', '\t']);
            match line {
                "" => continue,
                _ if folded.is_empty() => folded.push_str(line.trim_start_matches([' ', '\t'])),
                _ if line.starts_with([' ', '\t']) => folded.extend(["\n", line]),
                _ => folded.extend(["\n\t", line]),
            }
        }
        allow(&folded, |octet| octet != 0)?;
        Ok(Self(folded))
    }

    /// The value as it will be sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One line of text without control characters: an address in angle brackets or without, ESMTP
/// arguments divided by spaces, or a reason.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OneLine(String);

impl OneLine {
    /// # Errors
    /// When the text is empty or holds a control character.
    pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        allow(&text, |octet| !octet.is_ascii_control())?;
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expect: &str) {
        let value = HeaderValue::new(value);
        assert_eq!(value.map_or_else(|error| error.to_string(), |value| value.0), expect);
    }

    #[test]
    fn a_header_value_is_one_field_whatever_it_is_made_from() {
        check("yes", "yes");
        check("  yes ", "yes");
        check("a;\r\n\tb;\r\n c", "a;\n\tb;\n c");
        check("a\r\nX-Forged: yes\r\n\r\nbody", "a\n\tX-Forged: yes\n\tbody");
        check("a\n\n", "a");
        check("\r\n", "it is empty");
        check("a\0b", "octet 1 is 0x00, which cannot be sent");
    }

    #[test]
    fn a_header_name_has_no_colon_and_no_space() {
        assert!(HeaderName::new("X-Spam-Flag").is_ok());
        assert_eq!(HeaderName::new("X:"), Err(TextError::Octet { octet: b':', at: 1 }));
        assert_eq!(HeaderName::new("X\r\nY"), Err(TextError::Octet { octet: b'\r', at: 1 }));
    }
}
