//! Giving mail of our own making to the MTA, by SMTP (RFC 5321).
//!
//! Invariant: the bytes arrive as they are given, below the mark: only a line feed without its carriage
//! return, which SMTP forbids (RFC 5321, section 2.3.8) and by which a message could be ended early, is
//! given one. Whether the MTA has taken it is yes, no, or said to be unknown.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::{ClientId, Extension};
use tidegate_mail::Address;

use crate::{Destination, Marks, Notices, Purpose, SendError};

/// Who gives our mail to the MTA.
#[derive(Clone)]
pub struct Sender {
    to: Destination,
    timeout: Duration,
    name: ClientId,
    marks: Arc<Marks>,
}

impl Sender {
    /// To `to`, which has `timeout` for each message; `site` is what it is greeted as.
    pub(crate) fn new(to: Destination, timeout: Duration, site: &str, marks: Arc<Marks>) -> Self {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let name = match site {
            site if !site.is_empty() && site.chars().all(is_name) => {
                ClientId::Domain(site.to_owned())
            }
            _ => ClientId::default(),
        };
        Self { to, timeout, name, marks }
    }

    /// Gives `raw`, with a mark on top, from `sender` (the null sender: empty) to `recipients`, to all or to
    /// none. Returns what the MTA said when it took it.
    ///
    /// # Errors
    /// When it was not taken, or it is not known.
    pub async fn inject(
        &self,
        raw: &[u8],
        sender: &Address,
        recipients: &[Address],
        purpose: Purpose,
    ) -> Result<String, SendError> {
        self.inject_with(raw, sender, recipients, purpose, &Notices::default()).await
    }

    /// As [`Sender::inject`], asking for the `notices` of the delivery that the client asked for, where the
    /// MTA can give them (RFC 3461); the recipients in the same order.
    ///
    /// # Errors
    /// When it was not taken, or it is not known.
    pub async fn inject_with(
        &self,
        raw: &[u8],
        sender: &Address,
        recipients: &[Address],
        purpose: Purpose,
        notices: &Notices,
    ) -> Result<String, SendError> {
        for address in recipients.iter().chain([sender]) {
            if !can_be_sent(address.as_str()) {
                return Err(SendError::Address(address.as_str().escape_debug().to_string()));
            }
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let sealed = self.marks.seal(raw, recipients, purpose, now);
        let sealed = sealed.map_err(|error| SendError::Mark(error.to_string()))?;
        let given = AtomicBool::new(false);
        let session = self.session(&sealed, sender, recipients, notices, &given);
        match tokio::time::timeout(self.timeout, Box::pin(session)).await {
            Ok(ended) => ended,
            Err(_late) => Err(self.ended(&given, format!("no answer in {:?}", self.timeout))),
        }
    }

    async fn session(
        &self,
        sealed: &[u8],
        sender: &Address,
        recipients: &[Address],
        notices: &Notices,
        given: &AtomicBool,
    ) -> Result<String, SendError> {
        let failed = |error: Error| match error.is_permanent() || error.is_transient() {
            true => SendError::Refused { to: self.to.to_string(), why: error.to_string() },
            false => self.ended(given, error.to_string()),
        };
        let tls = match self.to.tls {
            true => Some(TlsParameters::new(self.to.host.clone()).map_err(failed)?),
            false => None,
        };
        let at = (self.to.host.as_str(), self.to.port);
        let connecting =
            AsyncSmtpConnection::connect_tokio1(at, Some(self.timeout), &self.name, tls, None);
        let mut connection = connecting.await.map_err(failed)?;
        let mut parameters = String::new();
        for (is_needed, extension, parameter) in [
            (!sealed.is_ascii(), Extension::EightBitMime, " BODY=8BITMIME"),
            (
                recipients.iter().chain([sender]).any(|address| !address.as_str().is_ascii()),
                Extension::SmtpUtfEight,
                " SMTPUTF8",
            ),
        ] {
            if is_needed && !connection.server_info().supports_feature(extension) {
                let why = format!("it does not know{parameter}, which this message needs");
                return Err(SendError::Refused { to: self.to.to_string(), why });
            }
            parameters.push_str(if is_needed { parameter } else { "" });
        }
        let mut notices = notices;
        let no_notices = Notices::default();
        // The library doesn't tell whether they are offered, so the greeting is said once more.
        if !notices.is_empty() {
            let greeted = connection.command(format!("EHLO {}\r\n", self.name)).await;
            if !greeted.map_err(failed)?.message().any(|line| line.eq_ignore_ascii_case("DSN")) {
                notices = &no_notices;
            }
        }
        let mail = format!("MAIL FROM:<{}>{parameters}{}\r\n", sender.as_str(), notices.of_mail());
        connection.command(mail).await.map_err(failed)?;
        for (at, to) in recipients.iter().enumerate() {
            let rcpt = format!("RCPT TO:<{}>{}\r\n", to.as_str(), notices.of_recipient(at));
            connection.command(rcpt).await.map_err(failed)?;
        }
        connection.command("DATA\r\n").await.map_err(failed)?;
        given.store(true, Relaxed);
        let lines = with_whole_line_ends(sealed);
        // The line end before the final dot is written by the library.
        let lines = lines.strip_suffix(b"\r\n").unwrap_or(&lines);
        let reply = connection.message(lines).await.map_err(failed)?;
        // The message is the MTA's; nobody waits for the farewell.
        tokio::spawn(async move { connection.abort().await });
        Ok(reply.message().collect::<Vec<_>>().join(" "))
    }

    /// What it means that the connection ended.
    fn ended(&self, given: &AtomicBool, why: String) -> SendError {
        let to = self.to.to_string();
        match given.load(Relaxed) {
            true => SendError::Unknown { to, why },
            false => SendError::Unreachable { to, why },
        }
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Whether an address can stand between angle brackets and ends no line.
fn can_be_sent(address: &str) -> bool {
    let is_quoted = address.starts_with('"');
    address.len() <= 400
        && address
            .chars()
            .all(|c| !c.is_control() && !matches!(c, '<' | '>') && (is_quoted || c != ' '))
}

/// `text` with no line end but CR LF (RFC 5321, section 2.3.8): whoever takes either alone for one could take what
/// stands behind for another message. A lone CR becomes a space, as Postfix has it: as a line end it would
/// make fields that nobody has judged.
fn with_whole_line_ends(text: &[u8]) -> Cow<'_, [u8]> {
    let is_bare = |at: usize| match text[at] {
        b'\n' => at == 0 || text[at - 1] != b'\r',
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    if !(0..text.len()).any(is_bare) {
        return Cow::Borrowed(text);
    }
    let mut whole = Vec::with_capacity(text.len() + text.len() / 32);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'\n' if is_bare(at) => whole.extend_from_slice(b"\r\n"),
            b'\r' if is_bare(at) => whole.push(b' '),
            _ => whole.push(byte),
        }
    }
    Cow::Owned(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_end_no_command() {
        for good in
            ["", "anna@example.org", "\"a b\"@example.org", "jürg@bücher.example", "postmaster"]
        {
            assert!(can_be_sent(good), "{good}");
        }
        for bad in ["a\r\nRCPT TO:<b@c>", "a>b@c", "a b@c", "a\0@c"] {
            assert!(!can_be_sent(bad), "{bad}");
        }
    }

    #[test]
    fn no_line_feed_and_no_carriage_return_goes_alone() {
        assert!(matches!(with_whole_line_ends(b"a\r\n.b\r\n"), Cow::Borrowed(_)));
        assert_eq!(&*with_whole_line_ends(b"\na\n.\nb\r\n\rc\n"), b"\r\na\r\n.\r\nb\r\n c\r\n");
        assert_eq!(&*with_whole_line_ends(b"a\r.\r\nb\r"), b"a .\r\nb ");
    }
}
