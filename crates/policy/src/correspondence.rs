//! What connects the sender of a message to a recipient.
//!
//! Invariant: it is a fact on one recipient, and told to no other.

use serde::{Deserialize, Serialize};

/// Why a recipient is taken to want mail of a sender whose domain is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correspondence {
    /// The recipient has written to the author.
    WroteTo,
    /// The message answers one that the recipient has sent.
    RepliesToUs,
    /// The recipient has written to an address that the message's list goes by.
    WroteToList(ListAddress),
    /// The recipient has written to an address at which one joins the list, or confirms that one did.
    Joined(ListAddress),
}

/// By what a message names its list, or who sends to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListAddress {
    /// List-Id (RFC 2919).
    Id,
    /// List-Post (RFC 2369).
    Post,
    /// List-Subscribe (RFC 2369).
    Subscribe,
    /// List-Unsubscribe (RFC 2369), where its address names the list.
    Unsubscribe,
    /// Reply-To (RFC 5322).
    ReplyTo,
    /// The envelope's sender.
    Sender,
    /// No address: the organisation that the message is proved to be of.
    Organisation,
}

impl Correspondence {
    /// Whether it is the author whom the recipient knows, who is protected for that; a list may carry
    /// what any member writes.
    #[must_use]
    pub const fn is_of_author(self) -> bool {
        matches!(self, Self::WroteTo | Self::RepliesToUs)
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::WroteTo => "the recipient has written to the sender".to_owned(),
            Self::RepliesToUs => "it answers the recipient's message".to_owned(),
            Self::WroteToList(at) => {
                format!("the recipient has written to its list, by {}", at.as_str())
            }
            Self::Joined(at) => {
                format!("the recipient has asked to join, or confirmed it, by {}", at.as_str())
            }
        }
    }
}

impl ListAddress {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "List-Id",
            Self::Post => "List-Post",
            Self::Subscribe => "List-Subscribe",
            Self::Unsubscribe => "List-Unsubscribe",
            Self::ReplyTo => "Reply-To",
            Self::Sender => "the envelope's sender",
            Self::Organisation => "the sender's organisation",
        }
    }
}
