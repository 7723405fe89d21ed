//! Learning without a person: only where evidence of other kinds agrees.
//!
//! A filter that learns from its own opinion talks itself into its mistakes. So the statistics of a
//! message take no part in the decision to learn it, and one kind of evidence is never enough.
//!
//! Invariant: off unless an operator asks for it.

use std::collections::BTreeMap;

use tidegate_signal::{Family, Signals};

use crate::records::Class;

/// When messages are learned by themselves.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutoLearn {
    /// Whether to learn at all.
    pub enabled: bool,
    /// Kinds of evidence that must speak for spam, by a point each at the least.
    pub spam_families: usize,
    /// Points that all evidence but statistics must have for spam.
    pub spam_score: f32,
    /// Kinds of evidence that must speak for ham, by a half point each at the least.
    pub ham_families: usize,
    /// Points that all evidence but statistics may have for ham.
    pub ham_score: f32,
}

impl Default for AutoLearn {
    fn default() -> Self {
        Self {
            enabled: false,
            spam_families: 3,
            spam_score: 12.0,
            ham_families: 2,
            ham_score: -1.5,
        }
    }
}

impl AutoLearn {
    /// As what a message is to be learned; `None`: not at all.
    #[must_use]
    pub fn class(&self, signals: &Signals) -> Option<Class> {
        if !self.enabled {
            return None;
        }
        let mut points: BTreeMap<Family, f32> = BTreeMap::new();
        for signal in signals {
            // What the operator or a user decided says nothing of the message.
            if !matches!(signal.family(), Family::Statistics | Family::Policy) {
                *points.entry(signal.family()).or_default() += signal.score();
            }
        }
        let total: f32 = points.values().sum();
        let spam = points.values().filter(|points| **points >= 1.0).count();
        let ham = points.values().filter(|points| **points <= -0.5).count();
        if total >= self.spam_score && spam >= self.spam_families && ham == 0 {
            Some(Class::Spam)
        } else if total <= self.ham_score && ham >= self.ham_families && spam == 0 {
            Some(Class::Ham)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_signal::SignalDef;

    use super::*;

    fn signals(of: &[(&str, Family, f32)]) -> Signals {
        let mut signals = Signals::new();
        for (name, family, score) in of {
            let def = SignalDef {
                name: (*name).to_owned().into(),
                family: *family,
                score: *score,
                says: "".into(),
            };
            signals.raise(&std::sync::Arc::new(def), "");
        }
        signals
    }

    #[test]
    fn kinds_of_evidence_must_agree() {
        use Family::{Authentication, Headers, Links, Lists, Statistics, Trust};
        let on = AutoLearn { enabled: true, ..AutoLearn::default() };
        let spam = signals(&[("A", Lists, 6.0), ("B", Headers, 4.0), ("C", Links, 3.0)]);
        assert_eq!(on.class(&spam), Some(Class::Spam));
        assert_eq!(AutoLearn::default().class(&spam), None, "off by default");
        let alone = signals(&[("A", Lists, 20.0), ("S", Statistics, 8.0)]);
        assert_eq!(on.class(&alone), None);
        let torn = signals(&[
            ("A", Lists, 9.0),
            ("B", Headers, 4.0),
            ("C", Links, 3.0),
            ("T", Trust, -3.0),
        ]);
        assert_eq!(on.class(&torn), None);
        let ham = signals(&[("T", Trust, -2.0), ("D", Authentication, -0.5)]);
        assert_eq!(on.class(&ham), Some(Class::Ham));
        assert_eq!(on.class(&signals(&[("S", Statistics, -4.0)])), None);
    }
}
