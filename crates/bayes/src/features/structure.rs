//! What the message is made of: parts, attached files, HTML.
//!
//! Invariant: numbers count by their order of magnitude only.

use tidegate_mail::Message;

use super::Sink;
use crate::hash::Hasher;
use crate::kind::Kind;
use crate::words;

/// Parts that are read.
const MOST_PARTS: usize = 12;

/// Attached files that are read.
const MOST_FILES: usize = 8;

pub(super) fn walk(message: &Message<'_>, sink: &mut impl Sink) {
    let mut tree = Hasher::new();
    for part in message.parts().iter().take(MOST_PARTS) {
        tree = tree.bytes(part.content_type.as_bytes()).byte(part.depth);
        let charset = part.charset.as_deref().unwrap_or("-");
        let with = Hasher::new()
            .bytes(part.content_type.as_bytes())
            .bytes_caseless(charset.as_bytes())
            .name(&part.encoding)
            .byte(u8::from(part.declared));
        sink.add(Kind::Structure, with.finish(), || {
            format!("{} {charset} {:?}", part.content_type, part.encoding)
        });
    }
    sink.add(Kind::Structure, tree.finish(), || {
        let types = message.parts().iter().take(MOST_PARTS).map(|part| part.content_type.as_str());
        types.collect::<Vec<_>>().join(" ")
    });
    files(message, sink);
    html(message, sink);
    for defect in message.defects().iter().take(8) {
        let what = Hasher::new().bytes(b"defect").name(defect);
        sink.add(Kind::Structure, what.finish(), || format!("{defect:?}"));
    }
}

fn files(message: &Message<'_>, sink: &mut impl Sink) {
    for file in message.attachments().iter().take(MOST_FILES) {
        let kind = Hasher::new().bytes(b"kind").name(&file.kind).byte(u8::from(file.embedded));
        sink.add(Kind::Attachment, kind.finish(), || format!("{:?}", file.kind));
        let size = (usize::BITS - file.size.leading_zeros()) as u8;
        let kind = kind.bytes(b"size").byte(size);
        sink.add(Kind::Attachment, kind.finish(), || format!("{:?} of {}", file.kind, file.size));
        for (holds, fact) in [(file.encrypted, "encrypted"), (file.macros, "with macros")] {
            if holds {
                let fact_hash = Hasher::new().bytes(fact.as_bytes()).finish();
                sink.add(Kind::Attachment, fact_hash, || fact.to_owned());
            }
        }
        let name = file.name.as_deref().unwrap_or("");
        words::walk(name, |word| {
            sink.add(Kind::Attachment, word.hash, || name[word.start..word.end].to_owned())
        });
    }
}

fn html(message: &Message<'_>, sink: &mut impl Sink) {
    let facts = message.html();
    if facts.tags == 0 {
        return;
    }
    sink.add(Kind::Html, Hasher::new().bytes(b"html").finish(), || "in it".to_owned());
    for (what, count) in [
        ("tags", facts.tags),
        ("unknown tags", facts.unknown_tags),
        ("comments", facts.comments),
        ("remote pictures", facts.images_remote),
        ("embedded pictures", facts.images_embedded),
        ("tracking pixels", facts.tracking_pixels),
        ("forms", facts.forms),
        ("password fields", facts.password_inputs),
        ("scripts", facts.scripts),
        ("frames", facts.frames),
        ("event handlers", facts.event_handlers),
        ("hidden elements", facts.styles_hidden),
        ("tiny elements", facts.styles_tiny),
        ("invisible elements", facts.styles_invisible_colour),
        ("refresh", u32::from(facts.refresh)),
        ("base", u32::from(facts.base)),
    ] {
        if count == 0 {
            continue;
        }
        let order = (u32::BITS - count.leading_zeros()) as u8;
        let word = Hasher::new().bytes(what.as_bytes()).byte(order);
        sink.add(Kind::Html, word.finish(), || format!("{count} {what}"));
    }
    let (hidden, seen) = (message.hidden().len(), message.text().len());
    let share = if hidden == 0 { 0 } else { 1 + (hidden * 8 / (hidden + seen)) as u8 };
    let word = Hasher::new().bytes(b"hidden text").byte(share);
    sink.add(Kind::Html, word.finish(), || format!("{hidden} bytes of hidden text"));
}
