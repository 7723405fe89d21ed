//! Whom the message says it is from, and where answers would go (RFC 5322, section 3.6.2).
//!
//! Readers see the display name and rarely the address: a name that shows an address of somebody
//! else is a mask.
//!
//! Invariant: domains of one owner are never held against each other; lists, which write their own
//! address into From, are exempt.

use tidegate_dns::Answers;
use tidegate_mail::{Address, Mailbox, Message, registered_domain};
use tidegate_signal::{Family, SignalDef, Signals};

use crate::bulk::precedence::of_a_list;
use crate::links::owner::{is_host, same_owner};
use crate::{Check, Known};

/// A From field without any address.
pub static AUTHOR_WITHOUT_ADDRESS: SignalDef =
    SignalDef::new("AUTHOR_WITHOUT_ADDRESS", Family::Headers, 1.5, "The From field has no address");
/// An address without a domain.
pub static AUTHOR_WITHOUT_DOMAIN: SignalDef = SignalDef::new(
    "AUTHOR_WITHOUT_DOMAIN",
    Family::Headers,
    1.0,
    "The author's address has no domain",
);
/// `"service@bank.example" <x@elsewhere.example>`.
pub static AUTHOR_NAME_IS_OTHER_ADDRESS: SignalDef = SignalDef::new(
    "AUTHOR_NAME_IS_OTHER_ADDRESS",
    Family::Headers,
    1.0,
    "The author's name shows an address that isn't the author's",
);
/// `"bank.example" <x@elsewhere.example>`.
pub static AUTHOR_NAME_IS_OTHER_DOMAIN: SignalDef = SignalDef::new(
    "AUTHOR_NAME_IS_OTHER_DOMAIN",
    Family::Headers,
    0.8,
    "The author's name shows a domain that isn't the author's",
);
/// The recipient's own address or mailbox as the name of a stranger.
pub static AUTHOR_NAME_IS_RECIPIENT: SignalDef = SignalDef::new(
    "AUTHOR_NAME_IS_RECIPIENT",
    Family::Headers,
    1.2,
    "The author goes by the recipient's name",
);
/// From the recipient, without proof.
pub static AUTHOR_IS_RECIPIENT: SignalDef = SignalDef::new(
    "AUTHOR_IS_RECIPIENT",
    Family::Headers,
    0.5,
    "The author claims to be the recipient, and it isn't proven",
);
/// From and To are one address: the recipients are hidden.
pub static AUTHOR_WRITES_TO_ITSELF: SignalDef = SignalDef::new(
    "AUTHOR_WRITES_TO_ITSELF",
    Family::Headers,
    1.0,
    "The message is addressed to its author, who isn't proven, and delivered to others",
);
/// Answers go to another owner's domain.
pub static REPLY_TO_ELSEWHERE: SignalDef = SignalDef::new(
    "REPLY_TO_ELSEWHERE",
    Family::Headers,
    0.2,
    "Answers would go to another domain than the author's",
);
/// More than one author.
pub static SEVERAL_AUTHORS: SignalDef =
    SignalDef::new("SEVERAL_AUTHORS", Family::Headers, 0.5, "The message has several authors");

/// Looks at From and Reply-To.
#[derive(Default)]
pub struct Author;

impl Check for Author {
    const KEY: &'static str = "headers.author";
    const STAGE: crate::Stage = crate::Stage::Authenticated;
    const RAISES: &'static [&'static SignalDef] = &[
        &AUTHOR_WITHOUT_ADDRESS,
        &AUTHOR_WITHOUT_DOMAIN,
        &AUTHOR_NAME_IS_OTHER_ADDRESS,
        &AUTHOR_NAME_IS_OTHER_DOMAIN,
        &AUTHOR_NAME_IS_RECIPIENT,
        &AUTHOR_IS_RECIPIENT,
        &AUTHOR_WRITES_TO_ITSELF,
        &REPLY_TO_ELSEWHERE,
        &SEVERAL_AUTHORS,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        let Some(field) = message.field("from") else { return };
        let authors = message.from();
        let Some(author) = authors.iter().find(|from| !from.address.is_null()) else {
            signals.raise(&AUTHOR_WITHOUT_ADDRESS, field.raw_text());
            return;
        };
        let Some(domain) = author.address.domain().filter(|domain| !domain.is_empty()) else {
            signals.raise(&AUTHOR_WITHOUT_DOMAIN, author.address.as_str());
            return;
        };
        if authors.len() > 1 {
            signals.raise(&SEVERAL_AUTHORS, format!("{} of them", authors.len()));
        }
        if of_a_list(message) {
            return;
        }
        judge_name(author, domain, signals);
        judge_likeness(author, domain, message, known, signals);
        judge_reply(message, domain, signals);
    }
}

/// What the display name shows, beside what the address is.
fn judge_name(author: &Mailbox, domain: &str, signals: &mut Signals) {
    // Most names are of letters and blanks; only these can show a host.
    if !author.display.contains('.') {
        return;
    }
    let display = author.display.to_ascii_lowercase();
    for word in display.split(|c: char| c.is_whitespace() || "<>()[]\"',;:/".contains(c)) {
        let word = word.trim_matches('.');
        let (host, def) = match word.rsplit_once('@') {
            Some((_, host)) => (host, &AUTHOR_NAME_IS_OTHER_ADDRESS),
            // Magazines have such names among other words: "CNET News.com Daily".
            None if word.len() == display.trim().len() => (word, &AUTHOR_NAME_IS_OTHER_DOMAIN),
            None => continue,
        };
        if is_host(host) && !same_owner(host, domain) {
            let evidence = format!("{} is written by {}", author.display, author.address.as_str());
            signals.raise(def, evidence);
        }
    }
}

/// The author beside the recipients.
fn judge_likeness(
    author: &Mailbox,
    domain: &str,
    message: &Message<'_>,
    known: &Known<'_>,
    signals: &mut Signals,
) {
    let same = |other: &Address| author.address.as_str().eq_ignore_ascii_case(other.as_str());
    let ours = known.envelope.authenticated.is_some() || known.envelope.is_local();
    let proven = ours || known.authentication.is_some_and(|found| found.proves(domain));
    let recipients = &known.envelope.recipients;
    if !proven && recipients.iter().any(same) {
        signals.raise(&AUTHOR_IS_RECIPIENT, author.address.as_str());
    } else if !proven && message.to().iter().any(|to| same(&to.address)) {
        signals.raise(&AUTHOR_WRITES_TO_ITSELF, author.address.as_str());
    }
    let display = author.display.trim();
    for to in recipients.iter().filter(|to| !to.is_null() && !same(to)) {
        let local = to.local();
        let goes_by = display.eq_ignore_ascii_case(to.as_str())
            || local.len() > 3 && display.eq_ignore_ascii_case(local);
        if goes_by && !to.domain().is_some_and(|theirs| same_owner(theirs, domain)) {
            let evidence = format!("{display} is written by {}", author.address.as_str());
            signals.raise(&AUTHOR_NAME_IS_RECIPIENT, evidence);
        }
    }
}

fn judge_reply(message: &Message<'_>, domain: &str, signals: &mut Signals) {
    let elsewhere = message.reply_to().iter().find(|reply| {
        reply.address.domain().is_some_and(|theirs| {
            registered_domain(theirs).is_some() && !same_owner(theirs, domain)
        })
    });
    if let Some(reply) = elsewhere {
        let evidence = format!("to {}, from {domain}", reply.address.as_str());
        signals.raise(&REPLY_TO_ELSEWHERE, evidence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::Case;

    #[track_caller]
    fn check(header: &str, expect: &[&str]) {
        let raw = format!("{header}\nSubject: x\n\nHello\n").replace('\n', "\r\n");
        let names = Case::to("berta@site.example.org").judge::<Author>(raw.as_bytes());
        assert_eq!(names, expect, "{header}");
    }

    #[test]
    fn honest_authors_raise_nothing() {
        check("From: Anna <anna@example.com>", &[]);
        check("From: anna@example.com", &[]);
        check("From: \"anna@example.com\" <anna@example.com>", &[]);
        check("From: \"Amazon.com\" <order@mail.amazon.co.uk>", &[]);
        check("From: \"CNET News.com Daily\" <news@online.com>", &[]);
        check("From: \"J.Smith, node.js\" <j@example.com>", &[]);
        check("From: Anna <anna@mail.example.com>\nReply-To: office@example.com", &[]);
        check(
            "From: \"anna@example.com\" <users@lists.example.net>\nList-Post: <mailto:users@lists.example.net>",
            &[],
        );
    }

    #[test]
    fn a_from_without_an_address_is_told() {
        check("From: Anna", &["AUTHOR_WITHOUT_ADDRESS"]);
        check("From: anna@", &["AUTHOR_WITHOUT_DOMAIN"]);
        check("From:", &["AUTHOR_WITHOUT_ADDRESS"]);
    }

    #[test]
    fn a_name_that_shows_somebody_else_is_told() {
        check("From: \"service@bank.com\" <x@elsewhere.net>", &["AUTHOR_NAME_IS_OTHER_ADDRESS"]);
        check("From: \"Bank.com\" <x@elsewhere.net>", &["AUTHOR_NAME_IS_OTHER_DOMAIN"]);
        check("From: berta <x@elsewhere.net>", &["AUTHOR_NAME_IS_RECIPIENT"]);
    }

    #[test]
    fn the_recipient_as_the_author_has_to_be_proven() {
        check("From: Berta <berta@site.example.org>", &["AUTHOR_IS_RECIPIENT"]);
        check("From: x@elsewhere.net\nTo: x@elsewhere.net", &["AUTHOR_WRITES_TO_ITSELF"]);
    }

    #[test]
    fn answers_elsewhere_and_several_authors_are_told() {
        check("From: anna@example.com\nReply-To: x@elsewhere.net", &["REPLY_TO_ELSEWHERE"]);
        check("From: anna@example.com, otto@example.com", &["SEVERAL_AUTHORS"]);
    }
}
