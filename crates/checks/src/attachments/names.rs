//! Endings of file names, by what opening such a file does.
//!
//! Invariant: lower case, without the dot.

use tidegate_mail::file_ending;

/// The ending of a name, in lower case; empty when there is none.
pub(crate) fn ending(name: &str) -> String {
    let known = file_ending(name).filter(|ending| ending.len() <= 12);
    known.map(str::to_ascii_lowercase).unwrap_or_default()
}

/// Programs and scripts that Windows or macOS run when they are opened.
const PROGRAMS: [&str; 36] = [
    "apk", "app", "bat", "bin", "cab", "cmd", "com", "cpl", "dll", "dmg", "exe", "gadget", "hta",
    "ins", "inx", "isp", "jar", "jse", "lnk", "msi", "msp", "mst", "pif", "pkg", "ps1", "psm1",
    "reg", "scf", "scr", "sct", "sys", "vb", "vbe", "vbs", "wsf", "wsh",
];

/// Whether opening a file of that ending runs it.
pub(crate) fn runs(ending: &str) -> bool {
    PROGRAMS.binary_search(&ending).is_ok() || ending == "js"
}

/// Whether people trust files of that ending.
pub(crate) fn is_harmless(ending: &str) -> bool {
    matches!(
        ending,
        "pdf"
            | "doc"
            | "docx"
            | "rtf"
            | "odt"
            | "xls"
            | "xlsx"
            | "csv"
            | "ppt"
            | "pptx"
            | "txt"
            | "jpg"
            | "jpeg"
            | "png"
            | "gif"
            | "bmp"
            | "htm"
            | "html"
            | "mp3"
            | "mp4"
            | "avi"
            | "wav"
            | "zip"
    )
}

/// Whether it is an archive.
pub(crate) fn is_archive(ending: &str) -> bool {
    matches!(ending, "zip" | "rar" | "7z" | "ace" | "arj" | "cab" | "iso" | "img" | "vhd" | "vhdx")
}

/// Whether it is a document of an office program.
pub(crate) fn is_office(ending: &str) -> bool {
    matches!(
        ending,
        "doc" | "docx" | "docm" | "xls" | "xlsx" | "xlsm" | "xlsb" | "ppt" | "pptx" | "rtf"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_read() {
        assert!(PROGRAMS.is_sorted());
        assert_eq!(ending("Invoice.PDF"), "pdf");
        assert_eq!(ending("a.tar.gz "), "gz");
        assert_eq!(ending("README"), "");
        assert!(runs("exe") && runs("js") && !runs("pdf"));
    }
}
