//! The message of one transaction, gathered into one buffer as it stood on the SMTP connection.
//!
//! RFC 5322 section 2.1, with CRLF line ends. MTAs hand over folded values with LF; they become
//! CRLF again here, or no DKIM signature (RFC 6376) would verify.
//!
//! Invariant: the buffer never holds more than the limits allow, and what was left out is counted.

use crate::session::SessionLimits;

/// Capacity which a connection keeps from one message to the next, in octets.
const KEPT_CAPACITY: usize = 256 * 1024;

/// A message as far as it has come.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    raw: Vec<u8>,
    /// Octets of the header, the empty line not counted; set when the header has ended.
    header_octets: Option<usize>,
    header_fields: usize,
    /// Octets received, those left out counted too.
    octets: u64,
    truncated: bool,
    /// Octets of the last piece of the body for which there was no room.
    left_out: usize,
}

impl Gathered {
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub(crate) fn header_octets(&self) -> usize {
        self.header_octets.unwrap_or(self.raw.len())
    }

    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }

    pub(crate) fn truncated(&self) -> bool {
        self.truncated
    }

    /// Adds a header field. `leading_space`: the value begins with its own.
    pub(crate) fn field(
        &mut self,
        name: &[u8],
        value: &[u8],
        leading_space: bool,
        limits: &SessionLimits,
    ) {
        let start = self.raw.len();
        let room = limits.header_octets.saturating_sub(start);
        self.header_fields += 1;
        // A field that is over the bound even before its line ends are mended is not copied at all.
        let over = self.header_fields > limits.header_fields || name.len() + value.len() > room;
        if !over {
            self.raw.extend_from_slice(name);
            self.raw.extend_from_slice(if leading_space { b":" } else { b": " });
            push_with_crlf(&mut self.raw, value);
        }
        self.octets += if over { name.len() + value.len() } else { self.raw.len() - start } as u64;
        if over || self.raw.len() > limits.header_octets {
            self.raw.truncate(start);
            self.truncated = true;
        }
    }

    /// Ends the header, once.
    pub(crate) fn end_header(&mut self) {
        if self.header_octets.is_none() {
            self.header_octets = Some(self.raw.len());
            self.raw.extend_from_slice(b"\r\n");
            self.octets += 2;
        }
    }

    /// Adds a piece of the body, as much of it as there is room for.
    pub(crate) fn body(&mut self, piece: &[u8], limits: &SessionLimits) {
        self.end_header();
        let body = self.raw.len() - self.header_octets() - b"\r\n".len();
        let room = limits.body_octets.saturating_sub(body);
        let kept = piece.get(..room).unwrap_or(piece);
        self.raw.extend_from_slice(kept);
        self.octets += piece.len() as u64;
        self.left_out = piece.len() - kept.len();
        self.truncated |= self.left_out > 0;
    }

    /// What of `piece`, the last of the body, there was no room for.
    pub(crate) fn left_out<'p>(&self, piece: &'p [u8]) -> &'p [u8] {
        &piece[piece.len().saturating_sub(self.left_out)..]
    }

    pub(crate) fn clear(&mut self) {
        let mut raw = std::mem::take(&mut self.raw);
        raw.clear();
        raw.shrink_to(KEPT_CAPACITY);
        *self = Self { raw, ..Self::default() };
    }
}

/// Appends a value whose lines end in LF or CRLF, and ends it.
fn push_with_crlf(out: &mut Vec<u8>, value: &[u8]) {
    for line in value.split(|&octet| octet == b'\n') {
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> SessionLimits {
        SessionLimits { header_octets: 40, header_fields: 3, body_octets: 8, ..Default::default() }
    }

    #[test]
    fn a_message_is_rebuilt_as_it_stood_on_the_wire() {
        let mut message = Gathered::default();
        message.field(b"Subject", b" a\n\tb", true, &limits());
        message.field(b"To", b"c\r\n d", false, &limits());
        message.end_header();
        message.body(b"hi\r\n", &limits());
        assert_eq!(message.raw(), b"Subject: a\r\n\tb\r\nTo: c\r\n d\r\n\r\nhi\r\n");
        assert_eq!(message.header_octets(), 27);
        assert_eq!((message.octets(), message.truncated()), (33, false));
    }

    #[test]
    fn what_is_over_a_bound_is_left_out_and_counted() {
        let mut message = Gathered::default();
        message.field(b"A", b"1", false, &limits());
        message.field(b"B", &[b'x'; 90], false, &limits());
        message.field(b"C", b"3", false, &limits());
        message.field(b"D", b"4", false, &limits());
        message.body(b"12345", &limits());
        message.body(b"67890", &limits());
        assert_eq!(message.raw(), b"A: 1\r\nC: 3\r\n\r\n12345678");
        assert_eq!((message.octets(), message.truncated()), (12 + 91 + 2 + 2 + 10, true));
    }

    #[test]
    fn a_message_without_an_end_of_header_gets_its_empty_line() {
        let mut message = Gathered::default();
        message.field(b"A", b"1", false, &limits());
        message.body(b"x", &limits());
        message.end_header();
        assert_eq!(message.raw(), b"A: 1\r\n\r\nx");
    }
}
