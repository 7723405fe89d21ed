//! Where a pattern may look: the texts of a message and its envelope, by name.
//!
//! Invariant: a name stands for the same bytes in every version; `text` is the one name for two
//! places, the subject and the body, each searched on its own.

use std::fmt;

use tidegate_mail::{Attachment, Envelope, Message};
use tidegate_signal::nearest;

/// One kind of text; a message has none, one or several of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Named(Kind),
    /// Fields of this name, decoded and unfolded.
    Header(String),
    /// Fields of this name, unfolded but not decoded.
    HeaderRaw(String),
}

macro_rules! names {
    ($($variant:ident $word:literal),+ $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind { $($variant),+ }

        const NAMES: &[(Kind, &str)] = &[$((Kind::$variant, $word)),+];
    };
}

names! {
    Subject "subject",
    From "from",
    FromName "from.name",
    FromAddress "from.address",
    FromDomain "from.domain",
    ReplyTo "reply-to",
    ReplyToAddress "reply-to.address",
    To "to",
    Headers "headers",
    Body "body",
    Plain "plain",
    Html "html",
    Hidden "hidden",
    Raw "raw",
    Link "link",
    LinkHost "link.host",
    LinkText "link.text",
    AttachmentName "attachment.name",
    AttachmentType "attachment.type",
    EnvelopeSender "envelope.sender",
    EnvelopeHelo "envelope.helo",
    EnvelopeClientName "envelope.client-name",
    EnvelopeRecipient "envelope.recipient",
    MessageId "message-id",
    Received "received",
    XMailer "x-mailer",
}

/// Both at once: the subject and the body.
const SUBJECT_AND_BODY: &str = "text";

impl Place {
    /// The places that `word` stands for.
    ///
    /// # Errors
    /// What to write instead.
    pub(crate) fn parse(word: &str) -> Result<Vec<Self>, String> {
        if word == SUBJECT_AND_BODY {
            return Ok(vec![Self::Named(Kind::Subject), Self::Named(Kind::Body)]);
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, known)| *known == word) {
            return Ok(vec![Self::Named(*name)]);
        }
        let (kind, field) = word.split_once(':').unwrap_or((word, ""));
        match kind {
            "header" if is_field_name(field) => Ok(vec![Self::Header(field.to_ascii_lowercase())]),
            "header-raw" if is_field_name(field) => {
                Ok(vec![Self::HeaderRaw(field.to_ascii_lowercase())])
            }
            "header" | "header-raw" => {
                Err(format!("name the field after a colon, such as {kind}:List-Id"))
            }
            _ => Err(instead_of(word)),
        }
    }

    /// Whether it is text for people, in which white space of any length is one space.
    pub(crate) fn is_prose(&self) -> bool {
        use Kind::{Body, FromName, Hidden, LinkText, Plain, Subject};
        let Self::Named(name) = self else { return false };
        matches!(name, Subject | Body | Plain | Hidden | LinkText | FromName)
    }

    /// Whether a message with fields of these [bits](name_bit) may have a text of this kind.
    pub(crate) fn may_be_in(&self, present: u64) -> bool {
        match self {
            Self::Named(_) => true,
            Self::Header(name) | Self::HeaderRaw(name) => present & name_bit(name) != 0,
        }
    }

    /// Shows each text that the message has of this kind.
    pub(crate) fn each(
        &self,
        message: &Message<'_>,
        envelope: &Envelope,
        show: &mut dyn FnMut(&[u8]),
    ) {
        match self {
            Self::Named(name) => name.each(message, envelope, show),
            Self::Header(name) => decoded(message, name, show),
            Self::HeaderRaw(name) => {
                message.fields_named(name).for_each(|field| show(field.raw_text().as_bytes()));
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => {
                let word =
                    NAMES.iter().find(|(known, _)| known == name).map_or("", |(_, word)| word);
                f.write_str(word)
            }
            Self::Header(name) => write!(f, "header:{name}"),
            Self::HeaderRaw(name) => write!(f, "header-raw:{name}"),
        }
    }
}

impl Kind {
    fn each(self, message: &Message<'_>, envelope: &Envelope, show: &mut dyn FnMut(&[u8])) {
        let mut text = |text: Option<&str>| {
            if let Some(text) = text {
                show(text.as_bytes());
            }
        };
        match self {
            Self::Subject => text(message.subject()),
            Self::FromName => message.from().iter().for_each(|from| text(Some(&from.display))),
            Self::FromAddress => {
                message.from().iter().for_each(|from| text(Some(from.address.as_str())));
            }
            Self::FromDomain => message.from().iter().for_each(|from| text(from.address.domain())),
            Self::ReplyToAddress => {
                message.reply_to().iter().for_each(|to| text(Some(to.address.as_str())));
            }
            Self::Body => text(Some(message.text())),
            Self::Plain => text(Some(message.plain())),
            Self::Html => text(Some(message.html_source())),
            Self::Hidden => text(Some(message.hidden())),
            Self::Link => message.links().iter().for_each(|link| text(Some(&link.url))),
            Self::LinkHost => message.links().iter().for_each(|link| text(link.host.as_deref())),
            Self::LinkText => message.links().iter().for_each(|link| text(link.text.as_deref())),
            Self::AttachmentName => {
                message
                    .attachments()
                    .iter()
                    .flat_map(Attachment::names)
                    .for_each(|name| text(Some(name)));
            }
            Self::AttachmentType => {
                message.attachments().iter().for_each(|file| text(Some(&file.content_type)));
            }
            Self::EnvelopeSender => text(envelope.sender.as_ref().map(|sender| sender.as_str())),
            Self::EnvelopeHelo => text(envelope.helo.as_deref()),
            Self::EnvelopeClientName => text(envelope.client_name.as_deref()),
            Self::EnvelopeRecipient => {
                envelope.recipients.iter().for_each(|recipient| text(Some(recipient.as_str())));
            }
            Self::MessageId => text(message.message_id()),
            Self::From => decoded(message, "from", show),
            Self::ReplyTo => decoded(message, "reply-to", show),
            Self::To => ["to", "cc"].iter().for_each(|name| decoded(message, name, show)),
            Self::Received => decoded(message, "received", show),
            Self::XMailer => {
                ["x-mailer", "user-agent"].iter().for_each(|name| decoded(message, name, show));
            }
            Self::Headers => show(message.header_bytes()),
            Self::Raw => show(message.raw()),
        }
    }
}

/// One of 64 bits for a field's name, letter case aside.
pub(crate) fn name_bit(name: &str) -> u64 {
    let name = name.as_bytes();
    let [first, last] = [name.first(), name.last()].map(|byte| byte.map_or(0, |byte| byte | 0x20));
    1 << ((usize::from(first) * 7 + usize::from(last) * 3 + name.len()) & 63)
}

fn decoded(message: &Message<'_>, name: &str, show: &mut dyn FnMut(&[u8])) {
    message.fields_named(name).for_each(|field| show(field.text().as_bytes()));
}

/// RFC 5322 section 3.6.8: printable ASCII without the colon.
fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

/// The names do not fit in one line; a field's name is the likeliest slip.
fn instead_of(word: &str) -> String {
    let names = NAMES.iter().map(|(_, word)| *word).chain([SUBJECT_AND_BODY]);
    match nearest(word, names) {
        Some(near) => format!("did you mean '{near}'?"),
        None if is_field_name(word) => format!("write \"header:{word}\" for a field of that name"),
        None => {
            "write \"text\", \"subject\", \"body\" or another place of the reference".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for (name, word) in NAMES {
            assert_eq!(Place::parse(word), Ok(vec![Place::Named(*name)]));
            assert_eq!(Place::Named(*name).to_string(), *word);
        }
        for word in ["header:x-spam", "header-raw:to"] {
            assert_eq!(Place::parse(word).unwrap()[0].to_string(), word);
        }
    }

    #[test]
    fn a_file_without_a_name_has_none_to_look_at() {
        let raw = b"Content-Type: application/pdf\r\n\r\nx";
        let message = Message::parse(raw, &tidegate_mail::Bounds::default());
        let mut shown = 0;
        let place = Place::Named(Kind::AttachmentName);
        place.each(&message, &Envelope::default(), &mut |_| shown += 1);
        assert_eq!((message.attachments().len(), shown), (1, 0));
    }

    #[test]
    fn an_unknown_place_is_told_the_nearest() {
        for (word, expect) in [
            ("subjekt", "'subject'"),
            ("link.hosts", "'link.host'"),
            ("List-Id", "\"header:List-Id\""),
            ("header", "header:List-Id"),
            ("header:", "header:List-Id"),
        ] {
            let remedy = Place::parse(word).unwrap_err();
            assert!(remedy.contains(expect), "{word}: {remedy}");
        }
    }

    #[test]
    fn the_reference_names_every_place() {
        let reference = include_str!("../README.md");
        for (_, word) in NAMES {
            assert!(reference.contains(&format!("`{word}`")), "README.md lacks the place {word}");
        }
    }
}
