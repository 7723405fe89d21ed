//! How text looks at a place: seen or hidden, and why.
//!
//! Invariant: where a background is an image or not understood, colours hide nothing.

use super::tag::{Attribute, Tag};
use crate::css::{Rgb, Style, colour, is_alike};

/// How text at a place looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) hidden: Option<Why>,
    /// Text of it was counted already.
    pub(super) counted: bool,
    colour: Rgb,
    /// None: an image or unknown.
    background: Option<Rgb>,
}

/// Why text is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Style,
    Tiny,
    Colour,
    /// Nobody expects to see it: a title, a style sheet, a script.
    Never,
}

impl Look {
    /// Black on white, where nothing else is said.
    pub(super) const PAPER: Self =
        Self { hidden: None, counted: false, colour: [0, 0, 0], background: Some([255, 255, 255]) };

    /// How text looks in an element that `tag` opens at this place.
    pub(super) fn inside(self, tag: &Tag<'_>) -> Self {
        let mut look = Self { counted: false, ..self };
        if tag.name.is_never_shown() {
            look.hidden = Some(Why::Never);
            return look;
        }
        let style = tag.get(Attribute::Style).map(|style| Style::parse(&style)).unwrap_or_default();
        if let Some(own) =
            style.colour.or_else(|| tag.get(Attribute::Colour).and_then(|own| colour(&own)))
        {
            look.colour = own;
        }
        if let Some(own) = style.background {
            look.background = own;
        } else if tag.has(Attribute::Background) {
            look.background = None;
        } else if let Some(own) = tag.get(Attribute::BgColour) {
            look.background = colour(&own);
        }
        if style.transparent {
            // Behind the letters is what is seen in their place.
            look.colour = look.background.unwrap_or(look.colour);
        }
        if look.hidden.is_some_and(|why| !matches!(why, Why::Colour | Why::Tiny)) {
            return look;
        }
        let is_tiny = style.tiny || look.hidden == Some(Why::Tiny) && !style.sized;
        look.hidden = if style.hides || tag.has(Attribute::Hidden) {
            Some(Why::Style)
        } else if is_tiny {
            Some(Why::Tiny)
        } else if look.background.is_some_and(|background| is_alike(background, look.colour)) {
            Some(Why::Colour)
        } else {
            None
        };
        look
    }
}
