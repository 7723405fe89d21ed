//! What an MTA told beside the message: client, greeting, sender, recipients, macros.
//!
//! RFC 5321 section 2.3.1 names the envelope; the macros are those of Sendmail's and Postfix's
//! milter documents. Invariant: its memory is bounded by [`crate::SessionLimits`] and kept from one
//! message to the next, so that a message costs no allocation here.

use crate::command::{Peer, Stage};
use crate::wire::Strings;
use std::net::{IpAddr, SocketAddr};

/// The SMTP session, as far as it has come.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    client_name: Vec<u8>,
    client: Client,
    mta: Option<IpAddr>,
    helo: Option<Vec<u8>>,
    /// Paths and arguments of sender and recipients, one after the other.
    text: Vec<u8>,
    sender: Option<Entry>,
    recipients: Vec<Entry>,
    macros: Macros,
}

#[derive(Clone, Debug, Default)]
enum Client {
    #[default]
    Unknown,
    Unix(Vec<u8>),
    Inet(SocketAddr),
}

/// Where in the text a path stands, and the arguments behind it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    start: usize,
    args: usize,
    end: usize,
}

/// A sender or recipient, with its ESMTP arguments.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mailbox<'a> {
    /// As the MTA wrote it, most often in angle brackets; `<>` is the empty sender.
    pub path: &'a [u8],
    /// ESMTP arguments, such as `SIZE=1000`.
    pub args: Strings<'a>,
}

impl<'a> Mailbox<'a> {
    /// The address without its angle brackets.
    #[must_use]
    pub fn address(self) -> &'a [u8] {
        let inner = self.path.strip_prefix(b"<").and_then(|path| path.strip_suffix(b">"));
        inner.unwrap_or(self.path)
    }
}

impl Envelope {
    /// The client's verified host name, or its address in brackets; empty before CONNECT.
    #[must_use]
    pub fn client_name(&self) -> &[u8] {
        &self.client_name
    }

    /// Where the client connected from.
    #[must_use]
    pub fn client(&self) -> Peer<'_> {
        match &self.client {
            Client::Unknown => Peer::Unknown,
            Client::Unix(path) => Peer::Unix(path),
            Client::Inet(address) => Peer::Inet(*address),
        }
    }

    /// The address of the MTA, which speaks to this filter over TCP; `None` over a UNIX socket.
    #[must_use]
    pub const fn mta(&self) -> Option<IpAddr> {
        self.mta
    }

    /// The client's last greeting.
    #[must_use]
    pub fn helo(&self) -> Option<&[u8]> {
        self.helo.as_deref()
    }

    /// The sender; `None` between messages.
    #[must_use]
    pub fn sender(&self) -> Option<Mailbox<'_>> {
        self.sender.map(|entry| self.mailbox(entry))
    }

    /// The recipients so far, without those this filter refused.
    pub fn recipients(&self) -> impl ExactSizeIterator<Item = Mailbox<'_>> + DoubleEndedIterator {
        self.recipients.iter().map(|&entry| self.mailbox(entry))
    }

    /// The value of a macro, from the latest stage that set it. `i` and `{i}` are one name.
    ///
    /// Postfix tells, with its default configuration: `j` and `{daemon_name}` at CONNECT,
    /// `{tls_version}` and `{cipher}` at HELO, `{auth_authen}` at MAIL, `i` at DATA or before. Others,
    /// such as `{client_addr}`, must be asked for with [`crate::Wants::symbols`].
    #[must_use]
    pub fn macro_value(&self, name: &str) -> Option<&[u8]> {
        let name = bare(name.as_bytes());
        self.macros.0.iter().rev().find_map(|pairs| {
            let pairs = Strings::new(pairs)?;
            let mut strings = pairs.iter();
            while let Some(key) = strings.next() {
                let value = strings.next().unwrap_or_default();
                if bare(key) == name {
                    return Some(value);
                }
            }
            None
        })
    }

    fn mailbox(&self, entry: Entry) -> Mailbox<'_> {
        Mailbox {
            path: self.text.get(entry.start..entry.args).unwrap_or_default(),
            args: self.text.get(entry.args..entry.end).and_then(Strings::new).unwrap_or_default(),
        }
    }

    pub(crate) fn set_client(&mut self, name: &[u8], peer: Peer<'_>) {
        name.clone_into(&mut self.client_name);
        self.client = match peer {
            Peer::Unknown => Client::Unknown,
            Peer::Unix(path) => Client::Unix(path.to_vec()),
            Peer::Inet(address) => Client::Inet(address),
        };
    }

    /// It stays for all clients of the connection.
    pub(crate) const fn set_mta(&mut self, mta: Option<IpAddr>) {
        self.mta = mta;
    }

    pub(crate) fn set_helo(&mut self, name: &[u8]) {
        name.clone_into(self.helo.get_or_insert_default());
    }

    pub(crate) fn set_sender(&mut self, path: &[u8], args: Strings<'_>) {
        self.sender = Some(self.keep(path, args));
    }

    pub(crate) fn add_recipient(&mut self, path: &[u8], args: Strings<'_>) {
        let entry = self.keep(path, args);
        self.recipients.push(entry);
    }

    /// Takes back the recipient named last, which was refused.
    pub(crate) fn drop_recipient(&mut self) {
        if let Some(entry) = self.recipients.pop() {
            self.text.truncate(entry.start);
        }
    }

    fn keep(&mut self, path: &[u8], args: Strings<'_>) -> Entry {
        let start = self.text.len();
        self.text.extend_from_slice(path);
        let middle = self.text.len();
        self.text.extend_from_slice(args.as_bytes());
        Entry { start, args: middle, end: self.text.len() }
    }

    /// Octets kept of sender and recipients.
    pub(crate) fn octets(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn set_macros(&mut self, stage: Stage, pairs: Strings<'_>) {
        if let Some(kept) = self.macros.0.get_mut(stage as usize) {
            kept.clear();
            kept.extend_from_slice(pairs.as_bytes());
        }
    }

    /// Forgets sender and recipients, and the macros of stages `from` on.
    pub(crate) fn clear_message(&mut self, from: Stage) {
        self.text.clear();
        self.sender = None;
        self.recipients.clear();
        self.macros.0.iter_mut().skip(from as usize).for_each(Vec::clear);
    }

    /// Forgets all, for another client on the same connection.
    pub(crate) fn clear(&mut self) {
        self.client_name.clear();
        self.client = Client::Unknown;
        self.helo = None;
        self.clear_message(Stage::Connect);
    }
}

/// Macros as they came, by stage: those of a stage replace what that stage had set before.
#[derive(Clone, Debug, Default)]
struct Macros([Vec<u8>; Stage::ALL.len()]);

fn bare(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"{").and_then(|name| name.strip_suffix(b"}")).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_macro_is_found_with_braces_and_without_at_its_latest_stage() {
        let mut envelope = Envelope::default();
        let set = |envelope: &mut Envelope, stage, pairs: &'static [u8]| {
            envelope.set_macros(stage, Strings::new(pairs).unwrap());
        };
        set(&mut envelope, Stage::Connect, b"j\0mx.example\0{x}\0\0");
        set(&mut envelope, Stage::Mail, b"{auth_authen}\0anna\0i\0early\0");
        set(&mut envelope, Stage::EndOfMessage, b"{i}\0late\0");
        assert_eq!(envelope.macro_value("{j}"), Some(&b"mx.example"[..]));
        assert_eq!(envelope.macro_value("x"), Some(&b""[..]));
        assert_eq!(envelope.macro_value("auth_authen"), Some(&b"anna"[..]));
        assert_eq!(envelope.macro_value("i"), Some(&b"late"[..]));
        envelope.clear_message(Stage::Mail);
        assert_eq!(envelope.macro_value("i"), None);
        assert_eq!(envelope.macro_value("j"), Some(&b"mx.example"[..]));
    }

    #[test]
    fn a_recipient_taken_back_leaves_the_others_whole() {
        let mut envelope = Envelope::default();
        let args = Strings::new(b"NOTIFY=NEVER\0").unwrap();
        envelope.set_sender(b"<>", Strings::default());
        envelope.add_recipient(b"<a@x.example>", args);
        envelope.add_recipient(b"<b@x.example>", Strings::default());
        envelope.drop_recipient();
        envelope.add_recipient(b"<c@x.example>", Strings::default());
        let paths: Vec<_> = envelope.recipients().map(Mailbox::address).collect();
        assert_eq!(paths, [b"a@x.example", b"c@x.example"]);
        assert_eq!(envelope.recipients().next().unwrap().args, args);
        assert_eq!(envelope.sender().unwrap().address(), b"");
    }
}
