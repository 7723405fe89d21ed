//! Fields that a message has to have, or that every honest program writes (RFC 5322, section 3.6).
//!
//! Invariant: a message without any header raises one signal, not one for each field.

use tidegate_dns::Answers;
use tidegate_mail::Message;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::{Check, Known};

/// Nothing that is a field.
pub static HEADER_MISSING: SignalDef =
    SignalDef::new("HEADER_MISSING", Family::Headers, 3.0, "The message has no header at all");
/// No From.
pub static MISSING_FROM: SignalDef =
    SignalDef::new("MISSING_FROM", Family::Headers, 2.0, "The From field is missing");
/// Neither To nor Cc.
pub static MISSING_TO: SignalDef =
    SignalDef::new("MISSING_TO", Family::Headers, 0.1, "The message names no recipient");
/// No Subject.
pub static MISSING_SUBJECT: SignalDef =
    SignalDef::new("MISSING_SUBJECT", Family::Headers, 0.2, "The Subject field is missing");
/// A Subject of nothing.
pub static EMPTY_SUBJECT: SignalDef =
    SignalDef::new("EMPTY_SUBJECT", Family::Headers, 0.8, "The subject is empty");
/// No Message-ID.
pub static MISSING_MESSAGE_ID: SignalDef =
    SignalDef::new("MISSING_MESSAGE_ID", Family::Headers, 0.5, "The Message-ID field is missing");
/// HTML or several parts, and no MIME-Version.
pub static MISSING_MIME_VERSION: SignalDef = SignalDef::new(
    "MISSING_MIME_VERSION",
    Family::Headers,
    0.4,
    "The message has HTML or several parts, and the MIME-Version field is missing",
);
/// No word, no picture, no file.
pub static MESSAGE_EMPTY: SignalDef =
    SignalDef::new("MESSAGE_EMPTY", Family::Content, 1.5, "The message has no content");

/// Looks for what should be there.
#[derive(Default)]
pub struct Required;

impl Check for Required {
    const KEY: &'static str = "headers.required";
    const RAISES: &'static [&'static SignalDef] = &[
        &HEADER_MISSING,
        &MISSING_FROM,
        &MISSING_TO,
        &MISSING_SUBJECT,
        &EMPTY_SUBJECT,
        &MISSING_MESSAGE_ID,
        &MISSING_MIME_VERSION,
        &MESSAGE_EMPTY,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        if is_empty(message) {
            signals.raise(&MESSAGE_EMPTY, "");
        }
        if message.fields().is_empty() {
            signals.raise(&HEADER_MISSING, "");
            return;
        }
        if message.field("from").is_none() {
            signals.raise(&MISSING_FROM, "");
        }
        let named = ["to", "cc", "bcc", "apparently-to", "resent-to", "newsgroups"];
        if !named.iter().any(|name| message.field(name).is_some()) {
            signals.raise(&MISSING_TO, "");
        }
        match message.field("subject") {
            None => signals.raise(&MISSING_SUBJECT, ""),
            Some(_) if message.subject().is_none_or(|subject| subject.trim().is_empty()) => {
                signals.raise(&EMPTY_SUBJECT, "");
            }
            Some(_) => {}
        }
        // The MTA adds one where a user's program leaves it out, after it has asked us.
        let submitted = known.envelope.authenticated.is_some() || known.envelope.is_local();
        if message.field("message-id").is_none() && !submitted {
            signals.raise(&MISSING_MESSAGE_ID, "");
        }
        let whole = message.parts().first();
        let needs_mime = whole.is_some_and(|part| {
            part.declared && (part.is_multipart() || part.content_type == "text/html")
        });
        if needs_mime && message.field("mime-version").is_none() {
            signals.raise(&MISSING_MIME_VERSION, "");
        }
    }
}

fn is_empty(message: &Message<'_>) -> bool {
    message.text().trim().is_empty()
        && message.plain().trim().is_empty()
        && message.links().is_empty()
        && message.attachments().is_empty()
        && message.html().images_remote == 0
        && message.html().images_embedded == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(raw: &str, expect: &[&str]) {
        assert_eq!(raised::<Required>(raw), expect, "{raw}");
    }

    #[test]
    fn a_whole_message_raises_nothing() {
        check(
            "From: a@b.example\nTo: c@d.example\nSubject: x\nMessage-ID: <1@b.example>\n\nHi\n",
            &[],
        );
        check(
            "From: a@b.example\nCc: c@d.example\nSubject: x\nMessage-ID: <1@b.example>\n\nHi\n",
            &[],
        );
    }

    #[test]
    fn each_missing_field_is_told() {
        check(
            "Received: from x\n\nHi\n",
            &["MISSING_FROM", "MISSING_TO", "MISSING_SUBJECT", "MISSING_MESSAGE_ID"],
        );
        check(
            "From: a@b.example\nTo: c@d.example\nSubject:  \nMessage-ID: <1@b.example>\n\nHi\n",
            &["EMPTY_SUBJECT"],
        );
    }

    #[test]
    fn html_needs_a_mime_version() {
        check(
            "From: a@b.example\nTo: c@d.example\nSubject: x\nMessage-ID: <1@b.example>\n\
             Content-Type: text/html\n\n<p>Hi</p>\n",
            &["MISSING_MIME_VERSION"],
        );
    }

    #[test]
    fn a_message_of_nothing_is_told() {
        check(
            "From: a@b.example\nTo: c@d.example\nSubject: x\nMessage-ID: <1@b.example>\n\n  \n",
            &["MESSAGE_EMPTY"],
        );
    }
}
