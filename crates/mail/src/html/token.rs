//! HTML taken apart into tags and text (the HTML standard, section 13.2.5).
//!
//! The same tokens as a browser's, where scripts don't run; but text comes in pieces, as it is
//! written, and what nobody needs here (document types, mistakes) is not told.
//!
//! Invariant: every byte is looked at a bounded number of times, and nothing is copied.

use memchr::{memchr, memchr2, memmem};

use super::blanks::{is_space, spaces};
use super::element::{Inside, Name};
use super::foreign::Foreign;
use super::reference::{self, Meaning, Place};
use super::script;

/// A piece of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'s> {
    /// Text as it is written, line ends and all; never empty.
    Text(&'s str),
    /// A character of the text that is written as a reference.
    Reference(Meaning),
    /// A start tag begins. Only with its `StartEnd` it is one.
    Start(Name),
    /// An attribute of the tag that has begun, which may be an end tag; the value as it is written.
    Attribute(&'s str, &'s str),
    /// A start tag ends.
    StartEnd { self_closing: bool },
    /// An end tag.
    End(Name),
    /// A comment, or what counts as one.
    Comment(&'s str),
}

/// The tokens of a page, in their order.
pub(super) struct Tokens<'s> {
    source: &'s str,
    at: usize,
    state: State,
    /// Found together with the text before it.
    ahead: Option<Token<'s>>,
    foreign: Foreign,
}

#[derive(Clone, Copy)]
enum State {
    Text,
    /// Behind a tag's name.
    Tag {
        name: Name,
        closes: bool,
    },
    /// In an element that holds text alone, up to where its end tag begins.
    Raw {
        end: usize,
        references: bool,
    },
}

impl<'s> Tokens<'s> {
    pub(super) const fn of(source: &'s str) -> Self {
        Self { source, at: 0, state: State::Text, ahead: None, foreign: Foreign::NONE }
    }

    const fn bytes(&self) -> &'s [u8] {
        self.source.as_bytes()
    }

    /// Everything up to `end`, and goes on behind it.
    fn take(&mut self, end: usize) -> &'s str {
        let taken = &self.source[self.at..end];
        self.at = end;
        taken
    }

    /// Text up to where something else begins.
    fn text(&mut self) -> Option<Token<'s>> {
        let mut from = self.at;
        while let Some(found) = memchr2(b'<', b'&', &self.bytes()[from..]) {
            let at = from + found;
            if self.bytes()[at] == b'&' {
                if let Some(read) = reference::read(&self.source[at + 1..], Place::Text) {
                    return self.text_and_reference(at, read);
                }
            } else if begins_markup(&self.bytes()[at + 1..]) {
                let text = self.take(at);
                return if text.is_empty() { self.markup() } else { Some(Token::Text(text)) };
            }
            from = at + 1;
        }
        let text = self.take(self.source.len());
        (!text.is_empty()).then_some(Token::Text(text))
    }

    fn text_and_reference(
        &mut self,
        at: usize,
        (meaning, used): (Meaning, usize),
    ) -> Option<Token<'s>> {
        let text = self.take(at);
        self.at = at + 1 + used;
        let reference = Some(Token::Reference(meaning));
        if text.is_empty() {
            return reference;
        }
        self.ahead = reference;
        Some(Token::Text(text))
    }

    /// What begins with the `<` at this place; `None` when that is told by no token.
    fn markup(&mut self) -> Option<Token<'s>> {
        let rest = &self.bytes()[self.at + 1..];
        match rest {
            [b'/', b'>', ..] => {
                self.at += 3;
                None
            }
            [b'/', first, ..] if first.is_ascii_alphabetic() => self.tag(2, true),
            [b'/', ..] => self.comment_to_bracket(2),
            [b'!', b'-', b'-', ..] => self.comment(),
            [b'!', name @ ..] if starts_with(name, b"doctype") => {
                self.comment_to_bracket(2);
                None
            }
            [b'!', ..] => self.comment_to_bracket(2),
            [b'?', ..] => self.comment_to_bracket(1),
            _ => self.tag(1, false),
        }
    }

    /// Up to the next `>`, without the first `skip` bytes.
    fn comment_to_bracket(&mut self, skip: usize) -> Option<Token<'s>> {
        self.at += skip;
        let rest = &self.bytes()[self.at..];
        let length = memchr(b'>', rest).unwrap_or(rest.len());
        let text = self.take(self.at + length);
        self.at = (self.at + 1).min(self.source.len());
        Some(Token::Comment(text))
    }

    fn comment(&mut self) -> Option<Token<'s>> {
        self.at += "<!--".len();
        let (length, end) = comment_end(&self.bytes()[self.at..]);
        let text = &self.source[self.at..self.at + length];
        self.at += end;
        Some(Token::Comment(text))
    }

    /// A tag whose name stands behind `skip` bytes.
    fn tag(&mut self, skip: usize, closes: bool) -> Option<Token<'s>> {
        self.at += skip;
        let rest = &self.bytes()[self.at..];
        let Some(length) = rest.iter().position(|&byte| ends_name(byte)) else {
            return self.end();
        };
        let name = Name::of(self.take(self.at + length));
        self.state = State::Tag { name, closes };
        if closes { None } else { Some(Token::Start(name)) }
    }

    /// A tag that never ends is none, and nothing is left behind it.
    fn end(&mut self) -> Option<Token<'s>> {
        self.at = self.source.len();
        None
    }

    /// The next attribute of a tag, or its end.
    fn in_tag(&mut self, name: Name, closes: bool) -> Option<Token<'s>> {
        let mut slash = false;
        loop {
            match self.bytes().get(self.at) {
                None => return self.end(),
                Some(b'/') => slash = true,
                Some(&byte) if is_space(byte) => slash = false,
                Some(b'>') => break,
                Some(_) => return self.attribute(),
            }
            self.at += 1;
        }
        self.at += 1;
        self.state = State::Text;
        if closes {
            self.foreign.end(name);
            return Some(Token::End(name));
        }
        let start = Token::StartEnd { self_closing: slash };
        let was_foreign = self.foreign.is_here;
        let ended = self.foreign.start(name, slash);
        if was_foreign && ended.is_none() {
            return Some(start);
        }
        let end = |from: usize, name| from + end_tag(&self.bytes()[from..], name);
        let raw = |end, references| State::Raw { end, references };
        self.state = match name.inside() {
            Inside::Markup => State::Text,
            Inside::Text => raw(end(self.at, name), false),
            Inside::TextAndReferences => raw(end(self.at, name), true),
            Inside::Script => raw(self.at + script::length(&self.bytes()[self.at..], name), false),
            Inside::TextToTheEnd => raw(self.source.len(), false),
        };
        let Some(ended) = ended else { return Some(start) };
        self.ahead = Some(start);
        Some(Token::End(ended))
    }

    fn attribute(&mut self) -> Option<Token<'s>> {
        let bytes = self.bytes();
        // A `=` in front is part of the name.
        let behind = &bytes[self.at + 1..];
        let ends = |&byte: &u8| byte == b'=' || ends_name(byte);
        let length = behind.iter().position(ends).unwrap_or(behind.len());
        let name = self.take(self.at + 1 + length);
        let value = if bytes.get(self.at + spaces(&bytes[self.at..])) == Some(&b'=') {
            self.at += spaces(&bytes[self.at..]) + 1;
            self.at += spaces(&bytes[self.at..]);
            self.value()
        } else {
            ""
        };
        // Nothing is told of an attribute that ends with the page, but of a value that has begun.
        let is_last = bytes[self.at..].iter().all(|&byte| byte == b'/' || is_space(byte));
        if is_last && value.is_empty() { self.end() } else { Some(Token::Attribute(name, value)) }
    }

    fn value(&mut self) -> &'s str {
        let rest = &self.bytes()[self.at..];
        match rest.first() {
            Some(&quote @ (b'"' | b'\'')) => {
                self.at += 1;
                let length = memchr(quote, &rest[1..]).unwrap_or(rest.len() - 1);
                let value = self.take(self.at + length);
                self.at = (self.at + 1).min(self.source.len());
                value
            }
            _ => {
                let ends = |&byte: &u8| byte == b'>' || is_space(byte);
                let length = rest.iter().position(ends).unwrap_or(rest.len());
                self.take(self.at + length)
            }
        }
    }

    /// Text in which there are no tags. A NUL is no character there.
    fn raw(&mut self, end: usize, references: bool) -> Option<Token<'s>> {
        if self.at == end {
            self.state = State::Text;
            return None;
        }
        let mut from = self.at;
        loop {
            let rest = &self.bytes()[from..end];
            let special = if references { memchr2(b'&', b'\0', rest) } else { memchr(b'\0', rest) };
            let Some(found) = special else { break };
            let at = from + found;
            let read = match self.bytes()[at] {
                b'\0' => Some(((char::REPLACEMENT_CHARACTER, None), 0)),
                _ => reference::read(&self.source[at + 1..end], Place::Text),
            };
            if let Some(read) = read {
                return self.text_and_reference(at, read);
            }
            from = at + 1;
        }
        Some(Token::Text(self.take(end)))
    }
}

impl<'s> Iterator for Tokens<'s> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Token<'s>> {
        if let Some(token) = self.ahead.take() {
            return Some(token);
        }
        while self.at < self.source.len() {
            let token = match self.state {
                State::Text => self.text(),
                State::Tag { name, closes } => self.in_tag(name, closes),
                State::Raw { end, references } => self.raw(end, references),
            };
            if token.is_some() {
                return token;
            }
        }
        None
    }
}

/// Whether a `<` before `rest` is more than a character.
fn begins_markup(rest: &[u8]) -> bool {
    match rest {
        [b'/', more @ ..] => !more.is_empty(),
        [b'!' | b'?', ..] => true,
        [first, ..] => first.is_ascii_alphabetic(),
        [] => false,
    }
}

/// The length of a comment's text, and of all of it, behind its `<!--`.
fn comment_end(rest: &[u8]) -> (usize, usize) {
    if rest.starts_with(b">") {
        return (0, 1);
    }
    if rest.starts_with(b"->") {
        return (0, 2);
    }
    let mut from = 0;
    while let Some(found) = memmem::find(&rest[from..], b"--") {
        let at = from + found;
        let dashes = rest[at..].iter().take_while(|&&byte| byte == b'-').count();
        let behind = at + dashes;
        match &rest[behind..] {
            [b'>', ..] => return (behind - 2, behind + 1),
            [b'!', b'>', ..] => return (behind - 2, behind + 2),
            _ => from = behind,
        }
    }
    (rest.len(), rest.len())
}

/// Where the end tag of `name` begins; the length of the text when there is none.
fn end_tag(text: &[u8], name: Name) -> usize {
    let mut from = 0;
    while let Some(found) = memchr(b'<', &text[from..]) {
        let at = from + found;
        if script::is_end_tag(&text[at..], name) {
            return at;
        }
        from = at + 1;
    }
    text.len()
}

fn starts_with(text: &[u8], begin: &[u8]) -> bool {
    text.get(..begin.len()).is_some_and(|text| text.eq_ignore_ascii_case(begin))
}

/// Whether `byte` ends the name of a tag.
pub(super) const fn ends_name(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'/' | b'>')
}
