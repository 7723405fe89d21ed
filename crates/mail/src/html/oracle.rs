//! Our tokens are those of another tokenizer, html5gum, which passes the tests of the HTML standard.

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};
use proptest::prelude::*;

use super::token::{Token, Tokens};
use super::{blanks, reference};

/// What both tell, in one form: text in one piece, tags whole.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Start {
        name: String,
        attributes: Vec<(String, String)>,
        self_closing: bool,
    },
    End {
        name: String,
        attributes: Vec<String>,
    },
    Comment {
        conditional: bool,
    },
    /// Attributes of a tag that never ends.
    Unended(Vec<String>),
}

#[derive(Default)]
struct Pieces {
    all: Vec<Piece>,
    name: String,
    attributes: Vec<(String, String)>,
}

impl Pieces {
    fn text(&mut self, more: &str) {
        match self.all.last_mut() {
            Some(Piece::Text(text)) => text.push_str(more),
            _ => self.all.push(Piece::Text(more.to_owned())),
        }
    }

    fn start(&mut self, self_closing: bool) {
        let (name, attributes) = (self.name.clone(), std::mem::take(&mut self.attributes));
        self.all.push(Piece::Start { name, attributes, self_closing });
    }

    fn names(&mut self) -> Vec<String> {
        std::mem::take(&mut self.attributes).into_iter().map(|(name, _)| name).collect()
    }

    fn end(&mut self, name: &str) {
        let attributes = self.names();
        self.all.push(Piece::End { name: name.to_owned(), attributes });
    }

    fn comment(&mut self, text: &str) {
        let conditional = text.starts_with("[if") || text.starts_with("[endif");
        self.all.push(Piece::Comment { conditional });
    }

    fn done(mut self) -> Vec<Piece> {
        if !self.attributes.is_empty() {
            let unended = Piece::Unended(self.names());
            self.all.push(unended);
        }
        self.all
    }
}

fn theirs(source: &str) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    let read = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| -> Option<()> {
        match event {
            CallbackEvent::OpenStartTag { name } => pieces.name = short(&read(name)),
            CallbackEvent::AttributeName { name } => {
                pieces.attributes.push((read(name), String::new()));
            }
            CallbackEvent::AttributeValue { value } => {
                pieces.attributes.last_mut().unwrap().1 = read(value);
            }
            CallbackEvent::CloseStartTag { self_closing } => pieces.start(self_closing),
            CallbackEvent::EndTag { name } => pieces.end(&short(&read(name))),
            CallbackEvent::String { value } => pieces.text(&read(value)),
            CallbackEvent::Comment { value } => pieces.comment(&read(value)),
            CallbackEvent::Doctype { .. } | CallbackEvent::Error(_) => {}
        }
        None
    });
    emitter.naively_switch_states(true);
    Tokenizer::new_with_emitter(source, emitter).for_each(drop);
    pieces.done()
}

/// As much of a name as is compared; of a NUL it is enough that it is there.
fn short(name: &str) -> String {
    let name = name.replace('\u{fffd}', "\0");
    name[..name.floor_char_boundary(10)].to_owned()
}

fn ours(source: &str) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    let read = |letters: &[u8]| {
        let letters: Vec<u8> =
            letters.iter().map(|&byte| if byte == 0xff { 0 } else { byte }).collect();
        let valid = letters.utf8_chunks().next().map(|chunk| chunk.valid().to_owned());
        valid.unwrap_or_default()
    };
    for token in Tokens::of(source) {
        match token {
            Token::Text(text) => {
                let mut lines = String::new();
                blanks::push_lines(text, &mut lines);
                pieces.text(&lines);
            }
            Token::Reference((first, second)) => {
                pieces.text(&String::from_iter([first].into_iter().chain(second)));
            }
            Token::Start(name) => pieces.name = read(name.letters()),
            Token::Attribute(name, value) => {
                let name = name.replace('\0', "\u{fffd}").to_ascii_lowercase();
                pieces.attributes.push((name, reference::value(value, usize::MAX).into_owned()));
            }
            Token::StartEnd { self_closing } => pieces.start(self_closing),
            Token::End(name) => pieces.end(&read(name.letters())),
            Token::Comment(text) => pieces.comment(text),
        }
    }
    pieces.done()
}

#[track_caller]
fn check(source: &str) {
    assert_eq!(ours(source), theirs(source), "{source:?}");
}

#[test]
fn pages_of_every_kind_are_read_alike() {
    for source in [
        "<p>a\r\nb<br/>c</p >d",
        "a<b c=d/ e = \"f&amp;g\" h='i' j>k</b x=y>",
        "<a href=x/>y<a b=/>z<a / b>",
        "<p =x==y \"z'<>w",
        "<!-->a<!--->b<!---->c<!--d--!>e<!--f--!->g-->h<!-- i <!-- j -->k<!--l",
        "<!--[if mso]>a<![endif]-->b<![if !mso]>c<![endif]><?xml x?>d</ e>f<![CDATA[g]]>h<!->i",
        "a<!doctype html>b</>c<!DOCTYPE",
        "1 < 2 <3 <",
        "x</",
        "<title>a &amp; <b>\0</titles></TITLE x>c<textarea/>&lt;</textarea",
        "<style>a<b>&amp;</style>c<xmp>\0<i></xmp><plaintext>\0&amp;</plaintext>",
        "<script>a<!--<script>b</script>c</script>d<script><!--</script>e",
        "<iframe><p></iframe><noembed><p></noembed>",
        "&notit;&notin;&NotEqualTilde;&amp&ampx&#38&#x26;&#0;&#128;&#xd800;&#xfffffffff;&;&#;&#x;&",
        "<a b='&notit;&copy=1&copy;=1&copy&amp' c=&lt d=&ltx>",
        "<p onclick=x",
        "<p onclick=x ",
        "<p onclick='x",
        "<p onclick='' /",
        "<p a onclick='",
        "<p a b",
        "<p\0q r\0=\0>",
        "</p onclick=x>",
    ] {
        check(source);
    }
}

#[test]
fn every_named_reference_is_read_alike() {
    for line in include_str!("references.txt").lines() {
        let name = line.split(' ').next().unwrap();
        check(&format!("&{name} &{name}x <a b='&{name}' c='&{name}=' d='&{name}x'>"));
    }
}

/// What tokenizers stumble over, one after the other; without the letter that both stand in for a NUL.
const PARTS: &str = "(<|>|/|=|\"|'|!|-|--|&|#|;|\\[|x| |\r|\n|\r\n|\0|é|<!--|-->|--!>|<!|<\\?|</|/>|<p|<A |</p>|<script>|</script|<SCRIPT|</Script>|<title>|</title>|<style>|</style|<textarea|</textarea>|<plaintext>|<xmp>|</xmp|doctype|<!DOCTYPE|\\[CDATA\\[|\\[if|onclick|href|=\"|='|amp|&amp;|&lt|&not|in;|&#|&#x|41|[^\\pC\\x{fffd}]){0,30}";

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_page_is_read_alike(source in PARTS) {
        prop_assert_eq!(ours(&source), theirs(&source), "{:?}", source);
    }
}
