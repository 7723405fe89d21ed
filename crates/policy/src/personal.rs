//! What is said of a message for one recipient alone.
//!
//! These signals rest on what a recipient chose, or on whom they write to. They decide for that
//! recipient, and are never told to another: no header field and no reply of a message to several
//! recipients names one.
//!
//! Invariant: what speaks for a message counts only where its sender is proved, since anybody may
//! claim to be someone whom the recipient trusts.

use tidegate_signal::{Family, SignalDef, Signals};

use crate::facts::Proof;
use crate::{Correspondence, Facts, UserPolicy};

/// The sender is allowed, and proved.
pub static SENDER_ALLOWED: SignalDef = SignalDef::new(
    "SENDER_ALLOWED",
    Family::Policy,
    -100.0,
    "The recipient allows this sender, who is proved",
);
/// The sender is blocked.
pub static SENDER_BLOCKED: SignalDef = SignalDef::new(
    "SENDER_BLOCKED",
    Family::Policy,
    100.0,
    "The recipient does not want mail from this sender",
);
/// A list that the recipient trusts, proved.
pub static LIST_TRUSTED: SignalDef = SignalDef::new(
    "LIST_TRUSTED",
    Family::Policy,
    -100.0,
    "The recipient trusts this list, and a signature proves that the message is of it",
);
/// None of the languages that the recipient reads.
pub static LANGUAGE_FOREIGN: SignalDef = SignalDef::new(
    "LANGUAGE_FOREIGN",
    Family::Policy,
    2.5,
    "The message is written in a language that the recipient does not read",
);
/// Bulk mail, where the recipient wants it set apart. The outcome begins there; it has no points.
pub static BULK_UNWANTED: SignalDef = SignalDef::new(
    "BULK_UNWANTED",
    Family::Bulk,
    0.0,
    "The message is bulk mail, which the recipient wants set apart",
);
/// The recipient asked for such mail, which has no points: a list may carry what anybody writes.
pub static BULK_CONSENT_KNOWN: SignalDef = SignalDef::new(
    "BULK_CONSENT_KNOWN",
    Family::Bulk,
    0.0,
    "The recipient has asked for this bulk mail, or has written to its sender or list",
);
/// The recipient knows the sender, who is proved. It has no points: it takes those of others away.
pub static CORRESPONDENT_KNOWN: SignalDef = SignalDef::new(
    "CORRESPONDENT_KNOWN",
    Family::Policy,
    0.0,
    "The recipient and the sender have written to each other",
);

/// All of them.
pub const SIGNALS: [&SignalDef; 7] = [
    &SENDER_ALLOWED,
    &SENDER_BLOCKED,
    &LIST_TRUSTED,
    &LANGUAGE_FOREIGN,
    &BULK_UNWANTED,
    &BULK_CONSENT_KNOWN,
    &CORRESPONDENT_KNOWN,
];

/// Facts on one recipient that are not the message's.
#[derive(Debug, Clone, Default)]
pub struct Personal {
    /// Whether the recipient knows the sender, or has asked for mail of the list.
    pub known_correspondent: Option<Correspondence>,
    /// What is said for this recipient alone.
    pub signals: Signals,
    /// It is bulk mail, and neither allowed nor of a trusted list; whether it is wanted: asked for by this
    /// recipient or vouched to be, from a sender who is proved, with a way out.
    pub bulk: Option<bool>,
    /// The recipient would let it through if it were proved, and what could prove it did not come.
    pub unproven: bool,
}

impl Personal {
    /// What `policy` makes of a message.
    #[must_use]
    pub fn of(
        policy: &UserPolicy,
        facts: &Facts<'_>,
        known_correspondent: Option<Correspondence>,
    ) -> Self {
        let mut personal = Self { known_correspondent, ..Self::default() };
        if let Some(known) = known_correspondent {
            if known.is_of_author() {
                personal.signals.raise(&CORRESPONDENT_KNOWN, known.words());
            }
            if facts.is_bulk() {
                personal.signals.raise(&BULK_CONSENT_KNOWN, known.words());
            }
        }
        if !policy.is_personal() {
            return personal;
        }
        let welcome = personal.senders(policy, facts) | personal.lists(policy, facts);
        if welcome {
            return personal;
        }
        if facts.is_bulk() {
            let asked_for = known_correspondent.is_some() || facts.has_vouched_consent();
            let wanted = facts.is_partial() || facts.keeps_bulk_rules() && asked_for;
            personal.bulk = Some(wanted);
            if policy.bulk.floor(wanted) > crate::Verdict::Accept {
                let why = if wanted {
                    "all of it is"
                } else {
                    "nobody asked for it, or it breaks the rules"
                };
                personal.signals.raise(&BULK_UNWANTED, why);
            }
        }
        if !policy.languages.is_empty()
            && let Some(language) = facts.language()
            && !policy.languages.iter().any(|read| read.is_like(language))
        {
            personal.signals.raise(&LANGUAGE_FOREIGN, language.code());
        }
        personal
    }

    /// Whether anything is said.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.signals.is_empty() && !self.unproven
    }

    /// Allowed and blocked senders; whether one is allowed. An address goes before its domain, and
    /// else to block before to allow.
    fn senders(&mut self, policy: &UserPolicy, facts: &Facts<'_>) -> bool {
        let mut blocked = 0;
        for sender in facts.senders() {
            let closest = policy.blocked.iter().map(|pattern| pattern.meets(sender)).max();
            blocked = blocked.max(closest.unwrap_or(0));
        }
        let (mut allowed, mut unproven) = (0, 0);
        for sender in facts.provable() {
            let closest = policy.allowed.iter().map(|pattern| pattern.meets(sender)).max();
            match closest.filter(|closeness| *closeness > 0).map(|it| (it, facts.proof(sender))) {
                Some((closeness, Proof::Given)) => allowed = allowed.max(closeness),
                Some((closeness, Proof::Missing)) => unproven = unproven.max(closeness),
                _ => {}
            }
        }
        self.unproven = unproven > blocked;
        if allowed > blocked {
            self.signals.raise(&SENDER_ALLOWED, "");
        } else if blocked > 0 {
            self.signals.raise(&SENDER_BLOCKED, "");
        }
        allowed > blocked
    }

    fn lists(&mut self, policy: &UserPolicy, facts: &Facts<'_>) -> bool {
        if policy.trusted_lists.is_empty() {
            return false;
        }
        let Some((list, proof)) = facts.list() else { return false };
        if !policy.trusted_lists.contains(&list) {
            return false;
        }
        self.unproven |= proof == Proof::Missing;
        if proof == Proof::Given {
            self.signals.raise(&LIST_TRUSTED, list);
        }
        proof == Proof::Given
    }
}

#[cfg(test)]
mod tests;
