//! What a file is opened as, by its name or its declared type, whatever its first bytes are.
//!
//! Invariant: only says where to look further; what a file is, its bytes say.

/// Whether what opens it looks for an archive, as for documents of today's office programs. Programs
/// that unpack take each kind by any of their names.
pub(crate) fn is_archive(name: &str, content_type: &str) -> bool {
    has_ending(name, &ZIPS)
        || has_ending(name, &["7z", "cb7", "cbr", "rar"])
        || has_word(content_type, &ARCHIVE_TYPES) && !content_type.contains("gzip")
}

/// Whether Windows shows it as a disc.
pub(crate) fn is_disc(name: &str, content_type: &str) -> bool {
    has_ending(name, &["img", "iso", "udf"]) || has_word(content_type, &["iso9660", "cd-image"])
}

/// Whether a browser shows it as a page or a drawing.
pub(crate) fn is_page(name: &str, content_type: &str) -> bool {
    opens_as_page(name) || has_word(content_type, &["text/html", "xhtml", "svg"])
}

/// Whether a file of this name is opened as a web page or a drawing with scripts in it.
#[must_use]
pub fn opens_as_page(name: &str) -> bool {
    has_ending(name, &["hta", "htm", "html", "shtml", "svg", "xht", "xhtml"])
}

/// Whether a browser shows it as a drawing.
pub(crate) fn is_drawing(name: &str, content_type: &str) -> bool {
    has_ending(name, &["svg"]) || has_word(content_type, &["svg"])
}

const ZIPS: [&str; 44] = [
    "apk",
    "appx",
    "appxbundle",
    "crx",
    "docm",
    "docx",
    "dotm",
    "dotx",
    "ear",
    "epub",
    "jar",
    "msix",
    "msixbundle",
    "nupkg",
    "odg",
    "odp",
    "ods",
    "odt",
    "otp",
    "ots",
    "ott",
    "oxps",
    "potm",
    "potx",
    "ppam",
    "ppsm",
    "ppsx",
    "pptm",
    "pptx",
    "sldx",
    "vsdm",
    "vsdx",
    "vsix",
    "war",
    "xlam",
    "xlsb",
    "xlsm",
    "xlsx",
    "xltm",
    "xltx",
    "xpi",
    "xps",
    "zip",
    "zipx",
];
const ARCHIVE_TYPES: [&str; 8] = [
    "zip",
    "java-archive",
    "openxmlformats",
    "opendocument",
    "macroenabled",
    "7z",
    "x-rar",
    "vnd.rar",
];

/// What stands behind the last dot of a file's name, if anything does. Windows leaves out blanks and dots at the end.
#[must_use]
pub fn file_ending(name: &str) -> Option<&str> {
    let name = name.trim_end_matches(|c: char| c.is_whitespace() || c == '.' || c == '"');
    name.rsplit_once('.').map(|(_, ending)| ending)
}

fn has_ending(name: &str, known: &[&str]) -> bool {
    file_ending(name).is_some_and(|ending| known.iter().any(|it| ending.eq_ignore_ascii_case(it)))
}

fn has_word(content_type: &str, known: &[&str]) -> bool {
    known.iter().any(|word| content_type.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_tell_what_opens_a_file() {
        for (name, content_type) in [
            ("Invoice.ZIP. ", ""),
            ("a.docx", ""),
            ("a.Rar", ""),
            ("", "application/zip"),
            ("", "application/x-7z-compressed"),
            ("", "application/vnd.ms-excel.sheet.macroenabled.12"),
        ] {
            assert!(is_archive(name, content_type), "{name} {content_type}");
        }
        for (name, content_type) in [("a.zip.txt", ""), ("zip", ""), ("", "application/gzip")] {
            assert!(!is_archive(name, content_type), "{name} {content_type}");
        }
        assert!(is_disc("a.Iso", "") && is_disc("", "application/x-iso9660-image"));
        assert!(!is_disc("a.zip", "application/zip"));
        assert!(
            is_page("a.svg", "") && is_page("", "image/svg+xml") && !is_page("a.png", "image/png")
        );
    }
}
