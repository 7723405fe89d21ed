//! The signals that one message collected, and the scores a configuration gives them.
//!
//! Invariant: a name stands at most once in a set; saying it again adds evidence, not points.

use std::collections::HashMap;

use crate::{Damped, Def, Family};

/// One statement about one message.
#[derive(Debug, Clone)]
pub struct Signal {
    def: Def,
    score: f32,
    damped: bool,
    detail: String,
}

impl Signal {
    /// The stable name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.def.name
    }

    /// The kind of evidence.
    #[must_use]
    pub fn family(&self) -> Family {
        self.def.family
    }

    /// Points, after the configuration's weights.
    #[must_use]
    pub const fn score(&self) -> f32 {
        self.score
    }

    /// Whether its points against the message were taken off: see [`Damped`].
    #[must_use]
    pub const fn is_damped(&self) -> bool {
        self.damped
    }

    /// What this signal says of any message that has it.
    #[must_use]
    pub fn says(&self) -> &str {
        &self.def.says
    }

    /// The evidence in this message, in words; may be empty.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// Scores that a configuration sets by name, in place of the defaults, and signals that are damped.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    set: HashMap<String, f32>,
    damped: Damped,
}

impl Scores {
    /// The score of that name, when the configuration sets it.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<f32> {
        self.set.get(name).copied()
    }

    /// The same scores, but for what is damped at the time.
    #[must_use]
    pub fn damping(self, damped: Damped) -> Self {
        Self { damped, ..self }
    }

    /// What is damped.
    #[must_use]
    pub const fn damped(&self) -> &Damped {
        &self.damped
    }
}

impl FromIterator<(String, f32)> for Scores {
    fn from_iter<I: IntoIterator<Item = (String, f32)>>(scores: I) -> Self {
        Self { set: scores.into_iter().collect(), damped: Damped::default() }
    }
}

/// The statements collected about one message.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    all: Vec<Signal>,
}

/// Evidence is for people: past this many bytes of it, a signal's detail says no more.
const LONGEST_DETAIL: usize = 400;

impl Signals {
    /// No signal yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { all: Vec::new() }
    }

    /// States `def` with its evidence. Stated again, only the new evidence is kept beside the old.
    pub fn raise(&mut self, def: impl Into<Def>, detail: impl Into<String>) {
        let def = def.into();
        let score = def.score;
        self.raise_with(def, score, detail);
    }

    /// States `def` with a score of its own in place of the default, for statements of degree.
    pub fn raise_with(&mut self, def: impl Into<Def>, score: f32, detail: impl Into<String>) {
        let (def, detail) = (def.into(), printable(detail.into()));
        match self.all.iter_mut().find(|signal| signal.def.name == def.name) {
            Some(known) => {
                known.score = if known.score.abs() >= score.abs() { known.score } else { score };
                if !detail.is_empty()
                    && known.detail.len() + detail.len() < LONGEST_DETAIL
                    && !known.detail.contains(&detail)
                {
                    known.detail.push_str("; ");
                    known.detail.push_str(&detail);
                }
            }
            None => self.all.push(Signal { def, score, damped: false, detail }),
        }
    }

    /// Sets each signal's score as configured. Signals that `scores` doesn't name keep theirs; those
    /// that are damped have none against the message.
    pub fn weigh(&mut self, scores: &Scores) {
        let damped = scores.damped.now();
        for signal in &mut self.all {
            signal.score = scores.of(signal.name()).unwrap_or(signal.score);
            signal.damped = signal.score > 0.0
                && damped.contains(signal.name())
                && Damped::touches(signal.family());
            if signal.damped {
                signal.score = 0.0;
            }
        }
    }

    /// Takes back what is not to be kept.
    pub fn retain(&mut self, keep: impl FnMut(&Signal) -> bool) {
        self.all.retain(keep);
    }

    /// These, and those of `more` whose names are not among them.
    #[must_use]
    pub fn joined(&self, more: &Self) -> Self {
        let others = more.all.iter().filter(|signal| !self.has(signal.name()));
        Self { all: self.all.iter().chain(others).cloned().collect() }
    }

    /// Whether `name` was stated.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The signal of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Signal> {
        self.all.iter().find(|signal| signal.name() == name)
    }

    /// In the order in which they were first stated.
    pub fn iter(&self) -> std::slice::Iter<'_, Signal> {
        self.all.iter()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether nothing was said.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

impl<'a> IntoIterator for &'a Signals {
    type Item = &'a Signal;
    type IntoIter = std::slice::Iter<'a, Signal>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Evidence quotes strangers: control characters would garble a terminal, a log or a header.
fn printable(mut detail: String) -> String {
    if detail.len() > LONGEST_DETAIL {
        let end = (0..=LONGEST_DETAIL).rev().find(|&at| detail.is_char_boundary(at)).unwrap_or(0);
        detail.truncate(end);
        detail.push('…');
    }
    let is_plain = detail.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !is_plain && detail.chars().any(is_unprintable) {
        detail = detail.chars().map(|c| if is_unprintable(c) { '\u{fffd}' } else { c }).collect();
    }
    detail
}

/// Control characters, and those that turn the direction of text or take no space.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SignalDef;

    static LATE: SignalDef = SignalDef::new("LATE", Family::Headers, 2.0, "The date is late");

    #[test]
    fn a_signal_stated_twice_counts_once_and_keeps_both_details() {
        let mut signals = Signals::new();
        signals.raise(&LATE, "by an hour");
        signals.raise(&LATE, "by a day");
        signals.raise(&LATE, "by a day");
        assert_eq!(signals.len(), 1);
        let late = signals.get("LATE").unwrap();
        assert_eq!((late.score(), late.detail()), (2.0, "by an hour; by a day"));
    }

    #[test]
    fn a_configured_score_replaces_the_default() {
        let mut signals = Signals::new();
        signals.raise(&LATE, "");
        signals.weigh(&Scores::from_iter([("LATE".to_owned(), 0.5)]));
        assert_eq!(signals.get("LATE").unwrap().score(), 0.5);
    }

    #[test]
    fn what_is_damped_counts_for_nothing_but_only_against_mail() {
        static GOOD: SignalDef = SignalDef::new("GOOD", Family::Trust, -1.0, "Vouched for");
        static TEST: SignalDef = SignalDef::new("GTUBE", Family::Policy, 100.0, "A test string");
        let damped = Damped::default();
        let scores = Scores::default().damping(damped.clone());
        let weighed = |names: &[&str]| {
            damped.set(names.iter().map(|name| (*name).to_owned()).collect());
            let mut signals = Signals::new();
            [&LATE, &GOOD, &TEST].into_iter().for_each(|def| signals.raise(def, ""));
            signals.weigh(&scores);
            signals.iter().map(|it| (it.score(), it.is_damped())).collect::<Vec<_>>()
        };
        assert_eq!(weighed(&[]), [(2.0, false), (-1.0, false), (100.0, false)]);
        let all = ["LATE", "GOOD", "GTUBE"];
        assert_eq!(weighed(&all), [(0.0, true), (-1.0, false), (100.0, false)]);
    }

    #[test]
    fn evidence_from_strangers_is_made_printable_and_bounded() {
        let mut signals = Signals::new();
        signals.raise(&LATE, format!("\u{1b}[31m\r\nX: y\u{202e}{}", "é".repeat(1000)));
        let detail = signals.get("LATE").unwrap().detail();
        assert!(detail.chars().all(|c| !is_unprintable(c)), "{detail}");
        assert!(detail.len() <= 2 * LONGEST_DETAIL);
    }
}
