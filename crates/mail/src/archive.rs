//! What archives hold, by the names of the files in them; no file is unpacked.
//!
//! Each format has its own reader, which takes what unpackers would show, not what a forger says
//! where.
//!
//! Invariant: readers look at bytes in proportion to those they are given, and list no more names
//! than they are asked for, each once.

mod iso;
mod rar;
mod seven_zip;
mod tnef;
pub(crate) mod zip;

use std::borrow::Cow;

use ahash::AHashSet;
use encoding_rs::Encoding;

use crate::sniff::FileKind;

/// The names in an archive.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(crate) names: Vec<String>,
    /// How many of the names, the first ones, most programs show.
    pub(crate) shown: usize,
    /// A file in it takes a password, or even their names do.
    pub(crate) encrypted: bool,
    /// There is more than was listed.
    pub(crate) cut: bool,
}

/// Lists an archive, so many names at most.
type List = fn(&[u8], usize) -> Directory;

/// The formats whose directories are read. Programs know them by what is in a file more than by its
/// name.
pub(crate) const FORMATS: [(FileKind, List); 5] = [
    (FileKind::Zip, zip::list),
    (FileKind::Rar, rar::list),
    (FileKind::SevenZip, seven_zip::list),
    (FileKind::Tnef, tnef::list),
    (FileKind::Iso, iso::list),
];

/// A directory while it is read.
struct Listing<'a> {
    directory: Directory,
    seen: AHashSet<Cow<'a, str>>,
    most: usize,
    /// Bytes of what describes files that may still be read. Honest archives have no more of them
    /// than bytes; in forged ones, records share them.
    left: usize,
}

impl<'a> Listing<'a> {
    fn new(archive: &[u8], most: usize) -> Self {
        let left = archive.len();
        Self { directory: Directory::default(), seen: AHashSet::default(), most, left }
    }

    /// Whether so many bytes of what describes a file may be read; then they are counted.
    fn may_read(&mut self, bytes: usize) -> bool {
        let left = self.left.checked_sub(bytes);
        self.directory.cut |= left.is_none();
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    /// Adds a name, unless it is known. Programs end one at a NUL, and would run `a.exe\0.txt`.
    fn add(&mut self, mut name: Cow<'a, str>) {
        if let Some(end) = name.find('\0') {
            name = match name {
                Cow::Borrowed(name) => Cow::Borrowed(&name[..end]),
                Cow::Owned(mut name) => {
                    name.truncate(end);
                    Cow::Owned(name)
                }
            };
        }
        if self.seen.contains(&name) {
            return;
        }
        if self.directory.names.len() >= self.most {
            self.directory.cut = true;
            return;
        }
        self.directory.names.push(name.clone().into_owned());
        self.seen.insert(name);
    }

    /// What was read; all of it is shown, but for formats that know better.
    fn finish(self) -> Directory {
        Directory { shown: self.directory.names.len(), ..self.directory }
    }
}

/// UTF-16 of one byte order or the other as text; half a unit at the end is left out.
fn utf_16<'a>(bytes: &'a [u8], order: &'static Encoding) -> Cow<'a, str> {
    order.decode_without_bom_handling(&bytes[..bytes.len() & !1]).0
}

/// The bytes of a number that stands `at` some place.
fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// That a reader lists these names, and no more.
#[cfg(test)]
#[track_caller]
fn check(list: List, archive: &[u8], names: &[&str], encrypted: bool) {
    let names = names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let expect = Directory { shown: names.len(), names, encrypted, cut: false };
    assert_eq!(list(archive, 10), expect);
}
