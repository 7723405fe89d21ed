//! What commands and replies share on the wire: frames, integers and NUL-terminated strings.
//!
//! There is no RFC: the protocol is what Sendmail's `libmilter/mfdef.h` and Postfix agree on. A
//! frame is a length (four octets, big-endian, counting what follows), a code of one octet, and its
//! data.
//!
//! Invariant: nothing here allocates while decoding, and no length is believed before it is bounded.

use thiserror::Error;

/// Octets of a frame's length field (`MILTER_LEN_BYTES`).
const LENGTH_OCTETS: usize = 4;

/// Why bytes are not a milter frame. The connection cannot go on after any of these.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum DecodeError {
    /// A frame of length zero, which has no room for its code.
    #[error("a frame without a code")]
    Empty,
    /// The frame says it is longer than the bound; nothing of it was kept.
    #[error("a frame of {length} octets, where {longest} are allowed")]
    TooLong {
        /// What the frame says of itself, in octets, its code included.
        length: u32,
        /// The bound, in octets.
        longest: u32,
    },
    /// A code that no version of the protocol defines.
    #[error("unknown code {:?}", char::from(*.0))]
    UnknownCode(u8),
    /// The code is known; its data is not what must follow it.
    #[error("malformed {:?}: {expected} expected", char::from(*.code))]
    Malformed {
        /// The frame's code.
        code: u8,
        /// What should have stood there.
        expected: &'static str,
    },
}

/// A frame, taken apart.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Frame<'a> {
    pub(crate) code: u8,
    data: &'a [u8],
    /// Octets on the wire, the length field included.
    pub(crate) octets: usize,
}

impl<'a> Frame<'a> {
    pub(crate) fn reader(&self) -> Reader<'a> {
        Reader::new(self.code, self.data)
    }
}

/// The frame at the start of `buf`, or `None` while it is not whole.
///
/// `longest` bounds code and data together.
pub(crate) fn frame(buf: &[u8], longest: u32) -> Result<Option<Frame<'_>>, DecodeError> {
    let Some((length, rest)) = buf.split_first_chunk::<LENGTH_OCTETS>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length);
    if length == 0 {
        return Err(DecodeError::Empty);
    }
    if length > longest {
        return Err(DecodeError::TooLong { length, longest });
    }
    let whole = rest.get(..length as usize).and_then(<[u8]>::split_first);
    let octets = LENGTH_OCTETS + length as usize;
    Ok(whole.map(|(&code, data)| Frame { code, data, octets }))
}

/// Whether the frames that `buf` begins with have one of `code` among them, whole.
pub(crate) fn brings(mut buf: &[u8], code: u8, longest: u32) -> bool {
    while let Ok(Some(frame)) = frame(buf, longest) {
        if frame.code == code {
            return true;
        }
        buf = buf.get(frame.octets..).unwrap_or_default();
    }
    false
}

/// Appends a frame whose data `write` appends.
pub(crate) fn put_frame(out: &mut Vec<u8>, code: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH_OCTETS]);
    out.push(code);
    write(out);
    let length = u32::try_from(out.len() - start - LENGTH_OCTETS).unwrap_or(u32::MAX);
    if let Some(field) = out.get_mut(start..start + LENGTH_OCTETS) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

/// Appends a string and the NUL that ends it; a NUL inside would end it early, and does.
pub(crate) fn put_string(out: &mut Vec<u8>, string: &[u8]) {
    out.extend(string.iter().copied().take_while(|&octet| octet != 0));
    out.push(0);
}

/// Takes frame data apart, and says what was expected where it cannot.
pub(crate) struct Reader<'a> {
    code: u8,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(code: u8, data: &'a [u8]) -> Self {
        Self { code, rest: data }
    }

    pub(crate) fn malformed(&self, expected: &'static str) -> DecodeError {
        DecodeError::Malformed { code: self.code, expected }
    }

    pub(crate) fn octet(&mut self, expected: &'static str) -> Result<u8, DecodeError> {
        let (&octet, rest) = self.rest.split_first().ok_or_else(|| self.malformed(expected))?;
        self.rest = rest;
        Ok(octet)
    }

    pub(crate) fn u16(&mut self, expected: &'static str) -> Result<u16, DecodeError> {
        let (octets, rest) =
            self.rest.split_first_chunk().ok_or_else(|| self.malformed(expected))?;
        self.rest = rest;
        Ok(u16::from_be_bytes(*octets))
    }

    pub(crate) fn u32(&mut self, expected: &'static str) -> Result<u32, DecodeError> {
        let (octets, rest) =
            self.rest.split_first_chunk().ok_or_else(|| self.malformed(expected))?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*octets))
    }

    /// The octets before the next NUL, which is taken too.
    pub(crate) fn string(&mut self, expected: &'static str) -> Result<&'a [u8], DecodeError> {
        let end = self.rest.iter().position(|&octet| octet == 0);
        let end = end.ok_or_else(|| self.malformed(expected))?;
        let (string, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        Ok(string)
    }

    /// All that is left, as strings.
    pub(crate) fn strings(&mut self, expected: &'static str) -> Result<Strings<'a>, DecodeError> {
        Strings::new(std::mem::take(&mut self.rest)).ok_or_else(|| self.malformed(expected))
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Strings that follow each other on the wire, each ended by a NUL: ESMTP arguments, or macros.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Strings<'a>(&'a [u8]);

impl<'a> Strings<'a> {
    /// Takes the strings as they stand on the wire; `None` if the last one is not ended by a NUL.
    #[must_use]
    pub fn new(octets: &'a [u8]) -> Option<Self> {
        matches!(octets.last(), None | Some(0)).then_some(Self(octets))
    }

    /// The octets on the wire, NULs included.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether there is no string at all.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Each string in turn, without its NUL.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let whole = self.0.strip_suffix(&[0]);
        whole.into_iter().flat_map(|strings| strings.split(|&octet| octet == 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_over_the_bound_is_refused_before_it_has_arrived() {
        let expected = DecodeError::TooLong { length: 101, longest: 100 };
        assert_eq!(frame(&[0, 0, 0, 101], 100), Err(expected));
    }

    #[test]
    fn a_frame_of_no_octets_is_refused() {
        assert_eq!(frame(&[0, 0, 0, 0], 100), Err(DecodeError::Empty));
    }

    #[test]
    fn a_part_of_a_frame_is_waited_for() {
        let whole = [0, 0, 0, 3, b'B', b'h', b'i', 0, 0];
        for end in 0..7 {
            assert_eq!(frame(&whole[..end], 100), Ok(None), "{end} octets");
        }
        assert_eq!(frame(&whole, 100), Ok(Some(Frame { code: b'B', data: b"hi", octets: 7 })));
    }

    #[test]
    fn a_frame_behind_others_is_seen_once_it_is_whole() {
        let frames = [0, 0, 0, 3, b'B', b'h', b'i', 0, 0, 0, 1, b'E'];
        assert!(brings(&frames, b'E', 100));
        assert!(!brings(&frames[..11], b'E', 100) && !brings(&frames, b'h', 100));
        assert!(!brings(&[0, 0, 0, 0, 0, 0, 0, 1, b'E'], b'E', 100), "not behind what is no frame");
    }

    #[test]
    fn strings_keep_their_empty_members() {
        let read = |octets| Strings::new(octets).map(|strings| strings.iter().collect::<Vec<_>>());
        assert_eq!(read(b""), Some(vec![]));
        assert_eq!(read(b"\0"), Some(vec![&b""[..]]));
        assert_eq!(read(b"i\0\0j\0"), Some(vec![&b"i"[..], b"", b"j"]));
        assert_eq!(read(b"i\0j"), None);
    }
}
