//! Every name that can occur under one configuration.
//!
//! Invariant: one name, one declaration.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Def, SignalDef};

/// The declarations of all checks, rules and list zones of a configuration, by name.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(BTreeMap<String, Def>);

/// Two declarations want one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateName(pub String);

impl fmt::Display for DuplicateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "two signals are named {}; rename one of them", self.0)
    }
}

impl std::error::Error for DuplicateName {}

impl Catalogue {
    /// Adds a declaration.
    ///
    /// # Errors
    /// When the name is taken by another declaration. List zones may share one: the same name with
    /// the same family and meaning is the same signal.
    pub fn add(&mut self, def: impl Into<Def>) -> Result<(), DuplicateName> {
        let def = def.into();
        if let Some(known) = self.0.get(def.name.as_ref()) {
            let same = known.family == def.family && known.says == def.says;
            return if same { Ok(()) } else { Err(DuplicateName(def.name.clone().into_owned())) };
        }
        self.0.insert(def.name.clone().into_owned(), def);
        Ok(())
    }

    /// The declaration of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SignalDef> {
        self.0.get(name).map(|def| &**def)
    }

    /// The known name that a mistyped one most likely meant.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.0.keys().map(String::as_str))
    }

    /// All declarations, by name.
    pub fn iter(&self) -> impl Iterator<Item = &SignalDef> {
        self.0.values().map(|def| &**def)
    }
}

/// The candidate that a mistyped `word` most likely meant, when one is near enough: a third of its
/// letters may differ.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits of one letter that turn `a` into `b`, letter case aside (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().map(|c| c.to_ascii_lowercase()).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Family;

    static A: SignalDef = SignalDef::new("MISSING_DATE", Family::Headers, 1.0, "No date");
    static B: SignalDef = SignalDef::new("MISSING_DATE", Family::Headers, 1.0, "Other words");

    #[test]
    fn one_name_has_one_meaning() {
        let mut catalogue = Catalogue::default();
        assert_eq!(catalogue.add(&A), Ok(()));
        assert_eq!(catalogue.add(&A), Ok(()));
        assert_eq!(catalogue.add(&B), Err(DuplicateName("MISSING_DATE".to_owned())));
    }

    #[test]
    fn a_mistyped_name_finds_the_nearest() {
        let mut catalogue = Catalogue::default();
        catalogue.add(&A).unwrap();
        assert_eq!(catalogue.nearest("MISING_DATE"), Some("MISSING_DATE"));
        assert_eq!(catalogue.nearest("LISTED_SBL"), None);
        assert_eq!(nearest("lsiten", ["listen", "mode"].into_iter()), Some("listen"));
    }
}
