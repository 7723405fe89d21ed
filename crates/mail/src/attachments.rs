//! Attached files, by what they claim to be and by what they are.
//!
//! Invariant: files are recognised by their first bytes; only archives are decoded further, within
//! [`Bounds`], and nothing is unpacked.

use memchr::{memchr_iter, memmem};

use crate::Bounds;
use crate::decode;
use crate::defects::{Defect, Defects};
use crate::mime::{Disposition, Encoding, Part};
use crate::sniff::FileKind;
use crate::zip;

/// Decoded bytes that a file is recognised by.
const SNIFFED: usize = 512;

/// An attached file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// As declared, decoded.
    pub name: Option<String>,
    /// What else it is named: programs differ on which name counts.
    pub also_named: Vec<String>,
    /// As declared, such as `application/pdf`.
    pub content_type: String,
    /// What its first bytes say.
    pub kind: FileKind,
    /// Decoded bytes, about.
    pub size: usize,
    /// A picture or the like that the HTML shows; nobody sees it as a file.
    pub embedded: bool,
    /// Names of the files in it, when it is a zip archive.
    pub entries: Vec<String>,
    /// Whether a file in it takes a password.
    pub encrypted: bool,
    /// Whether it holds macros of an Office program.
    pub macros: bool,
    /// Whether it is a web page or a drawing with scripts in it.
    pub scripts: bool,
}

impl Attachment {
    /// All of its names; one that is empty where it has none.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let others = self.also_named.iter().map(String::as_str);
        std::iter::once(self.name.as_deref().unwrap_or_default()).chain(others)
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
    // Damage and size of files are not told: only their beginning is read.
    let mut unread = Defects::default();
    let encoded = &part.body[..part.body.len().min(SNIFFED * 4)];
    let head = decode::transfer(encoded, part.encoding, SNIFFED, &mut unread);
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
        kind: FileKind::of(&head),
        size,
        embedded: shown_by_html
            && part.content_type.starts_with("image/")
            && part.disposition != Some(Disposition::Attachment),
        entries: Vec::new(),
        encrypted: false,
        macros: false,
        scripts: false,
    };
    let mut whole = || {
        let whole = decode::transfer(part.body, part.encoding, *budget, &mut unread);
        *budget -= whole.len().min(*budget);
        whole
    };
    match file.kind {
        FileKind::Zip => {
            unpacked(&mut file, &whole(), bounds.archive_entries, defects);
            if unread.as_slice().contains(&Defect::TextCut) {
                defects.note(Defect::ArchiveCut);
            }
        }
        // A directory entry of the container, in UTF-16 (MS-OVBA, section 2.2.1).
        FileKind::Ole => {
            let project = b"_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0";
            file.macros = memmem::find(&whole(), project).is_some();
        }
        FileKind::Html | FileKind::Svg | FileKind::Text => {
            file.scripts = has_script(&whole());
        }
        _ => {}
    }
    file
}

/// In any letter case, as browsers have it.
fn has_script(page: &[u8]) -> bool {
    memchr_iter(b'<', page)
        .any(|at| page.get(at + 1..at + 7).is_some_and(|name| name.eq_ignore_ascii_case(b"script")))
}

fn unpacked(file: &mut Attachment, archive: &[u8], most: usize, defects: &mut Defects) {
    let directory = zip::list(archive, most);
    if directory.cut {
        defects.note(Defect::ArchiveCut);
    }
    let has = |known: &str| directory.names.iter().any(|name| name.eq_ignore_ascii_case(known));
    file.encrypted = directory.encrypted;
    file.macros =
        directory.names.iter().any(|name| name.to_ascii_lowercase().ends_with("vbaproject.bin"));
    if has("[Content_Types].xml") {
        file.kind = FileKind::Ooxml;
    } else if has("mimetype")
        && (has("content.xml") || has("META-INF/manifest.xml") || has("META-INF/container.xml"))
    {
        file.kind = FileKind::OpenDocument;
    } else if has("META-INF/MANIFEST.MF") {
        file.kind = FileKind::Jar;
    }
    file.entries = directory.names;
}
