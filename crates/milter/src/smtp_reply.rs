//! The words a client is refused with: RFC 5321 section 4.2, with the status of RFC 3463.
//!
//! Invariant: a [`SmtpReply`] that exists can be sent: its code refuses, its status agrees with its
//! code, its lines are printable ASCII and none is too long.

use std::fmt;

use thiserror::Error;

/// Most octets of a line, code and CRLF included (RFC 5321 section 4.5.3.1.5).
const LINE_OCTETS: usize = 512;
/// Most lines an MTA takes (`MAXREPLIES` of Sendmail's libmilter).
const LINES: usize = 32;

/// Why words are no reply.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SmtpReplyError {
    /// Only 4yz and 5yz refuse.
    #[error("reply code {0}: write one from 400 to 599")]
    Code(u16),
    /// RFC 3463: class 4 with a 4yz code, class 5 with a 5yz code.
    #[error("status {status} with reply code {code}: write {}.subject.detail", .code / 100)]
    Status {
        /// The reply code.
        code: u16,
        /// The status that does not go with it.
        status: String,
    },
    /// More lines than an MTA takes.
    #[error("a reply of {0} lines, where {LINES} are allowed")]
    TooLong(usize),
}

/// A refusal: reply code, enhanced status and text of one or more lines.
///
/// ```
/// use tidegate_milter::SmtpReply;
///
/// let reply = SmtpReply::new(550, "5.7.1", "100% unwanted\nask postmaster")?;
/// assert_eq!(reply.to_string(), "550-5.7.1 100% unwanted\r\n550 5.7.1 ask postmaster");
/// # Ok::<(), tidegate_milter::SmtpReplyError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SmtpReply {
    code: u16,
    status: String,
    lines: Vec<String>,
}

impl SmtpReply {
    /// Words to refuse with. LF divides lines, a line too long for SMTP is divided at a space, and
    /// what is not printable ASCII becomes `?`: text quoted from a message cannot do harm here.
    ///
    /// # Errors
    /// When the code does not refuse, the status does not go with it, or the lines are too many.
    pub fn new(code: u16, status: &str, text: &str) -> Result<Self, SmtpReplyError> {
        if !(400..600).contains(&code) {
            return Err(SmtpReplyError::Code(code));
        }
        if !status_agrees(code, status) {
            return Err(SmtpReplyError::Status { code, status: status.to_owned() });
        }
        let room = LINE_OCTETS - "550 ".len() - status.len() - " \r\n".len();
        let lines: Vec<_> = text.lines().flat_map(|line| wrap(&printable(line), room)).collect();
        match lines.len() {
            0 => Ok(Self { code, status: status.to_owned(), lines: vec![String::new()] }),
            1..=LINES => Ok(Self { code, status: status.to_owned(), lines }),
            many => Err(SmtpReplyError::TooLong(many)),
        }
    }

    /// The reply code: 400 to 599.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The text on the milter wire, where MTAs read it as a format: each `%` is doubled.
    pub(crate) fn wire(&self) -> Vec<u8> {
        self.to_string().replace('%', "%%").into_bytes()
    }
}

/// As a client sees it, without the last CRLF.
impl fmt::Display for SmtpReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.lines.len().saturating_sub(1);
        for (number, line) in self.lines.iter().enumerate() {
            let (divider, end) = if number < last { ('-', "\r\n") } else { (' ', "") };
            write!(f, "{}{divider}{} {line}{end}", self.code, self.status)?;
        }
        Ok(())
    }
}

/// RFC 3463 section 2: class "." subject "." detail, one to three digits each.
fn status_agrees(code: u16, status: &str) -> bool {
    let number = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|octet| octet.is_ascii_digit())
    };
    let mut parts = status.split('.');
    parts.next() == Some(if code < 500 { "4" } else { "5" })
        && parts.next().is_some_and(number)
        && parts.next().is_some_and(number)
        && parts.next().is_none()
}

fn printable(line: &str) -> String {
    let clean = |letter: char| match letter {
        '\t' => ' ',
        ' '..='~' => letter,
        _ => '?',
    };
    line.trim_end_matches('\r').chars().map(clean).collect()
}

/// Divides a line of ASCII into lines of at most `room` octets, at spaces where there are any.
fn wrap(line: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = line;
    while rest.len() > room {
        let end = rest[..room].rfind(' ').filter(|&end| end > 0).unwrap_or(room);
        lines.push(rest[..end].to_owned());
        rest = rest[end..].trim_start_matches(' ');
    }
    lines.push(rest.to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: u16, status: &str, text: &str, expect: &str) {
        let reply = SmtpReply::new(code, status, text);
        assert_eq!(reply.map_or_else(|error| error.to_string(), |r| r.to_string()), expect);
    }

    #[test]
    fn a_reply_says_its_code_and_status_on_every_line() {
        check(550, "5.7.1", "no", "550 5.7.1 no");
        check(550, "5.7.1", "", "550 5.7.1 ");
        check(451, "4.7.1", "not now\nlater\n", "451-4.7.1 not now\r\n451 4.7.1 later");
    }

    #[test]
    fn what_does_not_refuse_is_no_reply() {
        check(250, "2.0.0", "ok", "reply code 250: write one from 400 to 599");
        let words = "status 4.7.1 with reply code 550: write 5.subject.detail";
        check(550, "4.7.1", "no", words);
        check(550, "5.7", "no", "status 5.7 with reply code 550: write 5.subject.detail");
        check(550, "5.7.1", &"a\n".repeat(33), "a reply of 33 lines, where 32 are allowed");
    }

    #[test]
    fn text_from_a_message_cannot_end_the_reply_early() {
        check(550, "5.7.1", "é\r\n250 ok\0", "550-5.7.1 ?\r\n550 5.7.1 250 ok?");
    }

    #[test]
    fn percent_signs_are_doubled_on_the_wire_alone() {
        let reply = SmtpReply::new(550, "5.7.1", "100% spam").unwrap();
        assert_eq!(reply.to_string(), "550 5.7.1 100% spam");
        assert_eq!(reply.wire(), b"550 5.7.1 100%% spam");
    }

    #[test]
    fn a_long_line_is_divided_at_a_space() {
        let reply = SmtpReply::new(550, "5.7.1", &"word ".repeat(150)).unwrap().to_string();
        assert!(reply.split("\r\n").all(|line| line.len() <= LINE_OCTETS - 2 && line.len() > 10));
        assert_eq!(reply.matches("word").count(), 150);
    }
}
