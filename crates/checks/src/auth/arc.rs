//! What the ARC chain says of the way a message came (RFC 8617), and whose word on it counts.
//!
//! Invariant: anyone can seal; a chain counts only by the name of its newest sealer, and only to
//! excuse a failure, never to praise.

use serde::Deserialize;
use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::authentication::{Arc, AuthResult};
use crate::{Check, Known, Stage};

/// Informs.
pub static ARC_PASS: SignalDef = SignalDef::new(
    "ARC_PASS",
    Family::Authentication,
    0.0,
    "The forwarders of the message sealed its history, and the seals hold",
);
/// Informs: a later hop changed what was sealed.
pub static ARC_FAIL: SignalDef = SignalDef::new(
    "ARC_FAIL",
    Family::Authentication,
    0.0,
    "The sealed history of the message does not hold",
);

/// Reads the result of ARC.
#[derive(Default)]
pub struct ArcResult;

impl Check for ArcResult {
    const KEY: &'static str = "auth.arc";
    const STAGE: Stage = Stage::Authenticated;
    const COST: crate::Cost = crate::Cost::Network;
    const RAISES: &'static [&'static SignalDef] = &[&ARC_PASS, &ARC_FAIL];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(Arc { result, sealer, sets, reason, .. }) =
            known.authentication.map(|found| &found.arc)
        else {
            return;
        };
        let def = match result {
            AuthResult::Pass => &ARC_PASS,
            AuthResult::Fail | AuthResult::PermError => &ARC_FAIL,
            _ => return,
        };
        let sealer = sealer.as_deref().unwrap_or("nobody");
        let because = if reason.is_empty() { "" } else { ": " };
        signals.raise(def, format!("{sets} sets, the newest by {sealer}{because}{reason}"));
    }
}

/// Domains whose word on what they forward is taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Sealers(Vec<String>);

impl Default for Sealers {
    /// Two that forward much, verify before they do, and seal what they found.
    fn default() -> Self {
        Self(["google.com", "microsoft.com"].map(str::to_owned).to_vec())
    }
}

impl Sealers {
    /// Whether one of them sealed last, over a history that begins with a proven author.
    #[must_use]
    pub fn vouch(&self, arc: &Arc) -> bool {
        arc.result == AuthResult::Pass
            && arc.passed_before
            && arc.sealer.as_deref().is_some_and(|sealer| {
                self.0.iter().any(|trusted| trusted.eq_ignore_ascii_case(sealer))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_sealer_vouches_and_only_for_what_passed() {
        let sealed = |sealer: &str, passed_before| Arc {
            result: AuthResult::Pass,
            sealer: Some(sealer.to_owned()),
            sets: 1,
            passed_before,
            reason: String::new(),
        };
        let sealers = Sealers(vec!["relay.example".to_owned()]);
        assert!(sealers.vouch(&sealed("relay.example", true)));
        assert!(!sealers.vouch(&sealed("relay.example", false)));
        assert!(!sealers.vouch(&sealed("evil.example", true)));
        let broken = Arc { result: AuthResult::Fail, ..sealed("relay.example", true) };
        assert!(!sealers.vouch(&broken));
    }
}
