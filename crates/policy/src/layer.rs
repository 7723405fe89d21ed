//! One layer of a policy: what a site, a domain or a user wants otherwise than the layer below.
//!
//! A layer is written in the configuration, in files of users, or kept in the store; wherever it comes
//! from, it is read by one type and judged by one function, [`Layer::mistakes`].
//!
//! Invariant: a list replaces the list below as a whole, so that what counts is read in one place.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::sender_pattern::is_domain;
use crate::{Action, Bulk, Language, SenderPattern, Thresholds, UserPolicy};

/// What differs from the layer below.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layer {
    /// Whether mail is filtered at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filtering: Option<bool>,
    /// Points from which mail counts as tagged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<f32>,
    /// Points from which mail counts as quarantined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<f32>,
    /// Points from which mail counts as rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reject: Option<f32>,
    /// What is done from `tag` on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_tag: Option<Action>,
    /// What is done from `quarantine` on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_quarantine: Option<Action>,
    /// What is done from `reject` on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_reject: Option<Action>,
    /// What `tag-subject` puts before the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_prefix: Option<String>,
    /// Senders that are let through, where they are proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<SenderPattern>>,
    /// Senders that are not wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Vec<SenderPattern>>,
    /// Languages that the recipient reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub languages: Option<Vec<Language>>,
    /// List-Ids that are let through, where they are proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_lists: Option<Vec<String>>,
    /// The opinion on bulk mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk: Option<Bulk>,
    /// Days that mail is kept in quarantine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_days: Option<u32>,
    /// When a digest of the quarantine is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// When a digest is sent: `"never"`, or at an hour from 0 to 23, local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// None is sent.
    Never,
    /// Daily.
    At(u8),
}

/// A value that a layer must not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{key}' {problem}")]
pub struct InvalidPolicy {
    /// Of which key.
    pub key: &'static str,
    /// What is wrong, and what to write instead.
    pub problem: String,
}

/// Senders and lists of one policy: more are looked up in no time that a message has.
const MOST_ENTRIES: usize = 2_000;
/// Letters of a prefix: more would push the subject out of sight.
const LONGEST_PREFIX: usize = 40;
/// Ten years.
const MOST_DAYS: u32 = 3_650;

impl Layer {
    /// The names of all settings.
    pub const KEYS: [&'static str; 15] = [
        "filtering",
        "tag",
        "quarantine",
        "reject",
        "at_tag",
        "at_quarantine",
        "at_reject",
        "subject_prefix",
        "allowed",
        "blocked",
        "languages",
        "trusted_lists",
        "bulk",
        "keep_days",
        "digest",
    ];

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The layer that says all that `policy` is: laid over any, it gives that policy.
    #[must_use]
    pub fn whole(policy: &UserPolicy) -> Self {
        let Thresholds { tag, quarantine, reject } = policy.thresholds;
        Self {
            filtering: Some(policy.filtering),
            tag: Some(tag),
            quarantine: Some(quarantine),
            reject: Some(reject),
            at_tag: Some(policy.at_tag),
            at_quarantine: Some(policy.at_quarantine),
            at_reject: Some(policy.at_reject),
            subject_prefix: Some(policy.subject_prefix.to_string()),
            allowed: Some(policy.allowed.to_vec()),
            blocked: Some(policy.blocked.to_vec()),
            languages: Some(policy.languages.to_vec()),
            trusted_lists: Some(policy.trusted_lists.to_vec()),
            bulk: Some(policy.bulk),
            keep_days: Some(policy.keep_days),
            digest: Some(policy.digest.map_or(Digest::Never, Digest::At)),
        }
    }

    /// Lays this over `below`. A threshold that this sets moves those beyond it that would otherwise
    /// begin earlier.
    #[must_use]
    pub fn over(&self, below: &UserPolicy) -> UserPolicy {
        let Thresholds { tag, quarantine, reject } = self.thresholds(below);
        let quarantine = quarantine.max(tag);
        UserPolicy {
            filtering: self.filtering.unwrap_or(below.filtering),
            thresholds: Thresholds { tag, quarantine, reject: reject.max(quarantine) },
            at_tag: self.at_tag.unwrap_or(below.at_tag),
            at_quarantine: self.at_quarantine.unwrap_or(below.at_quarantine),
            at_reject: self.at_reject.unwrap_or(below.at_reject),
            subject_prefix: shared(self.subject_prefix.as_deref(), &below.subject_prefix),
            allowed: shared(self.allowed.as_deref(), &below.allowed),
            blocked: shared(self.blocked.as_deref(), &below.blocked),
            languages: shared(self.languages.as_deref(), &below.languages),
            trusted_lists: match &self.trusted_lists {
                Some(lists) => lists.iter().map(|list| list_id(list)).collect(),
                None => below.trusted_lists.clone(),
            },
            bulk: self.bulk.unwrap_or(below.bulk),
            keep_days: self.keep_days.unwrap_or(below.keep_days),
            digest: match self.digest {
                Some(Digest::At(hour)) => Some(hour),
                Some(Digest::Never) => None,
                None => below.digest,
            },
        }
    }

    fn thresholds(&self, below: &UserPolicy) -> Thresholds {
        Thresholds {
            tag: self.tag.unwrap_or(below.thresholds.tag),
            quarantine: self.quarantine.unwrap_or(below.thresholds.quarantine),
            reject: self.reject.unwrap_or(below.thresholds.reject),
        }
    }

    /// Everything that this must not say over `below`.
    #[must_use]
    pub fn mistakes(&self, below: &UserPolicy) -> Vec<InvalidPolicy> {
        let mut found = Vec::new();
        let mut wrong = |key, problem: String| found.push(InvalidPolicy { key, problem });
        for (key, at) in
            [("tag", self.tag), ("quarantine", self.quarantine), ("reject", self.reject)]
        {
            if at.is_some_and(|at| !(at.is_finite() && at > 0.0)) {
                wrong(key, format!("must be a number above 0; write for example {key} = 8.0"));
            }
        }
        let Thresholds { tag, quarantine, reject } = self.thresholds(below);
        let mut ordered = |milder, milder_at: f32, harder, harder_at: f32, set: [bool; 2]| {
            if harder_at < milder_at && set.contains(&true) {
                let key = if set[1] { harder } else { milder };
                wrong(
                    key,
                    format!(
                        "puts '{harder}' ({harder_at}) below '{milder}' ({milder_at}); write \
                         {harder} = {milder_at} or more"
                    ),
                );
            }
        };
        let set = [self.tag.is_some(), self.quarantine.is_some(), self.reject.is_some()];
        ordered("tag", tag, "quarantine", quarantine, [set[0], set[1]]);
        ordered("quarantine", quarantine, "reject", reject, [set[1], set[2]]);
        if let Some(prefix) = &self.subject_prefix {
            let printable = prefix.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            if prefix.trim().is_empty() || prefix.len() > LONGEST_PREFIX || !printable {
                let problem = format!(
                    "must be 1 to {LONGEST_PREFIX} letters of ASCII; write for example \
                     subject_prefix = \"[SPAM] \""
                );
                wrong("subject_prefix", problem);
            }
        }
        let counts = [
            ("allowed", self.allowed.as_ref().map(Vec::len)),
            ("blocked", self.blocked.as_ref().map(Vec::len)),
            ("trusted_lists", self.trusted_lists.as_ref().map(Vec::len)),
        ];
        for (key, count) in counts {
            if count.is_some_and(|count| count > MOST_ENTRIES) {
                wrong(key, format!("has more than {MOST_ENTRIES} entries; name domains instead"));
            }
        }
        for list in self.trusted_lists.iter().flatten() {
            if !is_domain(&list_id(list)) {
                let problem = format!(
                    "has '{list}', which is no List-Id; write what stands in the angle brackets of that field, \
                     as in \"friends.lists.example.org\""
                );
                wrong("trusted_lists", problem);
            }
        }
        if self.keep_days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
            wrong(
                "keep_days",
                format!("must be 1 to {MOST_DAYS}; write for example keep_days = 30"),
            );
        }
        found
    }
}

/// A list as it is compared: without angle brackets, in lower case.
pub(crate) fn list_id(text: &str) -> String {
    text.trim().trim_start_matches('<').trim_end_matches('>').to_lowercase()
}

/// What this layer says, else what the one below shares.
fn shared<T: ?Sized>(own: Option<&T>, below: &std::sync::Arc<T>) -> std::sync::Arc<T>
where
    for<'t> std::sync::Arc<T>: From<&'t T>,
{
    own.map_or_else(|| std::sync::Arc::clone(below), std::sync::Arc::from)
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Never => serializer.serialize_str("never"),
            Self::At(hour) => serializer.serialize_u8(*hour),
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Hour;

        const WORDS: &str = "write an hour from 0 to 23, or \"never\"";

        impl de::Visitor<'_> for Hour {
            type Value = Digest;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an hour from 0 to 23, or \"never\"")
            }

            fn visit_i64<E: de::Error>(self, hour: i64) -> Result<Digest, E> {
                let hour = u8::try_from(hour).ok().filter(|hour| *hour <= 23);
                hour.map(Digest::At).ok_or_else(|| E::custom(WORDS))
            }

            fn visit_u64<E: de::Error>(self, hour: u64) -> Result<Digest, E> {
                self.visit_i64(i64::try_from(hour).unwrap_or(-1))
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Digest, E> {
                if word == "never" { Ok(Digest::Never) } else { Err(E::custom(WORDS)) }
            }
        }

        deserializer.deserialize_any(Hour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Layer {
        toml::from_str(toml).unwrap()
    }

    #[track_caller]
    fn check(toml: &str, keys: &[&str]) {
        let found = read(toml).mistakes(&UserPolicy::default());
        let found: Vec<&str> = found.iter().map(|mistake| mistake.key).collect();
        assert_eq!(found, keys, "{toml}");
    }

    #[test]
    fn a_layer_says_only_what_differs() {
        let below = UserPolicy { bulk: Bulk::Tag, digest: Some(7), ..UserPolicy::default() };
        let layer = read("tag = 4.0\nallowed = ['shop.example']\ndigest = 'never'");
        let policy = layer.over(&below);
        assert_eq!(policy.thresholds, Thresholds { tag: 4.0, ..Thresholds::default() });
        assert_eq!((policy.bulk, policy.digest), (Bulk::Tag, None));
        assert_eq!(policy.allowed.len(), 1);
        assert_eq!(Layer::default().over(&policy), policy);
    }

    #[test]
    fn a_whole_layer_gives_its_policy_over_any_other() {
        let layer = read(
            "filtering = false\ntag = 1.1\nat_reject = 'quarantine'\nallowed = ['shop.example']\n\
             languages = ['de']\ntrusted_lists = ['<f.example.org>']\nbulk = 'tag'\ndigest = 7",
        );
        let policy = layer.over(&UserPolicy::default());
        for (policy, below) in
            [(&policy, UserPolicy::default()), (&UserPolicy::default(), policy.clone())]
        {
            let json = serde_json::to_string(&Layer::whole(policy)).unwrap();
            assert_eq!(&serde_json::from_str::<Layer>(&json).unwrap().over(&below), policy);
        }
    }

    #[test]
    fn outcomes_stay_in_order_whatever_lies_below() {
        let layer = read("tag = 9.0");
        let thresholds = layer.over(&UserPolicy::default()).thresholds;
        assert_eq!(thresholds, Thresholds { tag: 9.0, quarantine: 9.0, reject: 15.0 });
    }

    #[test]
    fn every_mistake_is_told_by_its_key() {
        check("tag = 3.0\nquarantine = 4.0\nreject = 5.0\ndigest = 0\nkeep_days = 1", &[]);
        check("tag = -1.0", &["tag"]);
        check("tag = 9.0", &["tag"]);
        check("reject = 6.0", &["reject"]);
        check("tag = nan", &["tag"]);
        check("subject_prefix = ''", &["subject_prefix"]);
        check("subject_prefix = \"x\\r\\nBcc: y\"", &["subject_prefix"]);
        check("trusted_lists = ['<f.example.org>', 'friends']", &["trusted_lists"]);
        check("keep_days = 0", &["keep_days"]);
    }

    #[test]
    fn the_keys_are_those_that_are_read() {
        let error = toml::from_str::<Layer>("nothing = 1").unwrap_err().to_string();
        for key in Layer::KEYS {
            assert!(error.contains(&format!("`{key}`")), "{key}: {error}");
        }
        assert_eq!(error.matches('`').count() / 2, Layer::KEYS.len() + 1);
    }

    #[test]
    fn a_digest_has_an_hour_or_none() {
        assert_eq!(read("digest = 23").digest, Some(Digest::At(23)));
        assert_eq!(read("digest = 'never'").digest, Some(Digest::Never));
        for bad in ["24", "-1", "'always'"] {
            assert!(toml::from_str::<Layer>(&format!("digest = {bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let layer = read(
            "filtering = true\nat_tag = 'tag-subject'\nblocked = ['@x.example']\nlanguages = ['deu']\n\
             bulk = 'quarantine'\ndigest = 7",
        );
        let json = serde_json::to_string(&layer).unwrap();
        assert_eq!(serde_json::from_str::<Layer>(&json).unwrap(), layer, "{json}");
        assert!(json.contains("\"languages\":[\"de\"]") && !json.contains("null"), "{json}");
    }
}
