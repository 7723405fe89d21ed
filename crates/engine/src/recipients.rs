//! A decision for each recipient, made once for all who want the same.
//!
//! Invariant: while nobody has a policy of their own, one decision is made and shared.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_checks::authentication::Authentication;
use tidegate_mail::{Address, Envelope, Message};
use tidegate_policy::{
    Action, Book, Correspondence, Decision, Facts, Personal, Policy, Thresholds, UserPolicy,
    Verdict, Wish, explain,
};
use tidegate_signal::{Scores, Signals};

use crate::Engine;
use crate::judged::Missing;

/// What was decided for one recipient.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// As RCPT said.
    pub address: Address,
    /// The outcome.
    pub verdict: Verdict,
    /// Why, in one line, for this recipient and the operator.
    pub reason: Arc<str>,
    /// What it rests on; one value for all who want the same and are known the same.
    pub own: Arc<Own>,
}

/// A decision by one policy.
#[derive(Debug, Clone)]
pub struct Own {
    /// What is wanted.
    pub policy: Arc<UserPolicy>,
    /// What was decided.
    pub decision: Decision,
    /// What is said for this recipient alone.
    pub personal: Personal,
}

impl Recipient {
    /// What is to be done with the message for this recipient.
    #[must_use]
    pub fn wish(&self) -> Wish {
        self.own.policy.wish(self.own.decision.action)
    }

    /// Whether mail is filtered for this recipient at all.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        self.own.policy.filtering
    }

    fn new(address: &Address, own: Arc<Own>, reason: Arc<str>) -> Self {
        let verdict = own.decision.action.verdict();
        Self { address: address.clone(), verdict, reason, own }
    }
}

/// What recipients have in common who are decided for once: a policy, which the book shares among
/// them, and how they know the sender.
type Alike = (*const UserPolicy, Option<Correspondence>);

/// What was decided for all recipients.
pub(crate) struct Decided {
    /// What all of them share; by the site's thresholds and nobody's choice where they differ.
    pub(crate) decision: Decision,
    /// What may be told to all who get the message, where that is not the decision itself.
    pub(crate) told: Option<Decision>,
    /// The message's signals with those of an only recipient, where there are any.
    pub(crate) own_signals: Option<Signals>,
    pub(crate) recipients: Vec<Recipient>,
    /// Whether somebody may want a prefix before the subject.
    pub(crate) tags_subject: bool,
    /// What of it is told.
    pub(crate) telling: Telling,
    /// What it rests on, where that is recorded.
    pub(crate) by: Option<DecidedBy>,
}

/// By what a message was decided for its recipients: enough to decide so again, whatever they want by now.
#[derive(Debug, Clone, PartialEq)]
pub struct DecidedBy {
    /// What each wanted and how they know the sender, in the order of the envelope. Those who wanted the
    /// same share one value.
    pub recipients: Vec<(Arc<UserPolicy>, Option<Correspondence>)>,
    /// Whether all of them were decided for at once.
    pub alike: bool,
    /// How much of it was told.
    pub telling: Telling,
}

/// How much of a decision a message tells those who get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// All: it is their own, or what everybody at this site has.
    All,
    /// What everybody at this site has, and how it came out for those who get it in one form.
    ByForm,
    /// The same without thresholds, which could be somebody's own.
    Common,
}

/// Decides for each recipient of a message on which everything was said; as was decided `before`, where it
/// is judged again.
#[expect(clippy::too_many_arguments, reason = "all that a message is, from its one caller")]
pub(crate) fn decide(
    engine: &Engine,
    book: &Book,
    envelope: &Envelope,
    message: &Message<'_>,
    authentication: &Authentication,
    signals: &Signals,
    missing: Missing,
    before: Option<&DecidedBy>,
) -> Decided {
    let parts = &engine.parts;
    let before = before.filter(|before| before.recipients.len() == envelope.recipients.len());
    let known = parts.correspondents.as_ref().filter(|_| before.is_none());
    let known = known.map(|known| known.of(envelope, message, authentication)).unwrap_or_default();
    let judge = Judge {
        policy: &parts.policy,
        scores: &parts.scores,
        facts: Facts::new(envelope, message, authentication, signals, missing.any()),
        signals,
    };
    let mut made: HashMap<Alike, (Arc<Own>, Arc<str>)> = HashMap::new();
    let mut recipients: Vec<Recipient> = Vec::with_capacity(envelope.recipients.len());
    for (at, address) in envelope.recipients.iter().enumerate() {
        let (policy, known) = match before {
            Some(before) => before.recipients[at].clone(),
            None => (book.policy(address), known.get(at).copied().flatten()),
        };
        // Most often all want the same.
        let last = recipients.last().filter(|last| {
            Arc::ptr_eq(&last.own.policy, &policy) && last.own.personal.known_correspondent == known
        });
        let (own, reason) = match last {
            Some(last) => (Arc::clone(&last.own), Arc::clone(&last.reason)),
            None => {
                let key = (Arc::as_ptr(&policy), known);
                let made = made.entry(key).or_insert_with(|| judge.decide(policy, known));
                (Arc::clone(&made.0), Arc::clone(&made.1))
            }
        };
        recipients.push(Recipient::new(address, own, reason));
    }
    let alike = match before {
        Some(before) => before.alike,
        None => made.len() == 1 || recipients.is_empty(),
    };
    let first = recipients.first().map(|first| Arc::clone(&first.own));
    let shared = first.unwrap_or_else(|| judge.decide(Arc::clone(book.default_policy()), None).0);
    let common = || {
        let mut decision = parts.policy.decide(signals);
        decision.action = book.default_policy().action(decision.verdict);
        decision
    };
    let decision = if alike { shared.decision.clone() } else { common() };
    let known = shared.personal.known_correspondent.is_some();
    let telling = match (before, recipients.len()) {
        (Some(before), _) => before.telling,
        (None, 0 | 1) => Telling::All,
        _ if book.has_own() => Telling::Common,
        _ if alike && !known => Telling::All,
        _ => Telling::ByForm,
    };
    // What several are told must not rest on what is one's own, even where all happen to share it.
    let is_nobodys = !alike || shared.policy.filtering && shared.personal.is_none();
    let told = (telling != Telling::All && !is_nobodys).then(common);
    let mut policies = recipients.iter().map(|recipient| &recipient.own.policy);
    let tags_subject = shared.policy.tags_subject() || policies.any(|policy| policy.tags_subject());
    let wanted = |recipient: &Recipient| {
        (Arc::clone(&recipient.own.policy), recipient.own.personal.known_correspondent)
    };
    Decided {
        by: parts.records.then(|| DecidedBy {
            recipients: recipients.iter().map(wanted).collect(),
            alike,
            telling,
        }),
        tags_subject,
        decision,
        told,
        own_signals: (telling == Telling::All && !shared.personal.signals.is_empty())
            .then(|| signals.joined(&shared.personal.signals)),
        recipients,
        telling,
    }
}

struct Judge<'j> {
    policy: &'j Policy,
    scores: &'j Scores,
    facts: Facts<'j>,
    signals: &'j Signals,
}

impl Judge<'_> {
    fn decide(
        &self,
        policy: Arc<UserPolicy>,
        known: Option<Correspondence>,
    ) -> (Arc<Own>, Arc<str>) {
        if !policy.filtering {
            return unfiltered(policy);
        }
        let mut personal = Personal::of(&policy, &self.facts, known);
        personal.signals.weigh(self.scores);
        let decision = self.policy.decide_for(self.signals, &policy, &personal);
        let reason = match personal.signals.is_empty() {
            true => explain::reason(&decision, self.signals),
            false => explain::reason(&decision, &self.signals.joined(&personal.signals)),
        };
        (Arc::new(Own { policy, decision, personal }), reason.into())
    }
}

/// The recipients of a message that none of them wants looked at.
pub(crate) fn all_unfiltered(book: &Book, envelope: &Envelope) -> Vec<Recipient> {
    let each = envelope.recipients.iter().map(|address| {
        let (own, reason) = unfiltered(book.policy(address));
        Recipient::new(address, own, reason)
    });
    each.collect()
}

fn unfiltered(policy: Arc<UserPolicy>) -> (Arc<Own>, Arc<str>) {
    let decision = untouched(policy.thresholds);
    let own = Own { policy, decision, personal: Personal::default() };
    (Arc::new(own), "filtering is off for this recipient".into())
}

/// The decision on a message of which nothing was said.
pub(crate) const fn untouched(thresholds: Thresholds) -> Decision {
    Decision {
        verdict: Verdict::Accept,
        action: Action::Accept,
        set_apart: false,
        score: 0.0,
        thresholds,
        capped: Vec::new(),
        decisive: Vec::new(),
    }
}
