//! What the store has of a person.
//!
//! Invariant: each part is found as it is filed: by user, by the name that was given, or by a tag of it.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_bayes::HeldOn;
use tidegate_mail::Address;
use tidegate_policy::Subject;
use tidegate_store::StoreError;

use super::super::Services;
use crate::knowledge::seconds;
use crate::privacy::{Part, Whom};

/// What is written in place of a name.
const ERASED: &str = "erased";

impl Services {
    /// Tells everything.
    pub(super) fn in_store(&self, whom: &Whom) -> Result<Vec<Part>, StoreError> {
        let (mut layers, mut lines) = (Vec::new(), Vec::new());
        for subject in self.subjects(whom)? {
            let stored = self.stored.get(&subject)?;
            if stored.version > 0 {
                layers.push(json!({ "subject": subject, "policy": stored }));
            }
            lines.extend(self.stored.log(Some(&subject))?);
        }
        let (mut learned, mut corrections) = (Vec::new(), 0);
        for user in self.pupils(whom) {
            let held = self.lessons.held_on(&user)?;
            corrections += self.remembered.corrections_of(&user)?;
            if held != HeldOn::default() {
                learned.push(json!({ "user": user, "held": held }));
            }
        }
        let (mut written_to, mut sent, mut names) = (0, 0, Vec::new());
        for name in whom.names() {
            let held = self.remembered.correspondents_of(&Address::new(name))?;
            written_to += held.0;
            sent += held.1;
            for (since, told) in self.names.told_of(name)? {
                names.push(json!({ "address": name, "since": since, "name": told }));
            }
        }
        let access = self.access.held_on(&|address| whom.is(address), seconds())?;
        Ok(vec![
            Part::new("policy", layers.len()).with(json!(layers)),
            Part::new("policy log", lines.len()).with(json!(lines)),
            Part::new("learned", learned.len())
                .with(json!(learned))
                .noting("Words are kept as hashes: how many there are is all that can be told."),
            Part::new("corrections", corrections),
            Part::new("correspondents", written_to + sent)
                .with(json!({ "written to": written_to, "messages sent": sent }))
                .noting("Kept as tags under a key: how many there are is all that can be told."),
            Part::new("tokens", access.tokens.len()).with(json!(access.tokens)),
            Part::new("sessions", access.sessions),
            Part::new("links to sign in", access.links),
            // Any address has one: that it can be told says nothing of whether the log has it.
            Part::new("names in the log", 0).with(json!(names)).noting(
                "These would stand for the address where the log has it, which is not looked into.",
            ),
        ])
    }

    /// Erases everything.
    pub(super) fn erase_in_store(&self, whom: &Whom) -> Result<Vec<Part>, StoreError> {
        let is_theirs = |address: &str| whom.is(address);
        let (mut layers, mut lines) = (0, 0);
        for subject in self.subjects(whom)? {
            let erased = self.stored.erase(&self.policies(), &subject)?;
            layers += usize::from(erased.layer);
            lines += erased.lines;
        }
        let edited = self.stored.disown(&is_theirs, ERASED)?;
        // What waits to be noted goes first, so that it is not noted afterwards.
        self.remembered.write();
        let (mut learned, mut corrections, mut correspondents) = (0, 0, 0);
        for user in self.pupils(whom) {
            let forgotten = self.lessons.forget_user(&user, seconds())?;
            learned += usize::from(forgotten != HeldOn::default());
            corrections += self.remembered.forget_corrections(&user)?;
        }
        for name in whom.names() {
            correspondents += self.remembered.forget_correspondents(&Address::new(name))?;
        }
        let cleared = self.remembered.disown(&is_theirs, ERASED)?;
        let access = self.access.forget(&is_theirs, seconds())?;
        Ok(vec![
            Part::new("policy", layers),
            Part::new("policy log", lines),
            Part::new("learned", learned),
            Part::new("corrections", corrections),
            Part::new("correspondents", correspondents),
            Part::new("tokens", access.tokens.len()),
            Part::new("sessions", access.sessions),
            Part::new("links to sign in", access.links),
            Part::new("edits made for others", edited + cleared)
                .noting("They stay, by nobody: 'erased' stands for the name."),
        ])
    }

    /// The subjects that are this person, however they were written.
    fn subjects(&self, whom: &Whom) -> Result<BTreeSet<Subject>, StoreError> {
        let theirs = |subject: &Subject| match subject {
            Subject::User(user) => whom.is(user),
            Subject::Domain(_) => false,
        };
        let names = whom.names().iter().map(|name| Subject::User(name.clone()));
        let listed = self.stored.list()?.into_iter().map(|listed| listed.subject);
        let logged = self.stored.log(None)?.into_iter().map(|line| line.subject);
        Ok(names.chain(listed).chain(logged).filter(theirs).collect())
    }

    /// The names by which this person may have taught.
    fn pupils(&self, whom: &Whom) -> BTreeSet<String> {
        let taught = self.lessons.users().into_iter().filter(|user| whom.is(user));
        taught.chain(whom.names().iter().cloned()).collect()
    }
}
