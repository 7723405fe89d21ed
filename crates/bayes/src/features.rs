//! From a message to the set of its features.
//!
//! A feature says that something is in the message, once, whatever the number of times: a word, two
//! words near each other, a domain linked to, the form of a header field. Each is a number (see
//! `hash.rs`); the words behind it are found again by a second pass where a person asks for them.
//!
//! Left out is what says nothing of the sender's intent: what the receiving side wrote into the
//! header section, who the recipient is, and what a mailing list adds below every message.
//!
//! Invariant: the same message gives the same features in the same order; at most
//! [`MOST_FEATURES`], without a copy of any word.

mod headers;
mod links;
mod structure;
mod text;

use tidegate_mail::Message;
use tidegate_signal::{Family, Signals};

use crate::hash;
use crate::kind::Kind;

/// Raised when the same message would give other features: models trained before are then useless.
pub const FEATURES_VERSION: u16 = 1;

/// The most features of one message.
pub const MOST_FEATURES: usize = 4096;

/// Places in the set that finds features told twice; a power of two.
const PLACES: usize = 2 * MOST_FEATURES;

/// What is taken in one turn is counted in the lower bits of a place; turns above them.
const IN_TURN: u16 = MOST_FEATURES as u16;

/// Turns that a place can tell apart.
const TURNS: u16 = u16::MAX / IN_TURN;

/// Takes what is found in a message.
pub(crate) trait Sink {
    /// Takes a feature; `name` tells it to a person. False when no more is wanted.
    fn add(&mut self, kind: Kind, word: u64, name: impl Fn() -> String) -> bool;
}

/// Gathers the features of messages, one after another, in the same memory.
pub struct Extractor {
    found: Vec<u64>,
    /// Open addressing: whose turn it was when a place was taken, and where in `found` its feature stands.
    places: Box<[u16; PLACES]>,
    /// The turn of the message, from 1: places that others took are free without being wiped.
    turn: u16,
}

impl Default for Extractor {
    fn default() -> Self {
        Self::new()
    }
}

impl Extractor {
    /// With room for one message.
    #[must_use]
    pub fn new() -> Self {
        Self { found: Vec::with_capacity(MOST_FEATURES), places: Box::new([0; PLACES]), turn: 0 }
    }

    /// The features of a message, each once.
    pub fn features(&mut self, message: &Message<'_>) -> &[u64] {
        self.features_with(message, &Signals::new())
    }

    /// The features of a message, and of what checks and rules said of it: of its form and content
    /// only. What lists, authentication and the client's address say depends on where and when a
    /// message is judged, and bulk marks on who received it.
    pub fn features_with(&mut self, message: &Message<'_>, signals: &Signals) -> &[u64] {
        self.found.clear();
        self.turn += 1;
        if self.turn == TURNS {
            self.places.fill(0);
            self.turn = 1;
        }
        for signal in signals.iter().filter(|signal| heard(signal.family())) {
            let name = signal.name();
            self.add(Kind::Signal, hash::of(name.as_bytes()), || name.to_owned());
        }
        walk(message, self);
        &self.found
    }
}

impl Sink for Extractor {
    #[inline]
    fn add(&mut self, kind: Kind, word: u64, _: impl Fn() -> String) -> bool {
        let feature = hash::feature(kind, word).max(16);
        let mut at = (feature >> 40) as usize & (PLACES - 1);
        loop {
            let (turn, known) = (self.places[at] / IN_TURN, self.places[at] % IN_TURN);
            if turn != self.turn {
                if self.found.len() == MOST_FEATURES {
                    return false;
                }
                self.places[at] = self.turn * IN_TURN + self.found.len() as u16;
                self.found.push(feature);
                return self.found.len() < MOST_FEATURES;
            }
            if self.found.get(usize::from(known)) == Some(&feature) {
                return true;
            }
            at = (at + 1) & (PLACES - 1);
        }
    }
}

/// Whether signals of a family are features.
const fn heard(family: Family) -> bool {
    matches!(family, Family::Headers | Family::Content | Family::Links | Family::Attachments)
}

/// The words behind features of a message, for a person. Signals have no words: they stand beside.
#[must_use]
pub fn words_of(message: &Message<'_>, features: &[u64]) -> Vec<(u64, String)> {
    let mut naming = Naming { wanted: features, seen: 0, found: Vec::new() };
    walk(message, &mut naming);
    naming.found
}

struct Naming<'f> {
    wanted: &'f [u64],
    seen: usize,
    found: Vec<(u64, String)>,
}

impl Sink for Naming<'_> {
    fn add(&mut self, kind: Kind, word: u64, name: impl Fn() -> String) -> bool {
        let feature = hash::feature(kind, word).max(16);
        let known = |found: &[(u64, String)]| found.iter().any(|(known, _)| *known == feature);
        if self.wanted.contains(&feature) && !known(&self.found) {
            self.found.push((feature, format!("{}{}", kind.says(), name())));
        }
        // Features told twice are counted twice here: a bound on the work, not on the set.
        self.seen += 1;
        self.found.len() < self.wanted.len() && self.seen < 16 * MOST_FEATURES
    }
}

/// What is short and telling first: a long text must not crowd it out.
fn walk(message: &Message<'_>, sink: &mut impl Sink) {
    headers::walk(message, sink);
    structure::walk(message, sink);
    links::walk(message, sink);
    text::walk(message, sink);
}

#[cfg(test)]
mod tests {
    use tidegate_mail::Bounds;

    use super::*;

    #[test]
    fn a_message_of_whatever_many_fields_has_no_more_features_than_are_counted() {
        let field = |n: usize| {
            let words: Vec<String> = (8 * n..8 * n + 8).map(letters).collect();
            format!("X-Mailer: {}\r\n", words.join(" "))
        };
        let raw: String = (0..3_000).map(field).collect::<String>() + "\r\nHello";
        let bounds = Bounds { fields: 5_000, ..Bounds::default() };
        let message = Message::parse(raw.as_bytes(), &bounds);
        let mut extractor = Extractor::new();
        // More turns than a place can tell apart.
        for _ in 0..2 * TURNS {
            assert_eq!(extractor.features(&message).len(), MOST_FEATURES);
        }
    }

    /// A number in letters.
    fn letters(mut number: usize) -> String {
        let mut text = String::new();
        while number > 0 {
            text.push(char::from(b'a' + (number % 26) as u8));
            number /= 26;
        }
        text
    }
}
