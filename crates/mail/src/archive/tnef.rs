//! What TNEF holds, the `winmail.dat` in which Outlook wraps files (MS-OXTNEF, section 2.1.3).
//!
//! A file is named by its title and, where that is a short form of its name, by properties. Both are
//! found wherever they stand, in messages within the message as well: nothing is believed that says
//! how long something else is.
//!
//! Invariant: names are read of no more bytes than there are.

use encoding_rs::UTF_16LE;
use memchr::memmem;

use super::{Directory, Listing, utf_16};
use crate::decode::readable;

const SIGNATURE: &[u8] = b"\x78\x9f\x3e\x22";
/// The attribute attAttachTitle of an attachment, and its length in four bytes.
const TITLE: &[u8] = b"\x02\x10\x80\x01\0";
/// The properties PidTagAttachLongFilename and PidTagAttachFilename (MS-OXPROPS), in the letters of the
/// sender's system and in UTF-16, each of one value.
const NAMES: [(&[u8], bool); 4] = [
    (b"\x1e\0\x07\x37\x01\0\0\0", false),
    (b"\x1f\0\x07\x37\x01\0\0\0", true),
    (b"\x1e\0\x04\x37\x01\0\0\0", false),
    (b"\x1f\0\x04\x37\x01\0\0\0", true),
];

/// Lists the files that are attached in it.
pub(super) fn list(archive: &[u8], most: usize) -> Directory {
    let mut listing = Listing::new(archive, most);
    if archive.starts_with(SIGNATURE) {
        add(archive, TITLE, false, &mut listing);
        for (property, is_utf_16) in NAMES {
            add(archive, property, is_utf_16, &mut listing);
        }
    }
    listing.finish()
}

/// Adds the names behind each `tag`: their length in four bytes, then themselves, ended by a zero.
fn add<'a>(archive: &'a [u8], tag: &[u8], is_utf_16: bool, listing: &mut Listing<'a>) {
    for at in memmem::find_iter(archive, tag) {
        let Some((len, rest)) = archive[at + tag.len()..].split_first_chunk() else { return };
        let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
        let Some(name) = rest.get(..len).filter(|_| listing.may_read(len)) else { continue };
        listing.add(if is_utf_16 { utf_16(name, UTF_16LE) } else { readable(name) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An attribute of an attachment; its checksum is the sum of its bytes.
    fn attribute(id: u32, value: &[u8]) -> Vec<u8> {
        let sum = value.iter().fold(0_u16, |sum, byte| sum.wrapping_add((*byte).into()));
        let len = (value.len() as u32).to_le_bytes();
        [&[2], &id.to_le_bytes()[..], &len, value, &sum.to_le_bytes()].concat()
    }

    /// A file as Outlook wraps it: where it stands, its title, what is in it, and its properties.
    fn attached(title: &str, properties: &[u8]) -> Vec<u8> {
        [
            attribute(0x0006_9002, &[1, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]),
            attribute(0x0001_8010, format!("{title}\0").as_bytes()),
            attribute(0x0006_800f, b"hello\n"),
            attribute(0x0006_9005, properties),
        ]
        .concat()
    }

    fn property(tag: u32, name: &[u8]) -> Vec<u8> {
        let padding = vec![0; (4 - name.len() % 4) % 4];
        let fields = [1, tag, 1, name.len() as u32].map(u32::to_le_bytes).concat();
        [&fields[..], name, &padding].concat()
    }

    #[track_caller]
    fn check(files: &[Vec<u8>], names: &[&str]) {
        let archive = [SIGNATURE, &[1, 0], &files.concat()].concat();
        assert_eq!(list(&archive, 10).names, names);
    }

    #[test]
    fn files_are_listed_by_their_titles_and_properties() {
        let none = 0_u32.to_le_bytes();
        check(&[attached("a.txt", &none), attached("b.exe", &none)], &["a.txt", "b.exe"]);
        let long = property(0x3707_001e, b"a long name.exe\0");
        check(&[attached("ALONGN~1.EXE", &long)], &["ALONGN~1.EXE", "a long name.exe"]);
        let long: Vec<u8> = "sch\u{f6}n.exe\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(&[attached("a", &property(0x3707_001f, &long))], &["a", "sch\u{f6}n.exe"]);
    }

    #[test]
    fn a_message_within_the_message_hides_nothing() {
        let none = 0_u32.to_le_bytes();
        let inner = [SIGNATURE, &[1, 0], &attached("inner.exe", &none)].concat();
        check(&[attached("a.msg", &inner)], &["a.msg", "inner.exe"]);
    }

    #[test]
    fn lengths_that_lie_are_no_more_work() {
        let mut archive = SIGNATURE.to_vec();
        for at in 0..5_000_u32 {
            archive.extend([TITLE, &(9 * (4_999 - at)).to_le_bytes()].concat());
        }
        let listed = list(&archive, 10_000);
        assert!(listed.cut && listed.names.iter().map(String::len).sum::<usize>() < archive.len());
        assert_eq!(list(b"no such thing", 10), Directory::default());
    }
}
