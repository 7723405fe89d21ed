//! What a file is, by its first bytes, whatever it is called.
//!
//! Invariant: a kind is named only on bytes that nothing else begins with.

use encoding_rs::Encoding as Charset;

/// The kinds of file that matter to a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// Not recognised.
    Unknown,
    /// Text of no special kind.
    Text,
    /// A web page.
    Html,
    /// A drawing that may hold scripts.
    Svg,
    /// Portable Document Format.
    Pdf,
    /// Rich Text Format.
    Rtf,
    /// A picture of dots.
    Image,
    /// Sound.
    Audio,
    /// Film.
    Video,
    /// A zip archive of files.
    Zip,
    /// A document of today's Office programs.
    Ooxml,
    /// A document of OpenOffice and its like.
    OpenDocument,
    /// A Java program.
    Jar,
    /// A rar archive.
    Rar,
    /// A 7z archive.
    SevenZip,
    /// Files as Outlook wraps them (`winmail.dat`).
    Tnef,
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// zstd.
    Zstd,
    /// A cabinet of Windows.
    Cab,
    /// An ace archive.
    Ace,
    /// An arj archive.
    Arj,
    /// An image of a disc.
    Iso,
    /// A tar archive.
    Tar,
    /// The container of old Office documents, and of installers.
    Ole,
    /// A notebook of OneNote.
    OneNote,
    /// A program for Windows or DOS.
    Exe,
    /// A program for Linux and others.
    Elf,
    /// A program for macOS.
    MachO,
    /// A shortcut of Windows.
    Lnk,
    /// Compiled help of Windows.
    Chm,
    /// A script that says by its first line what runs it.
    Script,
    /// A mail message.
    Message,
    /// A signature or key of OpenPGP.
    Signature,
    /// A calendar or a visiting card.
    Calendar,
    /// A font.
    Font,
}

impl FileKind {
    /// Whether opening it runs it.
    #[must_use]
    pub const fn is_executable(self) -> bool {
        matches!(self, Self::Exe | Self::Elf | Self::MachO | Self::Lnk | Self::Chm | Self::Jar)
    }

    /// Whether it holds other files.
    #[must_use]
    pub const fn is_archive(self) -> bool {
        matches!(
            self,
            Self::Zip
                | Self::Rar
                | Self::SevenZip
                | Self::Gzip
                | Self::Bzip2
                | Self::Xz
                | Self::Zstd
                | Self::Cab
                | Self::Ace
                | Self::Arj
                | Self::Iso
                | Self::Tar
        )
    }

    /// Bytes of a file that are enough for [`of`](Self::of), except for a disc.
    pub(crate) const ENOUGH: usize = 512;
    /// Those that are enough for a disc: sixteen sectors that belong to no file system, and the first
    /// descriptor's name (ECMA-119, sections 6.2.1 and 8.1; ECMA-167, part 2, section 9).
    pub(crate) const ENOUGH_FOR_DISC: usize = DISC + 5;

    /// By the first bytes of a file.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let magic = MAGIC
            .iter()
            .find(|(at, magic, _)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
        if let Some((_, _, kind)) = magic {
            return *kind;
        }
        // Before sound, which a byte order mark looks like.
        if let Some((charset, mark)) = Charset::for_bom(bytes) {
            let text = charset.decode_without_bom_handling(&bytes[mark..]).0;
            let kind = Self::of_text(text.as_bytes());
            if kind != Self::Unknown {
                return kind;
            }
        }
        if bytes.starts_with(b"MZ") {
            return Self::Exe;
        }
        let is_mpeg = matches!(bytes, [0xff, second, ..] if second & 0xe0 == 0xe0);
        if is_mpeg {
            return Self::Audio;
        }
        Self::of_text(bytes)
    }

    fn of_text(bytes: &[u8]) -> Self {
        let bytes = bytes.trim_ascii_start();
        let begins = |word: &str| {
            bytes.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        };
        if bytes.is_empty() || bytes.contains(&0) {
            return Self::Unknown;
        }
        if begins("<!doctype html")
            || begins("<html")
            || begins("<script")
            || begins("<head")
            || begins("<body")
        {
            return Self::Html;
        }
        if begins("<svg") || begins("<?xml") && memchr::memmem::find(bytes, b"<svg").is_some() {
            return Self::Svg;
        }
        if begins("BEGIN:VCALENDAR") || begins("BEGIN:VCARD") {
            return Self::Calendar;
        }
        if begins("-----BEGIN PGP") || begins("-----BEGIN CERTIFICATE") {
            return Self::Signature;
        }
        if begins("#!") {
            return Self::Script;
        }
        if begins("Received:") || begins("Return-Path:") || begins("Delivered-To:") {
            return Self::Message;
        }
        let odd = bytes.iter().filter(|byte| **byte < 0x20 && !byte.is_ascii_whitespace()).count();
        if odd == 0 { Self::Text } else { Self::Unknown }
    }
}

const DISC: usize = 0x8001;

/// Where, what, and what it is.
const MAGIC: [(usize, &[u8], FileKind); 44] = [
    // First: what a disc begins with is of no file system, and may look like anything.
    (DISC, b"CD001", FileKind::Iso),
    (DISC, b"BEA01", FileKind::Iso),
    (0, b"%PDF-", FileKind::Pdf),
    (0, b"PK\x03\x04", FileKind::Zip),
    (0, b"PK\x05\x06", FileKind::Zip),
    (0, b"Rar!\x1a\x07", FileKind::Rar),
    (0, b"7z\xbc\xaf\x27\x1c", FileKind::SevenZip),
    (0, b"\x78\x9f\x3e\x22", FileKind::Tnef),
    (0, b"\x1f\x8b\x08", FileKind::Gzip),
    (0, b"BZh", FileKind::Bzip2),
    (0, b"\xfd7zXZ\0", FileKind::Xz),
    (0, b"\x28\xb5\x2f\xfd", FileKind::Zstd),
    (0, b"MSCF", FileKind::Cab),
    (7, b"**ACE**", FileKind::Ace),
    (0, b"\x60\xea", FileKind::Arj),
    (257, b"ustar", FileKind::Tar),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind::Ole),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", FileKind::OneNote),
    (0, b"\x7fELF", FileKind::Elf),
    (0, b"\xfe\xed\xfa\xce", FileKind::MachO),
    (0, b"\xfe\xed\xfa\xcf", FileKind::MachO),
    (0, b"\xce\xfa\xed\xfe", FileKind::MachO),
    (0, b"\xcf\xfa\xed\xfe", FileKind::MachO),
    (0, b"L\0\0\0\x01\x14\x02\0", FileKind::Lnk),
    (0, b"ITSF", FileKind::Chm),
    (0, b"{\\rt", FileKind::Rtf),
    (0, b"\x89PNG\r\n", FileKind::Image),
    (0, b"\xff\xd8\xff", FileKind::Image),
    (0, b"GIF8", FileKind::Image),
    (0, b"BM", FileKind::Image),
    (0, b"II*\0", FileKind::Image),
    (0, b"MM\0*", FileKind::Image),
    (8, b"WEBP", FileKind::Image),
    (0, b"\0\0\x01\0", FileKind::Image),
    (8, b"WAVE", FileKind::Audio),
    (0, b"ID3", FileKind::Audio),
    (0, b"OggS", FileKind::Audio),
    (0, b"fLaC", FileKind::Audio),
    (4, b"ftyp", FileKind::Video),
    (8, b"AVI ", FileKind::Video),
    (0, b"\x1aE\xdf\xa3", FileKind::Video),
    (0, b"\0\x01\0\0\0", FileKind::Font),
    (0, b"OTTO", FileKind::Font),
    (0, b"wOF", FileKind::Font),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        for (bytes, expect) in [
            (&b"%PDF-1.7\n"[..], FileKind::Pdf),
            (b"MZ\x90\0", FileKind::Exe),
            (b"PK\x03\x04\x14\0", FileKind::Zip),
            (b"\x89PNG\r\n\x1a\n", FileKind::Image),
            (b"\n  <!DOCTYPE HTML>", FileKind::Html),
            (b"<?xml version='1.0'?><svg>", FileKind::Svg),
            (b"#!/bin/sh\n", FileKind::Script),
            (b"\xff\xfe<\0h\0t\0m\0l\0", FileKind::Html),
            (b"\xfe\xff\0<\0s\0v\0g", FileKind::Svg),
            (b"\xef\xbb\xbf<svg", FileKind::Svg),
            (b"\xff\xfeH\0i\0", FileKind::Text),
            (b"\xff\xfe\x04\x04\0\0", FileKind::Audio),
            (b"Hello\n", FileKind::Text),
            (b"\x01\x02\x03", FileKind::Unknown),
            (b"", FileKind::Unknown),
        ] {
            assert_eq!(FileKind::of(bytes), expect, "{bytes:?}");
        }
        let mut disc = b"MZ".to_vec();
        disc.resize(0x8001, 0);
        disc.extend(b"CD001");
        assert_eq!(disc.len(), FileKind::ENOUGH_FOR_DISC);
        assert_eq!(FileKind::of(&disc), FileKind::Iso);
        assert!(FileKind::Exe.is_executable() && FileKind::Rar.is_archive());
    }
}
