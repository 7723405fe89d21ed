//! What a record has to do with one person.
//!
//! Invariant: a record that was cut names the person nowhere; one that can't be cut so is gone.

use serde_json::{Value, json};
use tidegate_mail::{Bounds, Message};

use super::record::Record;
use crate::privacy::Whom;

/// A record after a person was taken out of it.
#[derive(Debug, PartialEq)]
pub(super) enum Cut {
    /// It is about others alone.
    Untouched,
    /// It is about others, too, and is this without the person.
    Without(Box<Record>),
    /// Nothing of it is left.
    Gone,
}

impl Record {
    /// Whether the person sent the message or got it.
    pub(crate) fn is_about(&self, whom: &Whom) -> bool {
        self.is_of(whom) || self.envelope.recipients.iter().any(|to| whom.is(to))
    }

    /// The record, as far as it is the person's to see: not who else got the message, unless they sent it.
    pub(crate) fn part_of(mut self, whom: &Whom) -> Value {
        if !self.is_of(whom) {
            self.keep_recipients(&|to| whom.is(to));
            // How many others there were is told in no mail, either.
            self.left_out = 0;
        }
        let message = self.message.as_deref().map(String::from_utf8_lossy);
        let verdict = serde_json::from_str::<Value>(&self.verdict).unwrap_or(Value::Null);
        json!({ "record": self, "verdict": verdict, "message": message })
    }

    /// The record without the person.
    pub(super) fn without(mut self, whom: &Whom) -> Cut {
        if !self.is_about(whom) {
            return Cut::Untouched;
        }
        if self.is_of(whom) {
            return Cut::Gone;
        }
        self.keep_recipients(&|to| !whom.is(to));
        if self.envelope.recipients.is_empty() {
            return Cut::Gone;
        }
        // Its header tells to whom it was sent.
        self.message = self.message.take().filter(|message| !whom.is_named_in(message));
        match serde_json::to_vec(&self) {
            Ok(head) if !whom.is_named_in(&head) => Cut::Without(Box::new(self)),
            _ => Cut::Gone,
        }
    }

    /// Whether the person sent it: by SMTP, by their login, or as the message says.
    fn is_of(&self, whom: &Whom) -> bool {
        let said = [&self.envelope.sender, &self.envelope.authenticated];
        said.into_iter().flatten().any(|sender| whom.is(sender))
            || self.message.as_deref().is_some_and(|message| {
                let bounds = Bounds { parts: 1, text_bytes: 0, links: 0, ..Bounds::default() };
                let message = Message::parse(message, &bounds);
                message.from().iter().any(|from| whom.is(from.address.as_str()))
            })
    }

    fn keep_recipients(&mut self, keep: &dyn Fn(&str) -> bool) {
        let before = self.envelope.recipients.len();
        self.envelope.recipients.retain(|to| keep(to));
        self.left_out += before - self.envelope.recipients.len();
        if let Some(verdict) = crate::json::with_recipients(&self.verdict, keep) {
            self.verdict = verdict;
        }
    }
}
