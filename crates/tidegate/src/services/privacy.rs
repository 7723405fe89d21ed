//! What is held on a person, told and erased.
//!
//! Invariant: a person is told of themselves and of nobody else; only an admin erases.

mod mail;
mod store;

use std::sync::Arc;

use tidegate_store::rewrite_at_next_open;

use super::{Services, apart};
use crate::api::{Caller, Refusal};
use crate::privacy::{Report, Whom};

/// What can't be found by an address, and why.
const BEYOND: [&str; 6] = [
    "Whom others have written to: kept as tags under a key, filed by the user who wrote. It can be found by \
     that user alone, and expires (see [correspondents] keep_days).",
    "What this person taught or corrected under a sub-address that nobody named: corrections are kept as tags \
     under a key. They expire (see [guard] window_days).",
    "What the site learned, from the operator or since several users agreed: words as hashes, with counts, \
     which name nobody.",
    "Policies and aliases in files, the choices of other users that name this address as a sender, and \
     messages in quarantine for others: these are theirs, or the operator's to edit.",
    "What the log has: see 'tidegate privacy pseudonym' for the names in it. The key of a name is destroyed \
     by itself (see [log] pseudonym_days); lines that were written are where the service manager keeps them.",
    "What left this machine: questions to DNS servers and lists, mail that was delivered, refused or \
     released, and copies and backups of the store.",
];

impl Services {
    /// What is held on whoever has `address`.
    pub(crate) async fn export(
        self: &Arc<Self>,
        caller: &Caller,
        address: &str,
    ) -> Result<Report, Refusal> {
        let whom = self.whom(address)?;
        caller.may(&whom.user)?;
        let mut parts = vec![self.held_for(&whom).await?];
        if caller.admin().is_ok() {
            parts.push(self.sent_by(&whom, false).await?);
        }
        let (services, whom) = (Arc::clone(self), Arc::new(whom));
        let of_store = (Arc::clone(&services), Arc::clone(&whom));
        parts.extend(apart(move || of_store.0.in_store(&of_store.1)).await?);
        let of_journal = (services, Arc::clone(&whom));
        parts.push(apart(move || of_journal.0.in_journal(&of_journal.1)).await?);
        Ok(self.report(address, &whom, false, parts))
    }

    /// Erases what is held on whoever has `address`.
    pub(crate) async fn erase(
        self: &Arc<Self>,
        caller: &Caller,
        address: &str,
    ) -> Result<Report, Refusal> {
        caller.admin()?;
        let whom = self.whom(address)?;
        // Two at once would write the same segments anew.
        let _alone = self.erasing.lock().await;
        // First: whatever ends this early, what was removed until then is in no byte after the next start.
        let folder = self.folder.clone();
        apart(move || rewrite_at_next_open(&folder)).await?;
        let mut parts = vec![self.erase_held(&whom).await?, self.sent_by(&whom, true).await?];
        let whom = Arc::new(whom);
        let of_store = (Arc::clone(self), Arc::clone(&whom));
        parts.extend(apart(move || of_store.0.erase_in_store(&of_store.1)).await?);
        let of_journal = (Arc::clone(self), Arc::clone(&whom));
        parts.push(apart(move || of_journal.0.erase_in_journal(&of_journal.1)).await?);
        tracing::info!(by = caller.name(), "what is held on a person was erased");
        let mut report = self.report(address, &whom, true, parts);
        report.beyond.push(
            "Bytes of what was removed stay in free pages of the store's file until it is opened next: at \
             the next start of the daemon it is written anew."
                .to_owned(),
        );
        Ok(report)
    }

    /// The names that the log has of an address and that can still be told, each with its first day, in
    /// seconds since 1970.
    pub(crate) async fn pseudonyms(
        self: &Arc<Self>,
        caller: &Caller,
        address: &str,
    ) -> Result<Vec<(u64, String)>, Refusal> {
        // Whoever can name addresses can tell whose a name in the log is.
        if *caller != Caller::Operator {
            return Err(Refusal::Forbidden);
        }
        let (services, address) = (Arc::clone(self), address.to_owned());
        apart(move || services.names.told_of(&address)).await
    }

    fn whom(&self, address: &str) -> Result<Whom, Refusal> {
        let whom = Whom::new(address, &self.policies().book());
        let is_address = whom.user.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !whom.user.contains(char::is_control)
        });
        if !is_address {
            return Err(Refusal::Wrong(format!("'{}' is no address", address.escape_debug())));
        }
        Ok(whom)
    }

    fn report(
        &self,
        address: &str,
        whom: &Whom,
        erased: bool,
        parts: Vec<crate::privacy::Part>,
    ) -> Report {
        let mut beyond: Vec<String> = BEYOND.iter().map(|&text| text.to_owned()).collect();
        if self.stored.is_shared() {
            beyond.push(
                "What other machines that share the store hold of their own: mail in quarantine, and journals. \
                 Ask each of them."
                    .to_owned(),
            );
            if erased {
                beyond.push(
                    "Bytes of what was removed stay in files of the shared server until it writes them anew \
                     (BGREWRITEAOF, SAVE)."
                        .to_owned(),
                );
            }
        }
        let set_aside = self.set_aside();
        if !set_aside.is_empty() {
            beyond.push(format!(
                "Damaged files of the store, which are kept for you to look at: remove {}",
                set_aside.join(", ")
            ));
        }
        Report {
            address: address.to_owned(),
            user: whom.user.clone(),
            names: whom.names().to_vec(),
            erased,
            parts,
            beyond,
        }
    }

    /// Files of the store that were damaged and set aside.
    fn set_aside(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| name.contains(".damaged")).collect();
        names.sort();
        names
    }
}
