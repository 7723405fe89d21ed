//! What the owner of the From domain asks for mail that isn't proven to be theirs (RFC 7489).
//!
//! Invariant: a post to a mailing list fails by the list's doing as often as by forgery; it is
//! never scored above `LIST_POST`.

use serde::Deserialize;
use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use super::arc::Sealers;
use crate::authentication::{AuthResult, DmarcPolicy};
use crate::{Check, Configured, InvalidSetting, Known, Stage};

/// Most that a failure adds to a post to a mailing list.
const LIST_POST: f32 = 0.8;

/// `p=reject`.
pub static DMARC_REJECT: SignalDef = SignalDef::new(
    "DMARC_REJECT",
    Family::Authentication,
    3.0,
    "The author is not proven, and the domain asks to reject such mail",
);
/// `p=quarantine`.
pub static DMARC_QUARANTINE: SignalDef = SignalDef::new(
    "DMARC_QUARANTINE",
    Family::Authentication,
    1.8,
    "The author is not proven, and the domain asks to set such mail aside",
);
/// `p=none`.
pub static DMARC_FAIL_NONE: SignalDef = SignalDef::new(
    "DMARC_FAIL_NONE",
    Family::Authentication,
    0.3,
    "The author is not proven, and the domain asks for nothing",
);
/// Spammers own domains too, so this is worth little.
pub static DMARC_PASS: SignalDef =
    SignalDef::new("DMARC_PASS", Family::Authentication, -0.2, "The author's domain is proven");
/// More than one author domain: no policy applies, and mail programs show whichever they like.
pub static DMARC_MANY_AUTHORS: SignalDef = SignalDef::new(
    "DMARC_MANY_AUTHORS",
    Family::Authentication,
    1.5,
    "The message names authors in several domains, so that none can be proven",
);
/// Explains why a failure was not counted.
pub static ARC_PASSED_BEFORE: SignalDef = SignalDef::new(
    "ARC_PASSED_BEFORE",
    Family::Authentication,
    0.0,
    "A trusted forwarder vouches that the author was proven before it changed the message",
);

/// Reads the result of DMARC.
pub struct DmarcResult {
    config: Config,
}

/// `[checks.auth.dmarc]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Domains (`d=` of ARC seals) that are believed when they say that a message which fails now
    /// passed when it reached them.
    pub trusted_sealers: Sealers,
}

impl Configured for DmarcResult {
    type Config = Config;

    fn new(config: Config) -> Result<Self, InvalidSetting> {
        Ok(Self { config })
    }
}

impl Check for DmarcResult {
    const KEY: &'static str = "auth.dmarc";
    const STAGE: Stage = Stage::Authenticated;
    const COST: crate::Cost = crate::Cost::Network;
    const RAISES: &'static [&'static SignalDef] = &[
        &DMARC_REJECT,
        &DMARC_QUARANTINE,
        &DMARC_FAIL_NONE,
        &DMARC_PASS,
        &DMARC_MANY_AUTHORS,
        &ARC_PASSED_BEFORE,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        // What our own users and relays hand in is not signed yet.
        let (Some(found), Some(_)) = (known.authentication, known.stranger()) else { return };
        let dmarc = &found.dmarc;
        let def = match (dmarc.result, dmarc.policy) {
            (AuthResult::Pass, _) => {
                return signals.raise(&DMARC_PASS, dmarc.domain.clone());
            }
            (AuthResult::PermError, _) if known.message.is_some_and(many_authors) => {
                return signals.raise(&DMARC_MANY_AUTHORS, dmarc.reason.clone());
            }
            (AuthResult::Fail, DmarcPolicy::Reject) => &DMARC_REJECT,
            (AuthResult::Fail, DmarcPolicy::Quarantine) => &DMARC_QUARANTINE,
            (AuthResult::Fail, DmarcPolicy::None) => &DMARC_FAIL_NONE,
            _ => return,
        };
        if self.config.trusted_sealers.vouch(&found.arc) {
            let sealer = found.arc.sealer.clone().unwrap_or_default();
            return signals.raise(&ARC_PASSED_BEFORE, sealer);
        }
        let listed = known.message.is_some_and(|message| message.field("List-Id").is_some());
        let score = if listed { def.score.min(LIST_POST) } else { def.score };
        signals.raise_with(def, score, format!("{}: {}", dmarc.domain, dmarc.reason));
    }
}

fn many_authors(message: &tidegate_mail::Message<'_>) -> bool {
    matches!(super::alignment::author(message), super::alignment::Author::Many(_))
}
