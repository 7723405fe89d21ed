//! What of a message's form tells mail to many from mail to one, as numbers.
//!
//! The fields by which mail says itself that it is bulk (List-*, Precedence, Feedback-ID) are not among
//! them: by those fields the messages were told apart on which the weights were fitted.
//!
//! Invariant: each number lies between 0 and 1, or is a logarithm, so that no message can make one
//! outweigh all others.

use tidegate_mail::{Envelope, LinkKind, Message, registered_domain};

use crate::words::Words;

/// How many numbers there are.
pub const FEATURES: usize = 14;

/// What each of them is.
pub const NAMES: [&str; FEATURES] = [
    "a sender address made for one recipient",
    "a sender of another organisation than the author",
    "fields of a mailing service",
    "a Sender field beside From",
    "no single person in To",
    "words for a way out",
    "a link for a way out",
    "links with a token",
    "pictures that track",
    "number of links",
    "share of HTML",
    "remote pictures",
    "a tag in the subject",
    "a footer with a link",
];

/// Links that are looked at.
const MOST_LINKS: usize = 200;
/// Letters or digits in one piece of an address that no person gave it.
const TOKEN: usize = 20;
/// Bytes of a text that are looked at, at its end, where ways out are.
pub(super) const LONGEST_TEXT: usize = 65_536;
/// Bytes at the end of a text where a footer is looked for.
const FOOTER: usize = 700;

/// The numbers of one message.
#[must_use]
pub fn features(message: &Message<'_>, envelope: &Envelope) -> [f64; FEATURES] {
    let yes = |truth: bool| f64::from(u8::from(truth));
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    let sender = envelope.sender.as_ref();
    let local = sender.map(|sender| sender.local()).unwrap_or_default();
    let author = message.from().first().and_then(|author| author.address.domain());
    let elsewhere = match (sender.and_then(|sender| sender.domain()), author) {
        (Some(sender), Some(author)) => registered_domain(sender) != registered_domain(author),
        _ => false,
    };
    let text = end_of(message.text(), LONGEST_TEXT);
    let links = &message.links()[..message.links().len().min(MOST_LINKS)];
    let anchors = links.iter().filter(|link| matches!(link.kind, LinkKind::Href | LinkKind::Plain));
    let (mut followed, mut tokens, mut way_out) = (0, 0, false);
    for link in anchors {
        followed += 1;
        tokens += usize::from(has_token(&link.url));
        way_out = way_out || leads_out(&link.url, link.text.as_deref());
    }
    let (html, plain) = (message.html_source().len(), message.plain().len());
    let subject = message.subject().unwrap_or_default();
    let bare = subject.trim_start_matches(['R', 'r', 'e', 'E', ':', ' ']);
    [
        yes(is_made_for_one(local)),
        yes(elsewhere),
        yes(has_service_field(message)),
        yes(message.field("Sender").is_some()),
        yes(message.to().len() != 1 || message.to().iter().all(|to| to.display.is_empty())),
        yes(WORDS_OUT.any_in(text)),
        yes(way_out),
        share(tokens, followed),
        yes(message.html().tracking_pixels > 0),
        f64::from(u32::try_from(links.len()).unwrap_or(u32::MAX)).ln_1p(),
        share(html, html + plain),
        f64::from(message.html().images_remote).ln_1p(),
        yes(bare.starts_with('[') && bare.contains(']')),
        yes(has_footer(text)),
    ]
}

/// Variable envelope return paths, and addresses for returned mail of programs that send to many.
fn is_made_for_one(local: &str) -> bool {
    static MADE: Words = Words::new(&[
        "bounce", "return", "owner-", "-owner", "errors", "-admin", "noreply", "no-reply",
        "request", "verp", "mailer",
    ]);
    local.contains('=')
        || MADE.any_in(local)
        || local.bytes().filter(u8::is_ascii_digit).count() >= 8
}

/// Fields that programs write which send to many.
fn has_service_field(message: &Message<'_>) -> bool {
    const BEGINNINGS: [&str; 14] = [
        "x-campaign",
        "x-mc-",
        "x-sg-",
        "x-mailgun-",
        "x-mailjet",
        "x-sib-",
        "x-ses-",
        "x-csa-complaints",
        "x-report-abuse",
        "x-job",
        "x-mailing",
        "x-list",
        "x-abuse",
        "x-bulk",
    ];
    let begins = |name: &str, with: &str| {
        name.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    let mut names = message.fields().iter().map(|field| field.name);
    names.any(|name| begins(name, "x-") && BEGINNINGS.iter().any(|start| begins(name, start)))
}

/// Words of a text that tell of a way out.
static WORDS_OUT: Words = Words::new(&[
    "unsubscribe",
    "opt out",
    "opt-out",
    "mailing list",
    "email preferences",
    "view in browser",
    "view this email",
    "no longer wish to receive",
    "remove yourself",
    "abmelden",
    "abbestellen",
    "désabonner",
    "desinscri",
    "darse de baja",
]);

/// Whether a link is one to leave by.
pub(super) fn leads_out(url: &str, text: Option<&str>) -> bool {
    static WORDS: Words = Words::new(&[
        "unsub",
        "optout",
        "opt-out",
        "opt_out",
        "preferences",
        "remove",
        "abmeld",
        "listinfo",
        "desabo",
    ]);
    WORDS.any_in(url) || text.is_some_and(|text| WORDS.any_in(text))
}

/// Whether a piece of the address behind the host is a token: long, of letters and digits mixed.
fn has_token(url: &str) -> bool {
    let behind = url.splitn(4, '/').nth(3).unwrap_or_default();
    behind.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').any(|piece| {
        piece.len() >= TOKEN
            && piece.bytes().any(|byte| byte.is_ascii_digit())
            && piece.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}

/// The last bytes of a text.
pub(super) fn end_of(text: &str, most: usize) -> &str {
    let mut from = text.len().saturating_sub(most);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..).unwrap_or_default()
}

/// A line drawn near the end, and a link below it.
fn has_footer(text: &str) -> bool {
    static LINK: Words = Words::new(&["http"]);
    let end = end_of(text.trim_end(), FOOTER);
    line_drawn(end).is_some_and(|at| LINK.any_in(&end[at..]))
}

/// The end of the first five in a row of a character that lines are drawn with.
fn line_drawn(text: &str) -> Option<usize> {
    let (mut row, mut last) = (0, 0);
    text.bytes().position(|byte| {
        row = if byte == last { row + 1 } else { 1 };
        last = byte;
        row >= 5 && b"_-=*~".contains(&byte)
    })
}
