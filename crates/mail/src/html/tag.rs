//! A start tag while it is read: its name, and the attributes that matter.
//!
//! Invariant: of an attribute that stands several times the first counts, as in browsers.

use std::borrow::Cow;

use super::element::Name;
use super::reference;

/// A start tag whose attributes are being read.
pub(super) struct Tag<'s> {
    pub(super) name: Name,
    values: [&'s str; ATTRIBUTES],
    /// Which of them the tag has, a bit each.
    present: u32,
}

/// Bytes of one attribute's value that are kept, other than of styles.
const LONGEST_VALUE: usize = 8_192;

impl<'s> Tag<'s> {
    pub(super) fn new(name: Name) -> Self {
        Self { name, values: [""; ATTRIBUTES], present: 0 }
    }

    /// Adds an attribute; false when it is of no interest here.
    pub(super) fn add(&mut self, name: &str, value: &'s str) -> bool {
        let Some(attribute) = Attribute::of(name) else { return false };
        let bit = 1 << attribute as u32;
        if self.present & bit == 0 {
            self.present |= bit;
            self.values[attribute as usize] = value;
        }
        true
    }

    pub(super) const fn has(&self, attribute: Attribute) -> bool {
        self.present & 1 << attribute as u32 != 0
    }

    /// The value as it is meant.
    pub(super) fn get(&self, attribute: Attribute) -> Option<Cow<'s, str>> {
        let value = self.has(attribute).then_some(self.values[attribute as usize])?;
        // The end of a style counts most.
        let most = if attribute == Attribute::Style { usize::MAX } else { LONGEST_VALUE };
        Some(reference::value(value, most))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    Style,
    Href,
    Src,
    Action,
    Background,
    BgColour,
    Colour,
    Hidden,
    Width,
    Height,
    HttpEquiv,
    Content,
    Type,
    Data,
}

const ATTRIBUTES: usize = Attribute::Data as usize + 1;

impl Attribute {
    fn of(name: &str) -> Option<Self> {
        const LONGEST: usize = 10;
        let mut lower = [0; LONGEST];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        Some(match &*lower {
            b"style" => Self::Style,
            b"href" => Self::Href,
            b"src" => Self::Src,
            b"action" => Self::Action,
            b"background" => Self::Background,
            b"bgcolor" => Self::BgColour,
            b"color" => Self::Colour,
            b"hidden" => Self::Hidden,
            b"width" => Self::Width,
            b"height" => Self::Height,
            b"http-equiv" => Self::HttpEquiv,
            b"content" => Self::Content,
            b"type" => Self::Type,
            b"data" => Self::Data,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_attribute_of_a_name_counts() {
        let mut tag = Tag::new(Name::of("a"));
        assert!(tag.add("HREF", "?a&amp;b") && tag.add("href", "two"));
        assert!(!tag.add("onclick", "x") && !tag.add("http-equivalent", "x"));
        assert_eq!(tag.get(Attribute::Href).as_deref(), Some("?a&b"));
        assert_eq!(tag.get(Attribute::Src), None);
    }
}
