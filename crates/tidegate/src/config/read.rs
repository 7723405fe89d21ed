//! From a tree to a typed section, telling every mistake on the way and not only the first.
//!
//! A section is read by serde. When that fails, the mistake is noted with its place, what is wrong
//! is taken out of the tree, and the section is read again.
//!
//! Invariant: reading ends, since each round takes something out.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use tidegate_signal::nearest;

use super::mistake::Findings;
use super::source::{Origin, Sources};
use super::tree::{Node, Table, Value, item_index, item_key};

/// Reads the table at `name` of `root`; what is wrong in it is told and its default used.
///
/// `defaults` is the documented default of everything, from which remedies quote.
pub(crate) fn section<T: DeserializeOwned + Default>(
    root: &mut Node,
    name: &str,
    defaults: &Node,
    sources: &Sources,
    findings: &mut Findings,
) -> T {
    let mut taken: Vec<Vec<String>> = Vec::new();
    loop {
        let Some(node) = root.find(&[name]) else { return T::default() };
        let wrong = match T::deserialize(node) {
            Ok(section) => return section,
            Err(wrong) => wrong,
        };
        let mut path: Vec<&str> = vec![name];
        path.extend(wrong.path.iter().rev().map(String::as_str));
        // What is missing since it was taken out was told already.
        let was_there = match wrong.kind {
            Kind::Missing(field) => taken.iter().any(|taken| {
                taken.split_last().is_some_and(|(key, table)| key == field && *table == path[..])
            }),
            _ => false,
        };
        if !was_there {
            let place = sources.place(wrong.origin.unwrap_or(node.origin));
            let (what, remedy) = wrong.words(&path, defaults);
            findings.mistake(place, what, remedy);
        }
        root.take(&path);
        taken.push(path.into_iter().map(str::to_owned).collect());
    }
}

/// What serde found wrong, and where.
#[derive(Debug)]
pub(crate) struct Wrong {
    kind: Kind,
    origin: Option<Origin>,
    /// The keys that lead there, the innermost first; of a list's item its [`item_key`].
    path: Vec<String>,
    /// The text that was not understood.
    value: Option<String>,
}

#[derive(Debug)]
enum Kind {
    UnknownKey { known: &'static [&'static str] },
    UnknownWord { word: String, known: &'static [&'static str] },
    Missing(&'static str),
    Type { is: String, wanted: String },
    Custom(String),
}

impl Wrong {
    fn new(kind: Kind) -> Self {
        Self { kind, origin: None, path: Vec::new(), value: None }
    }

    fn within(mut self, key: &str, origin: Origin) -> Self {
        self.path.push(key.to_owned());
        self.origin.get_or_insert(origin);
        self
    }

    fn at(mut self, origin: Origin) -> Self {
        self.origin.get_or_insert(origin);
        self
    }

    /// Of a value that its own type refused, in its own words.
    fn of(mut self, node: &Node) -> Self {
        if self.origin.is_none() {
            self.value = node.as_text().map(str::to_owned);
        }
        self.at(node.origin)
    }

    /// What is wrong, and what to write instead.
    fn words(&self, path: &[&str], defaults: &Node) -> (String, String) {
        let path: Vec<&str> =
            path.iter().copied().filter(|key| item_index(key).is_none()).collect();
        let dotted = dotted(&path);
        let (table, key) = match path.split_last() {
            Some((key, table)) => (self::dotted(table), *key),
            None => (String::new(), ""),
        };
        match &self.kind {
            Kind::UnknownKey { known } => {
                let remedy = match nearest(key, known.iter().copied()) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => format!("its settings are: {}", known.join(", ")),
                };
                (format!("[{table}] has no setting '{key}'"), remedy)
            }
            Kind::UnknownWord { word, known } => {
                (format!("{dotted} can't be '{word}'"), words_of(word, known))
            }
            Kind::Missing(field) => {
                (format!("'{field}' is missing in {dotted}"), format!("add {field} = …"))
            }
            Kind::Type { is, wanted } => {
                let example =
                    example(&path, key, defaults).map(|example| format!(", as in {example}"));
                (
                    format!("{dotted} is {is}"),
                    format!("write {wanted}{}", example.unwrap_or_default()),
                )
            }
            Kind::Custom(words) => {
                let remedy = match example(&path, key, defaults) {
                    Some(example) if !words.contains("write ") => {
                        format!("write for example {example}")
                    }
                    _ => String::new(),
                };
                match self.value.as_deref().filter(|value| !words.contains(value)) {
                    Some(value) => {
                        (format!("{dotted} can't be \"{}\": {words}", value.escape_debug()), remedy)
                    }
                    None => (format!("{dotted}: {words}"), remedy),
                }
            }
        }
    }
}

/// A path as TOML writes it: an address in it is in quotes, and so can be told from what stands before.
fn dotted(path: &[&str]) -> String {
    let is_bare = |key: &str| {
        !key.is_empty()
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let key = |key: &&str| match is_bare(key) {
        true => (*key).to_owned(),
        false => format!("\"{}\"", key.escape_debug()),
    };
    path.iter().map(key).collect::<Vec<_>>().join(".")
}

/// The documented default at `path`, as it is written.
fn example(path: &[&str], key: &str, defaults: &Node) -> Option<String> {
    let default = defaults.find(path)?.to_toml();
    (!default.is_table()).then(|| format!("{key} = {default}"))
}

fn words_of(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("write one of: \"{}\"", known.join("\", \"")),
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(words: T) -> Self {
        Self::new(Kind::Custom(words.to_string()))
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::new(Kind::UnknownKey { known })
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(Kind::UnknownWord { word: word.to_owned(), known })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Kind::Missing(field))
    }

    fn invalid_type(is: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::new(Kind::Type { is: shown(is), wanted: in_words(&wanted.to_string()) })
    }

    fn invalid_value(is: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::invalid_type(is, wanted)
    }
}

fn shown(is: Unexpected<'_>) -> String {
    match is {
        Unexpected::Str(text) => format!("the text \"{}\"", text.escape_debug()),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Float(number) => format!("{number:?}"),
        Unexpected::Bool(truth) => truth.to_string(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// Rust's names of types, for people who don't write Rust.
fn in_words(wanted: &str) -> String {
    let words = match wanted {
        "u16" => "a whole number from 0 to 65535",
        "u8" => "a whole number from 0 to 255",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" => "text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list, in [ ]",
        "a map" => "a table",
        _ if wanted.starts_with("struct ") => "a table",
        _ if wanted.contains("nonzero") => "a whole number, 1 or more",
        _ => wanted,
    };
    words.to_owned()
}

impl<'de> de::Deserializer<'de> for &'de Node {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let read = match &self.value {
            Value::Text(text) | Value::Date(text) => visitor.visit_borrowed_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Boolean(truth) => visitor.visit_bool(*truth),
            Value::List(items) => visitor.visit_seq(Items(items.iter().enumerate())),
            Value::Table(table) => visitor.visit_map(Entries::new(table)),
        };
        read.map_err(|wrong| wrong.of(self))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let read = match &self.value {
            Value::Text(word) => visitor.visit_enum(StrDeserializer::<Wrong>::new(word)),
            Value::Table(table) => {
                visitor.visit_enum(MapAccessDeserializer::new(Entries::new(table)))
            }
            _ => self.deserialize_any(visitor).map_err(|_| {
                Wrong::custom(format!("write one of: \"{}\"", variants.join("\", \"")))
            }),
        };
        let _ = name;
        read.map_err(|wrong| wrong.at(self.origin))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The items of a list.
struct Items<'n>(std::iter::Enumerate<std::slice::Iter<'n, Node>>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        let Some((index, node)) = self.0.next() else { return Ok(None) };
        let read = seed.deserialize(node).map(Some);
        read.map_err(|wrong| wrong.of(node).within(&item_key(index), node.origin))
    }
}

/// The entries of a table.
struct Entries<'n> {
    rest: std::collections::btree_map::Iter<'n, String, (Origin, Node)>,
    next: Option<(&'n str, &'n Node)>,
}

impl<'n> Entries<'n> {
    fn new(table: &'n Table) -> Self {
        Self { rest: table.0.iter(), next: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Some((key, (origin, node))) = self.rest.next() else { return Ok(None) };
        self.next = Some((key, node));
        let name: StrDeserializer<'de, Wrong> = key.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|wrong| wrong.within(key, *origin))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let Some((key, node)) = self.next.take() else {
            return Err(Wrong::custom("a value without a key"));
        };
        seed.deserialize(node).map_err(|wrong| wrong.of(node).within(key, node.origin))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::super::source;
    use super::super::tree;
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Server {
        port: u16,
        ratio: f32,
        names: Vec<String>,
        mode: Option<Mode>,
        zones: BTreeMap<String, Zone>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Fast,
        Careful,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Zone {
        zone: String,
        #[serde(default)]
        off: bool,
    }

    fn read(text: &str) -> (Server, Vec<String>) {
        let mut sources = Sources::default();
        let source = sources.add(source::Kind::File("f".into()), text.to_owned());
        let mut findings = Findings::default();
        let mut root = tree::parse(&sources, source, text, &mut findings);
        let default = "[server]\nport = 25\n";
        let defaults = tree::parse(&sources, source, default, &mut findings);
        let server = section(&mut root, "server", &defaults, &sources, &mut findings);
        (server, findings.into_mistakes().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_section_is_read_as_its_type() {
        let (server, mistakes) = read(
            "[server]\nport = 7\nratio = 2\nnames = ['a']\nmode = 'fast'\n[server.zones.x]\nzone = 'z'",
        );
        assert_eq!(mistakes, [""; 0]);
        assert_eq!((server.port, server.ratio, server.mode), (7, 2.0, Some(Mode::Fast)));
        assert_eq!(server.zones["x"], Zone { zone: "z".to_owned(), off: false });
    }

    #[test]
    fn every_mistake_is_told_with_its_place_and_remedy() {
        let (server, mistakes) = read(
            "[server]\nporrt = 7\nratio = 'x'\nport = 70000\nmode = 'fasst'\nnames = [1]\n\
             [server.zones.x]\noff = 1\n[server.zones.'y@a.b']\nzone = 'z'\nelse = 2\n",
        );
        assert_eq!(
            mistakes,
            [
                "f:2:1: [server] has no setting 'porrt'; did you mean 'port'?",
                "f:3:9: server.ratio is the text \"x\"; write a number",
                "f:4:8: server.port is 70000; write a whole number from 0 to 65535, as in port = 25",
                "f:5:8: server.mode can't be 'fasst'; did you mean \"fast\"?",
                "f:6:10: server.names is 1; write text in quotes",
                "f:7:1: 'zone' is missing in server.zones.x; add zone = …",
                "f:8:7: server.zones.x.off is 1; write true or false",
                "f:11:1: [server.zones.\"y@a.b\"] has no setting 'else'; its settings are: zone, off",
            ]
        );
        assert_eq!(server.zones.len(), 1, "what is right is kept");
        let (_, mistakes) = read("[server.zones.x]\nzone = 1\n");
        assert_eq!(mistakes, ["f:2:8: server.zones.x.zone is 1; write text in quotes"]);
    }
}
