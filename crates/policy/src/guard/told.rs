//! What a delivered message says of its own judgement: `X-Spam-Status`, read back.
//!
//! The field is this filter's own: what came in under its name was taken off before delivery.
//!
//! Invariant: what can't be read says nothing.

use tidegate_mail::Message;
use tidegate_signal::SignalDef;

/// How a message was judged when it was delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Whether it was taken for spam.
    pub spam: bool,
    /// What was said of it, with its points.
    pub signals: Vec<(String, f32)>,
}

/// Signals read of one message.
const MOST_SIGNALS: usize = 200;

/// How `message` was judged, by its topmost status field; `None` when it has none of ours.
#[must_use]
pub fn told(message: &Message<'_>) -> Option<Told> {
    let field = message.field("X-Spam-Status")?;
    let text = field.text();
    let (head, signals) = text.split_once("signals=")?;
    let spam = match head.split_once(',')?.0.trim() {
        "Yes" => true,
        "No" => false,
        _ => return None,
    };
    if !head.contains("verdict=") {
        return None;
    }
    let signals = signals.split(',').take(MOST_SIGNALS).filter_map(|said| {
        let (name, points) = said.trim().strip_suffix(')')?.split_once('(')?;
        let points = points.parse().ok().filter(|points: &f32| points.is_finite())?;
        SignalDef::is_valid_name(name).then(|| (name.to_owned(), points))
    });
    Some(Told { spam, signals: signals.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, explain};
    use tidegate_mail::Bounds;
    use tidegate_signal::{Damped, Family, Scores, Signals};

    fn of(status: &str) -> Option<Told> {
        let raw = format!("X-Spam-Status: {status}\r\n\r\n");
        told(&Message::parse(raw.as_bytes(), &Bounds::default()))
    }

    #[test]
    fn the_field_is_read_back_as_it_was_written() {
        static A: SignalDef = SignalDef::new("LINK_LIES", Family::Links, 7.5, "It lies");
        static B: SignalDef = SignalDef::new("DKIM_PASS", Family::Authentication, -0.1, "Signed");
        static C: SignalDef = SignalDef::new("SHOUTS", Family::Content, 2.0, "It shouts");
        let mut signals = Signals::new();
        [&A, &B, &C].into_iter().for_each(|def| signals.raise(def, ""));
        let damped = Damped::default();
        damped.set(["SHOUTS".to_owned()].into());
        signals.weigh(&Scores::default().damping(damped));
        let status = explain::status(&Policy::default().decide(&signals), &signals, "dns:1/2");
        assert!(status.ends_with("SHOUTS(damped)"), "{status}");
        let expect = vec![("LINK_LIES".to_owned(), 7.5), ("DKIM_PASS".to_owned(), -0.1)];
        assert_eq!(
            of(&status.replace(", ", ",\r\n\t")),
            Some(Told { spam: true, signals: expect })
        );
    }

    #[test]
    fn the_field_of_another_filter_says_nothing() {
        for other in
            ["Yes, score=9.1 required=5.0 tests=A,B autolearn=no", "", "Yes", "signals=A(1)"]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
