//! Whether the client has a name that leads back to it (RFC 1912, section 2.1; RFC 8601, 2.7.3).
//!
//! Invariant: a lookup that failed says nothing.

use tidegate_dns::{Answers, Question};
use tidegate_signal::{Family, SignalDef, Signals};

use crate::authentication::AuthResult;
use crate::{Check, Known, Questions, Stage};

/// No PTR record.
pub static REVERSE_NAME_MISSING: SignalDef =
    SignalDef::new("REVERSE_NAME_MISSING", Family::Client, 1.3, "The client's address has no name");
/// Names, none of which has the address.
pub static REVERSE_NAME_MISMATCH: SignalDef = SignalDef::new(
    "REVERSE_NAME_MISMATCH",
    Family::Client,
    0.8,
    "The name of the client's address doesn't lead back to it",
);

/// Reads the result of the reverse lookup.
#[derive(Default)]
pub struct ReverseName;

impl Check for ReverseName {
    const KEY: &'static str = "client.reverse_name";
    const STAGE: Stage = Stage::Connect;
    const COST: crate::Cost = crate::Cost::Network;
    const RAISES: &'static [&'static SignalDef] = &[&REVERSE_NAME_MISSING, &REVERSE_NAME_MISMATCH];

    /// The first step of what the authenticator follows later; begun here, it has come by then.
    fn ask(&self, known: &Known<'_>, questions: &mut Questions) {
        if let (Some(client), None) = (known.stranger(), &known.envelope.client_name) {
            questions.ask(Question::Ptr(client.to_canonical()));
        }
    }

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let (Some(client), Some(found)) = (known.stranger(), known.authentication) else { return };
        if found.iprev.result != AuthResult::Fail {
            return;
        }
        match &found.iprev.name {
            None => signals.raise(&REVERSE_NAME_MISSING, client.to_string()),
            Some(name) => signals.raise(&REVERSE_NAME_MISMATCH, format!("{client}, named {name}")),
        }
    }
}
