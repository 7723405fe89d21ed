//! Links: those of HTML, those written out in text, and those written so that only people find them.
//!
//! Invariant: a link stands once with the same text, and there are no more than
//! [`Bounds`](crate::Bounds) allow.

mod written;

use ahash::AHashMap;

use self::written::FINDERS;
use crate::defects::{Defect, Defects};
use crate::domain::registered_domain;
use crate::url::Url;

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
        for finder in &*FINDERS {
            for at in finder.beginnings(text) {
                if self.is_full() || self.readable == 0 {
                    defects.note(Defect::LinksCut);
                    return;
                }
                if let Some((url, kind)) = (finder.read)(text, at, &mut self.readable) {
                    self.add(url, kind, None, defects);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_begins_like_links_is_not_read_without_end() {
        for beginning in ["[.]", "http://"] {
            let (mut links, mut defects) = (Links::new(1_000), Defects::default());
            links.in_text(&beginning.repeat(100_000), &mut defects);
            assert_eq!((links.readable, defects.as_slice()), (0, &[Defect::LinksCut][..]));
        }
    }

    #[test]
    fn words_that_end_in_w_are_no_links_that_are_cut() {
        let (mut links, mut defects) = (Links::new(1), Defects::default());
        links.in_text("http://a.example now. W. http", &mut defects);
        assert_eq!((links.all.len(), defects.as_slice()), (1, &[][..]));
        links.in_text("Www.a.example", &mut defects);
        assert_eq!(defects.as_slice(), [Defect::LinksCut]);
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
