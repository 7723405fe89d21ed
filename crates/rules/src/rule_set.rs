//! Rules ready to run: the patterns of all of them in one scan, then each rule's own conditions.
//!
//! Invariant: rules stand in an order in which each follows those that its expressions name, so one
//! pass over them judges all.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_mail::{Envelope, Message};
use tidegate_signal::{SignalDef, Signals};

use crate::bits::Bits;
use crate::error::Position;
use crate::expression::Expression;
use crate::number::Number;
use crate::place::{Place, name_bit};
use crate::scan::{Scanners, Scratch};

/// Compiled rules. Judging takes `&self`; any number of threads may share one set.
#[derive(Debug)]
pub struct RuleSet {
    pub(crate) rules: Vec<Rule>,
    pub(crate) scanners: Scanners,
    /// By pattern, the rule that it belongs to.
    pub(crate) rule_of: Vec<usize>,
    /// The rules that have no patterns.
    pub(crate) without_patterns: Bits,
    /// The signals of checks that expressions name, numbered.
    pub(crate) signals: HashMap<String, usize>,
    /// Scratch of finished judgements. Held only to take one out or put it back.
    pub(crate) idle: Mutex<Vec<Scratch>>,
}

/// The size of a set, to be shown when it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Rules, private ones included.
    pub rules: usize,
    /// Regular expressions that they are made of; a list of words is one, or one each.
    pub patterns: usize,
    /// Distinct literals that are looked for first.
    pub literals: usize,
    /// Bytes that patterns and literals take.
    pub bytes: usize,
}

/// One rule. All of the conditions that it has must hold.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) def: Arc<SignalDef>,
    pub(crate) private: bool,
    pub(crate) patterns: Option<Wanted>,
    pub(crate) number: Option<Limits>,
    pub(crate) when: Option<Expression<Operand>>,
    pub(crate) unless: Option<Expression<Operand>>,
    pub(crate) examples: Vec<Example>,
}

/// So many of these patterns must be found.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) any_of: Range<usize>,
    pub(crate) at_least: usize,
    /// The scanner of the rule's first place, where its examples are put.
    pub(crate) first_place: usize,
}

/// The number must lie strictly between these.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) number: Number,
    pub(crate) over: f64,
    pub(crate) under: f64,
}

/// What a name in an expression stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand {
    /// A rule, by its place in the set.
    Rule(usize),
    /// A check's signal, by its number in [`RuleSet::signals`].
    Signal(usize),
    /// A rule that is turned off.
    Never,
}

/// A text from `matches` or `rejects`.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) text: String,
    pub(crate) fires: bool,
    pub(crate) at: Position,
}

/// Evidence of one rule shows this many of its patterns or names.
const MOST_EVIDENCE: usize = 4;
/// As many idle scratches are kept as threads are likely to judge at once.
const MOST_IDLE: usize = 64;

impl RuleSet {
    /// What the rules can say. Private rules say nothing.
    pub fn defs(&self) -> impl Iterator<Item = &Arc<SignalDef>> {
        self.rules.iter().filter(|rule| !rule.private).map(|rule| &rule.def)
    }

    /// How large the set is.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            rules: self.rules.len(),
            patterns: self.scanners.pattern_count(),
            literals: self.scanners.literal_count(),
            bytes: self.scanners.memory_usage(),
        }
    }

    /// Raises the signals of every rule that holds. `signals` are what the checks have said, for
    /// expressions to refer to.
    pub fn judge(&self, message: &Message<'_>, envelope: &Envelope, signals: &mut Signals) {
        self.with_scratch(|scratch| self.judge_with(message, envelope, signals, scratch));
    }

    pub(crate) fn judge_with(
        &self,
        message: &Message<'_>,
        envelope: &Envelope,
        signals: &mut Signals,
        scratch: &mut Scratch,
    ) {
        for signal in signals.iter() {
            if let Some(&number) = self.signals.get(signal.name()) {
                scratch.stated.insert(number);
            }
        }
        let names = message.fields().iter().map(|field| name_bit(field.name));
        let present = names.fold(0, |all, bit| all | bit);
        for (number, scanner) in self.scanners.places.iter().enumerate() {
            if !scanner.place.may_be_in(present) {
                continue;
            }
            scanner.place.each(message, envelope, &mut |text| {
                self.scanners.scan(number, text, scratch);
            });
        }
        // Most have patterns of which none was found.
        scratch.open.copy_from(&self.without_patterns);
        for &pattern in &scratch.found_any {
            scratch.open.insert(self.rule_of[pattern]);
        }
        let mut next = scratch.open.next(0);
        while let Some(number) = next {
            let rule = &self.rules[number];
            if self.holds(rule, message, envelope, scratch) {
                scratch.held.insert(number);
                if !rule.private {
                    signals.raise(&rule.def, self.evidence(rule, message, envelope, scratch));
                }
            }
            next = scratch.open.next(number + 1);
        }
    }

    fn holds(
        &self,
        rule: &Rule,
        message: &Message<'_>,
        envelope: &Envelope,
        scratch: &mut Scratch,
    ) -> bool {
        let operand = |operand: &Operand| scratch.is_true(*operand);
        rule.patterns.as_ref().is_none_or(|wanted| wanted.are_found(scratch))
            && rule.when.as_ref().is_none_or(|when| when.eval(&operand))
            && !rule.unless.as_ref().is_some_and(|unless| unless.eval(&operand))
            && rule.number.as_ref().is_none_or(|limits| {
                let number = limits.number.of(message, envelope, &mut scratch.counted);
                number > limits.over && number < limits.under
            })
    }

    /// What of the message made the rule hold, for a person.
    fn evidence(
        &self,
        rule: &Rule,
        message: &Message<'_>,
        envelope: &Envelope,
        scratch: &mut Scratch,
    ) -> String {
        let mut words = String::new();
        let mut say = |what: std::fmt::Arguments<'_>| {
            let comma = if words.is_empty() { "" } else { ", " };
            // Writing to a String doesn't fail.
            let _ = write!(words, "{comma}{what}");
        };
        if let Some(wanted) = &rule.patterns {
            for found in scratch.found[wanted.any_of.clone()].iter().flatten().take(MOST_EVIDENCE) {
                let place: &Place = &self.scanners.places[found.scanner].place;
                say(format_args!("{place}: \"{}\"", scratch.quote(found)));
            }
        }
        if let Some(limits) = &rule.number {
            let number = limits.number.of(message, envelope, &mut scratch.counted);
            say(format_args!("{} is {number}", limits.number));
        }
        if let Some(when) = &rule.when {
            let mut names = Vec::new();
            when.names(&mut names);
            let held = names.into_iter().filter(|operand| scratch.is_true(**operand));
            held.take(MOST_EVIDENCE)
                .for_each(|operand| say(format_args!("{}", self.name(*operand))));
        }
        words
    }

    fn name(&self, operand: Operand) -> &str {
        match operand {
            Operand::Rule(rule) => &self.rules[rule].def.name,
            Operand::Signal(wanted) => {
                let found = self.signals.iter().find(|(_, number)| **number == wanted);
                found.map_or("", |(name, _)| name)
            }
            Operand::Never => "",
        }
    }

    /// Lends a scratch that knows nothing of earlier messages.
    pub(crate) fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        // A panic while the list was held can't leave a scratch half in it.
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = idle().pop().unwrap_or_default();
        scratch.begin(&self.scanners, self.rules.len(), self.signals.len());
        let done = work(&mut scratch);
        let mut idle = idle();
        if idle.len() < MOST_IDLE {
            idle.push(scratch);
        }
        done
    }
}

impl Wanted {
    pub(crate) fn are_found(&self, scratch: &Scratch) -> bool {
        let found = scratch.found[self.any_of.clone()].iter().flatten();
        found.take(self.at_least).count() == self.at_least
    }
}

impl Scratch {
    fn is_true(&self, operand: Operand) -> bool {
        match operand {
            Operand::Rule(rule) => self.held.has(rule),
            Operand::Signal(signal) => self.stated.has(signal),
            Operand::Never => false,
        }
    }
}
