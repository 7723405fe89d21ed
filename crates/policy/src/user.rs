//! What one recipient wants, complete: defaults, domain and user laid over each other.
//!
//! Invariant: a policy is whole and in order: no harder outcome begins below a milder one.

use std::sync::Arc;

use crate::split::{Form, Wish};
use crate::{Action, Bulk, Language, SenderPattern, Thresholds, Verdict};

/// What one recipient wants.
#[derive(Debug, Clone, PartialEq)]
pub struct UserPolicy {
    /// Whether mail is filtered at all; else it is delivered as it came, and nothing of it is looked
    /// at or kept for this recipient's sake.
    pub filtering: bool,
    /// Where outcomes begin.
    pub thresholds: Thresholds,
    /// What is done from `tag` on.
    pub at_tag: Action,
    /// What is done from `quarantine` on.
    pub at_quarantine: Action,
    /// What is done from `reject` on.
    pub at_reject: Action,
    /// What is put before the subject by [`Action::TagSubject`].
    pub subject_prefix: Arc<str>,
    /// Senders that are let through, where it is proved that they are it.
    pub allowed: Arc<[SenderPattern]>,
    /// Senders that are not wanted, whoever claims to be them.
    pub blocked: Arc<[SenderPattern]>,
    /// Languages that the recipient reads; empty: all.
    pub languages: Arc<[Language]>,
    /// List-Ids (RFC 2919) that are let through, where a signature of the list's domain proves them.
    pub trusted_lists: Arc<[String]>,
    /// The opinion on bulk mail.
    pub bulk: Bulk,
    /// Days that mail is kept in quarantine.
    pub keep_days: u32,
    /// The hour, 0 to 23, local time, at which a digest of the quarantine is sent; `None`: never.
    pub digest: Option<u8>,
}

impl Default for UserPolicy {
    fn default() -> Self {
        Self {
            filtering: true,
            thresholds: Thresholds::default(),
            at_tag: Action::Tag,
            at_quarantine: Action::Quarantine,
            at_reject: Action::Reject,
            subject_prefix: "[SPAM] ".into(),
            allowed: Arc::default(),
            blocked: Arc::default(),
            languages: Arc::default(),
            trusted_lists: Arc::default(),
            bulk: Bulk::Want,
            keep_days: 30,
            digest: None,
        }
    }
}

impl UserPolicy {
    /// What is done with a message whose score leads to `verdict`.
    #[must_use]
    pub const fn action(&self, verdict: Verdict) -> Action {
        match verdict {
            Verdict::Accept | Verdict::Defer => Action::Accept,
            Verdict::Tag => self.at_tag,
            Verdict::Quarantine => self.at_quarantine,
            Verdict::Reject => self.at_reject,
        }
    }

    /// Pairs of settings by which more points lead to a milder action: that for fewer points, then that
    /// for more.
    #[must_use]
    pub fn milder_with_more_points(&self) -> Vec<[(&'static str, Action); 2]> {
        let actions = [
            ("at_tag", self.at_tag),
            ("at_quarantine", self.at_quarantine),
            ("at_reject", self.at_reject),
        ];
        let pairs = actions.windows(2).filter_map(|pair| <[_; 2]>::try_from(pair).ok());
        pairs.filter(|[fewer, more]| more.1 < fewer.1).collect()
    }

    /// Whether anything but the score is looked at: then a message is judged for this recipient apart.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        !self.allowed.is_empty()
            || !self.blocked.is_empty()
            || !self.languages.is_empty()
            || !self.trusted_lists.is_empty()
            || self.bulk != Bulk::Want
    }

    /// What `action` asks for.
    #[must_use]
    pub fn wish(&self, action: Action) -> Wish {
        if !self.filtering {
            return Wish::Deliver(Form::AsItCame);
        }
        match action {
            Action::Accept => Wish::Deliver(Form::Marked),
            Action::Tag => Wish::Deliver(Form::Tagged),
            Action::TagSubject => Wish::Deliver(self.tagged_subject()),
            Action::Quarantine => Wish::Hold { otherwise: self.tagged() },
            Action::Reject => Wish::Refuse { otherwise: self.tagged() },
        }
    }

    /// Whether a subject may get a prefix.
    #[must_use]
    pub fn tags_subject(&self) -> bool {
        [self.at_tag, self.at_quarantine, self.at_reject].contains(&Action::TagSubject)
    }

    /// How mail is tagged for this recipient when it can't be kept from them.
    fn tagged(&self) -> Form {
        if self.tags_subject() { self.tagged_subject() } else { Form::Tagged }
    }

    fn tagged_subject(&self) -> Form {
        Form::TaggedSubject(Arc::clone(&self.subject_prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_filtering_nothing_is_done_whatever_the_score() {
        let off = UserPolicy { filtering: false, ..UserPolicy::default() };
        for action in Action::ALL {
            assert_eq!(off.wish(action), Wish::Deliver(Form::AsItCame));
        }
    }

    #[test]
    fn mail_that_cannot_be_held_is_tagged_in_the_way_that_the_recipient_sees() {
        let by_header = UserPolicy::default();
        assert_eq!(by_header.wish(Action::Quarantine), Wish::Hold { otherwise: Form::Tagged });
        let by_subject = UserPolicy { at_tag: Action::TagSubject, ..UserPolicy::default() };
        let form = Form::TaggedSubject("[SPAM] ".into());
        assert_eq!(by_subject.wish(Action::Reject), Wish::Refuse { otherwise: form });
    }

    #[test]
    fn each_band_has_its_action() {
        let policy = UserPolicy { at_reject: Action::Quarantine, ..UserPolicy::default() };
        let actions = Verdict::ALL.map(|verdict| policy.action(verdict));
        use Action::{Accept, Quarantine, Tag};
        assert_eq!(actions, [Accept, Tag, Quarantine, Accept, Quarantine]);
    }

    #[test]
    fn actions_that_get_milder_as_points_rise_are_found() {
        let pairs = |at_tag, at_quarantine, at_reject| {
            let policy = UserPolicy { at_tag, at_quarantine, at_reject, ..UserPolicy::default() };
            let pairs = policy.milder_with_more_points().into_iter();
            pairs.map(|[fewer, more]| (fewer.0, more.0)).collect::<Vec<_>>()
        };
        use Action::{Accept, Quarantine, Reject, Tag, TagSubject};
        assert_eq!(pairs(Accept, Accept, Reject), []);
        assert_eq!(pairs(TagSubject, Tag, Reject), [("at_tag", "at_quarantine")]);
        assert_eq!(pairs(Tag, Quarantine, Accept), [("at_quarantine", "at_reject")]);
    }
}
