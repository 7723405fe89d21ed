//! Drawings and formulas within a page, in which names mean other things: `<style>` is an element like others there and
//! not the beginning of text (the HTML standard, section 13.2.6.5).
//!
//! Invariant: no more than [`DEEPEST`] of them are told apart, one within the other; what is deeper counts as HTML.

use super::element::Name;

const DEEPEST: usize = 32;

/// Where a page is.
pub(super) struct Foreign {
    /// The drawings and formulas that are open, from the outermost on: HTML may stand in them, and they in that.
    roots: Vec<Name>,
    /// Whether this place is of the last of them, and not of HTML.
    pub(super) is_here: bool,
}

impl Foreign {
    pub(super) const NONE: Self = Self { roots: Vec::new(), is_here: false };

    /// A start tag; the name of what ends by it, if anything does.
    pub(super) fn start(&mut self, name: Name, self_closing: bool) -> Option<Name> {
        if self.is_here && name.ends_foreign() {
            return self.leave();
        }
        if self_closing {
            return None;
        }
        if self.is_here {
            self.is_here = !name.holds_html();
        } else if name.is_foreign() && self.roots.len() < DEEPEST {
            self.roots.push(name);
            self.is_here = true;
        }
        None
    }

    pub(super) fn end(&mut self, name: Name) {
        if self.is_here && name.is_foreign() {
            self.leave();
        } else if !self.is_here && name.holds_html() {
            self.is_here = !self.roots.is_empty();
        }
    }

    /// Around each is HTML.
    fn leave(&mut self) -> Option<Name> {
        self.is_here = false;
        self.roots.pop()
    }
}
