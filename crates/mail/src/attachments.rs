//! Attached files, by what they claim to be and by what they are.
//!
//! Invariant: files are recognised by their first bytes; only archives, old Office documents and pages
//! are decoded further, within [`Bounds`], and nothing is unpacked.

use std::borrow::Cow;

use memchr::memmem;

use crate::Bounds;
use crate::archive::{Directory, FORMATS};
use crate::claims;
use crate::decode;
use crate::defects::{Defect, Defects};
use crate::mime::{Disposition, Encoding, Part};
use crate::scripts::has_script;
use crate::sniff::FileKind;

/// An attached file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// As declared, decoded.
    pub name: Option<String>,
    /// What else it is named: programs differ on which name counts.
    pub also_named: Vec<String>,
    /// As declared, such as `application/pdf`.
    pub content_type: String,
    /// What its first bytes say; for an archive, what its directory says.
    pub kind: FileKind,
    /// Decoded bytes, about.
    pub size: usize,
    /// A picture or the like that the HTML shows; nobody sees it as a file.
    pub embedded: bool,
    /// Names of the files in it, when it is an archive in zip, RAR, 7z or TNEF, or a disc.
    pub entries: Vec<String>,
    /// Whether a file in it takes a password, or the list of them does.
    pub encrypted: bool,
    /// Whether it holds macros of an Office program.
    pub macros: bool,
    /// Whether it is a web page or a drawing with scripts in it. Not of a drawing in gzip (`.svgz`),
    /// which would have to be unpacked, and which browsers show from servers only.
    pub scripts: bool,
}

impl Attachment {
    /// All of its names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.name.iter().chain(&self.also_named).map(String::as_str)
    }

    /// Whether it is opened so by one of its names, or by its type.
    fn is_claimed(&self, as_what: fn(&str, &str) -> bool) -> bool {
        as_what("", &self.content_type) || self.names().any(|name| as_what(name, ""))
    }
}

/// Whether `part`, one of `parts`, is a file and no text to be shown.
pub(crate) fn is_file(part: &Part<'_>, parts: &[Part<'_>]) -> bool {
    if part.is_multipart() || part.content_type == "message/rfc822" && !is_encoded(part) {
        return false;
    }
    let is_attached = part.disposition == Some(Disposition::Attachment);
    // One of several forms of a text is shown whatever its name is.
    let is_alternative =
        || part.parent.is_some_and(|parent| parts[parent].content_type == "multipart/alternative");
    let is_named =
        part.name.is_some() && part.disposition != Some(Disposition::Inline) && !is_alternative();
    !part.is_text() && !part.content_type.starts_with("message/") || is_attached || is_named
}

fn is_encoded(part: &Part<'_>) -> bool {
    matches!(part.encoding, Encoding::Base64 | Encoding::QuotedPrintable)
}

/// The files among `parts`.
pub(crate) fn find(parts: &[Part<'_>], bounds: &Bounds, defects: &mut Defects) -> Vec<Attachment> {
    let mut budget = bounds.archive_bytes;
    let files = parts.iter().filter(|part| is_file(part, parts));
    files.map(|part| read(part, parts, bounds, &mut budget, defects)).collect()
}

fn read(
    part: &Part<'_>,
    parts: &[Part<'_>],
    bounds: &Bounds,
    budget: &mut usize,
    defects: &mut Defects,
) -> Attachment {
    let size = match part.encoding {
        Encoding::Base64 => part.body.len() / 78 * 57,
        _ => part.body.len(),
    };
    let shown_by_html = part.has_content_id
        || part.parent.is_some_and(|parent| parts[parent].content_type == "multipart/related");
    let mut file = Attachment {
        name: part.name.clone(),
        also_named: part.also_named.clone(),
        content_type: part.content_type.clone(),
        kind: FileKind::Unknown,
        size,
        embedded: shown_by_html
            && part.content_type.starts_with("image/")
            && part.disposition != Some(Disposition::Attachment),
        entries: Vec::new(),
        encrypted: false,
        macros: false,
        scripts: false,
    };
    file.kind = kind(part, file.is_claimed(claims::is_disc));
    look_into(&mut file, part, bounds, budget, defects);
    file
}

/// Damage and size of files are not told: only their beginning is read.
fn kind(part: &Part<'_>, is_named_disc: bool) -> FileKind {
    let begin = |most| decode::transfer(part.body, part.encoding, most, &mut Defects::default());
    let head = begin(FileKind::ENOUGH);
    // Most discs begin with nothing at all.
    let may_be_disc = is_named_disc || !head.is_empty() && head.iter().all(|byte| *byte == 0);
    FileKind::of(&if may_be_disc { begin(FileKind::ENOUGH_FOR_DISC) } else { head })
}

fn look_into(
    file: &mut Attachment,
    part: &Part<'_>,
    bounds: &Bounds,
    budget: &mut usize,
    defects: &mut Defects,
) {
    // Programs look for an archive further in as well: anything may stand before it.
    let is_claimed = file.is_claimed(claims::is_archive);
    let may_be_archive = is_claimed || FORMATS.iter().any(|(kind, _)| *kind == file.kind);
    let may_be_page = matches!(file.kind, FileKind::Html | FileKind::Svg | FileKind::Text)
        || file.is_claimed(claims::is_page);
    let is_ole = file.kind == FileKind::Ole;
    if !(may_be_archive || may_be_page || is_ole) {
        return;
    }
    let (content, is_cut) = content(part, budget);
    if may_be_archive
        && let Some(is_all) = list(file, &content, is_claimed, bounds.archive_entries)
        && (is_cut || !is_all)
    {
        defects.note(Defect::ArchiveCut);
    }
    if is_ole {
        // A directory entry of the container, in UTF-16 (MS-OVBA, section 2.2.1).
        let project = b"_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0";
        file.macros |= memmem::find(&content, project).is_some();
    }
    let is_drawing = file.kind == FileKind::Svg || file.is_claimed(claims::is_drawing);
    file.scripts = may_be_page && has_script(&content, is_drawing);
}

/// What is in a file, and whether that is more than is decoded: then its beginning and its end, where
/// archives have their directory.
fn content<'m>(part: &Part<'m>, budget: &mut usize) -> (Cow<'m, [u8]>, bool) {
    let mut unread = Defects::default();
    let mut content = decode::transfer(part.body, part.encoding, *budget, &mut unread);
    let is_cut = unread.as_slice().contains(&Defect::TextCut);
    if is_cut {
        let begin = *budget / 2;
        let end = decode::transfer_end(part.body, part.encoding, *budget - begin);
        let content = content.to_mut();
        content.truncate(begin);
        content.extend_from_slice(&end);
    }
    *budget -= content.len().min(*budget);
    (content, is_cut)
}

/// Lists an archive in the format of its first bytes or, where it is named as one, in any: whether
/// all that is in it, if it is one.
fn list(file: &mut Attachment, content: &[u8], is_claimed: bool, most: usize) -> Option<bool> {
    let by_bytes = file.kind;
    let is_archive = FORMATS.iter().any(|(kind, _)| *kind == by_bytes);
    let is_macros = |name: &String| name.to_ascii_lowercase().ends_with("vbaproject.bin");
    let mut is_all = None;
    for (kind, list_as) in FORMATS.into_iter().filter(|(kind, _)| is_claimed || *kind == by_bytes) {
        let mut directory = list_as(content, most);
        if kind != by_bytes && directory == Directory::default() {
            continue;
        }
        // What an archive holds without compression, or a program brings along, is listed with it.
        let is_within = is_archive || by_bytes.is_executable() || !file.entries.is_empty();
        if kind == by_bytes || !is_within {
            file.kind = kind_of(kind, &directory);
        }
        is_all = Some(is_all != Some(false) && !directory.cut);
        file.encrypted |= directory.encrypted;
        file.macros |= directory.names.iter().any(is_macros);
        file.entries.append(&mut directory.names);
        file.entries.truncate(most);
    }
    is_all
}

/// Of a zip archive, by what stands in it; not in an archive in the archive, or in one that a program
/// would not open.
fn kind_of(kind: FileKind, directory: &Directory) -> FileKind {
    let shown = &directory.names[..directory.shown];
    let has = |known: &str| shown.iter().any(|name| name.eq_ignore_ascii_case(known));
    if kind != FileKind::Zip {
        kind
    } else if has("[Content_Types].xml") {
        FileKind::Ooxml
    } else if has("mimetype")
        && (has("content.xml") || has("META-INF/manifest.xml") || has("META-INF/container.xml"))
    {
        FileKind::OpenDocument
    } else if has("META-INF/MANIFEST.MF") {
        FileKind::Jar
    } else {
        FileKind::Zip
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use crate::archive::zip::testing::{archive, local};
    use crate::hostile::encoded;

    #[track_caller]
    fn file(name: &str, content: &[u8]) -> Attachment {
        let fields = format!("Content-Type: application/octet-stream; name=\"{name}\"\r\n");
        let plain = [fields.as_bytes(), b"\r\n", content].concat();
        let base64 = format!(
            "{fields}Content-Transfer-Encoding: base64\r\n\r\n{}",
            encoded(content).replace("AA", "AA\r\n")
        );
        let read = |raw: &[u8]| Message::parse(raw, &Bounds::default()).attachments()[0].clone();
        let (plain, base64) = (read(&plain), read(base64.as_bytes()));
        assert_eq!(Attachment { size: 0, ..plain.clone() }, Attachment { size: 0, ..base64 });
        plain
    }

    #[test]
    fn an_archive_is_listed_whatever_stands_before_it() {
        let zip = archive(&["a.exe"], false);
        for prefix in [&b"x"[..], b"MIT license\n", b"GIF89a", &[0; 70_000]] {
            let read = file("a.zip", &[prefix, &zip].concat());
            assert_eq!((read.kind, read.entries.len()), (FileKind::Zip, 1), "{prefix:?}");
        }
        let document = archive(&["[Content_Types].xml"], false);
        assert_eq!(file("a.docx", &[b"x", &document[..]].concat()).kind, FileKind::Ooxml);
        // What unpacks itself is a program; a name that asks for no archive leaves it a text.
        assert_eq!(file("a.zip", &[b"MZ", &zip[..]].concat()).kind, FileKind::Exe);
        assert_eq!(file("a.zip", b"Hello").kind, FileKind::Text);
        assert!(file("a.txt", &[b"x", &zip[..]].concat()).entries.is_empty());
    }

    #[test]
    fn an_archive_is_listed_by_any_name_and_with_what_it_holds_as_it_stands() {
        let rar = include_bytes!("../../../fuzz/seeds/archive/version-5.rar");
        let zip = archive(&["b.exe"], false);
        for name in ["a.rar", "a.zip", "a.7z", "a.dat"] {
            let read = file(name, rar);
            assert_eq!((read.kind, read.entries.len()), (FileKind::Rar, 2), "{name}");
        }
        assert_eq!(file("a.rar", &[b"x", &rar[..]].concat()).kind, FileKind::Rar);
        let both = file("a.zip", &[rar, &zip[..]].concat());
        assert_eq!((both.kind, both.entries.len()), (FileKind::Rar, 3));
        assert_eq!(file("a.rar", &[b"MZ", &rar[..]].concat()).kind, FileKind::Exe);
    }

    #[test]
    fn a_document_in_an_archive_does_not_make_a_document_of_it() {
        let document = archive(&["[Content_Types].xml"], false);
        let outer = archive(&["a.docx"], false);
        let stored =
            [&local("a.docx", 0, document.len() as u32), &document[..], &outer[36..]].concat();
        let read = file("a.zip", &stored);
        assert_eq!((read.kind, read.entries.len()), (FileKind::Zip, 2));
    }

    #[test]
    fn the_directory_of_an_archive_larger_than_is_decoded_is_listed() {
        let large = vec![b'x'; Bounds::default().archive_bytes];
        let zip = [&local("a.txt", 8, 0), &large[..], &archive(&["a.exe"], false)].concat();
        assert_eq!(file("a.zip", &zip).entries, ["a.exe", "a.txt"]);
    }

    #[test]
    fn blanks_before_the_content_do_not_hide_it() {
        let raw = format!(
            "Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n{}{}",
            "\r\n".repeat(5_000),
            encoded(b"%PDF-1.7")
        );
        let message = Message::parse(raw.as_bytes(), &Bounds::default());
        assert_eq!(message.attachments()[0].kind, FileKind::Pdf);
    }

    #[test]
    fn discs_are_known_by_name_or_by_an_empty_beginning() {
        let disc = |begin: &[u8]| {
            let mut disc = begin.to_vec();
            disc.resize(0x8001, 0);
            disc.extend(b"CD001\x01");
            disc
        };
        assert_eq!(file("a.iso", &disc(b"MZ")).kind, FileKind::Iso);
        assert_eq!(file("a.IMG", &disc(b"text")).kind, FileKind::Iso);
        assert_eq!(file("a.dat", &disc(b"")).kind, FileKind::Iso);
        assert_eq!(file("a.dat", &disc(b"MZ")).kind, FileKind::Exe);
        assert_eq!(file("a.iso", b"MZ").kind, FileKind::Exe);
    }

    #[test]
    fn scripts_are_found_in_any_name_space_and_in_utf_16() {
        let svg = "<svg><s:script xmlns:s=\"http://www.w3.org/2000/svg\">x()</s:script></svg>";
        assert!(file("a.svg", svg.as_bytes()).scripts);
        for page in [svg, "<html><p>\u{fc}<SCRIPT>x()</SCRIPT>"] {
            let units: Vec<u16> = format!("\u{feff}{page}").encode_utf16().collect();
            let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            for utf16 in [&little[..], &big, &little[2..], &big[2..]] {
                assert!(file("a.html", utf16).scripts, "{page}");
            }
            assert!(file("a.dat", &little).scripts, "{page}");
        }
        // A byte that no text has makes no other file of a page.
        assert!(file("a.html", b"\x01<script>").scripts);
        for runs in ["<svg onload = 'x()'>", "<svg><a HREF=\" JavaScript:x()\">"] {
            assert!(file("a.svg", runs.as_bytes()).scripts, "{runs}");
            let page = format!("<html>{runs}");
            assert!(!file("a.html", page.as_bytes()).scripts, "{runs}");
        }
        assert!(
            !file("a.svg", b"<svg one='x' fill-on=y><a href='?on=z'>on=\"a\"</a></svg>").scripts
        );
        assert!(!file("a.html", b"<p>script: <b>script</b> a:script</p>").scripts);
    }
}
