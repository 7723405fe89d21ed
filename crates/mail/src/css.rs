//! What inline styles and old HTML attributes do to text: hide it, shrink it, paint it in the colour
//! of its background.
//!
//! Invariant: a declaration that isn't understood changes nothing.

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
    /// `Some(None)`: an image, or a colour that isn't understood.
    pub(crate) background: Option<Option<Rgb>>,
    /// A box of no size; hides when it also cuts what doesn't fit.
    no_box: bool,
    cuts: bool,
}

/// Declarations of one attribute that are read.
const MOST_DECLARATIONS: usize = 100;

impl Style {
    /// Reads the declarations of a `style` attribute.
    pub(crate) fn parse(text: &str) -> Self {
        let mut style = Self::default();
        for declaration in text.split(';').take(MOST_DECLARATIONS) {
            if let Some((name, value)) = declaration.split_once(':') {
                style.declare(name.trim(), value.trim());
            }
        }
        style.hides |= style.no_box && style.cuts;
        style
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
            if let Some(size) = number(word) {
                self.tiny = is_tiny(size, word);
                self.sized = !self.tiny;
            }
        } else if is("max-height") || is("height") || is("max-width") || is("width") {
            self.no_box |= number(word).is_some_and(|size| size == 0.0);
        } else if is("overflow") {
            self.cuts |= says("hidden");
        } else if is("text-indent") || is("left") || is("top") || is("margin-left") {
            self.hides |= number(word).is_some_and(|away| away <= -900.0);
        } else if is("color") {
            self.colour = colour(value);
        } else if is("background-color") {
            self.background = Some(colour(value));
        } else if is("background") || is("background-image") {
            let found = value.split(' ').find_map(colour);
            self.background = Some(found.filter(|_| !value.contains("url(")));
        }
    }
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

/// A colour as HTML and CSS write it.
pub(crate) fn colour(text: &str) -> Option<Rgb> {
    let text = text.trim().trim_end_matches("!important").trim_end();
    if let Some(digits) = text.strip_prefix('#') {
        return hexadecimal(digits);
    }
    if let Some(inside) = text.strip_prefix("rgb(").or_else(|| text.strip_prefix("rgba(")) {
        let mut numbers = inside
            .split([',', ' ', '/', ')'])
            .filter(|number| !number.is_empty())
            .map(|number| number.parse::<f32>().map(|value| value.clamp(0.0, 255.0) as u8));
        let mut next = || numbers.next()?.ok();
        return Some([next()?, next()?, next()?]);
    }
    let named = NAMED.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
    // HTML attributes may leave out the `#`.
    named.map(|(_, rgb)| *rgb).or_else(|| (text.len() == 6).then(|| hexadecimal(text)).flatten())
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
    fn a_background_image_leaves_the_background_unknown() {
        assert_eq!(Style::parse("background: #000").background, Some(Some([0, 0, 0])));
        assert_eq!(Style::parse("background: url(x) #000").background, Some(None));
        assert_eq!(Style::parse("color:#fff").background, None);
    }
}
