//! Whose layer of a policy it is: a domain's or a user's.
//!
//! Invariant: one subject is written in one way, in lower case: `@example.org` or `anna@example.org`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::sender_pattern::{is_domain, is_local};

/// A domain or a user with a layer of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// All users of a domain, but not of those below it.
    Domain(String),
    /// One user.
    User(String),
}

impl Subject {
    /// The domain of that name.
    ///
    /// # Errors
    /// When it is none, in words.
    pub fn domain(name: &str) -> Result<Self, String> {
        let domain = name.trim().trim_end_matches('.').to_lowercase();
        if is_domain(&domain) {
            Ok(Self::Domain(domain))
        } else {
            Err(format!("'{name}' is no domain; write it like \"example.org\""))
        }
    }

    /// The user with that address.
    ///
    /// # Errors
    /// When it is none, in words.
    pub fn user(address: &str) -> Result<Self, String> {
        let user = address.trim().to_lowercase();
        match user.rsplit_once('@') {
            Some((local, domain)) if is_local(local) && is_domain(domain) => Ok(Self::User(user)),
            _ => Err(format!("'{address}' is no address; write it like \"anna@example.org\"")),
        }
    }
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix('@') {
            Some(domain) => Self::domain(domain),
            None => Self::user(text).map_err(|words| match Self::domain(text) {
                Ok(domain) => format!("{words}, or \"{domain}\" for all of that domain"),
                Err(_) => words,
            }),
        }
    }
}

impl TryFrom<String> for Subject {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => write!(f, "@{domain}"),
            Self::User(user) => f.write_str(user),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_back_as_it_is_written() {
        for (text, written) in
            [("@Example.org", "@example.org"), ("Anna@example.ORG", "anna@example.org")]
        {
            let subject: Subject = text.parse().unwrap();
            assert_eq!(subject.to_string(), written);
            assert_eq!(written.parse(), Ok(subject));
        }
        for bad in ["anna", "@", "", "@org", "*@example.org"] {
            assert!(bad.parse::<Subject>().unwrap_err().contains("write it like"), "{bad}");
        }
        let words = "example.org".parse::<Subject>().unwrap_err();
        assert!(words.ends_with("or \"@example.org\" for all of that domain"), "{words}");
    }
}
