//! A person, as far as addresses tell: one user as policies know them, under all names that are known.
//!
//! Invariant: whoever is asked whether an address is theirs folds it as mail for it is folded.

use tidegate_mail::Address;
use tidegate_policy::{Book, Folding};

/// A person.
pub(crate) struct Whom {
    /// As policies know them.
    pub(crate) user: String,
    /// The address that was asked for, the user's own, and aliases; in lower case.
    names: Vec<String>,
    folding: Folding,
}

impl Whom {
    /// Whoever has `address`.
    pub(crate) fn new(address: &str, book: &Book) -> Self {
        let (folding, address) = (book.folding().clone(), Address::new(address));
        let user = folding.user(&address);
        let mut names = folding.names(&user);
        let asked = address.as_str().to_lowercase();
        if !names.contains(&asked) {
            names.push(asked);
        }
        Self { user, names, folding }
    }

    /// The addresses that are known to be theirs.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether an address is theirs.
    pub(crate) fn is(&self, address: &str) -> bool {
        let address = Address::new(address);
        !address.is_null() && self.folding.user(&address) == self.user
    }

    /// Whether one of their names stands in `bytes`, letter case aside.
    pub(crate) fn is_named_in(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        self.names.iter().any(|name| is_word(&text, name))
    }
}

/// Whether `name` stands in `text`, and not as a part of a longer address.
fn is_word(text: &str, name: &str) -> bool {
    let is_of_address = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        let goes_on = after.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '@'));
        !before.is_some_and(is_of_address) && !goes_on
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use tidegate_policy::UserPolicy;

    use super::*;

    #[test]
    fn a_person_is_known_by_all_names() {
        let aliases = [("info@example.org".to_owned(), "anna@example.org".to_owned())];
        let folding = Folding::new("+", &BTreeMap::from(aliases)).unwrap();
        let book = Book::new(UserPolicy::default(), folding, Arc::default(), Arc::default());
        let whom = Whom::new("<Anna+Shop@Example.org>", &book);
        assert_eq!(whom.user, "anna@example.org");
        for theirs in ["anna@example.org", "ANNA+x@example.org", "info@example.org"] {
            assert!(whom.is(theirs), "{theirs}");
        }
        for other in ["", "hanna@example.org", "anna@example.com", "<>"] {
            assert!(!whom.is(other), "{other}");
        }
        assert!(whom.is_named_in(b"to <Info@example.org>."));
        assert!(!whom.is_named_in(b"to hanna@example.org, anna@example.org-mail.example"));
    }
}
