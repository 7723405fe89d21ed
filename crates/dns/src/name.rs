//! Names of hosts and domains (RFC 1035, section 2.3), ready to be asked for.
//!
//! Invariant: a [`Name`] is in lower case, in ASCII, without a trailing dot, of at most 253 octets,
//! in labels of 1 to 63; so equal names are equal strings, and one cache entry.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

/// Longest name in text form without its trailing dot: 255 octets on the wire.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;
/// Past this many octets a name in Unicode is not worth the work of mapping it.
const LONGEST_INPUT: usize = 1_024;

/// A valid name in DNS; cheap to clone.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name(Arc<str>);

/// Why a text is no name that can be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing, or an empty label.
    #[error("a name has no empty labels")]
    Empty,
    /// More than 253 octets, or a label of more than 63.
    #[error("a name has at most 253 octets, in labels of at most 63")]
    TooLong,
    /// A character that no name has.
    #[error("a name has letters, digits, '-' and '_'")]
    Character,
    /// Unicode that IDNA (RFC 5891) does not map.
    #[error("the name is no valid international name")]
    International,
}

impl Name {
    /// The root: as the exchange of a null MX, "takes no mail" (RFC 7505). Not to be had by parsing.
    #[must_use]
    pub fn root() -> Self {
        Self("".into())
    }

    /// In lower case, without a trailing dot; empty for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has more labels below those of `zone`.
    #[must_use]
    pub fn is_below(&self, zone: &Self) -> bool {
        self.0.strip_suffix(&*zone.0).is_some_and(|rest| rest.ends_with('.'))
    }

    /// The name of `text` within `zone`.
    pub(crate) fn within(text: &str, zone: &Self) -> Result<Self, NameError> {
        let below = normal(text)?;
        if below.len() + 1 + zone.0.len() > LONGEST_NAME {
            return Err(NameError::TooLong);
        }
        Ok(Self([&*below, ".", &zone.0].concat().into()))
    }

    /// Its labels, the lowest first.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.split('.').filter(|label| !label.is_empty())
    }
}

impl TryFrom<&str> for Name {
    type Error = NameError;

    /// Takes letters of any case, one trailing dot, and international names in Unicode.
    fn try_from(text: &str) -> Result<Self, NameError> {
        normal(text).map(|text| Self(text.into()))
    }
}

/// The text of the name that `text` is.
fn normal(text: &str) -> Result<Cow<'_, str>, NameError> {
    if text.len() > LONGEST_INPUT {
        return Err(NameError::TooLong);
    }
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.is_ascii() {
        check(text)?;
        return Ok(match text.bytes().any(|octet| octet.is_ascii_uppercase()) {
            true => Cow::Owned(text.to_ascii_lowercase()),
            false => Cow::Borrowed(text),
        });
    }
    let mapped = idna::domain_to_ascii(text).map_err(|_| NameError::International)?;
    let mapped = mapped.strip_suffix('.').unwrap_or(&mapped);
    check(mapped)?;
    Ok(Cow::Owned(mapped.to_ascii_lowercase()))
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::try_from(&*text).map_err(serde::de::Error::custom)
    }
}

fn check(text: &str) -> Result<(), NameError> {
    if text.len() > LONGEST_NAME {
        return Err(NameError::TooLong);
    }
    for label in text.as_bytes().split(|octet| *octet == b'.') {
        if label.is_empty() {
            return Err(NameError::Empty);
        }
        if label.len() > LONGEST_LABEL {
            return Err(NameError::TooLong);
        }
        if !label.iter().all(|octet| MAY_STAND_IN_A_LABEL[usize::from(*octet)]) {
            return Err(NameError::Character);
        }
    }
    Ok(())
}

/// Letters, digits, hyphen and underscore, and what else a local part has: SPF macros (RFC 7208,
/// section 7) make labels of those.
const MAY_STAND_IN_A_LABEL: [bool; 256] = {
    let mut may = [false; 256];
    let others = b"-_!#$%&'*+/=?^`{|}~";
    let mut octet = 0;
    while octet < 256 {
        may[octet] = (octet as u8).is_ascii_alphanumeric();
        octet += 1;
    }
    let mut at = 0;
    while at < others.len() {
        may[others[at] as usize] = true;
        at += 1;
    }
    may
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, NameError>) {
        assert_eq!(Name::try_from(text).as_ref().map(Name::as_str), expect.as_ref().copied());
    }

    #[test]
    fn equal_names_are_equal_strings() {
        check("example.com", Ok("example.com"));
        check("Example.COM.", Ok("example.com"));
        check("_dmarc.example.com", Ok("_dmarc.example.com"));
        check("bücher.example", Ok("xn--bcher-kva.example"));
        check("BÜCHER.example", Ok("xn--bcher-kva.example"));
        check("user+tag._spf.example", Ok("user+tag._spf.example"));
    }

    #[test]
    fn what_no_server_could_answer_is_no_name() {
        check("", Err(NameError::Empty));
        check(".", Err(NameError::Empty));
        check("a..b", Err(NameError::Empty));
        check("a..", Err(NameError::Empty));
        check("a b.example", Err(NameError::Character));
        check("[192.0.2.1]", Err(NameError::Character));
        check("user@example", Err(NameError::Character));
        check("a\0b.example", Err(NameError::Character));
        check(&"a".repeat(64), Err(NameError::TooLong));
        check(&"a.".repeat(127), Ok("a.".repeat(127).trim_end_matches('.')));
        check(&"a.".repeat(128), Err(NameError::TooLong));
        check(&"ü".repeat(10_000), Err(NameError::TooLong));
    }

    proptest! {
        #[test]
        fn any_text_is_a_name_within_its_bounds_or_none(text in "\\PC{0,80}") {
            if let Ok(name) = Name::try_from(text.as_str()) {
                prop_assert!(name.as_str().len() <= LONGEST_NAME);
                prop_assert!(name.labels().all(|label| (1..=LONGEST_LABEL).contains(&label.len())));
                prop_assert!(!name.as_str().bytes().any(|octet| octet.is_ascii_uppercase()));
                prop_assert_eq!(Name::try_from(name.as_str()), Ok(name));
            }
        }
    }
}
