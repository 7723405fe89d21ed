//! What inline styles and old HTML attributes do to text: hide it, shrink it, paint it in the colour
//! of its background.
//!
//! Invariant: a declaration that isn't understood changes nothing.

use std::borrow::Cow;

use memchr::memchr2;

/// Red, green and blue.
pub(crate) type Rgb = [u8; 3];

/// What a `style` attribute does, as far as it matters here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// Nothing of the element is shown.
    pub(crate) hides: bool,
    /// Shown in letters too small to read.
    pub(crate) tiny: bool,
    /// Shown in letters of ordinary size, whatever holds the element.
    pub(crate) sized: bool,
    pub(crate) colour: Option<Rgb>,
    /// What is behind its letters shows through them.
    pub(crate) transparent: bool,
    /// `Some(None)`: an image, or a colour that isn't understood.
    pub(crate) background: Option<Option<Rgb>>,
    /// A box of no size; hides when it also cuts what doesn't fit.
    no_box: bool,
    cuts: bool,
}

impl Style {
    /// Reads the declarations of a `style` attribute. However many there are: what hides comes last.
    pub(crate) fn parse(text: &str) -> Self {
        let mut style = Self::default();
        for declaration in plain(text).split(';') {
            if let Some((name, value)) = declaration.split_once(':') {
                style.declare(name.trim(), value.trim());
            }
        }
        style.hides |= style.no_box && style.cuts;
        style
    }

    fn size(&mut self, word: &str) {
        if let Some(size) = number(word) {
            self.tiny = is_tiny(size, word);
            self.sized = !self.tiny;
        }
    }

    fn declare(&mut self, name: &str, value: &str) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let word = value.split([' ', '!']).next().unwrap_or_default();
        let says = |known: &str| word.eq_ignore_ascii_case(known);
        if is("display") {
            self.hides = says("none");
        } else if is("visibility") {
            self.hides |= says("hidden") || says("collapse");
        } else if is("mso-hide") {
            self.hides |= says("all");
        } else if is("opacity") {
            self.hides |= number(word).is_some_and(|opacity| opacity < 0.05);
        } else if is("font-size") {
            self.size(word);
        } else if is("font") {
            // A weight has no unit, and a line's height stands behind the size.
            let sizes =
                |word: &&str| number(word).is_some_and(|size| size == 0.0 || has_unit(word));
            if let Some(word) = value.split([' ', '/']).find(sizes) {
                self.size(word);
            }
        } else if is("max-height") || is("height") || is("max-width") || is("width") {
            self.no_box |= number(word).is_some_and(|size| size == 0.0);
        } else if is("overflow") {
            self.cuts |= says("hidden");
        } else if is("text-indent") || is("left") || is("top") || is("margin-left") {
            self.hides |= number(word).is_some_and(|away| away <= -900.0);
        } else if is("color") {
            self.colour = colour(value);
            self.transparent = is_transparent(value);
        } else if is("background-color") {
            self.background = Some(colour(value));
        } else if is("background") || is("background-image") {
            let found = value.split(' ').find_map(colour);
            self.background = Some(found.filter(|_| !value.contains("url(")));
        }
    }
}

/// As it is read: without comments, and letters in place of what stands for them (CSS Syntax, section 4.3.7).
fn plain(text: &str) -> Cow<'_, str> {
    if memchr2(b'*', b'\\', text.as_bytes()).is_none() {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr2(b'/', b'\\', rest.as_bytes()) {
        let (before, special) = rest.split_at(at);
        plain.push_str(before);
        if let Some(comment) = special.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, behind)| behind);
        } else if let Some(escape) = special.strip_prefix('\\') {
            let (letter, behind) = escaped(escape);
            plain.extend(letter);
            rest = behind;
        } else {
            plain.push('/');
            rest = &special[1..];
        }
    }
    plain.push_str(rest);
    plain.into()
}

/// The letter that stands behind a backslash, or whose number in up to six hexadecimal digits and one space does.
fn escaped(text: &str) -> (Option<char>, &str) {
    let digits = text.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
    let (number, behind) = text.split_at(digits);
    if number.is_empty() {
        let mut letters = text.chars();
        return (letters.next(), letters.as_str());
    }
    let letter = u32::from_str_radix(number, 16).ok().and_then(char::from_u32);
    (letter, behind.strip_prefix([' ', '\t', '\n']).unwrap_or(behind))
}

/// Whether a number is a length or a share.
fn has_unit(word: &str) -> bool {
    word.ends_with(|last: char| last.is_ascii_alphabetic() || last == '%')
}

/// Under 2 points or pixels, or under an eighth of the usual size.
fn is_tiny(size: f32, word: &str) -> bool {
    let most = if word.ends_with("em") {
        0.13
    } else if word.ends_with('%') {
        13.0
    } else {
        1.99
    };
    size < most
}

/// The number that `word` begins with.
fn number(word: &str) -> Option<f32> {
    let end = word.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(word.len());
    word[..end].parse().ok()
}

/// Whether a colour is none: the word for it, or its last number, which says how dense it is.
fn is_transparent(text: &str) -> bool {
    let text = without_importance(text);
    let dense = numbers(text).and_then(|mut numbers| numbers.nth(3)).and_then(number);
    text.eq_ignore_ascii_case("transparent")
        || dense == Some(0.0)
        || text.len() == 9 && text.starts_with('#') && text.ends_with("00")
        || text.len() == 5 && text.starts_with('#') && text.ends_with('0')
}

/// A colour as HTML and CSS write it.
pub(crate) fn colour(text: &str) -> Option<Rgb> {
    let text = without_importance(text);
    if let Some(digits) = text.strip_prefix('#') {
        return hexadecimal(digits);
    }
    if let Some(numbers) = numbers(text) {
        let mut numbers =
            numbers.map(|number| number.parse::<f32>().map(|value| value.clamp(0.0, 255.0) as u8));
        let mut next = || numbers.next()?.ok();
        return Some([next()?, next()?, next()?]);
    }
    let named = NAMED.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
    // HTML attributes may leave out the `#`.
    named.map(|(_, rgb)| *rgb).or_else(|| (text.len() == 6).then(|| hexadecimal(text)).flatten())
}

fn without_importance(value: &str) -> &str {
    value.trim().trim_end_matches("!important").trim_end()
}

/// What stands in `rgb(…)` or `rgba(…)`.
fn numbers(text: &str) -> Option<impl Iterator<Item = &str>> {
    let inside = text.strip_prefix("rgb(").or_else(|| text.strip_prefix("rgba("))?;
    Some(inside.split([',', ' ', '/', ')']).filter(|number| !number.is_empty()))
}

const NAMED: [(&str, Rgb); 14] = [
    ("white", [255, 255, 255]),
    ("black", [0, 0, 0]),
    ("red", [255, 0, 0]),
    ("green", [0, 128, 0]),
    ("blue", [0, 0, 255]),
    ("yellow", [255, 255, 0]),
    ("navy", [0, 0, 128]),
    ("gray", [128, 128, 128]),
    ("grey", [128, 128, 128]),
    ("silver", [192, 192, 192]),
    ("ivory", [255, 255, 240]),
    ("snow", [255, 250, 250]),
    ("whitesmoke", [245, 245, 245]),
    ("ghostwhite", [248, 248, 255]),
];

fn hexadecimal(digits: &str) -> Option<Rgb> {
    let value = u32::from_str_radix(digits, 16).ok()?;
    match digits.len() {
        3 => Some(
            [(value >> 8) as u8 & 15, (value >> 4) as u8 & 15, value as u8 & 15].map(|d| d * 17),
        ),
        6 => Some([(value >> 16) as u8, (value >> 8) as u8, value as u8]),
        _ => None,
    }
}

/// Whether letters of the one colour can't be told from the other behind them.
pub(crate) fn is_alike(a: Rgb, b: Rgb) -> bool {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>() <= 24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_that_hide_are_told_from_those_that_do_not() {
        for (style, hides) in [
            ("display:none", true),
            ("DISPLAY : None !important; color: red", true),
            ("display:block", false),
            ("visibility: hidden", true),
            ("opacity:0", true),
            ("opacity:0.9", false),
            ("max-height:0px; overflow:hidden", true),
            ("max-height:0", false),
            ("overflow:hidden;width:600px", false),
            ("position:absolute;left:-9999px", true),
            ("margin-left:-10px", false),
            ("mso-hide:all", true),
            ("display/**/:/* ; */none", true),
            ("d\\69splay:n\\00006f ne", true),
            ("dis\\play:none", true),
            ("color:red/* display:none", false),
            ("", false),
            ("::;;:", false),
        ] {
            assert_eq!(Style::parse(style).hides, hides, "{style}");
        }
    }

    #[test]
    fn letters_nobody_can_read_are_tiny() {
        for (style, tiny) in [
            ("font-size:0", true),
            ("font-size:1px", true),
            ("font-size: 0.1em", true),
            ("font-size:1em", false),
            ("font-size:10px", false),
            ("font-size:100%", false),
            ("font-size:small", false),
            ("font:0/0 a", true),
            ("font: bold 1px/20px Arial", true),
            ("font: 700 12px Arial", false),
            ("font: italic 100 medium Arial", false),
        ] {
            assert_eq!(Style::parse(style).tiny, tiny, "{style}");
        }
    }

    #[test]
    fn colours_are_read_in_every_form() {
        for (text, expect) in [
            ("#fff", Some([255, 255, 255])),
            ("#FFFFFE", Some([255, 255, 254])),
            ("White", Some([255, 255, 255])),
            ("rgb(1, 2,3)", Some([1, 2, 3])),
            ("rgba(1,2,3,0.5)", Some([1, 2, 3])),
            ("fafafa", Some([250, 250, 250])),
            ("#ff", None),
            ("transparent", None),
            ("rgb(1,2)", None),
        ] {
            assert_eq!(colour(text), expect, "{text}");
        }
        assert!(is_alike([255, 255, 255], [250, 250, 250]));
        assert!(!is_alike([255, 255, 255], [200, 200, 200]));
    }

    #[test]
    fn what_hides_comes_behind_any_number_of_other_declarations() {
        assert!(Style::parse(&("x:y;".repeat(1_000) + "display:none")).hides);
    }

    #[test]
    fn colours_that_are_none_are_transparent() {
        for (style, transparent) in [
            ("color:transparent", true),
            ("color: Transparent !important", true),
            ("color:rgba(0, 0, 0, 0)", true),
            ("color:rgb(0 0 0 / 0%)", true),
            ("color:#12345600", true),
            ("color:#1230", true),
            ("color:rgba(0,0,0,.5)", false),
            ("color:#123400", false),
            ("color:transparent;color:red", false),
        ] {
            assert_eq!(Style::parse(style).transparent, transparent, "{style}");
        }
    }

    #[test]
    fn a_background_image_leaves_the_background_unknown() {
        assert_eq!(Style::parse("background: #000").background, Some(Some([0, 0, 0])));
        assert_eq!(Style::parse("background: url(x) #000").background, Some(None));
        assert_eq!(Style::parse("color:#fff").background, None);
    }
}
