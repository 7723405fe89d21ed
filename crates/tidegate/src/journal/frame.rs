//! Records as bytes of a segment.
//!
//! ```text
//! segment   "tgjrnl1\n", frames
//! frame     length u32, CRC-32 u32 of the payload, payload
//! payload   form u8 = 1, length u8 of the id, id, count u32 of the features, features u64…,
//!           deflated body
//! body      length u32 of the head, head (JSON), 1 and the message, or 0
//! ```
//!
//! Numbers are little endian. Features are hashes, which deflating would not make smaller. A frame that was being written when the machine stopped is shorter than
//! it says, and the last of its segment.
//!
//! Invariant: no bytes panic or take more memory than a record may; what was written is read as the
//! same.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// What a segment begins with.
pub(super) const MAGIC: &[u8; 8] = b"tgjrnl1\n";
/// The payload's form; another is of a later version.
const FORM: u8 = 1;
/// Bytes of a payload, and of a body: a message is bounded by the milter's limits, far below.
const LONGEST_PAYLOAD: u32 = 160 << 20;
const LONGEST_BODY: u64 = 320 << 20;

/// What is in a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Body {
    /// JSON.
    pub(super) head: Vec<u8>,
    pub(super) features: Vec<u64>,
    pub(super) message: Option<Vec<u8>>,
}

/// A frame that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) id: String,
    features: Vec<u64>,
    deflated: Vec<u8>,
}

/// What comes next in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Frame(Frame),
    /// One that is not as it was written; more may follow.
    Damaged,
    /// Nothing that could be read: the end, or a frame that was never finished.
    End,
}

/// A frame of a record.
///
/// # Errors
/// When it is longer than any that may be read.
pub(super) fn encode(id: &str, body: &Body) -> io::Result<Vec<u8>> {
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "the record is too long");
    let length =
        |length: usize| u32::try_from(length).map(u32::to_le_bytes).map_err(|_| too_long());
    let id = id.as_bytes();
    let mut frame = vec![0; 8];
    frame.extend([FORM, u8::try_from(id.len()).map_err(|_| too_long())?]);
    frame.extend(id);
    frame.extend(length(body.features.len())?);
    frame.extend(body.features.iter().flat_map(|feature| feature.to_le_bytes()));
    let mut deflate = DeflateEncoder::new(frame, Compression::fast());
    deflate.write_all(&length(body.head.len())?)?;
    deflate.write_all(&body.head)?;
    match &body.message {
        Some(message) => {
            deflate.write_all(&[1])?;
            deflate.write_all(message)?;
        }
        None => deflate.write_all(&[0])?,
    }
    let within = deflate.total_in() <= LONGEST_BODY;
    let mut frame = deflate.finish()?;
    let payload = u32::try_from(frame.len() - 8).ok();
    let payload =
        payload.filter(|length| *length <= LONGEST_PAYLOAD && within).ok_or_else(too_long)?;
    let crc = crc32fast::hash(&frame[8..]);
    frame[..4].copy_from_slice(&payload.to_le_bytes());
    frame[4..8].copy_from_slice(&crc.to_le_bytes());
    Ok(frame)
}

/// Whether a file is a segment; reads its beginning.
pub(super) fn is_segment(file: &mut impl Read) -> io::Result<bool> {
    let mut magic = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut magic)?;
    Ok(magic == MAGIC)
}

/// Reads the next frame.
///
/// # Errors
/// When the file can't be read.
pub(super) fn next(file: &mut impl Read) -> io::Result<Next> {
    let mut header = Vec::with_capacity(8);
    file.take(8).read_to_end(&mut header)?;
    let Some(([a, b, c, d], crc)) = header.split_first_chunk::<4>() else { return Ok(Next::End) };
    let length = u32::from_le_bytes([*a, *b, *c, *d]);
    let Ok(crc) = <[u8; 4]>::try_from(crc).map(u32::from_le_bytes) else { return Ok(Next::End) };
    if length > LONGEST_PAYLOAD {
        return Ok(Next::End);
    }
    let mut payload = Vec::new();
    file.take(length.into()).read_to_end(&mut payload)?;
    if payload.len() < length as usize {
        return Ok(Next::End);
    }
    let frame = (crc32fast::hash(&payload) == crc).then(|| Frame::of(&payload)).flatten();
    Ok(frame.map_or(Next::Damaged, Next::Frame))
}

impl Frame {
    fn of(payload: &[u8]) -> Option<Self> {
        let [FORM, length, rest @ ..] = payload else { return None };
        let (id, rest) = rest.split_at_checked(usize::from(*length))?;
        let (features, deflated) = counted(rest, 8)?;
        Some(Self {
            id: String::from_utf8(id.to_vec()).ok()?,
            features: features.as_chunks().0.iter().copied().map(u64::from_le_bytes).collect(),
            deflated: deflated.to_vec(),
        })
    }

    /// What is in it; `None` when it is nothing that this program writes.
    pub(super) fn body(self) -> Option<Body> {
        let mut body = Vec::new();
        DeflateDecoder::new(&self.deflated[..]).take(LONGEST_BODY).read_to_end(&mut body).ok()?;
        let (head, rest) = counted(&body, 1)?;
        let message = match rest {
            [0] => None,
            [1, message @ ..] => Some(message.to_vec()),
            _ => return None,
        };
        Some(Body { head: head.to_vec(), features: self.features, message })
    }
}

/// As many items of `size` bytes as the number before them says, and what follows.
fn counted(bytes: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    rest.split_at_checked(count.checked_mul(size)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bodies() -> impl Strategy<Value = Body> {
        let bytes = prop::collection::vec(any::<u8>(), 0..400);
        let features = prop::collection::vec(any::<u64>(), 0..50);
        (bytes.clone(), features, prop::option::of(bytes))
            .prop_map(|(head, features, message)| Body { head, features, message })
    }

    fn read_all(mut bytes: &[u8]) -> (Vec<Frame>, usize) {
        let (mut frames, mut damaged) = (Vec::new(), 0);
        loop {
            match next(&mut bytes).unwrap() {
                Next::Frame(frame) => frames.push(frame),
                Next::Damaged => damaged += 1,
                Next::End => return (frames, damaged),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(records in prop::collection::vec(("[a-zA-Z0-9-]{0,40}", bodies()), 0..5)) {
            let written = records.iter().flat_map(|(id, body)| encode(id, body).unwrap());
            let (frames, damaged) = read_all(&written.collect::<Vec<u8>>());
            prop_assert_eq!(damaged, 0);
            let read: Vec<_> = frames.into_iter().map(|frame| (frame.id.clone(), frame.body().unwrap())).collect();
            prop_assert_eq!(read, records);
        }

        #[test]
        fn a_torn_tail_costs_the_frame_that_was_being_written(body in bodies(), cut in 1_usize..2_000) {
            let whole = encode("whole", &body).unwrap();
            let torn = encode("torn", &body).unwrap();
            let left = torn.len().saturating_sub(cut);
            let (mut frames, damaged) = read_all(&[&whole[..], &torn[..left]].concat());
            prop_assert_eq!((frames.len(), damaged), (1, 0));
            prop_assert_eq!(frames.remove(0).body(), Some(body));
        }

        #[test]
        fn a_changed_byte_is_noticed_and_the_next_frame_read(body in bodies(), at: prop::sample::Index, by in 1_u8..) {
            let mut first = encode("first", &body).unwrap();
            let at = 4 + at.index(first.len() - 4);
            first[at] ^= by;
            let (frames, damaged) = read_all(&[first, encode("second", &body).unwrap()].concat());
            prop_assert_eq!((frames.len(), damaged), (1, 1));
            prop_assert_eq!(&frames[0].id, "second");
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), deflated: bool) {
            read_all(&bytes);
            // As a frame that checks, too, so that what is behind the checksum is reached.
            let mut payload = vec![FORM, 0, 0, 0, 0, 0];
            if deflated {
                let mut deflate = DeflateEncoder::new(payload, Compression::fast());
                deflate.write_all(&bytes).unwrap();
                payload = deflate.finish().unwrap();
            } else {
                payload.extend(&bytes);
            }
            if let Some(body) = Frame::of(&payload).and_then(Frame::body) {
                encode("again", &body).unwrap();
            }
        }
    }

    #[test]
    fn a_length_that_nothing_has_ends_the_segment_without_memory() {
        assert_eq!(next(&mut &[0xff; 100][..]).unwrap(), Next::End);
        // Deflated zeros: a thousand times as many when inflated.
        let mut deflate = DeflateEncoder::new(vec![FORM, 0, 0, 0, 0, 0], Compression::fast());
        deflate.write_all(&[0xff; 1 << 20]).unwrap();
        assert_eq!(Frame::of(&deflate.finish().unwrap()).unwrap().body(), None);
    }
}
