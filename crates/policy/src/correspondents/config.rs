//! The memory of correspondents as written in the configuration: `[correspondents]`.

use serde::Deserialize;
use tidegate_checks::Network;
use tidegate_mail::Envelope;

/// `[correspondents]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether anything is remembered, and counts.
    pub enabled: bool,
    /// Networks that send only mail of this site's own users. A relay that brings mail of others must
    /// not be among them: whoever wrote through it would be taken for a user.
    pub networks: Vec<Network>,
    /// Days that a correspondent is remembered after the last message to him.
    pub keep_days: u32,
    /// Days that a message sent is remembered, so that answers to it are known.
    pub reply_days: u32,
    /// Recipients of one message past which none of them is remembered.
    pub max_recipients: usize,
    /// Correspondents and messages that one user can add in a day.
    pub max_new_per_day: u32,
    /// Correspondents and messages remembered in all; past this no new ones are.
    pub max_entries: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            networks: Vec::new(),
            keep_days: 365,
            reply_days: 90,
            max_recipients: 50,
            max_new_per_day: 500,
            max_entries: 1_000_000,
        }
    }
}

impl Config {
    /// Whether a message of this envelope is one that a user of this site sends.
    #[must_use]
    pub fn is_outgoing(&self, envelope: &Envelope) -> bool {
        let of_network = |client| self.networks.iter().any(|network| network.contains(client));
        envelope.authenticated.is_some() || envelope.client.is_some_and(of_network)
    }
}
