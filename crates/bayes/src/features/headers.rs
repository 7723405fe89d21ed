//! The sender's name and address, and the form of what the sender's program wrote.
//!
//! Only fields that a sender writes are looked at: what relays, lists and the receiving side added
//! tells of them, and a model that has learned them has learned nothing. Values that name the
//! recipient are never read; of the others only their form is, where the words are chance.
//!
//! Invariant: nothing here depends on who received the message.

use tidegate_mail::{Field, Mailbox, Message};

use super::Sink;
use crate::hash::{self, Hasher};
use crate::kind::Kind;
use crate::words;

/// Fields that a sender's program writes.
const WRITTEN: [&str; 34] = [
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-language",
    "x-mailer",
    "user-agent",
    "x-priority",
    "priority",
    "importance",
    "x-msmail-priority",
    "x-mimeole",
    "organization",
    "thread-index",
    "thread-topic",
    "accept-language",
    "x-accept-language",
    "disposition-notification-to",
    "return-receipt-to",
    "comments",
    "keywords",
    "auto-submitted",
    "x-face",
    "x-originating-ip",
    "bcc",
];

pub(super) fn walk(message: &Message<'_>, sink: &mut impl Sink) {
    let mut before = hash::of(b"^");
    for field in message.fields() {
        let lower = WRITTEN.iter().find(|name| field.name.eq_ignore_ascii_case(name));
        let Some(lower) = lower else { continue };
        // Its name as spelled, and the order of fields.
        let spelled = hash::of(field.name.as_bytes());
        sink.add(Kind::Header, spelled, || field.name.to_owned());
        let this = hash::of(lower.as_bytes());
        let order = hash::pair(before, this, 1);
        sink.add(Kind::Header, order, || format!("order: … {lower}"));
        before = this;
        value(lower, field, sink);
    }
    for missing in ["to", "date", "message-id", "subject", "mime-version", "from"] {
        if message.count(missing) == 0 {
            let word = Hasher::new().bytes(b"no ").bytes(missing.as_bytes());
            sink.add(Kind::Header, word.finish(), || format!("no {missing}"));
        }
    }
    addressed(message, sink);
    if let Some(mailbox) = message.from().first() {
        sender(mailbox, sink);
        relations(message, mailbox, sink);
    }
}

fn value(lower: &str, field: &Field<'_>, sink: &mut impl Sink) {
    match lower {
        "x-mailer" | "user-agent" | "x-mimeole" | "organization" => {
            let text = field.text();
            let seed = hash::of(b"mailer");
            let mut left = 8;
            words::walk(&text, |word| {
                left -= 1;
                let with = hash::pair(seed, word.hash, 0);
                sink.add(Kind::Header, with, || format!("{lower}: {}", &text[word.start..word.end]))
                    && left > 0
            });
        }
        "x-priority"
        | "priority"
        | "importance"
        | "x-msmail-priority"
        | "mime-version"
        | "content-transfer-encoding"
        | "auto-submitted"
        | "content-language" => {
            let text = field.raw_text();
            let word = Hasher::new().bytes(lower.as_bytes()).bytes(clip(&text, 24).as_bytes());
            sink.add(Kind::Header, word.finish(), || format!("{lower}: {}", clip(&text, 24)));
        }
        "date" => {
            let text = field.raw_text();
            form(lower, &text, sink);
            let zone = text.split_whitespace().find(|word| word.starts_with(['+', '-']));
            let zone = zone.unwrap_or("none");
            let word = Hasher::new().bytes(b"zone").bytes(clip(zone, 8).as_bytes());
            sink.add(Kind::Header, word.finish(), || format!("time zone {}", clip(zone, 8)));
        }
        "message-id" => {
            let text = field.raw_text();
            let (left, right) = text.rsplit_once('@').unwrap_or((&text, ""));
            form("message-id", left, sink);
            let dots = right.bytes().filter(|byte| *byte == b'.').count().min(4) as u8;
            let word = Hasher::new().bytes(b"id host").byte(dots);
            sink.add(Kind::Header, word.finish(), || format!("message-id with {dots} dots"));
        }
        "content-type" => {
            let text = field.raw_text();
            let (before, boundary) = match text.to_ascii_lowercase().find("boundary=") {
                Some(at) => text.split_at(at),
                None => (&*text, ""),
            };
            let spelled = Hasher::new().bytes(b"type").bytes(clip(before, 80).as_bytes());
            sink.add(Kind::Header, spelled.finish(), || format!("{lower}: {}", clip(before, 80)));
            if !boundary.is_empty() {
                form("boundary", &boundary["boundary=".len()..], sink);
            }
        }
        _ => {}
    }
}

/// The kinds of characters in a row, each kind once: `9A9.9@` for `20021A5.7@`.
fn form(of: &str, text: &str, sink: &mut impl Sink) {
    const LONGEST: usize = 24;
    let mut shape = [0_u8; LONGEST];
    let (mut length, mut last) = (0, 0);
    for byte in text.bytes().take(100) {
        let kind = match byte {
            b'0'..=b'9' => b'9',
            b'A'..=b'Z' => b'A',
            b'a'..=b'z' => b'a',
            b' ' | b'\t' => b' ',
            other => other,
        };
        if kind != last {
            if let Some(place) = shape.get_mut(length) {
                *place = kind;
                length += 1;
            }
            last = kind;
        }
    }
    let shape = &shape[..length];
    let word = Hasher::new().bytes(of.as_bytes()).bytes(shape).finish();
    sink.add(Kind::Header, word, || format!("form of {of}: {}", String::from_utf8_lossy(shape)));
    let size = (text.len() / 4).min(16) as u8;
    let word = Hasher::new().bytes(of.as_bytes()).byte(size).finish();
    sink.add(Kind::Header, word, || format!("length of {of}: {}", text.len()));
}

/// How it is addressed; not to whom.
fn addressed(message: &Message<'_>, sink: &mut impl Sink) {
    let count = |mailboxes: &[Mailbox]| (usize::BITS - mailboxes.len().leading_zeros()) as u8;
    let named = u8::from(message.to().iter().any(|mailbox| !mailbox.display.is_empty()));
    let (to, cc) = (count(message.to()), count(message.cc()));
    let word = Hasher::new().bytes(b"addressed").bytes(&[to, cc, named]);
    sink.add(Kind::Header, word.finish(), || {
        format!("{} To, {} Cc", message.to().len(), message.cc().len())
    });
    let subject = message.subject().unwrap_or("");
    let reply = subject.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("re:"));
    let threaded = message.count("in-reply-to") + message.count("references") > 0;
    let word = Hasher::new().bytes(b"reply").bytes(&[u8::from(reply), u8::from(threaded)]);
    sink.add(Kind::Header, word.finish(), || match (reply, threaded) {
        (true, true) => "a reply".to_owned(),
        (true, false) => "a reply to nothing".to_owned(),
        (false, true) => "in a thread".to_owned(),
        (false, false) => "no reply".to_owned(),
    });
}

fn sender(from: &Mailbox, sink: &mut impl Sink) {
    let display = from.display.as_str();
    words::walk(display, |word| {
        sink.add(Kind::Sender, word.hash, || display[word.start..word.end].to_owned())
    });
    let told = |what: &str, value: &str| {
        Hasher::new().bytes(what.as_bytes()).bytes_caseless(value.as_bytes()).finish()
    };
    let local = from.address.local();
    sink.add(Kind::Sender, told("local", local), || format!("{local}@"));
    words::walk(local, |word| {
        let seed = hash::pair(hash::of(b"local"), word.hash, 0);
        sink.add(Kind::Sender, seed, || format!("…{}…@", &local[word.start..word.end]))
    });
    form("local part", local, sink);
    let Some(domain) = from.address.domain() else { return };
    let registered = tidegate_mail::registered_domain(domain).unwrap_or(domain);
    sink.add(Kind::Sender, told("domain", registered), || registered.to_owned());
    if domain != registered {
        sink.add(Kind::Sender, told("host", domain), || domain.to_owned());
    }
    let top = domain.rsplit('.').next().unwrap_or(domain);
    sink.add(Kind::Sender, told("top", top), || format!(".{top}"));
    words::walk(domain, |word| {
        let seed = hash::pair(hash::of(b"domain"), word.hash, 0);
        sink.add(Kind::Sender, seed, || format!("…{}…", &domain[word.start..word.end]))
    });
}

/// How the sender's names relate to each other.
fn relations(message: &Message<'_>, from: &Mailbox, sink: &mut impl Sink) {
    let registered =
        |domain: &'_ str| tidegate_mail::registered_domain(domain).unwrap_or(domain).to_owned();
    let own = from.address.domain().map(registered);
    let id = message.message_id().and_then(|id| id.rsplit_once('@'));
    let id = id.map(|(_, host)| registered(&host.to_ascii_lowercase()));
    let reply = message.reply_to().first().and_then(|mailbox| mailbox.address.domain());
    let reply = reply.map(registered);
    let relation = |other: &Option<String>| match other {
        None => 0_u8,
        Some(_) if *other == own => 1,
        Some(_) => 2,
    };
    let display = u8::from(from.display.is_empty()) + 2 * u8::from(from.display.contains('@'));
    for (what, value) in
        [("Message-ID", relation(&id)), ("Reply-To", relation(&reply)), ("display name", display)]
    {
        let word = Hasher::new().bytes(b"relation").bytes(what.as_bytes()).byte(value);
        sink.add(Kind::Sender, word.finish(), || format!("and {what}: case {value}"));
    }
}

fn clip(text: &str, longest: usize) -> &str {
    let mut end = text.len().min(longest);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
