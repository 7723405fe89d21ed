//! What the DKIM signatures prove (RFC 6376, section 6.1; RFC 8301).
//!
//! Invariant: one passing signature silences the failures of the others; mailing lists and
//! forwarders break signatures in good faith, so that a broken one weighs little.

use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::authentication::{AuthResult, Authentication, Dkim};
use crate::{Check, Known, Stage};

/// At least one signature passes.
pub static DKIM_PASS: SignalDef = SignalDef::new(
    "DKIM_PASS",
    Family::Authentication,
    -0.1,
    "A DKIM signature proves which domain sent the message",
);
/// What was signed is not what came.
pub static DKIM_FAIL: SignalDef = SignalDef::new(
    "DKIM_FAIL",
    Family::Authentication,
    0.5,
    "The message was changed after it was signed, or the signature is made up",
);
/// No key, a malformed signature.
pub static DKIM_BROKEN: SignalDef = SignalDef::new(
    "DKIM_BROKEN",
    Family::Authentication,
    0.2,
    "The DKIM signature can't be verified by anyone",
);
/// `l=` leaves the rest of the body to whoever comes by (RFC 6376, section 8.2).
pub static DKIM_PARTIAL_BODY: SignalDef = SignalDef::new(
    "DKIM_PARTIAL_BODY",
    Family::Authentication,
    0.3,
    "The DKIM signature covers only the beginning of the text",
);
/// RFC 8301.
pub static DKIM_WEAK: SignalDef = SignalDef::new(
    "DKIM_WEAK",
    Family::Authentication,
    0.2,
    "The DKIM signature is too weak to prove anything, or out of date",
);

/// Reads the results of DKIM.
#[derive(Default)]
pub struct DkimResults;

impl Check for DkimResults {
    const KEY: &'static str = "auth.dkim";
    const STAGE: Stage = Stage::Authenticated;
    const COST: crate::Cost = crate::Cost::Network;
    const RAISES: &'static [&'static SignalDef] =
        &[&DKIM_PASS, &DKIM_FAIL, &DKIM_BROKEN, &DKIM_PARTIAL_BODY, &DKIM_WEAK];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(found) = known.authentication else { return };
        if let Some(pass) = first(found, AuthResult::Pass) {
            // A signature over a part passes for what was added to it, too.
            let def = if pass.partial_body { &DKIM_PARTIAL_BODY } else { &DKIM_PASS };
            signals.raise(def, pass.domain.clone());
            return;
        }
        // While a key is missing, that signature may be the one that passes.
        if first(found, AuthResult::TempError).is_some() {
            return;
        }
        let listed = known.message.is_some_and(|message| message.field("List-Id").is_some());
        let results = [
            (AuthResult::Fail, &DKIM_FAIL),
            (AuthResult::Neutral, &DKIM_WEAK),
            (AuthResult::PermError, &DKIM_BROKEN),
        ];
        for (result, def) in results {
            if let Some(signature) = first(found, result) {
                let score = if listed { 0.0 } else { def.score };
                let detail = format!("{}: {}", signature.domain, signature.reason);
                signals.raise_with(def, score, detail);
                return;
            }
        }
    }
}

/// The first signature with that result; of passing ones, rather one that covers the whole body.
fn first(found: &Authentication, result: AuthResult) -> Option<&Dkim> {
    let having = || found.dkim.iter().filter(|signature| signature.result == result);
    having().find(|signature| !signature.partial_body).or_else(|| having().next())
}
