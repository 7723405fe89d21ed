//! Hostile messages, one class for each way to make a reader of mail work, nest, remember or stop.
//!
//! Tests judge them, fuzz targets begin with small ones, and `cargo run --release -p yardstick
//! --example hostile` shows what each costs.
//!
//! Invariant: a message of size `n` has about `n` of what its class is named for, and is the same
//! each time.

mod archives;
mod fields;
mod pages;
mod parts;
mod texts;

#[cfg(test)]
pub(crate) use archives::encoded;

/// A way to be hostile.
#[derive(Debug, Clone, Copy)]
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// What there are `n` of.
    pub of: &'static str,
    /// A size that nobody sends who means well: the message has 1 to 50 MB.
    pub large: usize,
    make: fn(usize) -> Vec<u8>,
}

impl Class {
    /// A message of this class with `n` of what it is made of.
    #[must_use]
    pub fn message(&self, n: usize) -> Vec<u8> {
        (self.make)(n)
    }
}

/// What was allocated to deal with a message, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// In all.
    pub total: u64,
    /// At once, at the most.
    pub at_once: u64,
}

/// What dealing with a message may cost, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    /// By how much twice the message may cost more than two and a half times as much: buffers double as
    /// they grow, and some only begin to.
    pub slack: u64,
    /// In all for each of the message, and beside that.
    pub for_a_byte: u64,
    /// See [`for_a_byte`](Self::for_a_byte).
    pub besides: u64,
    /// At once, and copies of the message besides.
    pub at_once: u64,
    /// See [`at_once`](Self::at_once).
    pub copies: u64,
}

impl Allowed {
    /// What is wrong with the cost of this class: `once`, and `twice` as much, which has so many `octets`.
    #[must_use]
    pub fn exceeded_by(&self, class: &Class, once: Cost, twice: Cost, octets: u64) -> Vec<String> {
        let name = class.name;
        let (grown, bound) =
            (once.total * 5 / 2 + self.slack, self.for_a_byte * octets + self.besides);
        let over = [
            (twice.total > grown).then(|| format!("{name}: {} to {}", once.total, twice.total)),
            (twice.total > bound).then(|| format!("{name}: {} bytes for {octets}", twice.total)),
            (twice.at_once > self.at_once + self.copies * octets)
                .then(|| format!("{name}: {} bytes at once", twice.at_once)),
        ];
        over.into_iter().flatten().collect()
    }
}

/// All classes.
pub fn classes() -> impl Iterator<Item = Class> {
    [parts::CLASSES, archives::CLASSES, fields::CLASSES, pages::CLASSES, texts::CLASSES]
        .into_iter()
        .flatten()
        .copied()
}

/// What every message begins with, and `more` fields, each with its line end.
fn section(more: &str) -> String {
    format!(
        "Received: from mail.evil.example (mail.evil.example [203.0.113.66])\r\n\tby mx.site.example \
         with ESMTP; Tue, 24 Nov 2026 09:15:00 +0000\r\nFrom: Mallory <mallory@evil.example>\r\n\
         To: bert@site.example\r\nDate: Tue, 24 Nov 2026 09:15:00 +0000\r\n\
         Message-ID: <1@evil.example>\r\nMIME-Version: 1.0\r\n{more}"
    )
}

/// A message of one part of a type, with `body` as it stands.
fn single(content_type: &str, body: &str) -> Vec<u8> {
    let more = format!("Subject: hello\r\nContent-Type: {content_type}\r\n\r\n");
    (section(&more) + body).into_bytes()
}

/// `n` pieces, each made of its number.
fn each(n: usize, piece: impl Fn(usize) -> String) -> String {
    (0..n).map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_a_name_of_its_own_and_grows_with_its_size() {
        let mut names = std::collections::HashSet::new();
        for class in classes() {
            assert!(names.insert(class.name), "{} stands twice", class.name);
            let (small, double) = (class.message(40), class.message(80));
            assert!(double.len() > small.len(), "{} does not grow", class.name);
            assert_eq!(small, class.message(40), "{} is another each time", class.name);
        }
    }
}
