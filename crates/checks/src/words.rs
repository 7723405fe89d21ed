//! A few words that are looked for in a text all at once, letter case of ASCII aside.
//!
//! Invariant: one pass over the text, however many words there are, and no copy of it.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

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
        match self.search.get_or_init(|| search(self.words)) {
            Some(search) => search.is_match(text),
            // More than one search can hold, which a few words are not.
            None => {
                let text = text.to_ascii_lowercase();
                self.words.iter().any(|word| text.contains(word))
            }
        }
    }
}

fn search(words: &[&str]) -> Option<AhoCorasick> {
    let mut builder = AhoCorasick::builder();
    builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(words).ok()
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
