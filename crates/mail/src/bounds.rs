//! How much of one message is looked at.

use serde::Deserialize;

/// Bounds on what one message can make this crate do: `[message]` of the configuration.
///
/// What goes over one is left out, and a [`Defect`](crate::Defect) tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// Header fields.
    pub fields: usize,
    /// Bytes of one header field that are taken apart; it is kept whole all the same.
    pub field_bytes: usize,
    /// Addresses of one header field.
    pub addresses: usize,
    /// MIME parts.
    pub parts: usize,
    /// Parts within parts, messages within messages.
    pub nesting: usize,
    /// Bytes of decoded plain text, and of decoded HTML.
    pub text_bytes: usize,
    /// Links.
    pub links: usize,
    /// Bytes of attached archives that are decoded in order to list what is in them.
    pub archive_bytes: usize,
    /// Names listed of one archive.
    pub archive_entries: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            fields: 2_000,
            field_bytes: 65_536,
            addresses: 500,
            parts: 500,
            nesting: 16,
            text_bytes: 1_048_576,
            links: 1_000,
            archive_bytes: 4_194_304,
            archive_entries: 500,
        }
    }
}
