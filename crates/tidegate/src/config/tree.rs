//! TOML as a tree that remembers where each of its parts was written, and can be laid over another.
//!
//! Invariant: laying one tree over another keeps the origin of every key and value, so the merged
//! tree still knows which file to blame.

use std::collections::BTreeMap;
use std::collections::btree_map;

use toml::de::{DeTable, DeValue};

use super::mistake::Findings;
use super::source::{Origin, Sources};

/// A value, and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) origin: Origin,
    pub(crate) value: Value,
}

/// What TOML can hold.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// No setting is one; kept as text so that it can be told.
    Date(String),
    List(Vec<Node>),
    Table(Table),
}

/// A table; the keys keep their own places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table(pub(crate) BTreeMap<String, (Origin, Node)>);

impl Node {
    /// An empty table.
    pub(crate) fn table(origin: Origin) -> Self {
        Self { origin, value: Value::Table(Table::default()) }
    }

    /// The table it is, if it is one.
    pub(crate) const fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The text it is, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What is at `path`.
    pub(crate) fn find(&self, path: &[&str]) -> Option<&Self> {
        self.entry(path).map_or_else(|| path.is_empty().then_some(self), |(_, node)| Some(node))
    }

    /// The key and the value at `path`, which isn't empty.
    pub(crate) fn entry(&self, path: &[&str]) -> Option<&(Origin, Self)> {
        let (last, tables) = path.split_last()?;
        let table =
            tables.iter().try_fold(self, |node, key| Some(&node.as_table()?.0.get(*key)?.1));
        table?.as_table()?.0.get(*last)
    }

    /// Takes out what is at `path`, in which an [`item_key`] may lead into a list; `None` when
    /// nothing is.
    pub(crate) fn take(&mut self, path: &[&str]) -> Option<Self> {
        let (first, rest) = path.split_first()?;
        match (&mut self.value, rest) {
            (Value::Table(table), []) => table.0.remove(*first).map(|(_, node)| node),
            (Value::Table(table), _) => table.0.get_mut(*first)?.1.take(rest),
            (Value::List(items), _) => {
                let index = item_index(first).filter(|index| *index < items.len())?;
                if rest.is_empty() { Some(items.remove(index)) } else { items[index].take(rest) }
            }
            _ => None,
        }
    }

    /// Lays `over` over this: tables key by key, everything else as a whole.
    pub(crate) fn lay(&mut self, over: Self) {
        match (&mut self.value, over.value) {
            (Value::Table(below), Value::Table(above)) => {
                self.origin = over.origin;
                for (key, (key_origin, node)) in above.0 {
                    match below.0.entry(key) {
                        btree_map::Entry::Occupied(mut known) => {
                            let known = known.get_mut();
                            known.0 = key_origin;
                            known.1.lay(node);
                        }
                        btree_map::Entry::Vacant(free) => {
                            free.insert((key_origin, node));
                        }
                    }
                }
            }
            (value, above) => {
                *value = above;
                self.origin = over.origin;
            }
        }
    }

    /// As a TOML value without places, for whoever reads or prints that.
    pub(crate) fn to_toml(&self) -> toml::Value {
        match &self.value {
            Value::Text(text) | Value::Date(text) => toml::Value::String(text.clone()),
            Value::Integer(number) => toml::Value::Integer(*number),
            Value::Float(number) => toml::Value::Float(*number),
            Value::Boolean(truth) => toml::Value::Boolean(*truth),
            Value::List(items) => toml::Value::Array(items.iter().map(Self::to_toml).collect()),
            Value::Table(table) => toml::Value::Table(table.to_toml()),
        }
    }
}

impl Table {
    /// As a TOML table without places.
    pub(crate) fn to_toml(&self) -> toml::Table {
        self.0.iter().map(|(key, (_, node))| (key.clone(), node.to_toml())).collect()
    }
}

/// How a path names an item of a list.
pub(crate) fn item_key(index: usize) -> String {
    format!("#{index}")
}

/// The item that a part of a path names, where it names one.
pub(crate) fn item_index(key: &str) -> Option<usize> {
    key.strip_prefix('#')?.parse().ok()
}

/// Reads the text of a source. What can't be read is told, and what can is returned.
pub(crate) fn parse(sources: &Sources, source: usize, text: &str, findings: &mut Findings) -> Node {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let offset = error.span().map_or(0, |span| span.start);
        let what = error.message().lines().collect::<Vec<_>>().join(", ");
        let remedy = remedy(&what, text, offset);
        findings.syntax(sources.place(Origin { source, offset }), what, remedy);
        for offset in below_broken_header(text, offset) {
            findings.follows(sources.place(Origin { source, offset }));
        }
    }
    let origin = Origin { source, offset: table.span().start };
    Node { origin, value: Value::Table(read_table(table.get_ref(), source)) }
}

/// The lines below a line that should begin a table, up to the next that does: where their keys ended up
/// is no mistake of theirs.
fn below_broken_header(text: &str, offset: usize) -> Vec<usize> {
    let start = text[..offset.min(text.len())].rfind('\n').map_or(0, |at| at + 1);
    let is_header = |line: &str| line.trim_start().starts_with('[');
    let mut at = start;
    let mut lines = text[start..].split_inclusive('\n').map(|line| {
        at += line.len();
        (at - line.len(), line)
    });
    match lines.next() {
        Some((_, first)) if is_header(first) => {}
        _ => return Vec::new(),
    }
    lines.take_while(|(_, line)| !is_header(line)).map(|(begin, _)| begin).collect()
}

/// TOML's own messages say what is wrong; most often it is one of few things.
fn remedy(what: &str, text: &str, offset: usize) -> &'static str {
    let line_start =
        text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let value = line.split_once('=').map(|(_, value)| value.trim());
    match value {
        _ if what.contains("duplicate") => "write it once, with everything that belongs to it",
        _ if line.trim_start().starts_with('[') => "write a table as [name] on a line of its own",
        None => "write key = value, and close quotes and brackets that are open",
        Some("") => "write a value behind '='",
        Some(value) if value.starts_with(|first: char| first.is_alphabetic()) => {
            "write text in quotes, as in key = \"value\""
        }
        Some(_) => "write text in quotes, numbers without; close quotes and brackets",
    }
}

fn read_table(table: &DeTable<'_>, source: usize) -> Table {
    let entries = table.iter().map(|(key, value)| {
        let origin = Origin { source, offset: key.span().start };
        (key.get_ref().clone().into_owned(), (origin, read_node(value, source)))
    });
    Table(entries.collect())
}

fn read_node(value: &toml::Spanned<DeValue<'_>>, source: usize) -> Node {
    let origin = Origin { source, offset: value.span().start };
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            // Past 64 bits; whatever reads it finds it out of bounds.
            Err(_) => Value::Text(number.as_str().to_owned()),
        },
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| read_node(item, source)).collect())
        }
        DeValue::Table(table) => Value::Table(read_table(table, source)),
    };
    Node { origin, value }
}

#[cfg(test)]
mod tests {
    use super::super::source::Kind;
    use super::*;

    fn tree(sources: &mut Sources, name: &str, text: &str) -> Node {
        let source = sources.add(Kind::File(name.into()), text.to_owned());
        let mut findings = Findings::default();
        let node = parse(sources, source, text, &mut findings);
        assert!(findings.mistakes.is_empty(), "{findings:?}");
        node
    }

    #[test]
    fn a_tree_laid_over_another_keeps_the_place_of_each_key() {
        let mut sources = Sources::default();
        let mut below = tree(&mut sources, "a", "[x]\none = 1\ntwo = 2\n[y]\nl = [1]\n");
        let above = tree(&mut sources, "b", "[x]\ntwo = 3\n[y]\nl = [2, 3]\n");
        below.lay(above);
        assert_eq!(
            toml::Value::to_string(&below.to_toml()).replace(' ', ""),
            "{x={one=1,two=3},y={l=[2,3]}}"
        );
        let at = |path: &[&str]| sources.place(below.entry(path).unwrap().0).to_string();
        assert_eq!(at(&["x", "one"]), "a:2:1");
        assert_eq!(at(&["x", "two"]), "b:2:1");
    }

    fn told(text: &str) -> Vec<String> {
        let mut sources = Sources::default();
        let source = sources.add(Kind::File("a".into()), text.to_owned());
        let mut findings = Findings::default();
        let mut root = parse(&sources, source, text, &mut findings);
        let defaults = root.clone();
        super::super::settings::Settings::read(&mut root, &defaults, &sources, &mut findings);
        findings.into_mistakes().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_syntax_error_of_a_file_is_told() {
        let told = told("[log]\nlevel = info\n[http\nlisten = 1\n");
        assert!(told[0].starts_with("a:2:9: "), "{told:#?}");
        assert!(told[1].starts_with("a:3:6: "), "{told:#?}");
        assert_eq!(told.len(), 2, "{told:#?}");
    }

    #[test]
    fn a_table_that_is_not_closed_is_one_mistake() {
        for header in ["[http", "[quarantine.digest", "[ht tp]", "[[http]"] {
            let told = told(&format!("{header}\n\n# Ours.\nenabled = 1\nx = 2\n[log]\nlevl = 1\n"));
            let places: Vec<&str> = told.iter().filter_map(|it| it.split(':').nth(1)).collect();
            assert_eq!(places, ["1", "7"], "{header}: {told:#?}");
        }
    }
}
