//! Senders that a recipient allows or blocks: one address, or a domain with all below it.
//!
//! Invariant: letter case is of no matter, and what could match everything is refused.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tidegate_mail::Address;

/// `anna@example.org`, or `example.org` with its subdomains.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SenderPattern {
    /// One address, in lower case.
    Address(String),
    /// A domain and everything below it, in lower case.
    Domain(String),
}

impl SenderPattern {
    /// How closely `sender` is meant: 2 by its address, 1 by its domain, 0 not at all.
    #[must_use]
    pub fn meets(&self, sender: &Address) -> u8 {
        let Some(domain) = sender.domain() else { return 0 };
        match self {
            Self::Address(address) => {
                let same = sender.as_str().eq_ignore_ascii_case(address);
                u8::from(same || sender.as_str().to_lowercase() == *address) * 2
            }
            Self::Domain(own) => u8::from(is_within(domain, own)),
        }
    }
}

/// Whether `domain` is `above`, or lies below it.
pub(crate) fn is_within(domain: &str, above: &str) -> bool {
    domain.strip_suffix(above).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// Whether `name` looks like a domain under a top-level one.
pub(crate) fn is_domain(name: &str) -> bool {
    name.len() <= 253
        && name.contains('.')
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        })
}

/// Whether `local` could stand before the `@` of an address.
pub(crate) fn is_local(local: &str) -> bool {
    !local.is_empty()
        && local.len() <= 64
        && !local.chars().any(|c| c.is_whitespace() || c.is_control() || "*@<>,;".contains(c))
}

impl FromStr for SenderPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().to_lowercase();
        let wrong = || {
            format!(
                "'{text}' is neither an address nor a domain; write it like \"anna@example.org\", or \
                 \"example.org\" for a domain with all below it"
            )
        };
        match text.rsplit_once('@') {
            Some(("", domain)) if is_domain(domain) => Ok(Self::Domain(domain.to_owned())),
            Some((local, domain)) if is_local(local) && is_domain(domain) => {
                Ok(Self::Address(text))
            }
            None if is_domain(&text) => Ok(Self::Domain(text)),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for SenderPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<SenderPattern> for String {
    fn from(pattern: SenderPattern) -> Self {
        match pattern {
            SenderPattern::Address(text) | SenderPattern::Domain(text) => text,
        }
    }
}

impl fmt::Display for SenderPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) | Self::Domain(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, sender: &str, closeness: u8) {
        let pattern: SenderPattern = pattern.parse().unwrap();
        assert_eq!(pattern.meets(&Address::new(sender)), closeness, "{pattern} {sender}");
    }

    #[test]
    fn an_address_is_meant_alone_and_a_domain_with_all_below_it() {
        check("Anna@Example.org", "anna@example.org", 2);
        check("anna@example.org", "ANNA@EXAMPLE.ORG", 2);
        check("anna@example.org", "bert@example.org", 0);
        check("example.org", "bert@example.org", 1);
        check("@example.org", "bert@mail.example.org", 1);
        check("example.org", "bert@badexample.org", 0);
        check("example.org", "", 0);
    }

    #[test]
    fn what_is_neither_is_refused_with_what_to_write() {
        for bad in ["", "*", "*@example.org", "org", "@", "a b@example.org", "anna@", "a@b", ".org"]
        {
            let error = bad.parse::<SenderPattern>().unwrap_err();
            assert!(error.contains("write it like"), "{bad}: {error}");
        }
    }
}
