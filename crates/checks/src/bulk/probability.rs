//! How likely a message is one of many, by its form.
//!
//! A logistic over few numbers ([`form`](super::form)), so that what led to it can be told. Weights come
//! from `cargo run --release -p tidegate-checks --example fit_bulk`; how well they separate is in
//! `src/trust/README.md`. To be bulk mail is no fault: what it is worth is for rules, and for the
//! recipient's opinion on bulk mail.
//!
//! Invariant: a message that says itself that it is bulk mail is believed; who pretends to write to one
//! person is judged by form.

use std::cell::OnceCell;

use tidegate_dns::Answers;
use tidegate_mail::{Envelope, Message};
use tidegate_signal::{Family, SignalDef, Signals};

use super::form::{FEATURES, NAMES, features};
use crate::{Check, Known};

/// More likely than not, by far.
pub static BULK_LIKELY: SignalDef = SignalDef::new(
    "BULK_LIKELY",
    Family::Bulk,
    0.0,
    "The message has the form of one that is sent to many",
);
/// As good as certain.
pub static BULK_CERTAIN: SignalDef =
    SignalDef::new("BULK_CERTAIN", Family::Bulk, 0.0, "The message is one that is sent to many");

/// From here on it is likely.
pub const LIKELY: f64 = 0.8;
/// From here on it is certain.
const CERTAIN: f64 = 0.97;
/// What a field by which it says so itself adds to the logarithm of the odds. Set by hand: the weights
/// were fitted on messages that these fields tell apart.
const DECLARED: f64 = 7.0;
/// Numbers that are told as evidence.
const TOLD: usize = 3;

/// Fitted on the ham of the shared corpus: see the module's documentation.
const BIAS: f64 = -5.00;
/// By the order of [`NAMES`].
const WEIGHTS: [f64; FEATURES] =
    [3.37, 2.09, 2.15, 2.41, 0.43, 0.95, 0.21, 0.22, 0.13, 0.46, 0.05, 0.69, 0.00, 1.64];

/// Tells bulk mail.
#[derive(Default)]
pub struct Probability;

impl Check for Probability {
    const KEY: &'static str = "bulk.probability";
    const COST: crate::Cost = crate::Cost::Heavy;
    const RAISES: &'static [&'static SignalDef] = &[&BULK_LIKELY, &BULK_CERTAIN];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(bulk) = known.bulk else { return };
        let probability = bulk.probability();
        let def = match probability {
            CERTAIN.. => &BULK_CERTAIN,
            LIKELY.. => &BULK_LIKELY,
            _ => return,
        };
        signals.raise(def, format!("{probability:.3}: {}", bulk.strongest().join(", ")));
    }
}

/// How likely a message is one of many: weighed when a check asks first, for all that ask.
pub struct Bulk<'m> {
    message: &'m Message<'m>,
    envelope: &'m Envelope,
    weighed: OnceCell<Weighed>,
}

/// The logarithm of the odds, and what speaks most for it.
type Weighed = (f64, Vec<&'static str>);

impl<'m> Bulk<'m> {
    /// Of a message that has come whole.
    #[must_use]
    pub const fn of(message: &'m Message<'m>, envelope: &'m Envelope) -> Self {
        Self { message, envelope, weighed: OnceCell::new() }
    }

    /// From 0 to 1.
    #[must_use]
    pub fn probability(&self) -> f64 {
        1.0 / (1.0 + (-self.weighed().0).exp())
    }

    /// What speaks most for it.
    fn strongest(&self) -> &[&'static str] {
        &self.weighed().1
    }

    fn weighed(&self) -> &Weighed {
        self.weighed.get_or_init(|| weigh(self.message, self.envelope))
    }
}

fn weigh(message: &Message<'_>, envelope: &Envelope) -> Weighed {
    let features = features(message, envelope);
    let mut parts: Vec<(f64, &'static str)> =
        features.iter().zip(WEIGHTS).map(|(it, weight)| it * weight).zip(NAMES).collect();
    if let Some(field) = declared(message) {
        parts.push((DECLARED, field));
    }
    let odds = BIAS + parts.iter().map(|(part, _)| part).sum::<f64>();
    parts.retain(|(part, _)| *part > 0.0);
    parts.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    (odds, parts.into_iter().take(TOLD).map(|(_, name)| name).collect())
}

/// The field by which a message says itself that it is bulk mail.
fn declared(message: &Message<'_>) -> Option<&'static str> {
    let has = |name: &str| message.field(name).is_some();
    let precedence = message.field("Precedence").is_some_and(|field| {
        let value = field.value.trim_ascii();
        [&b"bulk"[..], b"list", b"junk"].iter().any(|word| value.eq_ignore_ascii_case(word))
    });
    let fields = ["List-Id", "List-Unsubscribe", "Feedback-ID"];
    fields.into_iter().find(|name| has(name)).or(precedence.then_some("Precedence"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    const LETTER: &str = "From: Anna <anna@home.example>\nTo: Berta <berta@site.example>\n\
        Subject: Sunday\n\nWill you come? See http://home.example/map\n";
    const SHOP: &str = "Return-Path: <bounce-17=berta=site.example@mail.esp.example>\n\
        From: Shop <hello@shop.example>\nTo: berta@site.example\nX-Mailgun-Sid: WyJhIl0=\n\
        Subject: New shoes\n\nSee http://shop.example/a and http://shop.example/b\n\
        To unsubscribe go to http://shop.example/unsubscribe?u=1\n";

    fn of_raw(raw: &str) -> f64 {
        let raw = raw.replace('\n', "\r\n");
        let message = Message::parse(raw.as_bytes(), &tidegate_mail::Bounds::default());
        Bulk::of(&message, &Envelope::infer(&message)).probability()
    }

    #[test]
    fn a_letter_is_told_from_a_mailing_by_its_form() {
        assert!(of_raw(LETTER) < 0.2, "{}", of_raw(LETTER));
        assert!(of_raw(SHOP) > LIKELY, "{}", of_raw(SHOP));
        assert_eq!(raised::<Probability>(LETTER), [""; 0]);
    }

    #[test]
    fn mail_that_says_that_it_is_bulk_is_believed() {
        let listed = format!("List-Id: <shoes.shop.example>\n{SHOP}");
        assert!(of_raw(&listed) > CERTAIN);
        assert!(of_raw(&format!("Precedence: bulk\n{LETTER}")) > LIKELY);
        assert_eq!(raised::<Probability>(&listed), ["BULK_CERTAIN"]);
    }
}
