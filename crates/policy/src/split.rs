//! How a message to several recipients who differ is split, with what the milter protocol allows.
//!
//! One message can be changed in one way for all who keep it. Who wants it in another form gets a copy
//! of their own and is taken off the message; so is who has it held. The table is in the README of this
//! crate; [`plan`] is a pure function, and the tests go through every combination for up to four
//! recipients.
//!
//! Invariant: each recipient stands in exactly one place of a plan, and what they get depends on
//! their own choice and on what can be done, never on what another chose.

use std::sync::Arc;

/// The form in which a message is delivered, the mildest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Not a byte changed.
    AsItCame,
    /// With the results and the score on top.
    Marked,
    /// The same, with `X-Spam-Flag: YES`.
    Tagged,
    /// The same, with this before the subject.
    TaggedSubject(Arc<str>),
}

/// What one recipient wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// The message, in this form.
    Deliver(Form),
    /// To have it held; when that can't be done, delivered in this form.
    Hold {
        /// Tagged in some way.
        otherwise: Form,
    },
    /// To have it refused; when that would take it from another, held; when that can't be done,
    /// delivered in this form.
    Refuse {
        /// Tagged in some way.
        otherwise: Form,
    },
}

/// What can be done besides delivering and refusing the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Means {
    /// Messages can be held, and recipients taken off.
    pub hold: bool,
    /// Copies can be sent, and recipients taken off.
    pub copy: bool,
}

/// Recipients, by their number, who get one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The form.
    pub form: Form,
    /// Who gets it.
    pub recipients: Vec<usize>,
}

/// What is done with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Nobody wants it: its sender is told.
    Refuse,
    /// It is taken over.
    Take {
        /// Who keeps the message itself, and its form; `None`: nobody, it is discarded once it is
        /// held.
        own: Option<Group>,
        /// Who gets a copy in another form, the mildest first.
        copies: Vec<Group>,
        /// For whom it is held.
        hold: Vec<usize>,
    },
}

/// Plans for recipients with these wishes.
#[must_use]
pub fn plan(wishes: &[Wish], means: Means) -> Plan {
    if !wishes.is_empty() && wishes.iter().all(|wish| matches!(wish, Wish::Refuse { .. })) {
        return Plan::Refuse;
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut hold = Vec::new();
    for (recipient, wish) in wishes.iter().enumerate() {
        let form = match wish {
            Wish::Deliver(form) => form,
            Wish::Hold { .. } | Wish::Refuse { .. } if means.hold => {
                hold.push(recipient);
                continue;
            }
            Wish::Hold { otherwise } | Wish::Refuse { otherwise } => otherwise,
        };
        match groups.iter_mut().find(|group| group.form == *form) {
            Some(group) => group.recipients.push(recipient),
            None => groups.push(Group { form: form.clone(), recipients: vec![recipient] }),
        }
    }
    groups.sort_by(|a, b| a.form.cmp(&b.form));
    if !means.copy {
        // All keep the message itself, in the mildest form that one of them wants.
        let all = groups.into_iter().reduce(|mut all, more| {
            all.recipients.extend(more.recipients);
            all
        });
        return Plan::Take { own: all, copies: Vec::new(), hold };
    }
    let mut groups = groups.into_iter();
    Plan::Take { own: groups.next(), copies: groups.collect(), hold }
}

/// The wishes once those who were to be held can't be.
#[must_use]
pub fn unheld(wishes: &[Wish]) -> Vec<Wish> {
    let delivered = |wish: &Wish| match wish {
        Wish::Hold { otherwise } | Wish::Refuse { otherwise } => Wish::Deliver(otherwise.clone()),
        Wish::Deliver(form) => Wish::Deliver(form.clone()),
    };
    wishes.iter().map(delivered).collect()
}

#[cfg(test)]
mod tests;
