//! The certificates that are remembered, and how long.
//!
//! Invariant: no more entries than the bound; what makes room is what would be forgotten first, so that
//! a flood of locations that lead nowhere pushes out itself.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tidegate_checks::trust::bimi::certificate::Evidence;

/// What is known of one location. Times in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// What the certificate says.
    pub(super) evidence: Evidence,
    /// From when on it is to be fetched anew.
    pub(super) refresh: u64,
    /// From when on it serves no more.
    pub(super) forget: u64,
}

/// Entries by location.
#[derive(Debug, Default)]
pub(super) struct Table(HashMap<String, Entry>);

impl Table {
    /// What is known of `location` at `now`.
    pub(super) fn get(&self, location: &str, now: u64) -> Option<&Entry> {
        self.0.get(location).filter(|entry| now < entry.forget)
    }

    /// Keeps an entry; the locations of those that had to make room, or have had their time.
    pub(super) fn put(
        &mut self,
        location: String,
        entry: Entry,
        now: u64,
        most: usize,
    ) -> Vec<String> {
        let mut gone = Vec::new();
        if !self.0.contains_key(&location) && self.0.len() >= most {
            gone.extend(self.0.extract_if(|_, known| known.forget <= now).map(|(gone, _)| gone));
            while self.0.len() >= most {
                let first = self.0.iter().min_by_key(|(_, known)| known.forget);
                let Some(first) = first.map(|(location, _)| location.clone()) else { break };
                self.0.remove(&first);
                gone.push(first);
            }
        }
        self.0.insert(location, entry);
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(forget: u64) -> Entry {
        Entry { evidence: Evidence::Unknown, refresh: 0, forget }
    }

    #[test]
    fn what_would_be_forgotten_first_makes_room() {
        let mut table = Table::default();
        let mut put = |name: &str, forget| table.put(name.to_owned(), entry(forget), 10, 3);
        assert!(put("brand", 900).is_empty());
        assert!(put("old", 5).is_empty());
        assert!(put("junk1", 20).is_empty());
        assert_eq!(put("junk2", 20), ["old"]);
        assert!(put("junk2", 21).is_empty());
        assert_eq!(put("junk3", 20), ["junk1"]);
        assert_eq!(put("junk4", 20), ["junk3"]);
        assert!(table.get("brand", 899).is_some());
        assert!(table.get("brand", 900).is_none());
        assert!(table.get("junk1", 10).is_none());
    }
}
