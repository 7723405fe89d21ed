//! Any text is a rule set or a list of mistakes, and what compiled judges without a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_mail::{Bounds, Envelope, Message};
use tidegate_rules::{RuleFile, RuleSet};
use tidegate_signal::{Catalogue, Signals};

fuzz_target!(|text: &str| {
    let file = RuleFile { name: "fuzz.toml".to_owned(), text: text.to_owned() };
    match RuleSet::compile(&[file], &Catalogue::default(), &Default::default()) {
        Ok(rules) => {
            let _ = rules.run_examples();
            let message = Message::parse(text.as_bytes(), &Bounds::default());
            rules.judge(&message, &Envelope::default(), &mut Signals::new());
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            for mistake in mistakes {
                assert!(mistake.line >= 1 && mistake.column >= 1, "{mistake}");
            }
        }
    }
});
