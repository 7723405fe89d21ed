//! Settings from the environment: `TIDEGATE__DNS__DEADLINE_MS=500` is `[dns] deadline_ms = 500`.
//!
//! Invariant: a variable is as strict as a file: an unknown setting is a mistake that names it.

use super::mistake::Findings;
use super::source::{Kind, Origin, Sources};
use super::tree::{self, Node, Table, Value};

/// What the names of such variables begin with.
const PREFIX: &str = "TIDEGATE__";

/// Lays every variable whose name begins with `TIDEGATE__` over `root`, in the order of the names.
///
/// Two underscores separate tables and key. Values are read as TOML, and as text where they are
/// none.
pub(crate) fn lay(
    root: &mut Node,
    variables: impl Iterator<Item = (String, String)>,
    sources: &mut Sources,
) {
    let mut variables: Vec<_> = variables.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    variables.sort();
    for (name, value) in variables {
        let path: Vec<&str> = name[PREFIX.len()..].split("__").collect();
        let path = known_spelling(root, &path);
        let source = sources.add(Kind::Environment(name), value.clone());
        let origin = Origin { source, offset: 0 };
        let value = read_value(&value, source, sources);
        let tables = path.into_iter().rev().fold(value, |inner, key| {
            let table = Table([(key, (origin, inner))].into());
            Node { origin, value: Value::Table(table) }
        });
        root.lay(tables);
    }
}

/// Names of variables have neither case nor `-`: a key that exists is taken as it is spelt, any
/// other as lower case.
fn known_spelling(root: &Node, path: &[&str]) -> Vec<String> {
    let same = |known: &str, word: &str| {
        known.len() == word.len()
            && known.bytes().zip(word.bytes()).all(|(known, word)| {
                known.eq_ignore_ascii_case(&word) || (known == b'-' && word == b'_')
            })
    };
    let mut node = Some(root);
    let mut spelt: Vec<String> = Vec::new();
    for word in path {
        let known = node.and_then(Node::as_table).and_then(|table| {
            table.0.iter().find(|(key, _)| same(key, word)).map(|(key, (_, node))| (key, node))
        });
        node = known.map(|(_, node)| node);
        // Names of signals are upper case, and most of them stand nowhere in the tree.
        let is_signal = spelt.first().is_some_and(|section| section == "scores");
        spelt.push(match known {
            Some((key, _)) => key.clone(),
            None if is_signal => (*word).to_owned(),
            None => word.to_ascii_lowercase(),
        });
    }
    spelt
}

fn read_value(text: &str, source: usize, sources: &Sources) -> Node {
    let mut findings = Findings::default();
    let mut document = tree::parse(sources, source, &format!("v = {text}"), &mut findings);
    let origin = Origin { source, offset: 0 };
    let alone = document.as_table().is_some_and(|table| table.0.len() == 1);
    match document.take(&["v"]) {
        Some(value) if alone && findings.mistakes.is_empty() => Node { origin, ..value },
        _ => Node { origin, value: Value::Text(text.to_owned()) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variable: &str, value: &str, expect: &str) {
        let text = "[dns]\ndeadline_ms = 1\n[lists.zones.my-zone]\nenabled = false\n";
        let mut sources = Sources::default();
        let source = sources.add(Kind::BuiltIn("x"), text.to_owned());
        let mut root = tree::parse(&sources, source, text, &mut Findings::default());
        lay(&mut root, [(variable.to_owned(), value.to_owned())].into_iter(), &mut sources);
        let printed = root.to_toml().to_string().replace(' ', "");
        assert!(printed.contains(expect), "{printed}");
    }

    #[test]
    fn a_variable_sets_one_key() {
        check("TIDEGATE__DNS__DEADLINE_MS", "500", "deadline_ms=500");
        check("TIDEGATE__LISTS__ZONES__MY_ZONE__ENABLED", "true", "my-zone={enabled=true}");
        check("TIDEGATE__SERVER__ID", "mx.example.org", "server={id=\"mx.example.org\"}");
        check("TIDEGATE__SERVER__ID", "\"mx\"", "id=\"mx\"");
        check("TIDEGATE__MILTER__LISTEN", "['inet:1']", "listen=[\"inet:1\"]");
        check("TIDEGATE__SCORES__MISSING_DATE", "2.5", "scores={MISSING_DATE=2.5}");
        check("TIDEGATE__SERVER__ID", "1\nx = 2", "1\nx=2");
        check("TIDEGATE_HOME", "x", "dns={deadline_ms=1}");
    }
}
