//! What a list's answers mean, as its operator documents them (RFC 5782, section 2.1).
//!
//! Invariant: a code matches addresses in 127.0.0.0/8 only, and none in 127.255.255.0/24, where
//! lists put their refusals.

use std::net::Ipv4Addr;

use serde::Deserialize;

/// A code as written.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CodeConfig {
    /// The answers it stands for: `127.0.0.2`, a range `127.0.0.4-7`, any `127.0.*.3`, or bits
    /// `127.0.0.&6`, all of which must be set.
    #[serde(rename = "match")]
    pub matches: String,
    /// The signal that is raised; this crate does not look at it.
    pub signal: String,
    /// Its points.
    pub score: f32,
    /// What it says of the subject, to a person.
    #[serde(default)]
    pub says: String,
}

/// A documented answer of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    octets: [Octet; 4],
    /// The signal that is raised.
    pub signal: String,
    /// Its points.
    pub score: f32,
    /// What it says of the subject, to a person.
    pub says: String,
}

/// Why a text stands for no answers.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{written:?} is no answer of a list ({wrong}); write \"127.0.0.2\", \"127.0.0.4-7\", \"127.0.*.3\" or \"127.0.0.&2\""
)]
pub struct CodeError {
    written: String,
    wrong: &'static str,
}

/// One octet of the pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Octet {
    /// Including both ends.
    Range(u8, u8),
    /// All of these bits are set.
    Bits(u8),
}

impl Code {
    /// Whether `answer` is one that this code stands for.
    #[must_use]
    pub fn matches(&self, answer: Ipv4Addr) -> bool {
        let octets = self.octets.iter().zip(answer.octets());
        !refuses_always(answer) && octets.into_iter().all(|(octet, value)| octet.matches(value))
    }
}

/// Whether lists agree that `answer` is a refusal, whatever they document.
pub(crate) const fn refuses_always(answer: Ipv4Addr) -> bool {
    matches!(answer.octets(), [127, 255, 255, _])
}

impl Octet {
    const fn matches(self, value: u8) -> bool {
        match self {
            Self::Range(from, to) => from <= value && value <= to,
            Self::Bits(bits) => value & bits == bits,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Range(0, u8::MAX));
        }
        if let Some(bits) = text.strip_prefix('&') {
            return number(bits).filter(|bits| *bits != 0).map(Self::Bits);
        }
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let (from, to) = (number(from)?, number(to)?);
        (from <= to).then_some(Self::Range(from, to))
    }
}

/// Digits only: `u8` would take a sign as well.
fn number(text: &str) -> Option<u8> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok())?
}

impl TryFrom<CodeConfig> for Code {
    type Error = CodeError;

    fn try_from(written: CodeConfig) -> Result<Self, CodeError> {
        let CodeConfig { matches, signal, score, says } = written;
        match pattern(&matches) {
            Ok(octets) => Ok(Self { octets, signal, score, says }),
            Err(wrong) => Err(CodeError { written: matches, wrong }),
        }
    }
}

fn pattern(text: &str) -> Result<[Octet; 4], &'static str> {
    let mut parts = text.trim().split('.').map(Octet::parse);
    let mut octet = || parts.next().ok_or("it has fewer than four parts")?.ok_or("a part is wrong");
    let octets = [octet()?, octet()?, octet()?, octet()?];
    if parts.next().is_some() {
        return Err("it has more than four parts");
    }
    if octets[0] != Octet::Range(127, 127) {
        return Err("it does not begin with 127");
    }
    if octets[1] == Octet::Range(255, 255) && octets[2] == Octet::Range(255, 255) {
        return Err("127.255.255 is where lists put refusals");
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(matches: &str) -> Result<Code, CodeError> {
        let written = CodeConfig {
            matches: matches.to_owned(),
            signal: "LISTED".to_owned(),
            score: 1.0,
            says: String::new(),
        };
        Code::try_from(written)
    }

    #[track_caller]
    fn check(pattern: &str, answer: [u8; 4], expect: bool) {
        assert_eq!(code(pattern).unwrap().matches(answer.into()), expect, "{pattern} {answer:?}");
    }

    #[test]
    fn a_code_stands_for_one_answer_a_range_any_or_bits() {
        check("127.0.0.2", [127, 0, 0, 2], true);
        check("127.0.0.2", [127, 0, 0, 3], false);
        check("127.0.0.4-7", [127, 0, 0, 7], true);
        check("127.0.0.4-7", [127, 0, 0, 8], false);
        check("127.0.*.3", [127, 0, 14, 3], true);
        check("127.0.*.3", [127, 0, 14, 2], false);
        check("127.0.0.&2", [127, 0, 0, 6], true);
        check("127.0.0.&6", [127, 0, 0, 2], false);
        check("127.*.*.*", [128, 0, 0, 2], false);
    }

    #[test]
    fn what_is_outside_of_loopback_or_a_refusal_is_no_code() {
        for wrong in
            ["", "127.0.0", "127.0.0.0.2", "10.0.0.2", "*.0.0.2", "127.255.255.254", "127.0.0.256"]
        {
            assert!(code(wrong).is_err(), "{wrong}");
        }
        for wrong in
            ["127.0.0.7-4", "127.0.0.&0", "127.0.0.+2", "127.0.0.-2", "127.0.0.", "a.b.c.d"]
        {
            assert!(code(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_range_matches_between_its_ends(from: u8, to: u8, value: u8) {
            let (from, to) = (from.min(to), from.max(to));
            let matches = code(&format!("127.0.0.{from}-{to}")).unwrap().matches([127, 0, 0, value].into());
            prop_assert_eq!(matches, (from..=to).contains(&value));
        }

        #[test]
        fn no_code_takes_a_refusal_for_a_listing(pattern in "127(\\.(\\*|&?[0-9]{1,3}|[0-9]{1,3}-[0-9]{1,3})){3}", last: u8) {
            if let Ok(code) = code(&pattern) {
                prop_assert!(!code.matches([127, 255, 255, last].into()));
            }
        }

        #[test]
        fn any_text_is_a_code_or_a_mistake(pattern in "\\PC{0,40}") {
            let _ = code(&pattern);
        }
    }
}
