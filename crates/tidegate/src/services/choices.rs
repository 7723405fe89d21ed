//! Policies: what is in force for whom, and edits of it.
//!
//! Invariant: an edit is at work when it is answered, and who made it is on record.

use std::sync::Arc;

use serde::Serialize;
use tidegate_mail::Address;
use tidegate_policy::{Book, Edit, EditError, Edits, Effective, Listed, Logged, Stored, Subject};

use super::Services;
use crate::api::{Caller, Refusal};
use crate::knowledge::seconds;

/// Edits that are told at the most.
const MOST_LOGGED: usize = 1_000;

/// What is in force for somebody, and what of it is their own.
#[derive(Debug, Serialize)]
pub(crate) struct Choices {
    /// Each setting, and which layer says so.
    pub(crate) effective: Effective,
    /// What is kept in the store for just this subject.
    pub(crate) own: Stored,
}

impl Services {
    /// What is in force for a subject.
    pub(crate) async fn choices(
        self: &Arc<Self>,
        caller: &Caller,
        subject: &str,
    ) -> Result<Choices, Refusal> {
        let subject = self.subject(caller, subject)?;
        self.with_edits(move |edits, book| {
            let address = match &subject {
                Subject::User(address) => address.clone(),
                Subject::Domain(domain) => format!("@{domain}"),
            };
            let effective = book.effective(&Address::new(&address));
            let effective = effective.map_err(|error| Refusal::failed(&error))?;
            Ok(Choices { effective, own: edits.get(&subject).map_err(Refusal::failed)? })
        })
        .await
    }

    /// Makes an edit, and puts it to work.
    pub(crate) async fn edit(
        self: &Arc<Self>,
        caller: &Caller,
        edit: Edit,
    ) -> Result<Stored, Refusal> {
        let subject = self.subject(caller, &edit.subject.to_string())?;
        let edit = Edit { subject, ..edit };
        let (by, services) = (caller.name().to_owned(), Arc::clone(self));
        self.with_edits(move |edits, book| {
            let edited = edits.edit(&edit, book, &by, seconds());
            let stored = edited.map_err(|error| match error {
                EditError::Outdated { .. } => Refusal::Changed(error.to_string()),
                EditError::Store(error) => Refusal::failed(error),
                wrong => Refusal::Wrong(wrong.to_string()),
            })?;
            tracing::info!(by, subject = edit.subject.to_string(), "a policy was edited");
            services.put_policies_to_work(edits)?;
            Ok(stored)
        })
        .await
    }

    /// Who has choices of their own.
    pub(crate) async fn all_choices(
        self: &Arc<Self>,
        caller: &Caller,
    ) -> Result<Vec<Listed>, Refusal> {
        caller.admin()?;
        self.with_edits(|edits, _| edits.list().map(|(listed, _)| listed).map_err(Refusal::failed))
            .await
    }

    /// The edits of a subject, or of all, the latest first.
    pub(crate) async fn policy_log(
        self: &Arc<Self>,
        caller: &Caller,
        subject: Option<String>,
        most: Option<usize>,
    ) -> Result<Vec<Logged>, Refusal> {
        let subject = caller.whose(subject)?;
        let subject = subject.map(|subject| self.subject(caller, &subject)).transpose()?;
        let most = most.unwrap_or(50).min(MOST_LOGGED);
        self.with_edits(move |edits, _| edits.log(subject.as_ref(), most).map_err(Refusal::failed))
            .await
    }

    /// The subject that `text` names, as policies know it, if it is the caller's.
    fn subject(&self, caller: &Caller, text: &str) -> Result<Subject, Refusal> {
        let subject: Subject =
            text.parse().map_err(|error| Refusal::Wrong(format!("{error}")))?;
        let subject = match subject {
            Subject::User(address) => {
                Subject::User(self.policies.book().folding().user(&Address::new(&address)))
            }
            domain @ Subject::Domain(_) => domain,
        };
        match &subject {
            Subject::User(user) => caller.may(user)?,
            Subject::Domain(_) => caller.admin()?,
        }
        Ok(subject)
    }

    /// The user whose address it is, as policies know them.
    pub(crate) fn user(&self, address: &str) -> String {
        self.policies.book().folding().user(&Address::new(address))
    }

    fn put_policies_to_work(&self, edits: &Edits) -> Result<(), Refusal> {
        let (layers, _) = edits.layers().map_err(Refusal::failed)?;
        self.policies.replace(self.policies.book().with_stored(layers));
        Ok(())
    }

    /// Works on the store where that holds up nothing.
    async fn with_edits<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Edits, &Book) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (edits, book) = (Edits::new(Arc::clone(&self.store)), self.policies.book());
        match tokio::task::spawn_blocking(move || work(&edits, &book)).await {
            Ok(done) => done,
            Err(_panic) => Err(Refusal::failed("it ended in the middle")),
        }
    }
}
