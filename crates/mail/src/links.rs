//! Links: those of HTML, those written out in text, and those written so that only people find them.
//!
//! Invariant: a link stands once with the same text, and there are no more than
//! [`Bounds`](crate::Bounds) allow.

use std::borrow::Cow;
use std::sync::LazyLock;

use ahash::AHashMap;
use memchr::memmem::Finder;

use crate::defects::{Defect, Defects};
use crate::domain::registered_domain;
use crate::url::{Url, starts_with_www};

/// How a link stands in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// An anchor, or an area of a picture.
    Href,
    /// Written out in text, where programs make it a link.
    Plain,
    /// Written so that a person understands it and a program shouldn't: `hxxp`, `[.]`, a number in
    /// place of a host.
    Obfuscated,
    /// A picture or background fetched from there.
    Image,
    /// Where a form sends what is typed.
    Form,
    /// A frame's page.
    Frame,
    /// Where the page sends its reader by itself.
    Refresh,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it leads, as a browser would follow it; at most 2,048 bytes.
    pub url: String,
    /// The text that a reader sees in its place; at most 200 bytes.
    pub text: Option<String>,
    /// Its host in lower case; `None` for `mailto:` and the like.
    pub host: Option<String>,
    /// The registered domain of the host.
    pub domain: Option<String>,
    /// How it stands in the message.
    pub kind: LinkKind,
    /// Whether something stands before an `@` in front of the host.
    pub user_info: bool,
    /// The port, when one is written.
    pub port: Option<u16>,
}

/// The links found so far.
pub(crate) struct Links {
    pub(crate) all: Vec<Link>,
    /// In which kinds a URL stands, a bit each.
    seen: AHashMap<String, u8>,
    most: usize,
    /// Bytes of text that may still be read as links.
    readable: usize,
}

/// Bytes that are read as links written out, of all texts of a message. What looks like the beginning
/// of one at every third letter would be read a thousand times.
const MOST_READ: usize = 2 << 20;

impl Links {
    pub(crate) fn new(most: usize) -> Self {
        Self { all: Vec::new(), seen: AHashMap::new(), most, readable: MOST_READ }
    }

    /// Adds where `url` leads. `false` when there is no more room.
    pub(crate) fn add(
        &mut self,
        url: Url,
        kind: LinkKind,
        text: Option<&str>,
        defects: &mut Defects,
    ) {
        if self.is_full() {
            defects.note(Defect::LinksCut);
            return;
        }
        let kind = if url.odd_host { LinkKind::Obfuscated } else { kind };
        let bit = 1 << kind as u8;
        let known = self.seen.get_mut(&url.text);
        if kind == LinkKind::Plain
            && known.as_ref().is_some_and(|kinds| **kinds & 1 << LinkKind::Href as u8 != 0)
        {
            return;
        }
        let text = text.map(str::trim).filter(|text| !text.is_empty());
        let is_new = match known {
            Some(kinds) => {
                let before = *kinds;
                *kinds |= bit;
                *kinds != before
            }
            None => {
                self.seen.insert(url.text.clone(), bit);
                true
            }
        };
        if !is_new
            && (text.is_none()
                || self.all.iter().any(|it| it.url == url.text && it.text.as_deref() == text))
        {
            return;
        }
        let domain = url.host.as_deref().and_then(registered_domain).map(str::to_owned);
        self.all.push(Link {
            url: url.text,
            text: text.map(str::to_owned),
            host: url.host,
            domain,
            kind,
            user_info: url.user_info,
            port: url.port,
        });
    }

    /// Whether there is no room for another.
    pub(crate) fn is_full(&self) -> bool {
        self.all.len() >= self.most
    }

    /// Finds the links that are written out in `text`.
    pub(crate) fn in_text(&mut self, text: &str, defects: &mut Defects) {
        for (finder, read) in &*FINDERS {
            for at in finder.find_iter(text.as_bytes()) {
                if self.is_full() || self.readable == 0 {
                    defects.note(Defect::LinksCut);
                    return;
                }
                if let Some((url, kind)) = read(text, at, &mut self.readable) {
                    self.add(url, kind, None, defects);
                }
            }
        }
    }
}

type Reader = fn(&str, usize, &mut usize) -> Option<(Url, LinkKind)>;

/// What a link is found by, and how it is read from there.
static FINDERS: LazyLock<[(Finder<'static>, Reader); 4]> = LazyLock::new(|| {
    let readers: [(&str, Reader); 4] =
        [("://", with_scheme), ("www.", with_www), ("WWW.", with_www), ("[.]", with_brackets)];
    readers.map(|(found_by, read)| (Finder::new(found_by), read))
});

/// `at`: of `://`.
fn with_scheme(text: &str, at: usize, left: &mut usize) -> Option<(Url, LinkKind)> {
    let before = &text.as_bytes()[..at];
    let letters =
        before.iter().rev().take(8).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let written = text.get(at - letters..at)?;
    let ends = |scheme: &str| {
        let from = written.len().checked_sub(scheme.len())?;
        written.get(from..).filter(|end| end.eq_ignore_ascii_case(scheme))
    };
    let (scheme, kind) = if ends("https").is_some() {
        ("https", LinkKind::Plain)
    } else if ends("http").is_some() {
        ("http", LinkKind::Plain)
    } else if ends("ftp").is_some() {
        ("ftp", LinkKind::Plain)
    } else if ends("hxxps").is_some() || ends("hxxp").is_some() {
        ("http", LinkKind::Obfuscated)
    } else {
        return None;
    };
    let rest = written_url(&text[at + 3..], left)?;
    let plain: Cow<'_, str> = match rest.contains(['[', '(']) {
        true => rest.replace("[.]", ".").replace("(.)", ".").into(),
        false => rest.into(),
    };
    let kind = if plain == rest { kind } else { LinkKind::Obfuscated };
    let url = Url::special(scheme, &plain);
    url.host.as_deref().is_some_and(is_host).then_some((url, kind))
}

fn with_www(text: &str, at: usize, left: &mut usize) -> Option<(Url, LinkKind)> {
    let before = text[..at].chars().next_back();
    if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '@' | '-' | '_')) {
        return None;
    }
    let rest = written_url(&text[at..], left)?;
    let url = Url::parse(rest, None).filter(|_| starts_with_www(rest))?;
    let host = url.host.as_deref()?;
    (is_host(host) && host.matches('.').count() >= 2).then_some((url, LinkKind::Plain))
}

/// `evil[.]example/path`, the way in which people warn of links, and in which some spam is written.
fn with_brackets(text: &str, at: usize, left: &mut usize) -> Option<(Url, LinkKind)> {
    let before = &text.as_bytes()[..at];
    let is_part =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'-' | b'.' | b'[' | b']');
    let letters = before.iter().rev().take(100).take_while(is_part).count();
    let begin = at - letters;
    // Behind a scheme it is found by that.
    if letters == 0 || text[..begin].ends_with("://") {
        return None;
    }
    let plain = written_url(text.get(begin..)?, left)?.replace("[.]", ".");
    let url = Url::parse(&format!("http://{plain}"), None)?;
    let domain = url.host.as_deref().filter(|host| is_host(host)).and_then(registered_domain);
    domain.is_some().then_some((url, LinkKind::Obfuscated))
}

/// As far as a program would take it for the link; what is read for that is taken off `left`.
fn written_url<'t>(text: &'t str, left: &mut usize) -> Option<&'t str> {
    const LONGEST: usize = 2_048;
    let text = &text[..text.floor_char_boundary(LONGEST)];
    let ends = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '<' | '>' | '"' | '`' | '{' | '}' | '|' | '^')
    };
    let text = &text[..text.find(ends).unwrap_or(text.len())];
    *left = left.saturating_sub(text.len());
    // A bracket that was opened before the link ends it.
    let text = text.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '’', '”', '»']);
    let text = match text.strip_suffix([')', ']']) {
        Some(inside) if !inside.contains(['(', '[']) => inside,
        _ => text,
    };
    (!text.is_empty()).then_some(text)
}

/// Whether it can be looked up: a name with a dot, or an address.
fn is_host(host: &str) -> bool {
    host.starts_with('[')
        || host.contains('.')
            && !host.contains("..")
            && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[(&str, LinkKind)]) {
        let (mut links, mut defects) = (Links::new(20), Defects::default());
        links.in_text(text, &mut defects);
        let found: Vec<_> = links.all.iter().map(|link| (link.url.as_str(), link.kind)).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn links_in_text_end_where_a_program_would_end_them() {
        use LinkKind::{Obfuscated, Plain};
        check("See http://a.example/x. Then", &[("http://a.example/x", Plain)]);
        check("(https://a.example/x)", &[("https://a.example/x", Plain)]);
        check("<HTTP://A.example>", &[("http://a.example", Plain)]);
        check("http://a.example/w_(x)", &[("http://a.example/w_(x)", Plain)]);
        check("visit www.a.example, now", &[("http://www.a.example", Plain)]);
        check("http://www.a.example/", &[("http://www.a.example/", Plain)]);
        check("hxxp://a.example/x", &[("http://a.example/x", Obfuscated)]);
        check("hxxps://evil[.]example/x", &[("http://evil.example/x", Obfuscated)]);
        check("evil[.]example/x", &[("http://evil.example/x", Obfuscated)]);
        check("a[0][.]b is code, www. is not", &[]);
        check("git://a.example foo://x http://x http://", &[]);
        check("http://a.example http://a.example", &[("http://a.example", Plain)]);
    }

    #[test]
    fn what_only_begins_like_links_is_not_read_without_end() {
        for beginning in ["[.]", "http://"] {
            let (mut links, mut defects) = (Links::new(1_000), Defects::default());
            links.in_text(&beginning.repeat(100_000), &mut defects);
            assert_eq!((links.readable, defects.as_slice()), (0, &[Defect::LinksCut][..]));
        }
    }

    #[test]
    fn a_million_links_end_at_the_bound() {
        let text: String = (0..100_000).map(|n| format!("http://a{n}.example ")).collect();
        let (mut links, mut defects) = (Links::new(1_000), Defects::default());
        links.in_text(&text, &mut defects);
        assert_eq!(links.all.len(), 1_000);
        assert_eq!(defects.as_slice(), [Defect::LinksCut]);
    }
}
