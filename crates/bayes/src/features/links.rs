//! Where links lead, and what they look like.
//!
//! Invariant: at most [`MOST_LINKS`] links are read, so that a page of links leaves room for words.

use tidegate_mail::{Link, LinkKind, Message};

use super::Sink;
use crate::hash::{self, Hasher};
use crate::kind::Kind;

/// Links that are read.
const MOST_LINKS: usize = 40;

/// Words read of one path.
const MOST_WORDS: usize = 12;

pub(super) fn walk(message: &Message<'_>, sink: &mut impl Sink) {
    let links = message.links();
    let from = message.from().first().and_then(|mailbox| mailbox.address.domain());
    let from = from.and_then(tidegate_mail::registered_domain);
    let own = links.iter().filter(|link| from.is_some() && link.domain.as_deref() == from).count();
    let count = (usize::BITS - links.len().leading_zeros()) as u8;
    let told = |what: &'static str, value: u8| {
        (Hasher::new().bytes(what.as_bytes()).byte(value).finish(), move || {
            format!("{what} {value}")
        })
    };
    let share = if links.is_empty() { 9 } else { own * 4 / links.len() };
    for (word, name) in [told("number", count), told("share to the sender's domain", share as u8)] {
        sink.add(Kind::Link, word, name);
    }
    for link in links.iter().take(MOST_LINKS) {
        one(link, sink);
    }
}

fn one(link: &Link, sink: &mut impl Sink) {
    let plain = |word: &str| hash::of(word.as_bytes());
    if let Some(domain) = &link.domain {
        sink.add(Kind::Link, plain(domain), || domain.clone());
    }
    if let Some(host) = &link.host {
        let (before, _) = host.split_at(host.len() - link.domain.as_ref().map_or(0, String::len));
        if !before.is_empty() {
            let shape = Hasher::new().bytes(b"host").bytes(before.as_bytes());
            sink.add(Kind::Link, shape.finish(), || format!("host {before}…"));
        }
        if let Some((_, last)) = host.rsplit_once('.') {
            let top = Hasher::new().bytes(b"top").bytes(last.as_bytes());
            sink.add(Kind::Link, top.finish(), || format!("to .{last}"));
        }
        if link.domain.is_none() {
            sink.add(Kind::Link, plain("an address of numbers"), || "to numbers".to_owned());
        }
    }
    for (holds, fact) in [
        (link.user_info, "with a user name"),
        (link.port.is_some(), "with a port"),
        (link.kind == LinkKind::Obfuscated, "disguised"),
        (link.kind == LinkKind::Form, "of a form"),
        (link.kind == LinkKind::Image, "of a picture"),
        (link.kind == LinkKind::Href, "of an anchor"),
        (link.kind == LinkKind::Plain, "as text"),
    ] {
        if holds {
            sink.add(Kind::Link, plain(fact), || fact.to_owned());
        }
    }
    path(link, sink);
}

fn path(link: &Link, sink: &mut impl Sink) {
    let (scheme, rest) = link.url.split_once("://").unwrap_or(("", &link.url));
    let start = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let path = &rest[start..];
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    for word in words.filter(|word| (2..=16).contains(&word.len())).take(MOST_WORDS) {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        if digits * 2 < word.len() {
            let word_hash = Hasher::new().bytes(b"/").bytes_caseless(word.as_bytes());
            sink.add(Kind::Link, word_hash.finish(), || format!("path {word}"));
        }
    }
    let depth = path.bytes().filter(|byte| *byte == b'/').count().min(6) as u8;
    let length = (usize::BITS - path.len().leading_zeros()) as u8;
    let query = u8::from(path.contains('?'));
    let form = Hasher::new().bytes(scheme.as_bytes()).bytes(&[depth, length, query]);
    sink.add(Kind::Link, form.finish(), || {
        format!("form: {scheme}, {depth} deep, {} long", path.len())
    });
}
