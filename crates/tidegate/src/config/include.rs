//! Configuration files, with the files that they include.
//!
//! Invariant: reading ends: a file is not included by itself, not even over others, and depth and
//! number of files are bounded.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::mistake::Findings;
use super::source::{Kind, Origin, Place, Sources};
use super::tree::{self, Node, Value};
use crate::sandbox;

/// Files within files go so deep.
const DEEPEST: usize = 8;
/// So many files make a configuration.
const MOST_FILES: usize = 200;
/// No file of settings is longer; whatever is, is another kind of file.
const LONGEST_FILE: u64 = 16 * 1024 * 1024;

/// Reads a file and, laid over it in their order, the files it includes. What is wrong is told.
pub(crate) fn read(path: &Path, sources: &mut Sources, findings: &mut Findings) -> Option<Node> {
    let place = Place::whole(path);
    Reader { sources, findings, open: Vec::new() }.read(path, &place)
}

/// The files that `pattern` names: one, or those that match `*` in the last part of its path, by
/// name. Hidden files are left out.
///
/// # Errors
/// When the folder can't be listed.
pub(crate) fn expand(folder: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    let path = folder.join(pattern);
    let Some((before, after)) = path.file_name().and_then(|name| name.to_str()?.split_once('*'))
    else {
        return Ok(vec![path]);
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut found = Vec::new();
    for entry in fs::read_dir(parent.unwrap_or(Path::new("."))).map_err(sandbox::told)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        let matches = name.len() >= before.len() + after.len()
            && name.starts_with(before)
            && name.ends_with(after)
            && !name.starts_with('.');
        if matches {
            found.push(parent.unwrap_or(Path::new("")).join(name));
        }
    }
    found.sort();
    Ok(found)
}

/// Tells that a pattern names no file: whoever wrote it meant some.
pub(crate) fn nothing_found(pattern: &str, place: Place, findings: &mut Findings) {
    let remedy = "paths are relative to this file; put a file there, or take it out of the list";
    findings.warning(place, format!("\"{pattern}\" names no file that is there"), remedy);
}

/// Reads a text file of settings or rules, within bounds.
///
/// # Errors
/// When it can't be read, is too long, or is not UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)
        .map_err(sandbox::told)?
        .take(LONGEST_FILE + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST_FILE {
        return Err(io::Error::other("the file is too long to be one of settings"));
    }
    Ok(text)
}

struct Reader<'r> {
    sources: &'r mut Sources,
    findings: &'r mut Findings,
    /// The files that are being read, the outermost first.
    open: Vec<PathBuf>,
}

impl Reader<'_> {
    /// `asked_at`: where the file is named.
    fn read(&mut self, path: &Path, asked_at: &Place) -> Option<Node> {
        let text = match read_text(path) {
            Ok(text) => text,
            Err(error) => {
                let what = format!("{} can't be read: {error}", path.display());
                let remedy = "name a file that exists and may be read";
                self.findings.mistake(asked_at.clone(), what, remedy);
                return None;
            }
        };
        // Two names of one file are one file, or a circle would go round by another name.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if self.open.contains(&real) {
            let what = format!("{} includes itself", path.display());
            self.findings.mistake(asked_at.clone(), what, "take this file out of the list");
            return None;
        }
        if self.open.len() >= DEEPEST || self.sources.len() >= MOST_FILES {
            let what = format!(
                "files include each other more than {DEEPEST} deep, or are more than {MOST_FILES}"
            );
            self.findings.mistake(asked_at.clone(), what, "include files from fewer levels");
            return None;
        }
        self.open.push(real);
        let source = self.sources.add(Kind::File(path.to_owned()), text.clone());
        let mut node = tree::parse(self.sources, source, &text, self.findings);
        if let Some(list) = node.take(&["include"]) {
            self.include(&list, source, &mut node);
        }
        self.open.pop();
        Some(node)
    }

    fn include(&mut self, list: &Node, source: usize, node: &mut Node) {
        let Value::List(names) = &list.value else {
            return self.not_a_list(list.origin);
        };
        for name in names {
            let Some(pattern) = name.as_text() else {
                self.not_a_list(name.origin);
                continue;
            };
            let place = self.sources.place(name.origin);
            match expand(self.sources.folder(source), pattern) {
                Ok(files) => {
                    for file in files {
                        if let Some(over) = self.read(&file, &place) {
                            node.lay(over);
                        }
                    }
                }
                Err(error) => {
                    let what = format!("include = [\"{pattern}\"]: {error}");
                    self.findings.mistake(place, what, "name a folder that exists");
                }
            }
        }
    }

    fn not_a_list(&mut self, origin: Origin) {
        let remedy = "write include = [\"other.toml\", \"conf.d/*.toml\"]";
        self.findings.mistake(self.sources.place(origin), "include is no list of files", remedy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn read_all(dir: &tempfile::TempDir) -> (Option<Node>, Vec<String>) {
        let mut findings = Findings::default();
        let node = read(&dir.path().join("main.toml"), &mut Sources::default(), &mut findings);
        let prefix = format!("{}/", dir.path().display());
        let mistakes = findings.into_mistakes();
        (node, mistakes.iter().map(|mistake| mistake.to_string().replace(&prefix, "")).collect())
    }

    #[test]
    fn later_files_go_before_earlier_ones() {
        let dir = folder(&[
            (
                "main.toml",
                "include = ['conf.d/*.toml', 'last.toml']\n[v]\na = 1\nb = 1\nc = 1\nd = 1",
            ),
            ("conf.d/10.toml", "[v]\nb = 2\nc = 2\nd = 2"),
            ("conf.d/20.toml", "[v]\nc = 3\nd = 3"),
            ("conf.d/README", "not read"),
            ("last.toml", "[v]\nd = 4"),
        ]);
        let (node, mistakes) = read_all(&dir);
        assert_eq!(mistakes, [""; 0]);
        let value = node.unwrap().find(&["v"]).unwrap().to_toml().to_string();
        assert_eq!(value.replace(' ', ""), "{a=1,b=2,c=3,d=4}");
    }

    #[test]
    fn a_circle_and_a_missing_file_are_told_where_they_are_named() {
        let dir = folder(&[
            ("main.toml", "include = ['b.toml', 'gone.toml', 7]"),
            ("b.toml", "\ninclude = ['main.toml']"),
        ]);
        let (_, mistakes) = read_all(&dir);
        assert_eq!(mistakes.len(), 3, "{mistakes:#?}");
        assert!(
            mistakes[0].starts_with("main.toml:1:22: gone.toml can't be read"),
            "{mistakes:#?}"
        );
        assert!(mistakes[1].starts_with("main.toml:1:35: include is no list"), "{mistakes:#?}");
        assert!(mistakes[2].starts_with("b.toml:2:12: main.toml includes itself"), "{mistakes:#?}");
    }
}
