//! On any message, rules fire exactly when their expressions match.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use regex_automata::meta::Regex;
use tidegate_mail::{Bounds, Envelope, Message};
use tidegate_rules::{RuleFile, RuleSet};
use tidegate_signal::{Catalogue, Signals};

/// Each takes another way through the scan: literals at the start, inside, of both kinds, none.
const EXPRESSIONS: [&str; 8] = [
    r"(?i)\bkiss\b",
    r"(?i)\b(?:card|account)\b.{0,20}\bsuspended",
    r"\w+ your\s+money",
    r"(?i)[a-z]{2,9}gra\b",
    r"\b\d{3}\b",
    r"(?m)^x\b",
    r"(?i)straße|σας",
    r"\bé.?\b",
];

static RULES: LazyLock<(RuleSet, Vec<Regex>)> = LazyLock::new(|| {
    let mut text = String::from("family = \"content\"\n");
    for (number, expression) in EXPRESSIONS.iter().enumerate() {
        text += &format!(
            "[rules.R{number}]\nsays = \"x\"\nscore = 1\nin = \"raw\"\npattern = '{expression}'\n"
        );
    }
    let file = RuleFile { name: "fuzz.toml".to_owned(), text };
    let rules = RuleSet::compile(&[file], &Catalogue::default(), &Default::default());
    let oracle = EXPRESSIONS.map(|expression| Regex::new(expression).expect("a regex"));
    (rules.expect("rules"), oracle.into())
});

fuzz_target!(|bytes: &[u8]| {
    let (rules, oracle) = &*RULES;
    let mut signals = Signals::new();
    rules.judge(&Message::parse(bytes, &Bounds::default()), &Envelope::default(), &mut signals);
    for (number, regex) in oracle.iter().enumerate() {
        assert_eq!(
            signals.has(&format!("R{number}")),
            regex.is_match(bytes),
            "{}",
            EXPRESSIONS[number]
        );
    }
});
