//! Whether two hosts belong to one owner, and whether a word is a host at all.
//!
//! Invariant: everything here is in lower case.

use tidegate_mail::registered_domain;

/// Top-level domains by which a word without `http://` or `www.` is known to be a host, and not a
/// file (`README.md`), a program (`node.js`) or a name (`J.Smith`).
const TOP_LEVELS: [&str; 30] = [
    "com", "net", "org", "info", "biz", "edu", "gov", "mil", "eu", "de", "fr", "uk", "it", "es",
    "nl", "pl", "ru", "ch", "at", "be", "br", "au", "ca", "us", "jp", "cn", "in", "dk", "se", "no",
];

/// Whether labels and dots are all that a word has.
pub(crate) fn has_form_of_host(word: &str) -> bool {
    word.contains('.')
        && word.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

/// Whether a word, with nothing before it that says so, is a host.
pub(crate) fn is_host(word: &str) -> bool {
    has_form_of_host(word) && word.rsplit('.').next().is_some_and(|top| TOP_LEVELS.contains(&top))
}

/// One registered domain, or one name under several top-level domains, as shops have.
pub(crate) fn same_owner(a: &str, b: &str) -> bool {
    match (registered_domain(a), registered_domain(b)) {
        (Some(a), Some(b)) => a == b || a.split('.').next() == b.split('.').next(),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_other_words() {
        for host in ["example.com", "www.example.co.uk", "a-b.example.de"] {
            assert!(is_host(host), "{host}");
        }
        for word in ["readme.md", "node.js", "j.smith", "example", ".com", "a..com", "é.com", ""] {
            assert!(!is_host(word), "{word}");
        }
    }

    #[test]
    fn owners_are_told_by_their_registered_names() {
        assert!(same_owner("mail.example.com", "www.example.com"));
        assert!(same_owner("amazon.com", "amazon.co.uk"));
        assert!(!same_owner("example.com", "example-login.com"));
        assert!(!same_owner("a.co.uk", "b.co.uk"));
        assert!(same_owner("localhost", "localhost"));
    }
}
