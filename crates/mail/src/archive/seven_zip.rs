//! What a 7z archive holds, by its header (7zFormat.txt of 7-Zip's sources).
//!
//! The header stands behind all files, and is compressed itself where there are several; it is the
//! one thing that is unpacked. With a password on it, not even names are to be had.
//!
//! Invariant: a header is unpacked as far as is in proportion to the archive, and [`LARGEST`] bytes of
//! it at most.

use std::borrow::Cow;
use std::io::Read;

use encoding_rs::UTF_16LE;
use lzma_rust2::{Lzma2Reader, LzmaReader};
use memchr::memmem;

use super::{Directory, Listing, bytes_at, utf_16};

/// Before it anything may stand: programs that unpack themselves do.
const SIGNATURE: &[u8] = b"7z\xbc\xaf\x27\x1c";
/// Signature, version, checksums, and where the header is.
const BEGIN: usize = 32;
/// Bytes of a header that are unpacked: those of some 5,000 files.
const LARGEST: u64 = 512 << 10;
/// Headers in a header that are unpacked; 7-Zip writes one.
const DEEPEST: usize = 4;

// What the parts of a header begin with.
const END: u8 = 0x00;
const HEADER: u8 = 0x01;
const PROPERTIES: u8 = 0x02;
const MORE_STREAMS: u8 = 0x03;
const STREAMS: u8 = 0x04;
const FILES: u8 = 0x05;
const PACKED: u8 = 0x06;
const FOLDERS: u8 = 0x07;
const SUBSTREAMS: u8 = 0x08;
const SIZES: u8 = 0x09;
const CHECKSUMS: u8 = 0x0a;
const FOLDER: u8 = 0x0b;
const UNPACKED_SIZES: u8 = 0x0c;
const COUNTS: u8 = 0x0d;
const NAMES: u8 = 0x11;
const PACKED_HEADER: u8 = 0x17;

const COPY: &[u8] = &[0];
const LZMA: &[u8] = &[3, 1, 1];
const LZMA2: &[u8] = &[0x21];
const AES: &[u8] = &[6, 0xf1, 7, 1];

/// Lists the archive that programs find in a file: the first whose beginning is sound. Where none
/// is, what seems to be one.
pub(super) fn list(archive: &[u8], most: usize) -> Directory {
    let mut listing = Listing::new(archive, most);
    let mut begins = memmem::find_iter(archive, SIGNATURE)
        .filter_map(|at| archive[at..].split_first_chunk::<BEGIN>());
    let first = begins.next();
    let is_sound = |(begin, _): &(&[u8; BEGIN], _)| {
        begin[8..12] == crc32fast::hash(&begin[12..]).to_le_bytes()
    };
    let sound = first.into_iter().chain(begins).find(is_sound);
    // Nothing is told of what makes no sense but that there is something.
    if let Some((begin, packed)) = sound.or(first)
        && read(begin, packed, &mut listing).is_none()
    {
        listing.directory.cut = true;
    }
    listing.finish()
}

fn read(begin: &[u8; BEGIN], packed: &[u8], listing: &mut Listing<'_>) -> Option<()> {
    let u64_at = |at| bytes_at(begin, at).map(u64::from_le_bytes);
    let (offset, size) = (u64_at(12)?, usize::try_from(u64_at(20)?).ok()?);
    let at_offset = usize::try_from(offset).ok().and_then(|at| packed.get(at..)?.get(..size));
    // Of a file that is too large its beginning and its end are here.
    let last = || packed.get(packed.len().checked_sub(size)?..);
    let mut header = Cow::Borrowed(at_offset.or_else(last)?);
    for _ in 0..DEEPEST {
        let mut rest = Bytes(&header);
        match rest.byte()? {
            HEADER => return rest.header(listing),
            PACKED_HEADER => {
                let streams = rest.streams()?;
                listing.directory.encrypted |= streams.is_locked;
                let unpacked = streams.unpack(packed)?;
                listing.directory.cut |= (unpacked.len() as u64) < streams.unpacked;
                header = Cow::Owned(unpacked);
            }
            _ => return None,
        }
    }
    None
}

/// How the streams of files, or of a header, are packed.
#[derive(Default)]
struct Streams<'h> {
    /// Where in the archive the first one begins, and how long it is.
    at: u64,
    size: u64,
    /// The only coder of the first folder, and what it comes to; `None` where there are several.
    coder: Option<Coder<'h>>,
    unpacked: u64,
    /// One of the coders takes a password.
    is_locked: bool,
}

#[derive(Clone, Copy)]
struct Coder<'h> {
    method: &'h [u8],
    properties: &'h [u8],
}

impl Streams<'_> {
    /// The beginning of what the first stream comes to; `None` where that can't be read.
    fn unpack(&self, packed: &[u8]) -> Option<Vec<u8>> {
        let coder = self.coder?;
        let begin = usize::try_from(self.at).ok()?;
        let stream = packed.get(begin..)?;
        let stream = &stream[..stream.len().min(usize::try_from(self.size).ok()?)];
        let size = self.unpacked.min(4 * packed.len() as u64 + 4096).min(LARGEST);
        let dictionary = size.max(4096) as u32;
        // What comes before the first damage is read.
        let mut unpacked = Vec::new();
        let _ = match (coder.method, coder.properties) {
            (COPY, _) => stream.take(size).read_to_end(&mut unpacked),
            // With so many bits of context, tables are small.
            (LZMA, &[properties, ..]) if properties % 9 + properties / 9 % 5 <= 4 => {
                LzmaReader::new_with_props(stream, size, properties, dictionary, None)
                    .and_then(|reader| reader.take(size).read_to_end(&mut unpacked))
            }
            (LZMA2, _) => {
                Lzma2Reader::new(stream, dictionary, None).take(size).read_to_end(&mut unpacked)
            }
            _ => return None,
        };
        Some(unpacked)
    }
}

/// What is still to be read of a header.
struct Bytes<'h>(&'h [u8]);

impl<'h> Bytes<'h> {
    fn byte(&mut self) -> Option<u8> {
        self.0.split_off_first().copied()
    }

    fn take(&mut self, len: u64) -> Option<&'h [u8]> {
        self.0.split_off(..usize::try_from(len).ok()?)
    }

    /// As many bytes more as the first one has leading ones, the lowest first; its other bits are
    /// the highest.
    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        let more = first.leading_ones();
        let mut bytes = [0; 8];
        for byte in &mut bytes[..more as usize] {
            *byte = self.byte()?;
        }
        let highest = u64::from(first) & (0x7f_u64 >> more);
        Some(u64::from_le_bytes(bytes) | highest.unbounded_shl(8 * more))
    }

    fn skip_numbers(&mut self, count: u64) -> Option<()> {
        (0..count).try_for_each(|_| self.number().map(drop))
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.byte()? == byte).then_some(())
    }

    fn header(&mut self, listing: &mut Listing<'_>) -> Option<()> {
        loop {
            match self.byte()? {
                END => return Some(()),
                PROPERTIES => while self.property()?.is_some() {},
                MORE_STREAMS | STREAMS => {
                    listing.directory.encrypted |= self.streams()?.is_locked;
                }
                FILES => {
                    let _files = self.number()?;
                    while let Some((kind, value)) = self.property()? {
                        if kind == NAMES {
                            names(value, listing);
                        }
                    }
                }
                _ => return None,
            }
        }
    }

    /// A property and as much of its value as there is; nothing at the end of all.
    fn property(&mut self) -> Option<Option<(u8, &'h [u8])>> {
        let kind = self.byte()?;
        if kind == END {
            return Some(None);
        }
        let size = self.number()?;
        let value = self.take(size.min(self.0.len() as u64))?;
        Some(Some((kind, value)))
    }

    fn streams(&mut self) -> Option<Streams<'h>> {
        let mut streams = Streams::default();
        // Of each folder, whether its checksum is known.
        let mut folders = Vec::new();
        loop {
            match self.byte()? {
                END => return Some(streams),
                PACKED => self.packed(&mut streams)?,
                FOLDERS => folders = self.folders(&mut streams)?,
                SUBSTREAMS => self.substreams(&folders)?,
                _ => return None,
            }
        }
    }

    fn packed(&mut self, streams: &mut Streams<'_>) -> Option<()> {
        streams.at = self.number()?;
        let count = self.number()?;
        loop {
            match self.byte()? {
                END => return Some(()),
                SIZES if count > 0 => {
                    streams.size = self.number()?;
                    self.skip_numbers(count - 1)?;
                }
                CHECKSUMS => drop(self.checksums(count)?),
                _ => return None,
            }
        }
    }

    fn folders(&mut self, streams: &mut Streams<'h>) -> Option<Vec<bool>> {
        self.expect(FOLDER)?;
        let count = self.number()?;
        // They stand here, not in a stream of their own.
        self.expect(0)?;
        let mut outputs = 0_u64;
        for number in 0..count {
            let (coder, of_one) = self.folder(&mut streams.is_locked)?;
            if number == 0 {
                streams.coder = coder;
            }
            outputs = outputs.checked_add(of_one)?;
        }
        self.expect(UNPACKED_SIZES)?;
        if outputs > 0 {
            streams.unpacked = self.number()?;
            self.skip_numbers(outputs - 1)?;
        }
        let mut known = None;
        loop {
            match self.byte()? {
                END => break,
                CHECKSUMS => known = Some(self.checksums(count)?),
                _ => return None,
            }
        }
        // Each folder took bytes, so there are not too many.
        Some(known.unwrap_or_else(|| vec![false; count as usize]))
    }

    /// The only coder of a folder, if there is but one, and how many streams come out of all.
    fn folder(&mut self, is_locked: &mut bool) -> Option<(Option<Coder<'h>>, u64)> {
        let count = self.number()?;
        let (mut inputs, mut outputs, mut only) = (0_u64, 0_u64, None);
        for _ in 0..count {
            let flags = self.byte()?;
            let method = self.take(u64::from(flags & 0x0f))?;
            let (of_input, of_output) =
                if flags & 0x10 != 0 { (self.number()?, self.number()?) } else { (1, 1) };
            let size = if flags & 0x20 != 0 { self.number()? } else { 0 };
            let properties = self.take(size)?;
            *is_locked |= method == AES;
            only = (count == 1).then_some(Coder { method, properties });
            inputs = inputs.checked_add(of_input)?;
            outputs = outputs.checked_add(of_output)?;
        }
        let bound = outputs.checked_sub(1)?;
        self.skip_numbers(bound.checked_mul(2)?)?;
        match inputs.checked_sub(bound)? {
            1 => {}
            packed => self.skip_numbers(packed)?,
        }
        Some((only, outputs))
    }

    fn substreams(&mut self, folders: &[bool]) -> Option<()> {
        let mut counts = vec![1; folders.len()];
        let mut kind = self.byte()?;
        if kind == COUNTS {
            for count in &mut counts {
                *count = self.number()?;
            }
            kind = self.byte()?;
        }
        if kind == SIZES {
            counts.iter().try_for_each(|count| self.skip_numbers(count.saturating_sub(1)))?;
            kind = self.byte()?;
        }
        // Those of folders with one stream may be known already.
        let unknown =
            |(count, known): (&u64, &bool)| if *count == 1 && *known { 0 } else { *count };
        let unknown = counts.iter().zip(folders).map(unknown);
        let unknown = unknown.fold(0_u64, u64::saturating_add);
        loop {
            match kind {
                END => return Some(()),
                CHECKSUMS => drop(self.checksums(unknown)?),
                _ => return None,
            }
            kind = self.byte()?;
        }
    }

    /// Of each of so many streams, whether there is a checksum.
    fn checksums(&mut self, count: u64) -> Option<Vec<bool>> {
        // A bit takes an eighth of a byte, if not all are said to be there, and these four each.
        let count = usize::try_from(count).ok().filter(|&count| count / 8 <= self.0.len())?;
        let known = match self.byte()? {
            0 => {
                let bits = self.take(count.div_ceil(8) as u64)?;
                (0..count).map(|at| bits[at / 8] & 0x80 >> (at % 8) != 0).collect()
            }
            _ => vec![true; count],
        };
        let checksums = known.iter().filter(|&&is_known| is_known).count();
        self.take(4 * checksums as u64)?;
        Some(known)
    }
}

/// Adds the names of all files, in UTF-16, each ended by a zero.
fn names(value: &[u8], listing: &mut Listing<'_>) {
    // They stand here, not in a stream of their own.
    let [0, value @ ..] = value else { return };
    let ended = utf_16(value, UTF_16LE);
    let names = ended.split('\0').filter(|name| !name.is_empty());
    names.for_each(|name| listing.add(Cow::Owned(name.to_owned())));
}

#[cfg(test)]
mod tests;
