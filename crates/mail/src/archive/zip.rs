//! What a zip archive holds, by the records of its files; nothing is unpacked (PKWARE's APPNOTE.TXT
//! 6.3.10, sections 4.3 and 4.4).
//!
//! Programs differ in where they find the directory: where the last end record says, or as far before
//! that record as the directory is long, or where the zip64 record says, or by an end record that
//! stands before; and some read the files as they stand, from the first. A forger tells each another
//! story. So nothing is believed that says where a record stands: each is found by its signature.
//! Archives that stand in an archive without compression are listed with it.
//!
//! Invariant: however records share their bytes, no more of them are read than there are.

use memchr::memmem;

use super::{Directory, Listing, bytes_at};
use crate::decode::readable;

/// Lists what any program would show of `archive`: first the last directory, then others, then files
/// as they stand, which is all there is in an archive that was cut off.
pub(crate) fn list(archive: &[u8], most: usize) -> Directory {
    let mut listing = Listing::new(archive, most);
    let begin = last_directory(archive);
    add(&mut listing, records(archive, &CENTRAL).skip_while(|record| record.at < begin));
    // What stands in the last directory.
    let shown = listing.directory.names.len();
    add(&mut listing, records(archive, &CENTRAL).take_while(|record| record.at < begin));
    add(&mut listing, records(archive, &LOCAL));
    let all = listing.finish();
    if shown == 0 { all } else { Directory { shown, ..all } }
}

/// How a record of a file is laid out: its signature, its own length, and where it says the general
/// flags and the lengths of name, extra field and comment (sections 4.3.7 and 4.3.12).
struct Layout {
    signature: &'static [u8; 4],
    len: usize,
    flags: usize,
    name: usize,
    extra: usize,
    comment: Option<usize>,
}

const CENTRAL: Layout =
    Layout { signature: b"PK\x01\x02", len: 46, flags: 8, name: 28, extra: 30, comment: Some(32) };
const LOCAL: Layout =
    Layout { signature: b"PK\x03\x04", len: 30, flags: 6, name: 26, extra: 28, comment: None };

/// What a record tells of a file.
struct Record<'a> {
    at: usize,
    /// Where the next one begins in a directory.
    end: usize,
    name: &'a [u8],
    extra: &'a [u8],
    encrypted: bool,
}

/// All records of that layout, wherever they stand, even within each other.
fn records<'a>(archive: &'a [u8], layout: &'a Layout) -> impl Iterator<Item = Record<'a>> {
    memmem::find_iter(archive, layout.signature).filter_map(|at| record(archive, at, layout))
}

fn record<'a>(archive: &'a [u8], at: usize, layout: &Layout) -> Option<Record<'a>> {
    let (fixed, rest) = archive[at..].split_at_checked(layout.len)?;
    let length = |at: usize| u16_at(fixed, at).map(usize::from);
    let (name_len, extra_len) = (length(layout.name)?, length(layout.extra)?);
    let comment_len = layout.comment.map_or(Some(0), length)?;
    let (name, rest) = rest.split_at_checked(name_len)?;
    Some(Record {
        at,
        end: at + layout.len + name_len + extra_len + comment_len,
        name,
        extra: rest.get(..extra_len).unwrap_or_default(),
        encrypted: u16_at(fixed, layout.flags)? & 1 != 0,
    })
}

/// Where the last of the directories begins: records that stand one behind the other.
fn last_directory(archive: &[u8]) -> usize {
    let (mut begin, mut end) = (0, 0);
    for record in records(archive, &CENTRAL) {
        if record.at != end {
            begin = record.at;
        }
        end = record.end;
    }
    begin
}

fn add<'a>(listing: &mut Listing<'a>, records: impl Iterator<Item = Record<'a>>) {
    for record in records {
        if listing.may_read(record.name.len() + record.extra.len()) {
            listing.directory.encrypted |= record.encrypted;
            let names = [Some(record.name), unicode_name(record.extra)];
            names.into_iter().flatten().for_each(|name| listing.add(readable(name)));
        }
    }
}

/// The name that programs which know of it show instead (section 4.6.9, behind a version and a
/// checksum of the other name).
fn unicode_name(mut extra: &[u8]) -> Option<&[u8]> {
    const UNICODE_PATH: u16 = 0x7075;
    loop {
        let (id, len) = (u16_at(extra, 0)?, u16_at(extra, 2)?);
        let (field, rest) = extra[4..].split_at_checked(len.into())?;
        if id == UNICODE_PATH {
            return field.get(5..);
        }
        extra = rest;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes_at(bytes, at).map(u16::from_le_bytes)
}

#[cfg(test)]
pub(crate) mod testing {
    //! Archives for tests: files without content.

    pub(crate) fn archive(names: &[&str], encrypted: bool) -> Vec<u8> {
        let flags = u16::from(encrypted);
        let (mut archive, mut directory) = (Vec::new(), Vec::new());
        for name in names {
            archive.extend(local(name, flags, 0));
            directory.extend(central(name, flags, b""));
        }
        let begin = archive.len() as u32;
        archive.extend(&directory);
        archive.extend(end(directory.len() as u32, begin, b""));
        archive
    }

    pub(crate) fn local(name: &str, flags: u16, size: u32) -> Vec<u8> {
        let sizes = [size.to_le_bytes(), size.to_le_bytes()].concat();
        let (flags, len) = (flags.to_le_bytes(), (name.len() as u16).to_le_bytes());
        [b"PK\x03\x04\x14\0", &flags[..], &[0; 10], &sizes, &len, &[0; 2], name.as_bytes()].concat()
    }

    pub(crate) fn central(name: &str, flags: u16, extra: &[u8]) -> Vec<u8> {
        let (flags, len) = (flags.to_le_bytes(), (name.len() as u16).to_le_bytes());
        let extra_len = (extra.len() as u16).to_le_bytes();
        let fixed = [b"PK\x01\x02\x14\0\x14\0", &flags[..], &[0; 18], &len, &extra_len, &[0; 14]];
        [&fixed.concat(), name.as_bytes(), extra].concat()
    }

    pub(crate) fn end(size: u32, begin: u32, comment: &[u8]) -> Vec<u8> {
        let (size, begin) = (size.to_le_bytes(), begin.to_le_bytes());
        let len = (comment.len() as u16).to_le_bytes();
        [b"PK\x05\x06", &[0; 8][..], &size, &begin, &len, comment].concat()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::testing::{archive, central, end, local};
    use super::*;

    #[track_caller]
    fn check(archive: &[u8], names: &[&str]) {
        assert_eq!(list(archive, 10).names, names);
    }

    #[test]
    fn the_names_in_an_archive_are_listed() {
        let whole = archive(&["a.txt", "dir/b.exe"], false);
        let expect = Directory {
            names: vec!["a.txt".into(), "dir/b.exe".into()],
            shown: 2,
            ..Directory::default()
        };
        assert_eq!(list(&whole, 10), expect);
        // Cut off before its directory.
        assert_eq!(list(&whole[..whole.len() - 128], 10), expect);
        assert!(list(&archive(&["a"], true), 10).encrypted);
        let cut = list(&whole, 1);
        assert!(cut.cut && cut.names.len() == 1);
        assert!(!list(&whole, 2).cut);
    }

    #[test]
    fn of_two_archives_in_one_file_both_are_listed() {
        let both = [archive(&["a.txt"], false), archive(&["b.exe", "c.txt"], false)].concat();
        check(&both, &["b.exe", "c.txt", "a.txt"]);
        assert_eq!(list(&both, 10).shown, 2);
    }

    #[test]
    fn an_end_record_in_the_comment_hides_nothing() {
        // The end record of the harmless directory is the last there is, and says that it has more of a
        // comment than there is, or nothing.
        let harmless = central("a.txt", 0, b"");
        let evil = central("b.exe", 0, b"");
        for comment in [end(harmless.len() as u32, 0, b""), end(9, 0, b"x")] {
            let comment = &comment[..22];
            let begin = harmless.len() as u32;
            let end = end(evil.len() as u32, begin, comment);
            check(&[&harmless, &evil[..], &end].concat(), &["a.txt", "b.exe"]);
            check(&[&harmless, &b"between"[..], &evil, &end].concat(), &["b.exe", "a.txt"]);
        }
    }

    #[test]
    fn an_end_record_that_lies_hides_nothing() {
        // Bit 3: how long the content is stands behind it (section 4.4.4).
        let files = ["a.txt", "b.exe"]
            .map(|name| [&local(name, 8, 0), &b"content"[..], b"PK\x07\x08", &[1; 12]].concat());
        let directory = ["a.txt", "b.exe"].map(|name| central(name, 8, b"")).concat();
        for (size, begin) in [(directory.len() as u32, 9), (9, u32::MAX), (0, 0)] {
            let end = end(size, begin, b"");
            check(&[&files.concat()[..], &directory, &end].concat(), &["a.txt", "b.exe"]);
            let prefixed = [b"a prefix", &files.concat()[..], &directory, &end].concat();
            check(&prefixed, &["a.txt", "b.exe"]);
        }
        // No directory, as programs see that read one file after the other.
        check(&files.concat(), &["a.txt", "b.exe"]);
    }

    #[test]
    fn archives_by_zip64_are_listed() {
        let directory = central("b.exe", 0, b"");
        // The end record of zip64 and its locator (sections 4.3.14 and 4.3.15).
        let mut archive = directory.clone();
        archive.extend([b"PK\x06\x06", &44u64.to_le_bytes()[..], &[0; 28]].concat());
        archive.extend([directory.len() as u64, 0].map(u64::to_le_bytes).concat());
        archive
            .extend([b"PK\x06\x07", &[0; 4][..], &(directory.len() as u64).to_le_bytes()].concat());
        archive.extend([1, 0, 0, 0]);
        archive.extend(end(u32::MAX, u32::MAX, b""));
        check(&archive, &["b.exe"]);
    }

    #[test]
    fn a_name_that_programs_read_otherwise_is_listed_as_they_show_it() {
        check(&archive(&["b.exe\0.txt"], false), &["b.exe"]);
        let path = [b"ab\x01\0x", &0x7075u16.to_le_bytes()[..], &[10, 0, 1], &[0; 4], b"b.exe"];
        check(&central("a.txt", 0, &path.concat()), &["a.txt", "b.exe"]);
        check(&central("a.txt", 0, &path.concat()[..10]), &["a.txt"]);
    }

    #[test]
    fn a_record_within_another_hides_nothing_and_is_no_more_work() {
        // The name of the first is all that stands behind it.
        let evil = central("b.exe", 0, b"");
        let mut fake = central("", 0, b"");
        fake[28..30].copy_from_slice(&(evil.len() as u16).to_le_bytes());
        let listed = list(&[&fake, &evil[..], &[0; 9]].concat(), 10);
        assert!(listed.names.contains(&"b.exe".to_owned()), "{listed:?}");

        // A thousand names that end together.
        let mut forged = central("", 0, b"").repeat(1_000);
        let whole = forged.len();
        for at in (0..whole).step_by(46) {
            let rest = (whole - at - 46) as u16;
            forged[at + 28..at + 30].copy_from_slice(&rest.to_le_bytes());
        }
        let listed = list(&forged, 1_000);
        assert!(listed.cut);
        assert!(listed.names.iter().map(String::len).sum::<usize>() <= whole);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_make_it_fail(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..150) {
            let _ = list(&bytes, 10);
            let known = archive(&["a.txt"], false);
            for (to, from) in bytes.iter_mut().zip(known.iter().skip(at)) {
                *to = *from;
            }
            let _ = list(&bytes, 10);
        }
    }
}
