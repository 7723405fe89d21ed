//! A tag while it is read: its name, and the attributes that matter.
//!
//! Invariant: of an attribute that stands several times the first counts, as in browsers.

/// A start tag whose attributes are being read. Kept from tag to tag for its buffers.
#[derive(Default)]
pub(super) struct Tag {
    pub(super) name: Vec<u8>,
    attribute: Option<Attribute>,
    values: [String; ATTRIBUTES.len()],
    /// Which of them the tag has, a bit each.
    present: u32,
}

/// Bytes of one attribute's value that are kept.
const LONGEST_VALUE: usize = 8_192;

impl Tag {
    /// Begins another tag.
    pub(super) fn open(&mut self, name: &[u8]) {
        self.name.clear();
        self.name.extend_from_slice(name);
        self.attribute = None;
        self.present = 0;
    }

    /// Begins an attribute; false when it is of no interest here.
    pub(super) fn attribute(&mut self, name: &[u8]) -> bool {
        let known = ATTRIBUTES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        self.attribute = known.map(|(_, attribute)| *attribute);
        if let Some(attribute) = self.attribute {
            let bit = 1 << attribute as u32;
            if self.present & bit == 0 {
                self.present |= bit;
                self.values[attribute as usize].clear();
            } else {
                self.attribute = None;
            }
        }
        known.is_some()
    }

    /// The value of the attribute that was begun last.
    pub(super) fn value(&mut self, value: &[u8]) {
        if let Some(attribute) = self.attribute.take() {
            let value = String::from_utf8_lossy(&value[..value.len().min(LONGEST_VALUE)]);
            self.values[attribute as usize].push_str(&value);
        }
    }

    pub(super) fn get(&self, attribute: Attribute) -> Option<&str> {
        let has = self.present & 1 << attribute as u32 != 0;
        has.then_some(self.values[attribute as usize].as_str())
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

const ATTRIBUTES: [(&[u8], Attribute); 14] = [
    (b"style", Attribute::Style),
    (b"href", Attribute::Href),
    (b"src", Attribute::Src),
    (b"action", Attribute::Action),
    (b"background", Attribute::Background),
    (b"bgcolor", Attribute::BgColour),
    (b"color", Attribute::Colour),
    (b"hidden", Attribute::Hidden),
    (b"width", Attribute::Width),
    (b"height", Attribute::Height),
    (b"http-equiv", Attribute::HttpEquiv),
    (b"content", Attribute::Content),
    (b"type", Attribute::Type),
    (b"data", Attribute::Data),
];

/// A tag's name, or as much of it as tells it from others.
pub(super) type Name = [u8; 10];

pub(super) fn name_of(name: &[u8]) -> Name {
    let mut short = Name::default();
    for (to, from) in short.iter_mut().zip(name) {
        *to = from.to_ascii_lowercase();
    }
    short
}

/// Whether HTML has such an element, or once had.
pub(super) fn is_known(name: &[u8]) -> bool {
    TAGS.binary_search(&name).is_ok()
}

pub(super) fn is_block(name: &[u8]) -> bool {
    matches!(
        name,
        b"address"
            | b"article"
            | b"aside"
            | b"blockquote"
            | b"body"
            | b"br"
            | b"center"
            | b"dd"
            | b"div"
            | b"dl"
            | b"dt"
            | b"fieldset"
            | b"footer"
            | b"form"
            | b"h1"
            | b"h2"
            | b"h3"
            | b"h4"
            | b"h5"
            | b"h6"
            | b"header"
            | b"hr"
            | b"html"
            | b"li"
            | b"main"
            | b"nav"
            | b"ol"
            | b"option"
            | b"p"
            | b"pre"
            | b"section"
            | b"select"
            | b"table"
            | b"tbody"
            | b"tfoot"
            | b"thead"
            | b"tr"
            | b"ul"
    )
}

pub(super) fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"area"
            | b"base"
            | b"br"
            | b"col"
            | b"embed"
            | b"hr"
            | b"img"
            | b"input"
            | b"link"
            | b"meta"
            | b"param"
            | b"source"
            | b"track"
            | b"wbr"
            | b"basefont"
            | b"frame"
            | b"bgsound"
            | b"keygen"
    )
}

pub(super) fn is_never_shown(name: &[u8]) -> bool {
    matches!(
        name,
        b"title"
            | b"style"
            | b"script"
            | b"head"
            | b"noscript"
            | b"template"
            | b"noframes"
            | b"noembed"
            | b"xml"
    )
}

/// The elements of HTML, old ones too, in order.
const TAGS: [&[u8]; 127] = [
    b"a",
    b"abbr",
    b"acronym",
    b"address",
    b"applet",
    b"area",
    b"article",
    b"aside",
    b"audio",
    b"b",
    b"base",
    b"basefont",
    b"bdi",
    b"bdo",
    b"bgsound",
    b"big",
    b"blink",
    b"blockquote",
    b"body",
    b"br",
    b"button",
    b"canvas",
    b"caption",
    b"center",
    b"cite",
    b"code",
    b"col",
    b"colgroup",
    b"data",
    b"datalist",
    b"dd",
    b"del",
    b"details",
    b"dfn",
    b"dialog",
    b"dir",
    b"div",
    b"dl",
    b"dt",
    b"em",
    b"embed",
    b"fieldset",
    b"figcaption",
    b"figure",
    b"font",
    b"footer",
    b"form",
    b"frame",
    b"frameset",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"head",
    b"header",
    b"hgroup",
    b"hr",
    b"html",
    b"i",
    b"iframe",
    b"img",
    b"input",
    b"ins",
    b"kbd",
    b"keygen",
    b"label",
    b"layer",
    b"legend",
    b"li",
    b"link",
    b"main",
    b"map",
    b"mark",
    b"marquee",
    b"menu",
    b"meta",
    b"meter",
    b"nav",
    b"nobr",
    b"noembed",
    b"noframes",
    b"noscript",
    b"object",
    b"ol",
    b"optgroup",
    b"option",
    b"output",
    b"p",
    b"param",
    b"path",
    b"picture",
    b"pre",
    b"progress",
    b"q",
    b"s",
    b"samp",
    b"script",
    b"section",
    b"select",
    b"small",
    b"source",
    b"span",
    b"strike",
    b"strong",
    b"style",
    b"sub",
    b"summary",
    b"sup",
    b"svg",
    b"table",
    b"tbody",
    b"td",
    b"template",
    b"textarea",
    b"tfoot",
    b"th",
    b"thead",
    b"time",
    b"title",
    b"tr",
    b"tt",
    b"u",
    b"ul",
    b"video",
    b"wbr",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_tags_stand_in_order() {
        assert!(TAGS.is_sorted());
        assert!(is_known(b"font") && !is_known(b"xyz"));
    }

    #[test]
    fn the_first_attribute_of_a_name_counts() {
        let mut tag = Tag::default();
        for value in ["one", "two"] {
            assert!(tag.attribute(b"HREF"));
            tag.value(value.as_bytes());
        }
        assert_eq!(tag.get(Attribute::Href), Some("one"));
        tag.open(b"a");
        assert_eq!(tag.get(Attribute::Href), None);
    }
}
