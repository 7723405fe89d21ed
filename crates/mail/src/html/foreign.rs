//! Drawings and formulas within a page, in which names mean other things: `<style>` is an element like others there and
//! not the beginning of text (the HTML standard, section 13.2.6.5).
//!
//! Invariant: 32 levels of one within the other are told apart; what is around them counts as HTML.

use super::element::Name;

/// Where a page is.
#[derive(Clone, Copy)]
pub(super) struct Foreign {
    /// How it is from here outwards, a bit each: HTML may stand in drawings, and drawings in HTML.
    levels: u32,
    /// The element that began it last.
    root: Option<Name>,
}

impl Foreign {
    pub(super) const NONE: Self = Self { levels: 0, root: None };

    pub(super) const fn is_here(self) -> bool {
        self.levels & 1 != 0
    }

    /// A start tag; the name of what ends by it, if anything does.
    pub(super) fn start(&mut self, name: Name, self_closing: bool) -> Option<Name> {
        if !self.is_here() {
            if name.is_foreign() && !self_closing {
                self.levels = self.levels << 1 | 1;
                self.root = Some(name);
            }
        } else if name.ends_foreign() {
            self.levels >>= 1;
            return self.root;
        } else if name.holds_html() && !self_closing {
            self.levels <<= 1;
        }
        None
    }

    pub(super) fn end(&mut self, name: Name) {
        let leaves = if self.is_here() { name.is_foreign() } else { name.holds_html() };
        if self.levels != 0 && leaves {
            self.levels >>= 1;
        }
    }
}
