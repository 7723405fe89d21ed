//! A way in for fuzzing: segments whose bytes are anybody's.

use super::frame::{self, Next};
use super::record::Record;

/// Reads `segment` as a reader of the journal does, and all that its records hold.
pub(crate) fn read(mut segment: &[u8]) {
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
