//! The tests that a rule carries: `matches` and `rejects`.
//!
//! Invariant: an example of a rule with patterns is put where `in` says first and tests these
//! patterns alone; of any other rule it is a whole message and tests the rule.

use std::fmt;

use tidegate_mail::{Bounds, Envelope, Message};
use tidegate_signal::Signals;

use crate::rule_set::{Example, Rule, RuleSet};

/// An example that came out otherwise than its rule says. Displays as `file:line:column: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFailure {
    /// The rule file's name.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Characters, counted from 1.
    pub column: usize,
    /// The rule that has the example.
    pub rule: String,
    /// Whether the rule should fire on it.
    pub fires: bool,
    /// The example.
    pub text: String,
}

impl fmt::Display for ExampleFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, rule, text, .. } = self;
        let (is, list) =
            if self.fires { ("does not fire", "matches") } else { ("fires", "rejects") };
        write!(
            f,
            "{file}:{line}:{column}: {rule}: {is} on {text:?}; mend the rule or take it out of {list}"
        )
    }
}

impl RuleSet {
    /// Runs the examples of every rule. Empty when all came out as written.
    #[must_use]
    pub fn run_examples(&self) -> Vec<ExampleFailure> {
        let mut failures = Vec::new();
        for (number, rule) in self.rules.iter().enumerate() {
            for example in &rule.examples {
                if self.fires(number, rule, example) != example.fires {
                    failures.push(ExampleFailure {
                        file: example.at.file.clone(),
                        line: example.at.line,
                        column: example.at.column,
                        rule: rule.def.name.to_string(),
                        fires: example.fires,
                        text: example.text.clone(),
                    });
                }
            }
        }
        failures
    }

    fn fires(&self, number: usize, rule: &Rule, example: &Example) -> bool {
        self.with_scratch(|scratch| match &rule.patterns {
            Some(wanted) => {
                self.scanners.scan(wanted.first_place, example.text.as_bytes(), scratch);
                wanted.are_found(scratch)
            }
            None => {
                let message = Message::parse(example.text.as_bytes(), &Bounds::default());
                let envelope = Envelope::infer(&message);
                self.judge_with(&message, &envelope, &mut Signals::new(), scratch);
                scratch.held.has(number)
            }
        })
    }
}
