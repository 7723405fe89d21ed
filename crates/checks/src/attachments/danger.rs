//! Files that do harm when they are opened: programs, archives that hide them, macros, pages with
//! scripts.
//!
//! Invariant: an archive with many files is somebody's work; what runs in it is not held against it.

use tidegate_dns::Answers;
use tidegate_mail::{Attachment, FileKind, opens_as_page};
use tidegate_signal::{Family, SignalDef, Signals};

use super::names::{ending, is_archive, is_harmless, is_office, runs};
use crate::{Check, Known};

/// A program, by its first bytes or its name.
pub static FILE_IS_PROGRAM: SignalDef =
    SignalDef::new("FILE_IS_PROGRAM", Family::Attachments, 5.0, "A program is attached");
/// `invoice.pdf.exe`.
pub static FILE_ENDS_TWICE: SignalDef = SignalDef::new(
    "FILE_ENDS_TWICE",
    Family::Attachments,
    3.5,
    "A file has two endings, of which the last is a program's",
);
/// A name that reads backwards.
pub static FILE_NAME_TURNED_ROUND: SignalDef = SignalDef::new(
    "FILE_NAME_TURNED_ROUND",
    Family::Attachments,
    3.0,
    "A file's name is turned round to hide its ending",
);
/// A program in a small archive.
pub static ARCHIVE_HOLDS_PROGRAM: SignalDef =
    SignalDef::new("ARCHIVE_HOLDS_PROGRAM", Family::Attachments, 4.0, "An archive holds a program");
/// An archive in a small archive.
pub static ARCHIVE_IN_ARCHIVE: SignalDef = SignalDef::new(
    "ARCHIVE_IN_ARCHIVE",
    Family::Attachments,
    1.0,
    "An archive holds another archive",
);
/// An archive that needs a password.
pub static ARCHIVE_ENCRYPTED: SignalDef = SignalDef::new(
    "ARCHIVE_ENCRYPTED",
    Family::Attachments,
    0.8,
    "An archive can't be looked into without a password",
);
/// The same, with what is dangerous by name.
pub static ARCHIVE_LOCKS_DANGER: SignalDef = SignalDef::new(
    "ARCHIVE_LOCKS_DANGER",
    Family::Attachments,
    3.0,
    "An archive keeps a program or a document from being looked at by a password",
);
/// A document with macros.
pub static OFFICE_HAS_MACROS: SignalDef =
    SignalDef::new("OFFICE_HAS_MACROS", Family::Attachments, 1.2, "A document has macros");
/// A web page with a script.
pub static PAGE_HAS_SCRIPT: SignalDef = SignalDef::new(
    "PAGE_HAS_SCRIPT",
    Family::Attachments,
    1.5,
    "An attached web page carries a program",
);

/// Looks at attached files.
#[derive(Default)]
pub struct Danger;

/// Archives of more files than these were packed by somebody at work.
const FEW_ENTRIES: usize = 5;

impl Check for Danger {
    const KEY: &'static str = "attachments.danger";
    const RAISES: &'static [&'static SignalDef] = &[
        &FILE_IS_PROGRAM,
        &FILE_ENDS_TWICE,
        &FILE_NAME_TURNED_ROUND,
        &ARCHIVE_HOLDS_PROGRAM,
        &ARCHIVE_IN_ARCHIVE,
        &ARCHIVE_ENCRYPTED,
        &ARCHIVE_LOCKS_DANGER,
        &OFFICE_HAS_MACROS,
        &PAGE_HAS_SCRIPT,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        for file in message.attachments() {
            let name = file.name.as_deref().unwrap_or_default();
            for name in std::iter::once(name).chain(file.also_named.iter().map(String::as_str)) {
                judge_name(name, signals);
                // The rules have their say on the names of other files that run when opened.
                if is_program(file, name) {
                    signals.raise(&FILE_IS_PROGRAM, shown(name));
                }
            }
            if file.macros {
                signals.raise(&OFFICE_HAS_MACROS, shown(name));
            }
            if file.scripts && file.names().any(opens_as_page) {
                signals.raise(&PAGE_HAS_SCRIPT, shown(name));
            }
            judge_archive(file, name, signals);
        }
    }
}

fn shown(name: &str) -> &str {
    if name.is_empty() { "a file without a name" } else { name }
}

fn judge_name(name: &str, signals: &mut Signals) {
    if name.contains(['\u{202e}', '\u{202d}', '\u{2066}', '\u{2067}', '\u{2068}']) {
        signals.raise(&FILE_NAME_TURNED_ROUND, name.escape_unicode().to_string());
    }
    if let Some((first, last)) = name.trim_end().rsplit_once('.')
        && runs(&last.to_ascii_lowercase())
        && is_harmless(&ending(first))
    {
        signals.raise(&FILE_ENDS_TWICE, name);
    }
}

/// By its bytes; by its name alone only where no honest file has that name.
fn is_program(file: &Attachment, name: &str) -> bool {
    match file.kind {
        FileKind::Lnk | FileKind::Chm | FileKind::Jar => return true,
        // Scripts for other systems than Windows are sent by people who program.
        FileKind::Script => {}
        kind if kind.is_executable() => return true,
        _ => {}
    }
    matches!(ending(name).as_str(), "exe" | "bat" | "cmd" | "dll" | "js" | "msi" | "pif" | "scr")
        || ending(name) == "com" && !name.contains('@') && name.matches('.').count() == 1
}

fn judge_archive(file: &Attachment, name: &str, signals: &mut Signals) {
    let held = |is_sought: fn(&str) -> bool| {
        let entry = file.entries.iter().find(|entry| is_sought(entry))?;
        Some(format!("{entry} in {}", shown(name)))
    };
    if matches!(file.kind, FileKind::Jar | FileKind::Ooxml | FileKind::OpenDocument) {
        // Whoever opens it as an archive sees what a document never has beside its folders.
        if let Some(evidence) = held(|entry| !entry.contains('/') && runs(&ending(entry))) {
            signals.raise(&ARCHIVE_HOLDS_PROGRAM, evidence);
        }
        return;
    }
    let are_few = file.entries.len() <= FEW_ENTRIES;
    // Papers and pictures are put beside a program by whoever hides it; whoever packs his work has more of it.
    let work = file.entries.iter().filter(|entry| !is_harmless(&ending(entry))).count();
    let program = held(|entry| runs(&ending(entry))).filter(|_| work <= FEW_ENTRIES);
    if file.encrypted && file.kind.is_archive() {
        let paper = held(|entry| is_office(&ending(entry))).filter(|_| are_few);
        match program.as_ref().or(paper.as_ref()) {
            Some(evidence) => signals.raise(&ARCHIVE_LOCKS_DANGER, evidence.as_str()),
            None => signals.raise(&ARCHIVE_ENCRYPTED, shown(name)),
        }
    }
    if let Some(evidence) = program {
        signals.raise(&ARCHIVE_HOLDS_PROGRAM, evidence);
    }
    // Outlook wraps whatever is attached.
    let is_wrapped = file.kind == FileKind::Tnef;
    if are_few
        && !is_wrapped
        && let Some(evidence) = held(|entry| is_archive(&ending(entry)))
    {
        signals.raise(&ARCHIVE_IN_ARCHIVE, evidence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(name: &str, content: &str, expect: &[&str]) {
        let raw = format!(
            "From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n\
             --x\n\nHello\n\
             --x\nContent-Type: application/octet-stream\n\
             Content-Disposition: attachment; filename=\"{name}\"\n\n{content}\n--x--\n"
        );
        assert_eq!(raised::<Danger>(&raw), expect, "{name}");
    }

    #[test]
    fn honest_files_raise_nothing() {
        check("notes.txt", "Hello", &[]);
        check("minutes.2026.pdf", "%PDF-1.7", &[]);
        check("www.example.com", "Hello", &[]);
        check("build.sh", "#!/bin/sh\necho", &[]);
        check("page.html", "<p>Hello</p>", &[]);
    }

    #[test]
    fn programs_are_told() {
        check("setup.exe", "x", &["FILE_IS_PROGRAM"]);
        check("invoice.pdf.exe", "x", &["FILE_ENDS_TWICE", "FILE_IS_PROGRAM"]);
        check("page.html", "<script>x()</script>", &["PAGE_HAS_SCRIPT"]);
    }

    #[test]
    fn a_file_is_judged_by_each_of_its_names() {
        let program = ["FILE_IS_PROGRAM"];
        check("a.pdf\"; filename*=\"utf-8''a.js", "x", &program);
        check("a.js\"; filename*=\"utf-8''a.pdf", "x", &program);
    }

    #[test]
    fn papers_beside_a_program_do_not_hide_it() {
        let raw = "Content-Type: application/zip; name=a.zip\n\nPK\u{3}\u{4}\n";
        let message =
            tidegate_mail::Message::parse(raw.as_bytes(), &tidegate_mail::Bounds::default());
        let mut file = message.attachments()[0].clone();
        let names = |ending: &str| (0..20).map(|number| format!("{number}.{ending}")).collect();
        let raised = |file: &Attachment| {
            let mut signals = Signals::new();
            judge_archive(file, "a.zip", &mut signals);
            signals.iter().map(|signal| signal.name().to_owned()).collect::<Vec<_>>()
        };
        for (others, expect) in [("txt", &["ARCHIVE_HOLDS_PROGRAM"][..]), ("c", &[])] {
            file.entries = names(others);
            file.entries.push("invoice.exe".to_owned());
            assert_eq!(raised(&file), expect, "{others}");
        }
    }

    #[track_caller]
    fn check_archive(base64: &str, expect: &[&str]) {
        let raw = format!(
            "Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\
             Content-Disposition: attachment; filename=a.zip\n\n{base64}\n"
        );
        assert_eq!(raised::<Danger>(&raw), expect);
    }

    #[track_caller]
    fn check_file(archive: &[u8], expect: &[&str]) {
        check_archive(&data_encoding::BASE64.encode(archive), expect);
    }

    #[test]
    fn archives_are_judged_by_what_they_hold() {
        // notes.txt; the same with a password; invoice.exe; report.docx with a password; inner.zip.
        check_archive(
            "UEsDBBQAAAAAAOBJeF2DFtyMAQAAAAEAAAAJAAAAbm90ZXMudHh0eFBLAQIUAxQAAAAAAOBJeF2D\
            FtyMAQAAAAEAAAAJAAAAAAAAAAAAAACAAQAAAABub3Rlcy50eHRQSwUGAAAAAAEAAQA3AAAAKAAA\
            AAAA",
            &[],
        );
        check_archive(
            "UEsDBBQAAQAAAOBJeF2DFtyMAQAAAAEAAAAJAAAAbm90ZXMudHh0eFBLAQIUAxQAAQAAAOBJeF2D\
            FtyMAQAAAAEAAAAJAAAAAAAAAAAAAACAAQAAAABub3Rlcy50eHRQSwUGAAAAAAEAAQA3AAAAKAAA\
            AAAA",
            &["ARCHIVE_ENCRYPTED"],
        );
        check_archive(
            "UEsDBBQAAAAAAOBJeF2DFtyMAQAAAAEAAAALAAAAaW52b2ljZS5leGV4UEsBAhQDFAAAAAAA4El4\
            XYMW3IwBAAAAAQAAAAsAAAAAAAAAAAAAAIABAAAAAGludm9pY2UuZXhlUEsFBgAAAAABAAEAOQAA\
            ACoAAAAAAA==",
            &["ARCHIVE_HOLDS_PROGRAM"],
        );
        check_archive(
            "UEsDBBQAAQAAAOBJeF2DFtyMAQAAAAEAAAALAAAAcmVwb3J0LmRvY3h4UEsBAhQDFAABAAAA4El4\
            XYMW3IwBAAAAAQAAAAsAAAAAAAAAAAAAAIABAAAAAHJlcG9ydC5kb2N4UEsFBgAAAAABAAEAOQAA\
            ACoAAAAAAA==",
            &["ARCHIVE_LOCKS_DANGER"],
        );
        check_archive(
            "UEsDBBQAAAAAAOBJeF2DFtyMAQAAAAEAAAAJAAAAaW5uZXIuemlweFBLAQIUAxQAAAAAAOBJeF2D\
            FtyMAQAAAAEAAAAJAAAAAAAAAAAAAACAAQAAAABpbm5lci56aXBQSwUGAAAAAAEAAQA3AAAAKAAA\
            AAAA",
            &["ARCHIVE_IN_ARCHIVE"],
        );
        // A document to look at, with a program beside it.
        check_archive(
            "UEsDBBQAAAAAAOBJeF2DFtyMAQAAAAEAAAATAAAAW0NvbnRlbnRfVHlwZXNdLnhtbHhQSwMEFAAAAAAA\
            4El4XYMW3IwBAAAAAQAAAAsAAABpbnZvaWNlLmV4ZXhQSwECFAMUAAAAAADgSXhdgxbcjAEAAAABAAAA\
            EwAAAAAAAAAAAAAAgAEAAAAAW0NvbnRlbnRfVHlwZXNdLnhtbFBLAQIUAxQAAAAAAOBJeF2DFtyMAQAA\
            AAEAAAALAAAAAAAAAAAAAACAATIAAABpbnZvaWNlLmV4ZVBLBQYAAAAAAgACAHoAAABcAAAAAAA=",
            &["ARCHIVE_HOLDS_PROGRAM"],
        );
        // A program in RAR; in 7z with a password, and with one on the names as well.
        check_file(
            include_bytes!("../../../../fuzz/seeds/archive/version-5.rar"),
            &["ARCHIVE_HOLDS_PROGRAM"],
        );
        check_file(
            include_bytes!("../../../../fuzz/seeds/archive/locked.7z"),
            &["ARCHIVE_LOCKS_DANGER", "ARCHIVE_HOLDS_PROGRAM"],
        );
        check_file(
            include_bytes!("../../../../fuzz/seeds/archive/locked-names.7z"),
            &["ARCHIVE_ENCRYPTED"],
        );
    }

    #[test]
    fn what_outlook_wraps_is_judged_by_what_it_is() {
        // Two files, the first of which has `INVOIC~1.EXE` and `invoice of today.exe` for its names.
        check_file(
            include_bytes!("../../../../fuzz/seeds/archive/winmail.dat"),
            &["ARCHIVE_HOLDS_PROGRAM"],
        );
        // A zip, which its sender only attached.
        check_archive("eJ8+IgEAAhCAAQAKAAAAaW5uZXIuemlwAJ0D", &[]);
    }

    #[test]
    fn a_script_is_found_however_it_is_encoded() {
        for body in ["PHNjcmlwdD4=", "IDxzY3JpcHQ+", "ICA8U0NSSVBUPg=="] {
            let raw = format!(
                "Content-Type: text/html; name=a.html\nContent-Transfer-Encoding: base64\n\
                 Content-Disposition: attachment; filename=a.html\n\n{body}\n"
            );
            assert_eq!(raised::<Danger>(&raw), ["PAGE_HAS_SCRIPT"], "{body}");
        }
    }
}
