//! A way in for fuzzing: segments whose bytes are anybody's.

use super::frame::{self, Body, Next};
use super::record::Record;

/// Reads `segment` as a reader of the journal does, and all that its records hold; and once more as what stands
/// in a frame whose checksum is right, which nobody finds by chance.
pub(crate) fn read(segment: &[u8]) {
    frames(segment);
    let body = Body { head: segment.to_vec(), features: vec![1, 2], message: None };
    if let Ok(segment) = frame::encode("any", &body) {
        frames(&segment);
    }
}

fn frames(mut segment: &[u8]) {
    while let Ok(next) = frame::next(&mut segment) {
        match next {
            Next::Frame(frame) => {
                if let Some(record) = frame.body().and_then(Record::read) {
                    let _ = (record.envelope(), record.recording(), record.learnable());
                }
            }
            Next::Damaged => {}
            Next::End => return,
        }
    }
}
