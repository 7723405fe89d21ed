//! A rule file as written: TOML read with the place of everything in it, mistakes gathered.
//!
//! Invariant: a rule comes out of here only when each of its keys has a value of the right kind;
//! what its patterns, places and names mean is for `compile` to find out.

use std::ops::Range;

use tidegate_signal::{Family, SignalDef};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::error::{Mistakes, Origin, suggest};

/// A rule file and the name to call it by in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// Such as `phishing.toml`; only shown.
    pub name: String,
    /// TOML.
    pub text: String,
}

/// A value and its range of bytes in the file.
pub(crate) type Placed<T> = (T, Range<usize>);

/// One `[rules.NAME]` table.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) name: Placed<String>,
    pub(crate) family: Family,
    pub(crate) says: String,
    pub(crate) score: f32,
    pub(crate) private: bool,
    pub(crate) places: Vec<Placed<String>>,
    pub(crate) patterns: Vec<Placed<String>>,
    pub(crate) words: Vec<Placed<String>>,
    pub(crate) at_least: Option<Placed<usize>>,
    pub(crate) value: Option<Placed<String>>,
    pub(crate) over: Option<Placed<f64>>,
    pub(crate) under: Option<Placed<f64>>,
    pub(crate) when: Option<Placed<String>>,
    pub(crate) unless: Option<Placed<String>>,
    pub(crate) matches: Vec<Placed<String>>,
    pub(crate) rejects: Vec<Placed<String>>,
}

const KEYS: [&str; 16] = [
    "says", "score", "in", "pattern", "patterns", "words", "at_least", "value", "over", "under",
    "when", "unless", "private", "family", "matches", "rejects",
];

/// Scores beyond this are a slip of the keyboard: the default threshold for rejection is 15.
const HIGHEST_SCORE: f64 = 100.0;
/// `says` is a sentence in a bounce message, not a manual.
const LONGEST_SAYS: usize = 160;

/// Reads one file. `None`: the TOML itself is broken, and which names it declares isn't known.
pub(crate) fn read(origin: Origin<'_>, mistakes: &mut Mistakes) -> Option<Vec<Written>> {
    let (document, broken) = DeTable::parse_recoverable(origin.text);
    for error in &broken {
        let span = error.span().unwrap_or(0..0);
        let what = format!("this is not TOML: {}", error.message().replace('\n', ", "));
        mistakes.at(origin, &span, what, "mend this line");
    }
    if !broken.is_empty() {
        return None;
    }
    let mut file = Keys { origin, mistakes, owner: "the file".to_owned() };
    let mut family = None;
    let mut rules = Vec::new();
    for (key, value) in in_order(document.get_ref()) {
        match key.get_ref().as_ref() {
            "family" => family = file.family(value),
            "rules" => rules = file.table(value).map(in_order).unwrap_or_default(),
            _ => file.unknown(key, &["family", "rules"]),
        }
    }
    let mut read = Vec::new();
    for (name, table) in rules {
        file.owner = name.get_ref().to_string();
        read.extend(file.rule(name, table, family));
    }
    Some(read)
}

type Entry<'t, 'i> = (&'t Spanned<DeString<'i>>, &'t Spanned<DeValue<'i>>);

/// TOML tables come sorted by name; people read files from top to bottom.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<Entry<'t, 'i>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// Reads values of one table, and tells what is wrong with them.
struct Keys<'f, 'm> {
    origin: Origin<'f>,
    mistakes: &'m mut Mistakes,
    /// Whose keys these are, in words.
    owner: String,
}

impl Keys<'_, '_> {
    fn rule(
        &mut self,
        name: &Spanned<DeString<'_>>,
        table: &Spanned<DeValue<'_>>,
        family: Option<Family>,
    ) -> Option<Written> {
        let known = self.mistakes.all.len();
        if !SignalDef::is_valid_name(name.get_ref()) {
            let remedy = "write A–Z, digits and single underscores, beginning with a letter";
            self.wrong(&name.span(), "the name of a rule can't be written so", remedy);
        }
        let mut rule = Written {
            name: (name.get_ref().to_string(), name.span()),
            family: family.unwrap_or(Family::Content),
            says: String::new(),
            score: 0.0,
            private: false,
            places: Vec::new(),
            patterns: Vec::new(),
            words: Vec::new(),
            at_least: None,
            value: None,
            over: None,
            under: None,
            when: None,
            unless: None,
            matches: Vec::new(),
            rejects: Vec::new(),
        };
        let (mut own_family, mut score, mut says) = (family, None, None);
        for (key, value) in in_order(self.table(table)?) {
            match key.get_ref().as_ref() {
                "says" => says = self.text(value),
                "score" => score = self.number(value),
                "family" => own_family = self.family(value),
                "in" => rule.places = self.texts(value),
                "pattern" => rule.patterns.extend(self.text(value)),
                "patterns" => rule.patterns.extend(self.texts(value)),
                "words" => rule.words = self.texts(value),
                "at_least" => rule.at_least = self.count(value),
                "value" => rule.value = self.text(value),
                "over" => rule.over = self.number(value),
                "under" => rule.under = self.number(value),
                "when" => rule.when = self.text(value),
                "unless" => rule.unless = self.text(value),
                "private" => rule.private = self.flag(value).unwrap_or(false),
                "matches" => rule.matches = self.examples(value),
                "rejects" => rule.rejects = self.examples(value),
                _ => self.unknown(key, &KEYS),
            }
        }
        // A missing key and a bad value of it would be one mistake told twice.
        if self.mistakes.all.len() > known {
            return None;
        }
        rule.family = self.require(
            name,
            own_family,
            "family",
            "family = \"content\" at the top of the file",
        )?;
        let (says, at) = self.require(name, says, "says", "says = \"one short sentence\"")?;
        if says.chars().count() > LONGEST_SAYS || says.contains(char::is_control) {
            self.wrong(
                &at,
                "'says' is no short sentence",
                "write at most 160 characters, one line",
            );
            return None;
        }
        rule.says = says;
        rule.score = match (score, rule.private) {
            (None, true) => 0.0,
            (Some((_, at)), true) => {
                self.wrong(&at, "a private rule has no score", "leave out score, or private");
                return None;
            }
            (score, false) => {
                let (score, at) = self.require(name, score, "score", "score = 1.0")?;
                if score.abs() > HIGHEST_SCORE {
                    self.wrong(&at, "the score is out of range", "write a number from -100 to 100");
                    return None;
                }
                score as f32
            }
        };
        Some(rule)
    }

    fn require<T>(
        &mut self,
        rule: &Spanned<DeString<'_>>,
        value: Option<T>,
        key: &str,
        example: &str,
    ) -> Option<T> {
        if value.is_none() {
            self.wrong(&rule.span(), &format!("'{key}' is missing"), &format!("add {example}"));
        }
        value
    }

    fn family(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Family> {
        let (word, at) = self.text(value)?;
        let family = word.parse().ok();
        if family.is_none() {
            let remedy = suggest(&word, Family::ALL.iter().map(|family| family.as_str()));
            self.wrong(&at, &format!("'{word}' is not a family of signals"), &remedy);
        }
        family
    }

    fn text(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Placed<String>> {
        let (text, at) = self.any_text(value)?;
        if text.trim().is_empty() {
            self.wrong(&at, "the text is empty", "write something between the quotes");
            return None;
        }
        Some((text, at))
    }

    fn any_text(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Placed<String>> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            let what = format!("here stands {}, not text", kind(value.get_ref()));
            self.wrong(&value.span(), &what, "write text between quotes");
        }
        Some((text?.to_owned(), value.span()))
    }

    /// One text, or a list of them.
    fn texts(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<Placed<String>> {
        self.each(value, Self::text)
    }

    /// An example may be empty: so is many a field.
    fn examples(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<Placed<String>> {
        self.each(value, Self::any_text)
    }

    fn each(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        read: fn(&mut Self, &Spanned<DeValue<'_>>) -> Option<Placed<String>>,
    ) -> Vec<Placed<String>> {
        match value.get_ref() {
            DeValue::Array(list) => list.iter().filter_map(|item| read(self, item)).collect(),
            _ => read(self, value).into_iter().collect(),
        }
    }

    fn number(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Placed<f64>> {
        let number = match value.get_ref() {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().parse().ok(),
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number: &f64| number.is_finite());
        if number.is_none() {
            let what = format!("here stands {}, not a number", kind(value.get_ref()));
            self.wrong(&value.span(), &what, "write a number such as 1.5");
        }
        Some((number?, value.span()))
    }

    fn count(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Placed<usize>> {
        let (number, at) = self.number(value)?;
        if !(number.fract() == 0.0 && (1.0..=1000.0).contains(&number)) {
            self.wrong(&at, "this is not a count", "write a whole number from 1 to 1000");
            return None;
        }
        Some((number as usize, at))
    }

    fn flag(&mut self, value: &Spanned<DeValue<'_>>) -> Option<bool> {
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            let what = format!("here stands {}, not true or false", kind(value.get_ref()));
            self.wrong(&value.span(), &what, "write true or false, without quotes");
        }
        flag
    }

    fn table<'t, 'i>(&mut self, value: &'t Spanned<DeValue<'i>>) -> Option<&'t DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let what = format!("here stands {}, not a table", kind(value.get_ref()));
            self.wrong(&value.span(), &what, "begin it with [rules.NAME]");
        }
        table
    }

    fn unknown(&mut self, key: &Spanned<DeString<'_>>, known: &[&str]) {
        let remedy = suggest(key.get_ref(), known.iter().copied());
        self.wrong(&key.span(), &format!("'{}' is no key", key.get_ref()), &remedy);
    }

    fn wrong(&mut self, at: &Range<usize>, what: &str, remedy: &str) {
        self.mistakes.at(self.origin, at, format!("{}: {what}", self.owner), remedy);
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
