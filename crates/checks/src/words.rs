//! A few words that are looked for in a text all at once, letter case of ASCII aside.
//!
//! Invariant: the text is searched once, however many words there are.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

/// Words of which any will do.
pub(crate) struct Words {
    /// In lower case.
    words: &'static [&'static str],
    /// Built when it is first needed.
    search: OnceLock<Option<AhoCorasick>>,
}

impl Words {
    /// `words` are in lower case.
    pub(crate) const fn new(words: &'static [&'static str]) -> Self {
        Self { words, search: OnceLock::new() }
    }

    /// Whether one of them is in `text`.
    pub(crate) fn any_in(&self, text: &str) -> bool {
        // A copy in lower case costs less than a search that does without: words of one letter case are
        // sought many bytes at a time.
        let text = text.to_ascii_lowercase();
        match self.search.get_or_init(|| search(self.words)) {
            Some(search) => search.is_match(&text),
            // More than one search can hold, which a few words are not.
            None => self.words.iter().any(|word| text.contains(word)),
        }
    }
}

/// The kind of match makes no difference to whether there is one; this kind searches by vectors.
fn search(words: &[&str]) -> Option<AhoCorasick> {
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(words).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    static OUT: Words = Words::new(&["opt out", "désabonner"]);

    #[test]
    fn a_word_is_found_in_any_letter_case_of_ascii() {
        assert!(OUT.any_in("To Opt Out, write") && OUT.any_in("se DéSABONNER"));
        assert!(!OUT.any_in("") && !OUT.any_in("opt  out") && !OUT.any_in("DÉSABONNER"));
        assert!(OUT.search.get().is_some_and(Option::is_some));
    }
}
