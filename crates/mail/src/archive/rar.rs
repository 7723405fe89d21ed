//! What a RAR archive holds, by the headers of its files, of version 4 (TechNote.txt of RAR 4) and
//! of version 5 ("RAR 5.0 archive format", rarlab.com).
//!
//! Headers stand one after the other, each before what it describes, so that there is no second
//! story to be told. Checksums are not asked: unpackers show what has a wrong one.
//!
//! Invariant: however many archives begin within each other, no more bytes of headers are read than
//! there are.

use std::borrow::Cow;

use memchr::memmem;

use super::{Directory, Listing, bytes_at};
use crate::decode::readable;

/// Before it anything may stand: programs that unpack themselves do.
const SIGNATURE: &[u8] = b"Rar!\x1a\x07";

/// Lists what stands in each archive of a file.
pub(super) fn list(archive: &[u8], most: usize) -> Directory {
    let mut listing = Listing::new(archive, most);
    for at in memmem::find_iter(archive, SIGNATURE) {
        // Where the headers make no sense, the archive ends.
        let _ = match &archive[at + SIGNATURE.len()..] {
            [0, headers @ ..] => version_4(headers, &mut listing),
            [1, 0, headers @ ..] => version_5(headers, &mut listing),
            _ => None,
        };
    }
    listing.finish()
}

fn version_4<'a>(mut rest: &'a [u8], listing: &mut Listing<'a>) -> Option<()> {
    const MAIN: u8 = 0x73;
    const FILE: u8 = 0x74;
    const SERVICE: u8 = 0x7a;
    const END: u8 = 0x7b;
    // Of the archive: headers take a password. Of a file: it takes one; its size takes eight
    // bytes, its name is in Unicode as well. Of any: something follows the header.
    const LOCKED_HEADERS: u16 = 0x80;
    const LOCKED: u16 = 4;
    const LARGE: u16 = 0x100;
    const UNICODE: u16 = 0x200;
    const FOLLOWED: u16 = 0x8000;
    loop {
        let fixed: &[u8; 7] = rest.first_chunk()?;
        let (kind, flags) = (fixed[2], u16::from_le_bytes([fixed[3], fixed[4]]));
        let size = usize::from(u16::from_le_bytes([fixed[5], fixed[6]]));
        if size < fixed.len() || kind == END || !listing.may_read(size) {
            return None;
        }
        let (header, behind) = rest.split_at_checked(size)?;
        if kind == MAIN && flags & LOCKED_HEADERS != 0 {
            listing.directory.encrypted = true;
            return None;
        }
        let has_content = matches!(kind, FILE | SERVICE);
        let is_large = has_content && flags & LARGE != 0;
        let mut follows = 0;
        if has_content || flags & FOLLOWED != 0 {
            follows = u64::from(u32_at(header, 7)?);
        }
        if is_large {
            follows |= u64::from(u32_at(header, 32)?) << 32;
        }
        if kind == FILE {
            listing.directory.encrypted |= flags & LOCKED != 0;
            let at = if is_large { 40 } else { 32 };
            listing.add(name_4(header, at, flags & UNICODE != 0).unwrap_or_default());
        }
        rest = past(behind, follows)?;
    }
}

fn version_5<'a>(mut rest: &'a [u8], listing: &mut Listing<'a>) -> Option<()> {
    const FILE: u64 = 2;
    const LOCKED_HEADERS: u64 = 4;
    const END: u64 = 5;
    // What every header may have; the size of each stands before its own fields.
    const EXTRA: u64 = 1;
    const FOLLOWED: u64 = 2;
    loop {
        // Behind a checksum.
        let mut fields = rest.get(4..)?;
        let size = usize::try_from(number(&mut fields)?).ok()?;
        let (mut fields, behind) = fields.split_at_checked(size)?;
        if !listing.may_read(size) {
            return None;
        }
        let (kind, flags) = (number(&mut fields)?, number(&mut fields)?);
        if kind == LOCKED_HEADERS {
            listing.directory.encrypted = true;
        }
        if kind == LOCKED_HEADERS || kind == END {
            return None;
        }
        let extra = if flags & EXTRA != 0 { number(&mut fields)? } else { 0 };
        let follows = if flags & FOLLOWED != 0 { number(&mut fields)? } else { 0 };
        if kind == FILE {
            let extra = usize::try_from(extra).ok()?;
            let (own, extra) = fields.split_at_checked(fields.len().checked_sub(extra)?)?;
            listing.directory.encrypted |= takes_password(extra);
            listing.add(readable(name_5(own).unwrap_or_default()));
        }
        rest = past(behind, follows)?;
    }
}

/// What stands past a file of `size` bytes; `None` at the end.
fn past(rest: &[u8], size: u64) -> Option<&[u8]> {
    rest.get(usize::try_from(size).ok()?..)
}

/// A file's name of version 4: in the bytes of its system, and behind a NUL in Unicode, written as
/// how that differs. Without one it is UTF-8. Folders end in a backslash.
fn name_4(header: &[u8], at: usize, is_unicode: bool) -> Option<Cow<'_, str>> {
    let len = u16::from_le_bytes(bytes_at(header, 26)?);
    let name = header.get(at..)?.get(..len.into())?;
    let name = match name.iter().position(|byte| *byte == 0).filter(|_| is_unicode) {
        Some(end) => Cow::Owned(unicode(&name[..end], &name[end + 1..])),
        None => readable(name),
    };
    Some(if name.contains('\\') { Cow::Owned(name.replace('\\', "/")) } else { name })
}

/// Each letter of two bits: the low byte, with the high one of all or without; both; or a run that
/// is as in `plain`, or moved by a distance.
fn unicode(plain: &[u8], mut coded: &[u8]) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(plain.len());
    let mut byte = || coded.split_off_first().copied();
    let high = byte().map_or(0, u16::from) << 8;
    let (mut kinds, mut left) = (0, 0);
    // An end in the middle is the end.
    let mut letters = || -> Option<()> {
        while units.len() < plain.len() {
            if left == 0 {
                (kinds, left) = (byte()?, 4);
            }
            match kinds >> 6 {
                0 => units.push(byte()?.into()),
                1 => units.push(high | u16::from(byte()?)),
                2 => units.push(u16::from_le_bytes([byte()?, byte()?])),
                _ => {
                    let length = byte()?;
                    let moved = if length & 0x80 != 0 { Some(byte()?) } else { None };
                    let run = plain[units.len()..].iter().take(usize::from(length & 0x7f) + 2);
                    units.extend(run.map(|&plain| match moved {
                        Some(distance) => high | u16::from(plain.wrapping_add(distance)),
                        None => plain.into(),
                    }));
                }
            }
            kinds <<= 2;
            left -= 1;
        }
        Some(())
    };
    let _ = letters();
    String::from_utf16_lossy(&units)
}

/// The name among the fields of a file's header of version 5.
fn name_5(mut fields: &[u8]) -> Option<&[u8]> {
    const HAS_TIME: u64 = 2;
    const HAS_CHECKSUM: u64 = 4;
    let flags = number(&mut fields)?;
    let (_unpacked, _attributes) = (number(&mut fields)?, number(&mut fields)?);
    let skipped = 4 * ((flags & HAS_TIME).count_ones() + (flags & HAS_CHECKSUM).count_ones());
    fields = fields.get(skipped as usize..)?;
    let (_method, _system) = (number(&mut fields)?, number(&mut fields)?);
    let len = usize::try_from(number(&mut fields)?).ok()?;
    fields.get(..len)
}

/// Whether one of the records in the extra area says how a file is encrypted.
fn takes_password(mut extra: &[u8]) -> bool {
    const ENCRYPTION: u64 = 1;
    while let Some(size) = number(&mut extra)
        && let Some((mut record, rest)) =
            usize::try_from(size).ok().and_then(|size| extra.split_at_checked(size))
    {
        if number(&mut record) == Some(ENCRYPTION) {
            return true;
        }
        extra = rest;
    }
    false
}

/// Takes a number of version 5: seven bits a byte, the lowest first, as long as the eighth is set.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let byte = *bytes.split_off_first()?;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Archives of `names`, each of a file with six bytes in it; bsdtar lists them, with checksums in place of
    /// zeros.
    fn archive_4(names: &[(&[u8], u16)]) -> Vec<u8> {
        let header = |kind: u8, flags: u16, body: &[u8]| {
            let size = (7 + body.len() as u16).to_le_bytes();
            [&[0, 0, kind], &flags.to_le_bytes()[..], &size, body].concat()
        };
        let file = |&(name, flags): &(&[u8], u16)| {
            let (size, len) = (6_u32.to_le_bytes(), (name.len() as u16).to_le_bytes());
            let fixed = [&size, &size, &[0; 11][..], &len, &[0; 4], name].concat();
            [&header(0x74, 0x8000 | flags, &fixed), &b"hello\n"[..]].concat()
        };
        let files: Vec<u8> = names.iter().flat_map(file).collect();
        [b"Rar!\x1a\x07\0", &header(0x73, 0, &[0; 6])[..], &files, &header(0x7b, 0x4000, b"")]
            .concat()
    }

    fn archive_5(names: &[(&str, &[u8])]) -> Vec<u8> {
        let header = |body: &[u8]| [&[0, 0, 0, 0, body.len() as u8][..], body].concat();
        let file = |&(name, extra): &(&str, &[u8])| {
            let fixed = [2, 3, extra.len() as u8, 6, 4, 6, 0xa4, 3, 0, 0, 0, 0, 0, 1];
            let body = [&fixed[..], &[name.len() as u8], name.as_bytes(), extra].concat();
            [&header(&body), &b"hello\n"[..]].concat()
        };
        let files: Vec<u8> = names.iter().flat_map(file).collect();
        [b"Rar!\x1a\x07\x01\0", &header(&[1, 0, 0])[..], &files, &header(&[5, 0, 0])].concat()
    }

    #[track_caller]
    fn check(archive: &[u8], names: &[&str], encrypted: bool) {
        super::super::check(list, archive, names, encrypted);
    }

    #[test]
    fn the_names_in_an_archive_are_listed() {
        let plain = archive_4(&[(b"invoice.exe", 0), (b"dir\\notes.txt", 0)]);
        check(&plain, &["invoice.exe", "dir/notes.txt"], false);
        let newer = archive_5(&[("invoice.exe", b""), ("sch\u{f6}n.txt", b"")]);
        check(&newer, &["invoice.exe", "sch\u{f6}n.txt"], false);
        // A program that unpacks itself; two archives in one file; one that breaks off.
        check(&[b"MZ", &plain[..]].concat(), &["invoice.exe", "dir/notes.txt"], false);
        let both = [&newer[..], &plain].concat();
        check(&both, &["invoice.exe", "sch\u{f6}n.txt", "dir/notes.txt"], false);
        check(&plain[..plain.len() - 10], &["invoice.exe", "dir/notes.txt"], false);
        let cut = list(&plain, 1);
        assert!(cut.cut && cut.names == ["invoice.exe"]);
    }

    #[test]
    fn names_in_unicode_are_read() {
        // Letters with no high byte and with the common one, with their own, and runs as they stand and moved.
        let coded = b"a?cdef\0\x04\x1ba\x30\xac\x20\x00\xc0\x81\x01";
        check(&archive_4(&[(coded, 0x200)]), &["a\u{430}\u{20ac}de\u{467}"], false);
        check(&archive_4(&[("sch\u{f6}n.txt".as_bytes(), 0x200)]), &["sch\u{f6}n.txt"], false);
    }

    #[test]
    fn a_password_is_told() {
        check(&archive_4(&[(b"a.exe", 4)]), &["a.exe"], true);
        check(
            &archive_5(&[("a.txt", b"\x02\x03\0"), ("a.exe", b"\x02\x01\0")]),
            &["a.txt", "a.exe"],
            true,
        );
        // Of the names as well.
        check(b"Rar!\x1a\x07\0\0\0\x73\x80\0\x0d\0\0\0\0\0\0\0what is this", &[], true);
        check(b"Rar!\x1a\x07\x01\0\0\0\0\0\x04\x04\0\0\0what is this", &[], true);
    }

    #[test]
    fn a_header_that_makes_no_sense_hides_none_behind_it() {
        let mut archive = archive_4(&[(b"a.exe", 0), (b"b.exe", 0)]);
        let at = memmem::find(&archive, b"a.exe").unwrap();
        archive[at - 6] = 99;
        check(&archive, &["", "b.exe"], false);
    }

    #[test]
    fn archives_within_each_other_are_no_more_work() {
        // Each one's file has all others in its name.
        let mut forged = Vec::new();
        for number in (0..2_000_u16).rev() {
            let rest = forged.len().min(60_000) as u16;
            let mut one = archive_4(&[(format!("{number:05}").as_bytes(), 0)]);
            one.truncate(one.len() - 13 - 5);
            let at = one.len() - 6;
            one[at..at + 2].copy_from_slice(&(rest + 5).to_le_bytes());
            let size = 32 + 5 + rest;
            let at = one.len() - 32 - 5 + 5;
            one[at..at + 2].copy_from_slice(&size.to_le_bytes());
            forged = [&one[..], format!("{number:05}").as_bytes(), &forged].concat();
        }
        let listed = list(&forged, 1_000);
        assert!(listed.cut);
        assert!(listed.names.iter().map(String::len).sum::<usize>() <= 3 * forged.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_make_it_fail(at in 0_usize..150, by in any::<[u8; 3]>(), is_newer in any::<bool>()) {
            let mut archive = match is_newer {
                true => archive_5(&[("a.txt", b"\x02\x03\0"), ("b.txt", b"")]),
                false => archive_4(&[(b"a.txt\0\x04\x1ba\x30\xac\x20", 0x200), (b"b.txt", 0x100)]),
            };
            archive.iter_mut().skip(at).zip(by).for_each(|(to, from)| *to = from);
            let _ = list(&archive, 10);
        }
    }
}
