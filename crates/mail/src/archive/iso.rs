//! What a disc holds, which Windows opens like a folder: ISO 9660 (ECMA-119) with the names of Joliet
//! where there are any. Discs of UDF alone are not listed.
//!
//! Invariant: each directory is read once, and of all of them no more bytes than the disc has.

use std::borrow::Cow;

use ahash::AHashSet;
use encoding_rs::UTF_16BE;

use super::{Directory, Listing, bytes_at, utf_16};
use crate::decode::readable;

const SECTOR: usize = 2048;
/// Where the volume descriptors begin, one a sector (ECMA-119, section 6.7.1).
const DESCRIPTORS: usize = 16;
/// Of these, more are on no disc.
const MOST_DESCRIPTORS: usize = 16;

/// Lists the files of each volume.
pub(super) fn list(disc: &[u8], most: usize) -> Directory {
    let mut listing = Listing::new(disc, most);
    let volumes = disc.chunks_exact(SECTOR).skip(DESCRIPTORS).take(MOST_DESCRIPTORS);
    // The names of Joliet are those that are shown.
    let (joliet, plain): (Vec<_>, Vec<_>) =
        volumes.filter_map(Volume::of).partition(|volume| volume.is_joliet);
    for volume in joliet.iter().chain(&plain) {
        volume.list(disc, &mut listing);
    }
    listing.finish()
}

/// A tree of directories.
struct Volume {
    is_joliet: bool,
    root: Extent,
}

/// Where a file stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Extent {
    sector: u32,
    len: u32,
}

impl Volume {
    fn of(descriptor: &[u8]) -> Option<Self> {
        const PRIMARY: u8 = 1;
        const SUPPLEMENTARY: u8 = 2;
        let kind = descriptor[0];
        if &descriptor[1..6] != b"CD001" || !matches!(kind, PRIMARY | SUPPLEMENTARY) {
            return None;
        }
        // UCS-2 of one level or another (Joliet, section 3.1).
        let escapes = &descriptor[88..91];
        let is_joliet = kind == SUPPLEMENTARY && matches!(escapes, b"%/@" | b"%/C" | b"%/E");
        Some(Self { is_joliet, root: Record::of(&descriptor[156..190])?.extent })
    }

    fn list<'d>(&self, disc: &'d [u8], listing: &mut Listing<'d>) {
        let (mut open, mut known) = (vec![self.root], AHashSet::from([self.root]));
        while let Some(directory) = open.pop() {
            let begin = (directory.sector as usize).saturating_mul(SECTOR);
            let rest = disc.get(begin..).unwrap_or_default();
            let records = &rest[..rest.len().min(directory.len as usize)];
            listing.directory.cut |= records.len() < directory.len as usize;
            if !listing.may_read(records.len()) {
                return;
            }
            // A record does not go over the end of a sector; what is left there is zero.
            for mut sector in records.chunks(SECTOR) {
                while let Some(record) = Record::of(sector) {
                    if record.is_directory && known.insert(record.extent) {
                        open.push(record.extent);
                    } else if !record.is_directory {
                        listing.add(name(record.name, self.is_joliet));
                    }
                    sector = &sector[record.len..];
                }
            }
        }
    }
}

/// A file or a directory (ECMA-119, section 9.1).
struct Record<'d> {
    len: usize,
    extent: Extent,
    is_directory: bool,
    name: &'d [u8],
}

impl<'d> Record<'d> {
    fn of(bytes: &'d [u8]) -> Option<Self> {
        const DIRECTORY: u8 = 2;
        let len = usize::from(*bytes.first()?);
        let record = bytes.get(..len)?;
        let u32_at = |at| bytes_at(record, at).map(u32::from_le_bytes);
        let name_len = usize::from(*record.get(32)?);
        Some(Self {
            len,
            extent: Extent { sector: u32_at(2)?, len: u32_at(10)? },
            is_directory: record.get(25)? & DIRECTORY != 0,
            name: record.get(33..33 + name_len)?,
        })
    }
}

/// Without its version, as in `A.TXT;1`.
fn name(name: &[u8], is_joliet: bool) -> Cow<'_, str> {
    let name = if is_joliet { utf_16(name, UTF_16BE) } else { readable(name) };
    match name.rsplit_once(';').map(|(name, _)| name.trim_end_matches('.').len()) {
        Some(end) => Cow::Owned(name[..end].to_owned()),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(name: &[u8], sector: u32, len: u32, is_directory: bool) -> Vec<u8> {
        let mut record = vec![0; (33 + name.len()).next_multiple_of(2)];
        record[0] = record.len() as u8;
        record[2..6].copy_from_slice(&sector.to_le_bytes());
        record[10..14].copy_from_slice(&len.to_le_bytes());
        record[25] = if is_directory { 2 } else { 0 };
        record[32] = name.len() as u8;
        record[33..33 + name.len()].copy_from_slice(name);
        record
    }

    fn descriptor(kind: u8, escape: &[u8], root: u32) -> Vec<u8> {
        let mut sector = vec![0; SECTOR];
        sector[0] = kind;
        sector[1..6].copy_from_slice(b"CD001");
        sector[88..88 + escape.len()].copy_from_slice(escape);
        sector[156..190].copy_from_slice(&record(b"\0", root, SECTOR as u32, true));
        sector
    }

    fn directory(records: &[Vec<u8>]) -> Vec<u8> {
        let mut sector = records.concat();
        sector.resize(SECTOR, 0);
        sector
    }

    fn joliet(name: &str) -> Vec<u8> {
        name.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    /// As genisoimage makes it with `-J`: two trees, of short and of long names, here without files.
    fn disc() -> Vec<u8> {
        let of = |name: &[u8]| record(name, 30, 6, false);
        let folder = |name: &[u8], sector| record(name, sector, SECTOR as u32, true);
        let itself = |sector, above| [folder(b"\0", sector), folder(b"\x01", above)].concat();
        [
            vec![0; DESCRIPTORS * SECTOR],
            descriptor(1, b"", 19),
            descriptor(2, b"%/E", 21),
            descriptor(255, b"", 0),
            directory(&[itself(19, 19), of(b"INVOIC~1.EXE;1"), folder(b"SUB", 20)]),
            directory(&[itself(20, 19), of(b"README.;1")]),
            directory(&[itself(21, 21), of(&joliet("invoice of today.exe;1"))]),
        ]
        .concat()
    }

    #[test]
    fn the_files_of_all_volumes_are_listed() {
        let listed = list(&disc(), 10);
        assert_eq!(listed.names, ["invoice of today.exe", "INVOIC~1.EXE", "README"]);
        assert!(!listed.cut && list(&disc(), 2).cut);
        assert_eq!(list(&disc()[..SECTOR], 10), Directory::default());
    }

    #[test]
    fn directories_in_a_ring_end() {
        let mut disc = disc();
        let to_root = record(b"AGAIN", 19, SECTOR as u32 - 1, true);
        disc[20 * SECTOR..][..to_root.len()].copy_from_slice(&to_root);
        assert!(list(&disc, 10).names.contains(&"INVOIC~1.EXE".to_owned()));
        // As large as it says it is, each: they are read while there is as much as the disc has.
        let large = |n: u32| record(b"AGAIN", 19, disc.len() as u32 - n, true);
        let many = directory(&(0..50).map(large).collect::<Vec<_>>());
        disc.splice(19 * SECTOR..20 * SECTOR, many);
        assert!(list(&disc, 10).cut);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_make_it_fail(at in 16 * SECTOR..22 * SECTOR, by in any::<[u8; 4]>(), len in 16 * SECTOR..22 * SECTOR) {
            let mut disc = disc();
            disc.iter_mut().skip(at).zip(by).for_each(|(to, from)| *to = from);
            disc.truncate(len);
            let _ = list(&disc, 10);
        }
    }
}
