//! Any extension has a picture whose digest fits, or none.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_checks::trust::bimi::logotype::subject_svg;
use tidegate_checks::trust::bimi::testing::Logo;

fuzz_target!(|input: (u16, Vec<u8>)| {
    let (at, bytes) = input;
    let _ = subject_svg(&bytes);
    let mut extension = Logo::default().extension();
    let at = usize::from(at) % extension.len();
    let end = extension.len().min(at + bytes.len());
    extension.splice(at..end, bytes);
    let _ = subject_svg(&extension);
});
