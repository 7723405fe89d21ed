//! What a zip archive holds, by its directory; nothing is unpacked (PKWARE's APPNOTE, 4.3 and 4.4).
//!
//! Invariant: reads within the bytes it is given, and lists no more names than it is asked for.

use crate::decode::readable;

/// The directory of an archive.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(crate) names: Vec<String>,
    /// A file in it takes a password.
    pub(crate) encrypted: bool,
    /// There is more than was listed.
    pub(crate) cut: bool,
}

/// Lists the directory at the end of `archive`; where there is none, as in an archive that was cut
/// off, the files as they stand.
pub(crate) fn list(archive: &[u8], most: usize) -> Directory {
    match directory_at(archive) {
        Some(at) => records(archive, at, &CENTRAL, most),
        None => records(archive, 0, &LOCAL, most),
    }
}

/// How a record of a file is laid out: its signature, its own length, and where it says the general
/// flags, the lengths of name, extra field and comment, and the length of the file behind it.
struct Layout {
    signature: &'static [u8; 4],
    len: usize,
    flags: usize,
    name: usize,
    extra: usize,
    comment: Option<usize>,
    content: Option<usize>,
}

const CENTRAL: Layout = Layout {
    signature: b"PK\x01\x02",
    len: 46,
    flags: 8,
    name: 28,
    extra: 30,
    comment: Some(32),
    content: None,
};
const LOCAL: Layout = Layout {
    signature: b"PK\x03\x04",
    len: 30,
    flags: 6,
    name: 26,
    extra: 28,
    comment: None,
    content: Some(18),
};

/// Where the central directory begins, as its end record says.
fn directory_at(archive: &[u8]) -> Option<usize> {
    /// The record and the longest comment that may follow it.
    const TAIL: usize = 22 + 65_535;
    let tail = &archive[archive.len().saturating_sub(TAIL)..];
    let at = memchr::memmem::rfind(tail, b"PK\x05\x06")?;
    let begin = u32_at(tail, at + 16)?;
    let begin = usize::try_from(begin).ok()?;
    archive.get(begin..).filter(|rest| rest.starts_with(CENTRAL.signature)).map(|_| begin)
}

fn records(archive: &[u8], mut at: usize, layout: &Layout, most: usize) -> Directory {
    let mut directory = Directory::default();
    while let Some(record) = archive.get(at..).filter(|rest| rest.starts_with(layout.signature)) {
        if directory.names.len() >= most {
            directory.cut = true;
            break;
        }
        let length =
            |at: Option<usize>| at.map_or(Some(0), |at| u16_at(record, at).map(usize::from));
        let (Some(name_len), Some(extra), Some(comment)) =
            (length(Some(layout.name)), length(Some(layout.extra)), length(layout.comment))
        else {
            break;
        };
        let Some(name) = record.get(layout.len..layout.len + name_len) else { break };
        directory.names.push(readable(name).into_owned());
        directory.encrypted |= u16_at(record, layout.flags).is_some_and(|flags| flags & 1 != 0);
        let content = layout.content.map_or(Some(0), |at| u32_at(record, at));
        let Some(content) = content.and_then(|len| usize::try_from(len).ok()) else { break };
        at = at.saturating_add(layout.len + name_len + extra + comment).saturating_add(content);
    }
    directory
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Archives for tests: files without content.
#[cfg(test)]
pub(crate) fn archive(names: &[&str], encrypted: bool) -> Vec<u8> {
    let flags = u16::from(encrypted).to_le_bytes();
    let len = |name: &str| (name.len() as u16).to_le_bytes();
    let (mut archive, mut central) = (Vec::new(), Vec::new());
    for name in names {
        archive.extend(
            [b"PK\x03\x04\x14\0", &flags[..], &[0; 18], &len(name), &[0; 2], name.as_bytes()]
                .concat(),
        );
        central.extend(
            [
                b"PK\x01\x02\x14\0\x14\0",
                &flags[..],
                &[0; 18],
                &len(name),
                &[0; 16],
                name.as_bytes(),
            ]
            .concat(),
        );
    }
    let begin = (archive.len() as u32).to_le_bytes();
    archive.extend(central);
    archive.extend([b"PK\x05\x06", &[0; 12][..], &begin, &[0; 2]].concat());
    archive
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_names_in_an_archive_are_listed() {
        let whole = archive(&["a.txt", "dir/b.exe"], false);
        let expect =
            Directory { names: vec!["a.txt".into(), "dir/b.exe".into()], ..Directory::default() };
        assert_eq!(list(&whole, 10), expect);
        // Cut off before its directory.
        assert_eq!(list(&whole[..whole.len() - 80], 10), expect);
        assert!(list(&archive(&["a"], true), 10).encrypted);
        let cut = list(&whole, 1);
        assert!(cut.cut && cut.names.len() == 1);
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
