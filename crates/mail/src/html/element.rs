//! The elements of HTML, old ones too, and what is known of each by its name.
//!
//! Invariant: names are compared by their first [`LONGEST`] letters in lower case, which tell all known ones
//! apart.

/// What is known of an element, a bit each.
type Traits = u16;

const PLAIN: Traits = 0;
/// HTML doesn't have it, and never had.
const STRANGE: Traits = 1;
/// Begins and ends a line.
const BLOCK: Traits = 1 << 1;
/// Has no end tag, or one that ends nothing, and nothing in it.
const VOID: Traits = 1 << 2;
/// Nobody expects to see what is in it.
const UNSEEN: Traits = 1 << 3;
/// Stands apart from what is before it.
const APART: Traits = 1 << 4;
/// Is counted, or leads somewhere.
const TELLS: Traits = 1 << 5;
/// Holds text alone.
const TEXT: Traits = 1 << 6;
/// References in that text are read.
const REFERENCES: Traits = 1 << 7;
/// Holds a script.
const SCRIPT: Traits = 1 << 8;
/// All that follows is text.
const TO_THE_END: Traits = 1 << 9;
/// Is of HTML wherever it stands: it ends a drawing or a formula around it.
const ENDS_FOREIGN: Traits = 1 << 10;

/// What an element holds, as far as it is to be known to find its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    Markup,
    Text,
    TextAndReferences,
    Script,
    TextToTheEnd,
}

/// Letters of a name that count.
const LONGEST: usize = 10;

/// The name of a tag in lower case, and what is known of its element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    letters: [u8; LONGEST],
    /// Of the whole name.
    length: usize,
    traits: Traits,
}

impl Name {
    pub(super) fn of(written: &str) -> Self {
        let letters = lower(written.as_bytes());
        let length = written.len();
        let known = ELEMENTS.binary_search_by_key(&key(&letters), |(key, _)| *key);
        let traits = match known {
            Ok(at) if length <= LONGEST => ELEMENTS[at].1,
            // Office programs have their own, with a prefix.
            _ if written.contains(':') => PLAIN,
            _ => STRANGE,
        };
        Self { letters, length, traits }
    }

    /// The name, or its first letters.
    pub(super) fn letters(&self) -> &[u8] {
        &self.letters[..self.length.min(LONGEST)]
    }

    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// Whether both are of one element, as far as they are compared.
    pub(super) fn matches(&self, other: Self) -> bool {
        self.letters == other.letters
    }

    /// Whether `written` is this name, letter case aside.
    pub(super) fn is(&self, written: &[u8]) -> bool {
        written.len() == self.length && self.length <= LONGEST && lower(written) == self.letters
    }

    /// One of a few numbers; names that match have the same.
    pub(super) fn bucket(&self) -> usize {
        let [a, b, c, d, ..] = self.letters.map(usize::from);
        (a + 3 * b + 5 * c + 7 * d) % Self::BUCKETS
    }

    pub(super) const BUCKETS: usize = 64;

    const fn has(&self, traits: Traits) -> bool {
        self.traits & traits != 0
    }

    /// Whether HTML has such an element, or once had; others' own are not meant to be HTML.
    pub(super) const fn is_known(&self) -> bool {
        !self.has(STRANGE)
    }

    pub(super) const fn is_block(&self) -> bool {
        self.has(BLOCK)
    }

    pub(super) const fn is_void(&self) -> bool {
        self.has(VOID)
    }

    pub(super) const fn is_never_shown(&self) -> bool {
        self.has(UNSEEN)
    }

    pub(super) const fn stands_apart(&self) -> bool {
        self.has(APART)
    }

    pub(super) const fn tells(&self) -> bool {
        self.has(TELLS)
    }

    pub(super) const fn ends_foreign(&self) -> bool {
        self.has(ENDS_FOREIGN)
    }

    /// Whether it is a drawing or a formula, in which names mean other things.
    pub(super) fn is_foreign(&self) -> bool {
        matches!(self.letters(), b"svg" | b"math")
    }

    /// Whether what is in it is HTML again; of longer names by their beginning.
    pub(super) fn holds_html(&self) -> bool {
        matches!(
            self.letters(),
            b"foreignobj"
                | b"desc"
                | b"title"
                | b"mi"
                | b"mo"
                | b"mn"
                | b"ms"
                | b"mtext"
                | b"annotation"
        )
    }

    pub(super) const fn inside(&self) -> Inside {
        if self.has(REFERENCES) {
            Inside::TextAndReferences
        } else if self.has(TEXT) {
            Inside::Text
        } else if self.has(SCRIPT) {
            Inside::Script
        } else if self.has(TO_THE_END) {
            Inside::TextToTheEnd
        } else {
            Inside::Markup
        }
    }
}

/// A NUL is no letter of a name, but it is not its end either.
fn lower(written: &[u8]) -> [u8; LONGEST] {
    let mut letters = [0; LONGEST];
    for (to, from) in letters.iter_mut().zip(written) {
        *to = if *from == 0 { 0xff } else { from.to_ascii_lowercase() };
    }
    letters
}

/// A number that is in order as the names are.
const fn key(letters: &[u8; LONGEST]) -> u128 {
    let mut key = 0;
    let mut at = 0;
    while at < LONGEST {
        key = key << 8 | letters[at] as u128;
        at += 1;
    }
    key
}

const fn keyed() -> [(u128, Traits); NAMES.len()] {
    let mut elements = [(0, PLAIN); NAMES.len()];
    let mut number = 0;
    while number < NAMES.len() {
        let (name, traits) = NAMES[number];
        let mut letters = [0; LONGEST];
        let mut at = 0;
        while at < name.len() {
            letters[at] = name.as_bytes()[at];
            at += 1;
        }
        elements[number] = (key(&letters), traits);
        number += 1;
    }
    elements
}

static ELEMENTS: [(u128, Traits); NAMES.len()] = keyed();

/// In order.
const NAMES: [(&str, Traits); 130] = [
    ("a", TELLS),
    ("abbr", PLAIN),
    ("acronym", PLAIN),
    ("address", BLOCK),
    ("applet", TELLS),
    ("area", VOID | TELLS),
    ("article", BLOCK),
    ("aside", BLOCK),
    ("audio", PLAIN),
    ("b", ENDS_FOREIGN),
    ("base", VOID | TELLS),
    ("basefont", VOID),
    ("bdi", PLAIN),
    ("bdo", PLAIN),
    ("bgsound", VOID),
    ("big", ENDS_FOREIGN),
    ("blink", PLAIN),
    ("blockquote", BLOCK | ENDS_FOREIGN),
    ("body", BLOCK | TELLS | ENDS_FOREIGN),
    ("br", BLOCK | VOID | ENDS_FOREIGN),
    ("button", PLAIN),
    ("canvas", PLAIN),
    ("caption", PLAIN),
    ("center", BLOCK | ENDS_FOREIGN),
    ("cite", PLAIN),
    ("code", ENDS_FOREIGN),
    ("col", VOID),
    ("colgroup", PLAIN),
    ("data", PLAIN),
    ("datalist", PLAIN),
    ("dd", BLOCK | ENDS_FOREIGN),
    ("del", PLAIN),
    ("details", PLAIN),
    ("dfn", PLAIN),
    ("dialog", PLAIN),
    ("dir", PLAIN),
    ("div", BLOCK | ENDS_FOREIGN),
    ("dl", BLOCK | ENDS_FOREIGN),
    ("dt", BLOCK | ENDS_FOREIGN),
    ("em", ENDS_FOREIGN),
    ("embed", VOID | TELLS | ENDS_FOREIGN),
    ("fieldset", BLOCK),
    ("figcaption", PLAIN),
    ("figure", PLAIN),
    ("font", PLAIN),
    ("footer", BLOCK),
    ("form", BLOCK | TELLS),
    ("frame", VOID | TELLS),
    ("frameset", PLAIN),
    ("h1", BLOCK | ENDS_FOREIGN),
    ("h2", BLOCK | ENDS_FOREIGN),
    ("h3", BLOCK | ENDS_FOREIGN),
    ("h4", BLOCK | ENDS_FOREIGN),
    ("h5", BLOCK | ENDS_FOREIGN),
    ("h6", BLOCK | ENDS_FOREIGN),
    // It ends by itself before the first text; what it holds and nobody sees is so by its own name.
    ("head", VOID | ENDS_FOREIGN),
    ("header", BLOCK),
    ("hgroup", PLAIN),
    ("hr", BLOCK | VOID | ENDS_FOREIGN),
    ("html", BLOCK),
    ("i", ENDS_FOREIGN),
    ("iframe", TELLS | TEXT),
    ("img", VOID | APART | TELLS | ENDS_FOREIGN),
    ("input", VOID | TELLS),
    ("ins", PLAIN),
    ("kbd", PLAIN),
    ("keygen", VOID),
    ("label", PLAIN),
    ("layer", PLAIN),
    ("legend", PLAIN),
    ("li", BLOCK | ENDS_FOREIGN),
    ("link", VOID),
    ("main", BLOCK),
    ("map", PLAIN),
    ("mark", PLAIN),
    ("marquee", PLAIN),
    ("menu", ENDS_FOREIGN),
    ("meta", VOID | TELLS | ENDS_FOREIGN),
    ("meter", PLAIN),
    ("nav", BLOCK),
    ("nobr", ENDS_FOREIGN),
    ("noembed", UNSEEN | TEXT),
    ("noframes", UNSEEN | TEXT),
    // Shown where scripts don't run, as in mail programs.
    ("noscript", PLAIN),
    ("object", TELLS),
    ("ol", BLOCK | ENDS_FOREIGN),
    ("optgroup", PLAIN),
    ("option", BLOCK),
    ("output", PLAIN),
    ("p", BLOCK | ENDS_FOREIGN),
    ("param", VOID),
    ("path", PLAIN),
    ("picture", PLAIN),
    ("plaintext", STRANGE | TO_THE_END),
    ("pre", BLOCK | ENDS_FOREIGN),
    ("progress", PLAIN),
    ("q", PLAIN),
    ("s", ENDS_FOREIGN),
    ("samp", PLAIN),
    ("script", UNSEEN | TELLS | SCRIPT),
    ("section", BLOCK),
    ("select", BLOCK),
    ("small", ENDS_FOREIGN),
    ("source", VOID),
    ("span", ENDS_FOREIGN),
    ("strike", ENDS_FOREIGN),
    ("strong", ENDS_FOREIGN),
    ("style", UNSEEN | TEXT),
    ("sub", ENDS_FOREIGN),
    ("summary", PLAIN),
    ("sup", ENDS_FOREIGN),
    ("svg", PLAIN),
    ("table", BLOCK | TELLS | ENDS_FOREIGN),
    ("tbody", BLOCK),
    ("td", APART | TELLS),
    ("template", UNSEEN),
    ("textarea", TEXT | REFERENCES),
    ("tfoot", BLOCK),
    ("th", APART),
    ("thead", BLOCK),
    ("time", PLAIN),
    ("title", UNSEEN | TEXT | REFERENCES),
    ("tr", BLOCK | TELLS),
    ("track", STRANGE | VOID),
    ("tt", ENDS_FOREIGN),
    ("u", ENDS_FOREIGN),
    ("ul", BLOCK | ENDS_FOREIGN),
    ("video", PLAIN),
    ("wbr", VOID),
    ("xmp", STRANGE | TEXT),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_elements_stand_in_order() {
        assert!(ELEMENTS.is_sorted());
        assert!(Name::of("FONT").is_known() && Name::of("o:p").is_known());
        assert!(!Name::of("xyz").is_known() && !Name::of("blockquotes").is_known());
    }

    #[test]
    fn a_name_is_no_other_than_itself() {
        let name = Name::of("Script");
        assert!(name.is(b"SCRIPT") && !name.is(b"scripts") && !name.is(b"scrip"));
        assert!(!Name::of("a\0").is_known());
        assert_eq!(name.inside(), Inside::Script);
    }
}
