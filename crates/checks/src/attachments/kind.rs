//! Files that aren't what they claim to be, by name or by Content-Type (RFC 2045, section 5).
//!
//! Invariant: a file of unknown kind, and one that claims nothing, contradict nobody.

use tidegate_dns::Answers;
use tidegate_mail::{Attachment, FileKind};
use tidegate_signal::{Family, SignalDef, Signals};

use super::names::ending;
use crate::{Check, Known};

/// A program under a harmless name.
pub static FILE_IS_DISGUISED_PROGRAM: SignalDef = SignalDef::new(
    "FILE_IS_DISGUISED_PROGRAM",
    Family::Attachments,
    5.0,
    "A program poses as another kind of file",
);
/// A web page under the name of a picture or paper.
pub static FILE_IS_DISGUISED_PAGE: SignalDef = SignalDef::new(
    "FILE_IS_DISGUISED_PAGE",
    Family::Attachments,
    1.2,
    "A web page poses as a picture or a paper",
);
/// An archive under the name of a picture or paper.
pub static FILE_IS_DISGUISED_ARCHIVE: SignalDef = SignalDef::new(
    "FILE_IS_DISGUISED_ARCHIVE",
    Family::Attachments,
    1.2,
    "An archive poses as a picture or a paper",
);
/// Any other contradiction.
pub static FILE_KIND_DIFFERS: SignalDef = SignalDef::new(
    "FILE_KIND_DIFFERS",
    Family::Attachments,
    0.3,
    "A file is of another kind than it claims",
);

/// Compares what files claim with what they are.
#[derive(Default)]
pub struct Kind;

impl Check for Kind {
    const KEY: &'static str = "attachments.kind";
    const RAISES: &'static [&'static SignalDef] = &[
        &FILE_IS_DISGUISED_PROGRAM,
        &FILE_IS_DISGUISED_PAGE,
        &FILE_IS_DISGUISED_ARCHIVE,
        &FILE_KIND_DIFFERS,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        for file in message.attachments() {
            let name = file.name.as_deref().unwrap_or_default();
            // The name decides what opens the file; the type is what is left without one.
            let claim = by_name(&ending(name)).or_else(|| by_type(&file.content_type));
            let Some(claim) = claim else { continue };
            if let Some(def) = contradiction(claim, file) {
                let label = if name.is_empty() { file.content_type.as_str() } else { name };
                signals.raise(def, format!("{label} is {:?}", file.kind));
            }
        }
    }
}

/// What a file claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Picture,
    Pdf,
    /// An office document; old programs write pages and RTF under that name.
    Office,
    Text,
    Sound,
}

fn by_name(ending: &str) -> Option<Claim> {
    Some(match ending {
        "jpg" | "jpeg" | "png" | "gif" | "bmp" | "tif" | "tiff" | "webp" => Claim::Picture,
        "pdf" => Claim::Pdf,
        "doc" | "docx" | "xls" | "xlsx" | "ppt" | "pptx" | "rtf" | "odt" | "ods" => Claim::Office,
        "txt" | "csv" | "log" => Claim::Text,
        "mp3" | "wav" | "mp4" | "avi" | "mpg" | "mid" => Claim::Sound,
        _ => return None,
    })
}

/// Types are set by guess; only these are set on purpose.
fn by_type(content_type: &str) -> Option<Claim> {
    match content_type {
        "image/svg+xml" => None,
        "application/pdf" => Some(Claim::Pdf),
        _ if content_type.starts_with("image/") => Some(Claim::Picture),
        _ if content_type.starts_with("audio/") => Some(Claim::Sound),
        _ => None,
    }
}

fn contradiction(claim: Claim, file: &Attachment) -> Option<&'static SignalDef> {
    let kind = file.kind;
    let runs = matches!(kind, FileKind::Exe | FileKind::Elf | FileKind::MachO | FileKind::Lnk)
        || matches!(kind, FileKind::Chm | FileKind::Jar);
    if runs {
        return Some(&FILE_IS_DISGUISED_PROGRAM);
    }
    let paper = matches!(claim, Claim::Picture | Claim::Pdf);
    match kind {
        FileKind::Html | FileKind::Svg if paper => Some(&FILE_IS_DISGUISED_PAGE),
        FileKind::Zip | FileKind::Rar | FileKind::SevenZip | FileKind::Cab | FileKind::Ace
            if paper || matches!(claim, Claim::Text | Claim::Sound) =>
        {
            Some(&FILE_IS_DISGUISED_ARCHIVE)
        }
        FileKind::Rar | FileKind::SevenZip | FileKind::Cab | FileKind::Ace => {
            Some(&FILE_IS_DISGUISED_ARCHIVE)
        }
        FileKind::Image if matches!(claim, Claim::Pdf | Claim::Office) => Some(&FILE_KIND_DIFFERS),
        FileKind::Pdf | FileKind::Ole if matches!(claim, Claim::Picture | Claim::Text) => {
            Some(&FILE_KIND_DIFFERS)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(name: &str, base64: &str, expect: &[&str]) {
        let raw = format!(
            "From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n\
             --x\n\nHello\n\
             --x\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\
             Content-Disposition: attachment; filename=\"{name}\"\n\n{base64}\n--x--\n"
        );
        assert_eq!(raised::<Kind>(&raw), expect, "{name}");
    }

    /// `%PDF-1.7`, a GIF, the beginning of a program, a page, an archive.
    const PDF: &str = "JVBERi0xLjcKJeLjz9MKMSAwIG9iago8PC9UeXBlL0NhdGFsb2c+PgplbmRvYmoK";
    const GIF: &str = "R0lGODlhAQABAIAAAP///wAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==";
    const EXE: &str =
        "TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAgAAAAA==";
    const PAGE: &str = "PCFET0NUWVBFIGh0bWw+PGh0bWw+PGJvZHk+SGVsbG88L2JvZHk+PC9odG1sPgo=";

    #[test]
    fn files_that_are_what_they_claim_raise_nothing() {
        check("paper.pdf", PDF, &[]);
        check("dot.gif", GIF, &[]);
        check("dot.jpg", GIF, &[]);
        check("page.html", PAGE, &[]);
        check("setup.exe", EXE, &[]);
        check("notes.txt", "SGVsbG8=", &[]);
        check("unknown.dat", "AAECAwQ=", &[]);
    }

    #[test]
    fn disguises_are_told() {
        check("paper.pdf", EXE, &["FILE_IS_DISGUISED_PROGRAM"]);
        check("photo.jpg", PAGE, &["FILE_IS_DISGUISED_PAGE"]);
        check("paper.pdf", GIF, &["FILE_KIND_DIFFERS"]);
    }
}
