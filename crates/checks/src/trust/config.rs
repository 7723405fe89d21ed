//! `[trust]` as written.
//!
//! Invariant: what is not named here is trusted by nobody.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::addresses::AddressesSettings;
use super::bimi;
use super::coded::ListSettings;
use super::vbr::CertifierSettings;
use super::vetted::VettedSettings;

/// `[trust]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustConfig {
    /// Whether any mark is looked for.
    pub enabled: bool,
    /// `[trust.vbr."CERTIFIER"]`: certifiers by the names under which they vouch (RFC 5518).
    pub vbr: BTreeMap<String, CertifierSettings>,
    /// `[trust.lists.NAME]`: lists in DNS, by the operator's own name for each.
    pub lists: BTreeMap<String, ListSettings>,
    /// `[trust.addresses.NAME]`: certifiers' files of addresses.
    pub addresses: BTreeMap<String, AddressesSettings>,
    /// `[trust.vetted.NAME]`: senders whom the operator has vetted.
    pub vetted: BTreeMap<String, VettedSettings>,
    /// `[trust.bimi]`: marks of brands.
    pub bimi: bimi::Config,
}

impl Default for TrustConfig {
    /// Switched on, and without certifiers; those come with `config/trust.toml`.
    fn default() -> Self {
        Self {
            enabled: true,
            vbr: BTreeMap::new(),
            lists: BTreeMap::new(),
            addresses: BTreeMap::new(),
            vetted: BTreeMap::new(),
            bimi: bimi::Config::default(),
        }
    }
}

pub(super) const fn yes() -> bool {
    true
}

/// Points past which a certifier's word is a slip of the finger.
const HIGHEST_SCORE: f32 = 100.0;

/// What is wrong with the points of a mark, where anything is.
pub(super) fn mistaken_score(score: f32) -> Option<String> {
    let fits = score.is_finite() && score.abs() <= HIGHEST_SCORE;
    (!fits).then(|| format!("{score} points are out of range; write for example -1.5"))
}
