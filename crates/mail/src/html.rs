//! HTML as a reader sees it: the visible text, what is hidden from the eye, and where links lead.
//!
//! This is no browser: elements are tracked by their tags alone, inline styles are understood and
//! style sheets are not, and scripts don't run, as in mail programs.
//!
//! Invariant: one pass, in time and memory in proportion to the source; elements nest no deeper here
//! than [`DEEPEST`].

mod blanks;
mod element;
mod facts;
mod foreign;
mod leads;
mod look;
mod reference;
mod script;
mod tag;
mod token;

use self::element::Name;
pub use self::facts::HtmlFacts;
use self::look::{Look, Why};
use self::tag::{Attribute, Tag};
use self::token::{Token, Tokens};
use crate::defects::{Defect, Defects};
use crate::links::Links;
use crate::url::Url;

/// Open elements that are tracked; deeper ones are as their parent is.
const DEEPEST: usize = 200;
const _: () = assert!(DEEPEST <= u8::MAX as usize, "their number is counted in one byte");

/// Reads HTML into text, and its links into `links`.
pub(crate) struct Renderer<'r> {
    pub(crate) facts: HtmlFacts,
    visible: &'r mut String,
    hidden: &'r mut String,
    most: usize,
    links: &'r mut Links,
    defects: &'r mut Defects,
    open: Vec<Element>,
    /// By [`Name::bucket`], how many of them there are.
    open_by_name: [u8; Name::BUCKETS],
    base: Option<String>,
    anchor: Option<Anchor>,
    /// Where text of anchors stands in `visible`: its links are known.
    anchored: Vec<(usize, usize)>,
    /// The last letter stood directly before a comment or an unknown tag.
    cut_word: bool,
    /// Within `<pre>`, white space is kept.
    pre: u32,
    begin: usize,
}

/// An open element, as what is in it looks.
#[derive(Debug, Clone, Copy)]
struct Element {
    name: Name,
    look: Look,
}

struct Anchor {
    url: Option<Url>,
    /// Where its text begins in `visible`.
    begin: usize,
}

impl<'r> Renderer<'r> {
    pub(crate) fn new(
        visible: &'r mut String,
        hidden: &'r mut String,
        most: usize,
        links: &'r mut Links,
        defects: &'r mut Defects,
    ) -> Self {
        let begin = visible.len();
        Self {
            facts: HtmlFacts::default(),
            visible,
            hidden,
            most,
            links,
            defects,
            open: Vec::with_capacity(32),
            open_by_name: [0; Name::BUCKETS],
            base: None,
            anchor: None,
            anchored: Vec::new(),
            cut_word: false,
            pre: 0,
            begin,
        }
    }

    /// Reads all of `source`.
    pub(crate) fn read(mut self, source: &str) -> HtmlFacts {
        let mut tag = None;
        for token in Tokens::of(source) {
            match token {
                Token::Text(text) => self.text(text, true),
                Token::Reference((first, second)) => {
                    for character in [Some(first), second].into_iter().flatten() {
                        self.text(character.encode_utf8(&mut [0; 4]), false);
                    }
                }
                Token::Start(name) => tag = Some(Tag::new(name)),
                Token::Attribute(name, value) => self.attribute(tag.as_mut(), name, value),
                Token::StartEnd { self_closing } => {
                    if let Some(tag) = tag.take() {
                        self.start(&tag, self_closing);
                    }
                }
                Token::End(name) => self.end(name),
                Token::Comment(text) => self.comment(text),
            }
        }
        self.end_anchor();
        self.links_outside_anchors();
        self.facts
    }

    fn comment(&mut self, text: &str) {
        if text.starts_with("[if") {
            self.links_of_a_condition(text);
        } else if !text.starts_with("[endif") {
            self.facts.comments += 1;
        }
        self.cut_word |= self.ends_in_letter();
    }

    /// Of an end tag, which has no attributes by rights, those that run scripts are counted as well.
    fn attribute<'s>(&mut self, tag: Option<&mut Tag<'s>>, name: &str, value: &'s str) {
        let is_known = tag.is_some_and(|tag| tag.add(name, value));
        if !is_known && name.len() > 3 && name.as_bytes()[..2].eq_ignore_ascii_case(b"on") {
            self.facts.event_handlers += 1;
        }
    }

    fn start(&mut self, tag: &Tag<'_>, self_closing: bool) {
        self.facts.tags += 1;
        let name = tag.name;
        if !name.is_known() {
            self.facts.unknown_tags += 1;
            self.cut_word |= self.ends_in_letter();
        }
        if name.tells() {
            self.count(tag);
            self.follow(tag);
        }
        if name.is_block() {
            self.line_end();
        } else if name.stands_apart() {
            self.space();
        }
        if !name.is_void() && !self_closing && self.open.len() < DEEPEST {
            let look = self.look().inside(tag);
            self.open.push(Element { name, look });
            self.open_by_name[name.bucket()] += 1;
            self.pre += u32::from(name.letters() == b"pre");
        }
    }

    fn end(&mut self, name: Name) {
        if name.is_block() {
            self.line_end();
        }
        if name.letters() == b"a" {
            self.end_anchor();
        }
        // A tag that closes nothing is ignored, as browsers do, and costs nothing; what it closes over is closed.
        if self.open_by_name[name.bucket()] == 0 {
            return;
        }
        if let Some(keep) = self.open.iter().rposition(|element| element.name.matches(name)) {
            for closed in self.open.drain(keep..) {
                self.pre -= u32::from(closed.name.letters() == b"pre").min(self.pre);
                self.open_by_name[closed.name.bucket()] -= 1;
            }
        }
    }

    /// How text at this place looks.
    fn look(&self) -> Look {
        self.open.last().map_or(Look::PAPER, |element| element.look)
    }

    fn count(&mut self, tag: &Tag<'_>) {
        match tag.name.letters() {
            b"form" => self.facts.forms += 1,
            b"script" => self.facts.scripts += 1,
            b"iframe" | b"frame" | b"object" | b"embed" | b"applet" => self.facts.frames += 1,
            b"input" => {
                let is_password = tag
                    .get(Attribute::Type)
                    .is_some_and(|it| it.trim().eq_ignore_ascii_case("password"));
                self.facts.password_inputs += u32::from(is_password);
            }
            b"img" => self.image(tag),
            _ => {}
        }
    }

    fn image(&mut self, tag: &Tag<'_>) {
        let Some(source) = tag.get(Attribute::Src) else { return };
        let source = source.trim_start();
        let begins = |scheme: &str| {
            source.get(..scheme.len()).is_some_and(|it| it.eq_ignore_ascii_case(scheme))
        };
        if begins("cid:") || begins("data:") {
            self.facts.images_embedded += 1;
        } else if !source.is_empty() {
            self.facts.images_remote += 1;
            let small = |attribute| {
                let side = tag
                    .get(attribute)
                    .and_then(|side| side.trim_end_matches("px").trim().parse::<u32>().ok());
                side.is_some_and(|side| side <= 2)
            };
            self.facts.tracking_pixels +=
                u32::from(small(Attribute::Width) && small(Attribute::Height));
        }
    }

    /// Reads a piece of text; `written` as it is, line ends and all.
    fn text(&mut self, text: &str, written: bool) {
        let look = self.look();
        if look.hidden.is_some() && !text.trim().is_empty() {
            self.count_hidden(look);
        }
        if self.cut_word && text.starts_with(char::is_alphabetic) {
            self.facts.broken_words += 1;
        }
        self.cut_word = false;
        let keep_space = self.pre > 0;
        let to = match look.hidden {
            None => &mut *self.visible,
            Some(Why::Never) => return,
            Some(_) => &mut *self.hidden,
        };
        let room = self.most.saturating_sub(to.len());
        let fits = &text[..text.floor_char_boundary(room)];
        if fits.len() < text.len() {
            self.defects.note(Defect::TextCut);
        }
        if keep_space && written {
            blanks::push_lines(fits, to);
        } else if keep_space {
            to.push_str(fits);
        } else {
            blanks::push_squeezed(fits, to);
        }
    }

    fn count_hidden(&mut self, look: Look) {
        if look.counted {
            return;
        }
        match look.hidden {
            Some(Why::Style) => self.facts.styles_hidden += 1,
            Some(Why::Tiny) => self.facts.styles_tiny += 1,
            Some(Why::Colour) => self.facts.styles_invisible_colour += 1,
            Some(Why::Never) | None => {}
        }
        if let Some(element) = self.open.last_mut() {
            element.look.counted = true;
        }
    }

    fn ends_in_letter(&self) -> bool {
        self.look().hidden.is_none() && self.visible.ends_with(char::is_alphabetic)
    }

    fn line_end(&mut self) {
        self.cut_word = false;
        let to = self.written();
        while to.ends_with(' ') {
            to.pop();
        }
        if !to.is_empty() && !to.ends_with('\n') {
            to.push('\n');
        }
    }

    fn space(&mut self) {
        self.cut_word = false;
        let to = self.written();
        if !to.is_empty() && !to.ends_with([' ', '\n']) {
            to.push(' ');
        }
    }

    /// Where text at this place goes.
    fn written(&mut self) -> &mut String {
        if self.look().hidden.is_some() { self.hidden } else { self.visible }
    }
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
