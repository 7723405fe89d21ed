//! Policies: what is in force for whom, and edits of it.
//!
//! Invariant: an edit is at work when it is answered, and who made it is on record.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_mail::Address;
use tidegate_policy::{Edit, EditError, Effective, Layer, Listed, Logged, Stored, Subject};

use super::{Services, apart};
use crate::api::{Caller, Refusal};

/// What is in force for somebody, and what of it is their own.
#[derive(Debug, Serialize)]
pub(crate) struct Choices {
    /// Each setting, and which layer says so.
    pub(crate) effective: Effective,
    /// What is kept in the store for just this subject.
    pub(crate) own: Stored,
    /// What would be in force without that.
    pub(crate) recommended: Layer,
}

/// An edit that was made, or left nothing to make.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Edited {
    /// The version before.
    pub(crate) before: u64,
    /// The version there is now, and what it says.
    #[serde(flatten)]
    pub(crate) stored: Stored,
}

impl Services {
    /// What is in force for a subject.
    pub(crate) async fn choices(&self, caller: &Caller, subject: &str) -> Result<Choices, Refusal> {
        let subject = self.subject(caller, subject)?;
        let (stored, book) = (Arc::clone(&self.stored), self.policies().book());
        let address = match &subject {
            Subject::User(address) => address.clone(),
            Subject::Domain(domain) => format!("@{domain}"),
        };
        let effective = book.effective(&Address::new(&address)).map_err(Refusal::failed)?;
        let recommended = Layer::from(&book.below_stored(&subject));
        let own = apart(move || stored.get(&subject)).await?;
        Ok(Choices { effective, own, recommended })
    }

    /// Makes an edit, and puts it to work.
    pub(crate) async fn edit(
        &self,
        caller: &Caller,
        edit: Edit,
        by: Option<String>,
    ) -> Result<Edited, Refusal> {
        let subject = self.subject(caller, &edit.subject.to_string())?;
        let edit = Edit { subject, ..edit };
        let by = caller.name_or(by);
        let (stored, policies) = (Arc::clone(&self.stored), self.policies());
        let made = tokio::task::spawn_blocking(move || {
            let before = stored.get(&edit.subject)?.version;
            let stored = stored.edit(&policies, &edit, &by)?;
            Ok(Edited { before, stored })
        });
        match made.await {
            Ok(Ok(edited)) => Ok(edited),
            Ok(Err(EditError::Store(error))) => Err(Refusal::failed(error)),
            Ok(Err(error @ EditError::Outdated { .. })) => Err(Refusal::Changed(error.to_string())),
            Ok(Err(wrong)) => Err(Refusal::Wrong(wrong.to_string())),
            Err(_panic) => Err(Refusal::failed("it ended in the middle")),
        }
    }

    /// Who has choices of their own.
    pub(crate) async fn all_choices(&self, caller: &Caller) -> Result<Vec<Listed>, Refusal> {
        caller.admin()?;
        let stored = Arc::clone(&self.stored);
        apart(move || stored.list()).await
    }

    /// The edits of a subject, or of all, the latest first.
    pub(crate) async fn policy_log(
        &self,
        caller: &Caller,
        subject: Option<String>,
    ) -> Result<Vec<Logged>, Refusal> {
        let subject = match (subject, caller) {
            (Some(subject), _) => Some(self.subject(caller, &subject)?),
            (None, Caller::Person(person)) if !person.admin => {
                Some(self.subject(caller, &person.address)?)
            }
            (None, _) => None,
        };
        let stored = Arc::clone(&self.stored);
        apart(move || stored.log(subject.as_ref())).await
    }

    /// The subject that `text` names, as policies know it, if it is the caller's.
    fn subject(&self, caller: &Caller, text: &str) -> Result<Subject, Refusal> {
        let subject: Subject = text.parse().map_err(Refusal::Wrong)?;
        let subject = match subject {
            Subject::User(address) => Subject::User(self.user(&address)),
            domain @ Subject::Domain(_) => domain,
        };
        match &subject {
            Subject::User(user) => caller.may(user)?,
            Subject::Domain(_) => caller.admin()?,
        }
        Ok(subject)
    }
}
