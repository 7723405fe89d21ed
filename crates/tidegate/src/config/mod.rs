//! The configuration: from files, the environment and the built-in defaults to parts that run.
//!
//! What is written later goes before what is written earlier: the built-in defaults, the file with
//! what it includes, the environment, the command line. Sections are merged key by key.
//!
//! Invariant: [`load`] yields parts that are built and so valid, or every mistake there is.

mod assemble;
mod built_in;
mod digest;
mod environment;
mod files;
mod include;
mod lint;
mod marks;
mod mistake;
mod policies;
mod read;
mod settings;
mod source;
#[cfg(test)]
mod tests;
mod tree;

use std::path::PathBuf;

use tidegate_checks::trust::bimi::certificate::Roots;
use tidegate_engine::Parts;

pub(crate) use mistake::Mistake;
pub(crate) use settings::{Addresses, Format, Level, Log, Server, Settings, Statistics};

use mistake::Findings;
use source::{Kind, Origin, Sources};
use tree::{Node, Value};

/// Where the configuration comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// The file; the built-in defaults alone when none.
    pub(crate) file: Option<PathBuf>,
    /// The folder, or the address of a server, that `--store` names.
    pub(crate) store: Option<PathBuf>,
    /// Whether nothing may be asked of the network.
    pub(crate) offline: bool,
    /// Variables of the environment.
    pub(crate) environment: Vec<(String, String)>,
}

impl Options {
    /// As the command line says, with the process's environment.
    pub(crate) fn new(file: Option<PathBuf>, store: Option<PathBuf>, offline: bool) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { file, store, offline, environment }
    }
}

/// A configuration without a mistake.
pub(crate) struct Loaded {
    /// As written.
    pub(crate) settings: Settings,
    /// What an engine is made of.
    pub(crate) parts: Parts,
    /// The roots that mark certificates may lead to.
    pub(crate) mark_roots: Roots,
    /// What is allowed, and most likely not meant.
    pub(crate) warnings: Vec<Mistake>,
    /// How much there is.
    pub(crate) summary: Summary,
    /// Every setting in force.
    pub(crate) effective: toml::Table,
    /// What was read, to be told apart.
    pub(crate) digests: Digests,
    /// The files that it was read from, and the patterns that name them.
    pub(crate) files: Vec<PathBuf>,
    /// The second configuration, where one is to judge beside this.
    pub(crate) shadow: Option<Box<Self>>,
}

/// Short names of what was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Digests {
    /// Settings that have a say in verdicts.
    pub(crate) configuration: String,
    /// The rules.
    pub(crate) rules: String,
}

/// How much a configuration holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Checks switched on.
    pub(crate) checks: usize,
    /// Rules, private ones included.
    pub(crate) rules: usize,
    /// List zones switched on.
    pub(crate) zones: usize,
    /// Signals that can be raised.
    pub(crate) signals: usize,
    /// Domains and users whom files give a policy of their own.
    pub(crate) users: usize,
}

/// The merged tree, with the places of all that is in it.
struct Written {
    sources: Sources,
    /// Everything, the later over the earlier.
    root: Node,
    /// What is built in, alone.
    defaults: Node,
    /// The files that `[policy] users` names, the later over the earlier.
    users: Node,
}

/// Loads and builds a configuration, and the one that `[shadow]` names.
///
/// # Errors
/// Every mistake of every file of the one, else of the other.
pub(crate) fn load_with_shadow(options: &Options) -> Result<Loaded, Vec<Mistake>> {
    let loaded = load(options)?;
    let Some(file) = loaded.settings.shadow.config.clone() else { return Ok(loaded) };
    // Its questions go to the same servers, if any: what is not to be asked, the engine doesn't ask.
    let options = Options { file: Some(file), ..options.clone() };
    Ok(Loaded { shadow: Some(Box::new(load(&options)?)), ..loaded })
}

/// Loads and builds a configuration.
///
/// # Errors
/// Every mistake of every file.
pub(crate) fn load(options: &Options) -> Result<Loaded, Vec<Mistake>> {
    let mut findings = Findings::default();
    let written = Written::read(options, &mut findings);
    assemble::assemble(&written, options.offline, &mut findings)
        .ok_or_else(|| findings.into_mistakes())
}

const BUILT_IN: [(&str, &str); 4] = [
    ("tidegate.toml", built_in::DEFAULTS),
    ("lists.toml", built_in::LISTS),
    ("trust.toml", built_in::TRUST),
    ("scores.toml", built_in::SCORES),
];

impl Written {
    fn read(options: &Options, findings: &mut Findings) -> Self {
        let mut sources = Sources::default();
        let mut root = Node::table(Origin { source: 0, offset: 0 });
        for (name, text) in BUILT_IN {
            let source = sources.add(Kind::BuiltIn(name), text.to_owned());
            root.lay(tree::parse(&sources, source, text, findings));
        }
        let defaults = root.clone();
        let file = options.file.as_ref();
        if let Some(node) = file.and_then(|file| include::read(file, &mut sources, findings)) {
            root.lay(node);
        }
        environment::lay(&mut root, options.environment.iter().cloned(), &mut sources);
        if let Some(folder) = &options.store {
            root.lay(store_flag(folder, &mut sources));
        }
        let users = policies::read_files(&root, &mut sources, findings);
        Self { sources, root, defaults, users }
    }
}

/// `--store DIR` as `[store] url = "file:DIR"`; the address of a server as it is.
fn store_flag(folder: &std::path::Path, sources: &mut Sources) -> Node {
    let source = sources.add(Kind::Flag("--store"), String::new());
    let origin = Origin { source, offset: 0 };
    let named = folder.to_str().filter(|url| settings::is_server(url));
    let url = named.map_or_else(|| format!("file:{}", folder.display()), str::to_owned);
    let url = Node { origin, value: Value::Text(url) };
    let below = |key: &str, node: Node| {
        let entries = [(key.to_owned(), (origin, node))];
        Node { origin, value: Value::Table(tree::Table(entries.into())) }
    };
    below("store", below("url", url))
}
