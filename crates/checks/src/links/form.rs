//! Links written so that filters don't see them, or that aren't addresses at all (RFC 3986).
//!
//! Invariant: people who write of malware on a list disarm links on purpose; lists are exempt.

use tidegate_dns::Answers;
use tidegate_mail::{Link, LinkKind};
use tidegate_signal::{Family, SignalDef, Signals};

use crate::bulk::precedence::of_a_list;
use crate::{Check, Known};

/// `hxxp`, `[.]`, "dot".
pub static LINK_OBFUSCATED: SignalDef = SignalDef::new(
    "LINK_OBFUSCATED",
    Family::Links,
    1.0,
    "A link is written so that only a person finds it",
);
/// `javascript:`.
pub static LINK_RUNS_PROGRAM: SignalDef = SignalDef::new(
    "LINK_RUNS_PROGRAM",
    Family::Links,
    0.5,
    "A link runs a program instead of leading somewhere",
);
/// `data:text/html`.
pub static LINK_CARRIES_PAGE: SignalDef = SignalDef::new(
    "LINK_CARRIES_PAGE",
    Family::Links,
    2.0,
    "A link carries a whole page in itself",
);
/// `%70%61%79` in a host.
pub static LINK_HOST_ENCODED: SignalDef = SignalDef::new(
    "LINK_HOST_ENCODED",
    Family::Links,
    2.0,
    "A link's host is written in numbers instead of letters",
);
/// Plain letters of the path as numbers.
pub static LINK_PATH_ENCODED: SignalDef = SignalDef::new(
    "LINK_PATH_ENCODED",
    Family::Links,
    0.6,
    "A link writes plain letters as numbers",
);

/// Looks at how links are written.
#[derive(Default)]
pub struct Form;

/// More links than this are not looked at.
const MOST_LINKS: usize = 500;
/// Plain letters as numbers; tokens have a few.
const ENCODED: usize = 6;

impl Check for Form {
    const KEY: &'static str = "links.form";
    const RAISES: &'static [&'static SignalDef] = &[
        &LINK_OBFUSCATED,
        &LINK_RUNS_PROGRAM,
        &LINK_CARRIES_PAGE,
        &LINK_HOST_ENCODED,
        &LINK_PATH_ENCODED,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        if of_a_list(message) {
            return;
        }
        for link in message.links().iter().take(MOST_LINKS) {
            if let Some(def) = fault(link) {
                let end = link.url.char_indices().nth(100).map_or(link.url.len(), |(at, _)| at);
                signals.raise(def, link.url.get(..end).unwrap_or_default());
            }
        }
    }
}

fn fault(link: &Link) -> Option<&'static SignalDef> {
    let starts = |scheme: &str| {
        link.url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if starts("javascript:") || starts("vbscript:") {
        // Empty ones hold the place of a target that the editor never set.
        let program = link.url.split_once(':').map_or("", |(_, program)| program.trim());
        let empty = program.is_empty() || program.starts_with("void") || program.starts_with(';');
        return (!empty).then_some(&LINK_RUNS_PROGRAM);
    }
    if starts("data:text/html") || starts("data:application") || starts("data:image/svg") {
        return Some(&LINK_CARRIES_PAGE);
    }
    if link.kind == LinkKind::Obfuscated && link.domain.is_some() {
        return Some(&LINK_OBFUSCATED);
    }
    if !(starts("http://") || starts("https://")) {
        return None;
    }
    let (_, rest) = link.url.split_once("://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if encoded_letters(authority) > 0 {
        return Some(&LINK_HOST_ENCODED);
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    (encoded_letters(path) >= ENCODED).then_some(&LINK_PATH_ENCODED)
}

/// How many letters and digits are percent-encoded, which no honest program does.
fn encoded_letters(text: &str) -> usize {
    text.split('%')
        .skip(1)
        .filter_map(|rest| u8::from_str_radix(rest.get(..2)?, 16).ok())
        .filter(u8::is_ascii_alphanumeric)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(href: &str, expect: &[&str]) {
        let raw = format!(
            "From: a@b.example\nContent-Type: text/html; charset=utf-8\n\n\
             <p>Hello, see <a href=\"{href}\">this</a></p>\n"
        );
        assert_eq!(raised::<Form>(&raw), expect, "{href}");
    }

    #[test]
    fn honest_links_raise_nothing() {
        check("https://www.example.net/a%20b/%C3%A4?x=%41%42%43%44%45%46", &[]);
        check("javascript:void(0)", &[]);
        check("mailto:a@b.example", &[]);
        check("#top", &[]);
    }

    #[test]
    fn disguises_are_told() {
        check("data:text/html;base64,PGI+", &["LINK_CARRIES_PAGE"]);
        check("javascript:open('http://a.example')", &["LINK_RUNS_PROGRAM"]);
        check("https://example.net/%6c%6f%67%69%6e%31", &["LINK_PATH_ENCODED"]);
    }

    #[test]
    fn a_link_for_people_only_is_told() {
        let raw = "From: a@b.example\n\nGo to hxxp://shop.example.com/ now\n";
        assert_eq!(raised::<Form>(raw), ["LINK_OBFUSCATED"]);
    }
}
