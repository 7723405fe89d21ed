//! What a check is, and how the table of checks holds it.
//!
//! Invariant: `judge` is a pure function of what it is given: no clock, no socket, no lock.

use serde::de::DeserializeOwned;
use tidegate_dns::{Answers, Question};
use tidegate_signal::{SignalDef, Signals};

use crate::Known;

/// How far a transaction has come. Ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The client's address and name are known.
    Connect,
    /// The client has said its name.
    Helo,
    /// The envelope sender is known.
    Mail,
    /// The header section is known; `Known::message` is a view with no body.
    Headers,
    /// The whole message is known.
    Message,
    /// SPF, DKIM, DMARC and ARC are known as well.
    Authenticated,
}

/// What a check costs, and so when it is left out under overload: the dearest first. Ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// Next to nothing: it is never left out.
    Cheap,
    /// It waits on the network. In a hurry it does with the answers that are there.
    Network,
    /// It reads all of a text. Under pressure it is left out.
    Heavy,
}

/// The questions that the checks of one stage put, each once.
#[derive(Debug, Default)]
pub struct Questions(Vec<Question>);

impl Questions {
    /// Puts a question; asked already, it is not asked again.
    pub fn ask(&mut self, question: Question) {
        if !self.0.contains(&question) {
            self.0.push(question);
        }
    }
}

impl IntoIterator for Questions {
    type Item = Question;
    type IntoIter = std::vec::IntoIter<Question>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// One reason to trust or to distrust a message.
pub trait Check: Send + Sync + 'static {
    /// Its place: `headers.date` is `src/headers/date.rs` and `[checks.headers.date]`.
    const KEY: &'static str;
    /// The stage at which all that [`ask`](Self::ask) reads is known.
    const STAGE: Stage = Stage::Message;
    /// Everything it can say.
    const RAISES: &'static [&'static SignalDef];
    /// What it costs.
    const COST: Cost = Cost::Cheap;

    /// Puts the questions whose answers [`judge`](Self::judge) will read.
    fn ask(&self, _known: &Known<'_>, _questions: &mut Questions) {}

    /// Says what it sees. Called once, when the message and its authentication are known. An
    /// answer that is missing or late is `Unknown`, and says nothing.
    fn judge(&self, known: &Known<'_>, answers: &Answers, signals: &mut Signals);
}

/// A check with settings of its own, in its table of the configuration.
pub trait Configured: Check + Sized {
    /// Its settings as written; `deny_unknown_fields`, with a default for each.
    type Config: Default + DeserializeOwned;

    /// Builds the check.
    ///
    /// # Errors
    /// When a setting has a value that can't be meant, with what to write instead.
    fn new(config: Self::Config) -> Result<Self, InvalidSetting>;
}

/// A setting that can't be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct InvalidSetting {
    /// The key path below the check's table; empty for the table itself.
    pub key: String,
    /// What is wrong, and what to write instead.
    pub problem: String,
}

/// A check as the engine holds it.
pub trait AnyCheck: Send + Sync {
    /// See [`Check::KEY`].
    fn key(&self) -> &'static str;
    /// See [`Check::COST`].
    fn cost(&self) -> Cost {
        Cost::Cheap
    }
    /// Puts what questions it has at `stage`; called once for each stage, in their order.
    fn ask(&self, stage: Stage, known: &Known<'_>, questions: &mut Questions);
    /// See [`Check::judge`].
    fn judge(&self, known: &Known<'_>, answers: &Answers, signals: &mut Signals);
}

impl<C: Check> AnyCheck for C {
    fn key(&self) -> &'static str {
        C::KEY
    }

    fn cost(&self) -> Cost {
        C::COST
    }

    fn ask(&self, stage: Stage, known: &Known<'_>, questions: &mut Questions) {
        if stage == C::STAGE {
            Check::ask(self, known, questions);
        }
    }

    fn judge(&self, known: &Known<'_>, answers: &Answers, signals: &mut Signals) {
        Check::judge(self, known, answers, signals);
    }
}

/// A line of the table of checks.
#[derive(Clone, Copy)]
pub struct Entry {
    /// See [`Check::KEY`].
    pub key: &'static str,
    /// See [`Check::RAISES`].
    pub raises: &'static [&'static SignalDef],
    /// See [`Check::COST`].
    pub cost: Cost,
    /// Builds the check from its table of the configuration.
    pub load: fn(toml::Table) -> Result<Box<dyn AnyCheck>, InvalidSetting>,
}

/// A line for a check without settings.
pub(crate) const fn plain<C: Check + Default>() -> Entry {
    Entry {
        key: C::KEY,
        raises: C::RAISES,
        cost: C::COST,
        load: |settings| match settings.keys().next() {
            None => Ok(Box::new(C::default())),
            Some(key) => Err(InvalidSetting {
                key: key.clone(),
                problem: format!(
                    "[checks.{}] has no settings but 'enabled'; remove '{key}'",
                    C::KEY
                ),
            }),
        },
    }
}

/// A line for a check with settings.
pub(crate) const fn configured<C: Configured>() -> Entry {
    Entry {
        key: C::KEY,
        raises: C::RAISES,
        cost: C::COST,
        load: |settings| {
            let config = settings.try_into().map_err(|error: toml::de::Error| InvalidSetting {
                key: String::new(),
                problem: error.message().to_owned(),
            })?;
            Ok(Box::new(C::new(config)?))
        },
    }
}
