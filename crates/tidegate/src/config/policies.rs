//! `[policy]`: the default policy, how addresses are folded, and the files that say what domains and
//! users want otherwise.
//!
//! Invariant: what a file says wrong is told with its file and line, as everywhere in the
//! configuration; one user is written in one place of one tree, whichever files it was read from.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use tidegate_policy::{Book, Folding, Layer, Layers, Subject, UserPolicy};

use super::mistake::{Findings, suggest};
use super::read::section;
use super::source::{Kind, Sources};
use super::tree::{self, Node, Value};
use super::{Written, assemble, include};

/// Files of users: a site that keeps one a user should keep them in the store.
const MOST_FILES: usize = 10_000;

/// `[policy]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PolicySettings {
    /// Files with policies of domains and users.
    pub(crate) users: Vec<String>,
    /// Letters that divide a mailbox from its sub-address.
    pub(crate) separator: String,
    /// Milliseconds that holding a message, or sending copies of it, may take.
    pub(crate) split_timeout_ms: u64,
    /// Other names of users and domains.
    pub(crate) aliases: BTreeMap<String, String>,
    /// What everybody wants who says nothing else.
    pub(crate) default: Layer,
}

impl Default for PolicySettings {
    fn default() -> Self {
        let mut default = Layer::from(&UserPolicy::default());
        // The site's thresholds are those of `[verdict]`.
        (default.tag, default.quarantine, default.reject) = (None, None, None);
        Self {
            users: Vec::new(),
            separator: "+".to_owned(),
            split_timeout_ms: 10_000,
            aliases: BTreeMap::new(),
            default,
        }
    }
}

/// Reads the files that `[policy] users` of `root` names into one tree, in their order.
pub(super) fn read_files(root: &Node, sources: &mut Sources, findings: &mut Findings) -> Node {
    let mut all = Node::table(root.origin);
    let Some(Value::List(patterns)) = root.find(&["policy", "users"]).map(|node| &node.value)
    else {
        return all;
    };
    for node in patterns {
        let Some(pattern) = node.as_text() else { continue };
        let folder = sources.folder(node.origin.source).to_owned();
        let place = sources.place(node.origin);
        let files = match include::expand(&folder, pattern) {
            Ok(files) if files.len() <= MOST_FILES => files,
            Ok(_) => {
                let what = format!("\"{pattern}\" names more than {MOST_FILES} files");
                findings.mistake(place, what, "put several users into one file, or into the store");
                continue;
            }
            Err(error) => {
                let what = format!("the policies \"{pattern}\" can't be read: {error}");
                findings.mistake(place, what, "name a folder that exists, relative to this file");
                continue;
            }
        };
        if files.is_empty() {
            include::nothing_found(pattern, place.clone(), findings);
        }
        for file in files {
            match include::read_text(&file) {
                Ok(text) => {
                    let source = sources.add(Kind::File(file), text.clone());
                    all.lay(tree::parse(sources, source, &text, findings));
                }
                Err(error) => {
                    let what = format!("the policies {} can't be read: {error}", file.display());
                    let remedy = "name files that exist, relative to this file";
                    findings.mistake(place.clone(), what, remedy);
                }
            }
        }
    }
    all
}

/// The book of what files say, and of nothing that a store keeps; mistakes are told.
pub(super) fn book(
    written: &Written,
    settings: &PolicySettings,
    default: &UserPolicy,
    findings: &mut Findings,
) -> Book {
    let place = |path: &[&str]| assemble::place_of(written, path);
    for key in ["tag", "quarantine", "reject"] {
        if written.root.find(&["policy", "default", key]).is_some() {
            let what = format!("the default of '{key}' does not stand in [policy.default]");
            findings.mistake(place(&["policy", "default", key]), what, "write it below [verdict]");
        }
    }
    for wrong in settings.default.mistakes(default) {
        let path = ["policy", "default", wrong.key];
        findings.mistake(place(&path), format!("[policy.default] {wrong}"), "");
    }
    if settings.split_timeout_ms == 0 {
        let path = ["policy", "split_timeout_ms"];
        findings.mistake(place(&path), "[policy] 'split_timeout_ms' must be at least 1", "");
    }
    let folding = Folding::new(&settings.separator, &settings.aliases).unwrap_or_else(|wrong| {
        for alias in wrong {
            let path = ["policy", "aliases", &alias.name];
            findings.mistake(place(&path), format!("[policy.aliases] {alias}"), "");
        }
        Folding::default()
    });
    let layers = layers(written, findings);
    let book = Book::new(
        settings.default.over(default),
        folding,
        Arc::new(layers.iter().map(|(subject, read)| (subject.clone(), read.0.clone())).collect()),
        Arc::new(Layers::new()),
    );
    for (subject, wrong) in book.mistakes() {
        let Some((_, kind, name)) = layers.get(&subject) else { continue };
        let entry = written.users.entry(&[kind, name, wrong.key]);
        let origin = entry.map_or(written.users.origin, |(origin, _)| *origin);
        let what = format!("[{kind}.\"{name}\"] {wrong}");
        findings.mistake(written.sources.place(origin), what, "");
    }
    book
}

/// The layers of files, each with the table it stands in and the name it has there.
fn layers(
    written: &Written,
    findings: &mut Findings,
) -> BTreeMap<Subject, (Layer, &'static str, String)> {
    const KINDS: [&str; 2] = ["domain", "user"];
    let sources = &written.sources;
    let mut tree = written.users.clone();
    for (name, (origin, _)) in written.users.as_table().into_iter().flat_map(|table| &table.0) {
        if !KINDS.contains(&name.as_str()) {
            let remedy = suggest(name, KINDS.into_iter(), "the tables of a file of users are");
            let what = format!("'{name}' is no table of a file of users");
            findings.mistake(sources.place(*origin), what, remedy);
        }
    }
    let mut found = BTreeMap::new();
    for kind in KINDS {
        let read: BTreeMap<String, Layer> =
            section(&mut tree, kind, &written.defaults, sources, findings);
        for (name, layer) in read {
            let subject =
                if kind == "domain" { Subject::domain(&name) } else { Subject::user(&name) };
            let origin = written.users.entry(&[kind, &name]).map(|(origin, _)| *origin);
            let place = sources.place(origin.unwrap_or(written.users.origin));
            match subject {
                Err(words) => findings.mistake(place, words, ""),
                Ok(subject) if found.contains_key(&subject) => {
                    let what = format!("{subject} stands here twice, in different letters");
                    findings.mistake(place, what, "write both in one table, in small letters");
                }
                Ok(subject) => {
                    found.insert(subject, (layer, kind, name));
                }
            }
        }
    }
    found
}
