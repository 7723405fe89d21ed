//! The form of the subject: pretended replies, the reader's own address, capitals, letters that
//! can't be seen.
//!
//! Invariant: words of the subject are left to the rules; its form alone is looked at.

use tidegate_dns::Answers;
use tidegate_mail::Message;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::bulk::precedence::of_a_list;
use crate::content::script;
use crate::{Check, Known};

/// `Re:` to nothing.
pub static SUBJECT_FAKES_REPLY: SignalDef = SignalDef::new(
    "SUBJECT_FAKES_REPLY",
    Family::Headers,
    0.8,
    "The subject says that it is a reply, and nothing else does",
);
/// The recipient's address.
pub static SUBJECT_NAMES_ADDRESS: SignalDef = SignalDef::new(
    "SUBJECT_NAMES_ADDRESS",
    Family::Headers,
    1.5,
    "The subject has the recipient's address in it",
);
/// The part of it before the `@`.
pub static SUBJECT_NAMES_MAILBOX: SignalDef = SignalDef::new(
    "SUBJECT_NAMES_MAILBOX",
    Family::Headers,
    0.5,
    "The subject calls the recipient by the name of the mailbox",
);
/// Capitals only.
pub static SUBJECT_SHOUTS: SignalDef =
    SignalDef::new("SUBJECT_SHOUTS", Family::Headers, 1.0, "The subject is in capitals");
/// Base64 of plain letters.
pub static SUBJECT_NEEDLESSLY_ENCODED: SignalDef = SignalDef::new(
    "SUBJECT_NEEDLESSLY_ENCODED",
    Family::Headers,
    0.8,
    "The subject is encoded although it has plain letters only",
);
/// An address of the web.
pub static SUBJECT_HAS_LINK: SignalDef =
    SignalDef::new("SUBJECT_HAS_LINK", Family::Headers, 0.0, "The subject has a link in it");
/// Zero-width letters, reversed writing, tags.
pub static SUBJECT_HAS_INVISIBLE: SignalDef = SignalDef::new(
    "SUBJECT_HAS_INVISIBLE",
    Family::Headers,
    1.2,
    "The subject has characters in it that nobody can see",
);
/// Cyrillic or Greek letters in the place of Latin ones.
pub static SUBJECT_MIXES_SCRIPTS: SignalDef = SignalDef::new(
    "SUBJECT_MIXES_SCRIPTS",
    Family::Headers,
    1.5,
    "A word of the subject has letters of another script that look the same",
);

/// Looks at the subject.
#[derive(Default)]
pub struct Subject;

/// A subject that names one of many recipients was not made for many.
const MOST_RECIPIENTS: usize = 20;
/// Letters that are searched for a recipient.
const LONGEST_SUBJECT: usize = 1000;

impl Check for Subject {
    const KEY: &'static str = "headers.subject";
    const RAISES: &'static [&'static SignalDef] = &[
        &SUBJECT_FAKES_REPLY,
        &SUBJECT_NAMES_ADDRESS,
        &SUBJECT_NAMES_MAILBOX,
        &SUBJECT_SHOUTS,
        &SUBJECT_NEEDLESSLY_ENCODED,
        &SUBJECT_HAS_LINK,
        &SUBJECT_HAS_INVISIBLE,
        &SUBJECT_MIXES_SCRIPTS,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        let Some(subject) = message.subject() else { return };
        let of_a_list = of_a_list(message);
        if !of_a_list && says_reply(subject) && !is_reply(message) {
            signals.raise(&SUBJECT_FAKES_REPLY, subject);
        }
        if !of_a_list {
            judge_address(subject, known, signals);
        }
        if shouts(subject) {
            signals.raise(&SUBJECT_SHOUTS, subject);
        }
        if has_link(subject) {
            signals.raise(&SUBJECT_HAS_LINK, subject);
        }
        if subject.is_ascii() {
            let raw = message.field("subject").map(|field| field.raw_text());
            if !of_a_list && raw.is_some_and(|raw| is_base64(&raw)) {
                signals.raise(&SUBJECT_NEEDLESSLY_ENCODED, subject);
            }
            return;
        }
        if script::unseen(subject) > 0 {
            signals.raise(&SUBJECT_HAS_INVISIBLE, subject);
        }
        if let Some(word) = script::mixed_words(subject).next() {
            signals.raise(&SUBJECT_MIXES_SCRIPTS, word);
        }
    }
}

/// `Re:` and its kin in other languages.
fn says_reply(subject: &str) -> bool {
    ["re:", "aw:", "sv:", "antw:", "odp:", "rif:", "re["]
        .iter()
        .any(|mark| subject.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark)))
}

/// Whether anything but the subject speaks of an earlier message: fields, or quoted lines.
fn is_reply(message: &Message<'_>) -> bool {
    ["in-reply-to", "references", "thread-index", "thread-topic", "resent-from"]
        .iter()
        .any(|name| message.field(name).is_some())
        || quotes(message.plain())
        || message.text().contains("wrote:")
        || message.text().contains("Original Message")
}

fn quotes(text: &str) -> bool {
    text.lines().any(|line| line.starts_with('>') || line.starts_with("| "))
}

fn judge_address(subject: &str, known: &Known<'_>, signals: &mut Signals) {
    let end = subject.char_indices().nth(LONGEST_SUBJECT).map_or(subject.len(), |(at, _)| at);
    let subject = subject.get(..end).unwrap_or(subject);
    let recipients = known.envelope.recipients.iter().take(MOST_RECIPIENTS);
    for to in recipients.filter(|to| to.domain().is_some()) {
        if contains(subject, to.as_str()) {
            signals.raise(&SUBJECT_NAMES_ADDRESS, to.as_str());
        } else if to.local().len() > 3 && contains(subject, to.local()) {
            signals.raise(&SUBJECT_NAMES_MAILBOX, to.local());
        }
    }
}

/// Whether `word` stands in `text` as a word, in any case.
fn contains(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let bounds = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        let after = text.get(at + word.len());
        !before.is_some_and(u8::is_ascii_alphanumeric)
            && !after.is_some_and(u8::is_ascii_alphanumeric)
    };
    !word.is_empty()
        && text
            .windows(word.len())
            .enumerate()
            .any(|(at, window)| window.eq_ignore_ascii_case(word) && bounds(at))
}

/// At least two words and ten letters, all of them capitals.
fn shouts(subject: &str) -> bool {
    let mut letters = 0;
    for letter in subject.chars().filter(|c| c.is_alphabetic()) {
        if !letter.is_uppercase() {
            return false;
        }
        letters += 1;
    }
    letters >= 10 && subject.trim().contains(' ')
}

fn has_link(subject: &str) -> bool {
    ["http://", "https://", "www."].iter().any(|start| {
        subject
            .as_bytes()
            .windows(start.len())
            .any(|window| window.eq_ignore_ascii_case(start.as_bytes()))
    })
}

fn is_base64(raw: &str) -> bool {
    raw.contains("=?") && (raw.contains("?B?") || raw.contains("?b?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::Case;

    #[track_caller]
    fn check(header: &str, body: &str, expect: &[&str]) {
        let raw = format!("{header}\n\n{body}\n").replace('\n', "\r\n");
        let names = Case::to("berta.k@site.example.org").judge::<Subject>(raw.as_bytes());
        assert_eq!(names, expect, "{header}");
    }

    #[test]
    fn honest_subjects_raise_nothing() {
        check("Subject: Minutes of Tuesday", "", &[]);
        check("Subject: Re: Minutes\nIn-Reply-To: <1@example.org>", "", &[]);
        check("Subject: Re: Minutes", "> We met on Tuesday.\nYes.", &[]);
        check("Subject: =?UTF-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?=", "", &[]);
        check("Subject: ISO 9001", "", &[]);
        check("Subject: Привет, друзья", "", &[]);
        check("", "", &[]);
    }

    #[test]
    fn a_pretended_reply_is_told() {
        check("Subject: Re: your order", "Buy this.", &["SUBJECT_FAKES_REPLY"]);
    }

    #[test]
    fn the_recipient_in_the_subject_is_told() {
        check("Subject: berta.k@site.example.org wins", "", &["SUBJECT_NAMES_ADDRESS"]);
        check("Subject: Hello Berta.K, a word", "", &["SUBJECT_NAMES_MAILBOX"]);
        check("Subject: Alberta.knows", "", &[]);
    }

    #[test]
    fn form_is_told() {
        check("Subject: LAST CHANCE TO BUY", "", &["SUBJECT_SHOUTS"]);
        check("Subject: see http://a.example", "", &["SUBJECT_HAS_LINK"]);
        check("Subject: =?utf-8?B?SGVsbG8gd29ybGQ=?=", "", &["SUBJECT_NEEDLESSLY_ENCODED"]);
        check("Subject: =?utf-8?Q?Hel=E2=80=8Blo?=", "", &["SUBJECT_HAS_INVISIBLE"]);
        check("Subject: =?utf-8?Q?P=D0=B0yPal?=", "", &["SUBJECT_MIXES_SCRIPTS"]);
    }
}
