//! What SPF says of the sender's domain and this client (RFC 7208, section 2.6).
//!
//! Invariant: a failure that only forwarding explains is not held against a message: where the
//! author is proven by DKIM all the same, nothing is said.

use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::authentication::AuthResult;
use crate::{Check, Known, Stage};

/// `-all`.
pub static SPF_FAIL: SignalDef = SignalDef::new(
    "SPF_FAIL",
    Family::Authentication,
    1.2,
    "The sender's domain says that this client may not send for it",
);
/// `~all`.
pub static SPF_SOFTFAIL: SignalDef = SignalDef::new(
    "SPF_SOFTFAIL",
    Family::Authentication,
    0.5,
    "The sender's domain says that this client probably may not send for it",
);
/// Passing is no merit: whoever owns a domain can publish a record.
pub static SPF_PASS: SignalDef = SignalDef::new(
    "SPF_PASS",
    Family::Authentication,
    0.0,
    "The sender's domain says that this client may send for it",
);
/// `+all`, or a network as good as that.
pub static SPF_ALLOWS_ALL: SignalDef = SignalDef::new(
    "SPF_ALLOWS_ALL",
    Family::Authentication,
    2.0,
    "The sender's domain lets everyone send for it",
);
/// A record that can't be evaluated.
pub static SPF_BROKEN: SignalDef = SignalDef::new(
    "SPF_BROKEN",
    Family::Authentication,
    0.2,
    "The SPF record of the sender's domain is broken",
);

/// Reads the result of SPF.
#[derive(Default)]
pub struct SpfResult;

impl Check for SpfResult {
    const KEY: &'static str = "auth.spf";
    const STAGE: Stage = Stage::Authenticated;
    const COST: crate::Cost = crate::Cost::Network;
    const RAISES: &'static [&'static SignalDef] =
        &[&SPF_FAIL, &SPF_SOFTFAIL, &SPF_PASS, &SPF_ALLOWS_ALL, &SPF_BROKEN];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let (Some(found), Some(_)) = (known.authentication, known.stranger()) else { return };
        let spf = &found.spf;
        let proven = found.dmarc.result == AuthResult::Pass;
        let def = match spf.result {
            AuthResult::Pass if spf.allows_all => &SPF_ALLOWS_ALL,
            AuthResult::Pass => &SPF_PASS,
            AuthResult::Fail if !proven => &SPF_FAIL,
            AuthResult::SoftFail if !proven => &SPF_SOFTFAIL,
            AuthResult::PermError => &SPF_BROKEN,
            _ => return,
        };
        let mut detail = spf.domain.clone();
        if !spf.reason.is_empty() {
            detail.push_str(": ");
            detail.push_str(&spf.reason);
        }
        signals.raise(def, detail);
    }
}
