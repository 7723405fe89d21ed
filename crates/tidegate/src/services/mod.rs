//! What administration acts on: the store, and everything that is kept in it.
//!
//! Invariant: whoever has these has the store; there is one such process at a time. Each call says who
//! may make it before it does anything.

mod choices;
mod guard;
mod held;
mod privacy;

use std::path::PathBuf;
use std::sync::Arc;

use tidegate_bayes::Lessons;
use tidegate_engine::Engine;
use tidegate_mail::Address;
use tidegate_policy::{Policies, Subject};
use tidegate_quarantine::{Filter, Purpose, Quarantine};

pub(crate) use choices::{Choices, Edited};
pub(crate) use held::{Expired, Released};

use crate::api::Refusal;
use crate::config::Loaded;
use crate::journal::Journal;
use crate::knowledge::Stores;
use crate::names::Names;
use crate::pages::access::Access;
use crate::policies::StoredPolicies;
use crate::remembered::Remembered;
use crate::{knowledge, quarantine};

/// Gives the engine at work.
pub(crate) type AtWork = Box<dyn Fn() -> Arc<Engine> + Send + Sync>;

/// Gives the journal at work.
pub(crate) type Journaling = Box<dyn Fn() -> Option<Arc<Journal>> + Send + Sync>;

/// Everything that can be administered.
pub(crate) struct Services {
    /// The folder of the store.
    pub(crate) folder: PathBuf,
    /// What was learned.
    pub(crate) lessons: Arc<Lessons>,
    /// Whom users write to, and what they correct.
    pub(crate) remembered: Arc<Remembered>,
    /// What users want, as the store keeps it.
    pub(crate) stored: Arc<StoredPolicies>,
    /// What is held.
    pub(crate) quarantine: Option<Arc<Quarantine>>,
    /// Who may see and do what.
    pub(crate) access: Access,
    /// How addresses are logged.
    pub(crate) names: Arc<Names>,
    pub(crate) engine: AtWork,
    /// Gives the journal that is being written, where one is.
    pub(crate) journal: Journaling,
    /// Held while somebody is erased.
    pub(crate) erasing: tokio::sync::Mutex<()>,
}

impl Services {
    /// Opens the store, for a command that finds no daemon.
    ///
    /// # Errors
    /// When another process has the store, or it can't be opened or read.
    pub(crate) fn open(loaded: Loaded) -> anyhow::Result<Arc<Self>> {
        let Stores { own, shared } = knowledge::stores(&loaded.settings)?;
        let quarantine = quarantine::open(&loaded, &own)?;
        let settings = loaded.settings;
        let stored = Arc::new(StoredPolicies::new(Arc::clone(&shared)));
        stored.lay_over(&loaded.parts.policies)?;
        let engine = Arc::new(Engine::new(loaded.parts));
        Ok(Arc::new(Self {
            folder: knowledge::folder(&settings),
            lessons: knowledge::lessons(Arc::clone(&shared), &settings)?,
            remembered: Remembered::open(shared, &settings)?,
            access: Access::new(Arc::clone(&own), settings.pages.session_seconds())?,
            names: Names::new(&settings.log, Some(own)),
            engine: Box::new(move || Arc::clone(&engine)),
            stored,
            quarantine,
            journal: Box::new(|| None),
            erasing: tokio::sync::Mutex::default(),
        }))
    }

    /// The policies at work.
    pub(crate) fn policies(&self) -> Arc<Policies> {
        Arc::clone(&(self.engine)().parts().policies)
    }

    /// The quarantine, where it is switched on.
    pub(crate) fn quarantine(&self) -> Result<&Arc<Quarantine>, Refusal> {
        self.quarantine.as_ref().ok_or(Refusal::Off("quarantine"))
    }

    /// The user whose address it is, as policies know them.
    pub(crate) fn user(&self, address: &str) -> String {
        self.policies().book().folding().user(&Address::new(address))
    }

    /// Gives a mail of our own to the MTA, for one recipient.
    ///
    /// # Errors
    /// When the MTA does not take it.
    pub(crate) async fn post(&self, letter: &[u8], to: &str) -> anyhow::Result<()> {
        let Some(quarantine) = &self.quarantine else {
            anyhow::bail!(
                "[quarantine] is switched off, whose release_to says where mail is given"
            );
        };
        let (nobody, to) = (Address::new(""), [Address::new(to)]);
        quarantine.sender().inject(letter, &nobody, &to, Purpose::Digest).await?;
        Ok(())
    }

    /// Whether mail is held for a user, or they have choices of their own.
    pub(crate) async fn knows(&self, user: &str) -> bool {
        if let Some(quarantine) = &self.quarantine {
            let filter =
                Filter { owner: Some(user.to_owned()), limit: Some(1), ..Filter::default() };
            if quarantine.list(&filter).await.is_ok_and(|page| !page.entries.is_empty()) {
                return true;
            }
        }
        let (stored, subject) = (Arc::clone(&self.stored), Subject::User(user.to_owned()));
        apart(move || stored.get(&subject)).await.is_ok_and(|stored| stored.version > 0)
    }
}

/// Does what blocks on the disk beside the threads that serve mail.
pub(crate) async fn apart<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Refusal>
where
    T: Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Refusal::failed(error)),
        Err(_panic) => Err(Refusal::failed("it ended in the middle")),
    }
}
