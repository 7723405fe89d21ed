//! Every mistake is told with its place and what to write instead.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::collections::HashSet;

use tidegate_rules::{RuleFile, RuleSet};
use tidegate_signal::{Catalogue, Family, SignalDef};

static DMARC_PASS: SignalDef =
    SignalDef::new("DMARC_PASS", Family::Authentication, 0.0, "DMARC passes");

fn mistakes(files: &[&str]) -> Vec<String> {
    let mut known = Catalogue::default();
    known.add(&DMARC_PASS).unwrap();
    let named = |(number, text): (usize, &&str)| RuleFile {
        name: format!("{}.toml", char::from(b'a' + number as u8)),
        text: (*text).to_owned(),
    };
    let files: Vec<RuleFile> = files.iter().enumerate().map(named).collect();
    let errors = RuleSet::compile(&files, &known, &HashSet::new()).err().unwrap_or_default();
    errors.iter().map(ToString::to_string).collect()
}

/// One rule, whose head is right; `rest` begins on line 6.
#[track_caller]
fn check(rest: &str, expect: &str) {
    let text = format!("family = \"links\"\n\n[rules.A]\nsays = \"x\"\nscore = 1\n{rest}");
    assert_eq!(mistakes(&[&text]), [expect], "{rest}");
}

#[test]
fn a_mistake_in_a_rule_has_its_line_and_a_remedy() {
    for (rest, expect) in [
        ("patern = 'a'", "a.toml:6:1: A: 'patern' is no key; did you mean 'pattern'?"),
        (
            "in = 'subjekt'\npattern = 'a'",
            "a.toml:6:6: A: 'subjekt' is no place to look at; did you mean 'subject'?",
        ),
        (
            "in = 'body'\npattern = 'a('",
            "a.toml:7:11: A: the pattern can't be read: unclosed group (character 2); write the regex in Rust's syntax between single quotes, so that \\ stays as it is",
        ),
        (
            "in = 'body'",
            "a.toml:3:8: A: it has no pattern; add pattern, patterns or words, or leave out 'in'",
        ),
        (
            "pattern = 'a'",
            "a.toml:3:8: A: where to look isn't said; add in = \"text\" or another place",
        ),
        (
            "in = 'body'\nwords = ['a']\nat_least = 2",
            "a.toml:8:12: A: at_least is more than there are patterns and words; write at most 1",
        ),
        (
            "at_least = 0",
            "a.toml:6:12: A: this is not a count; write a whole number from 1 to 1000",
        ),
        (
            "value = 'link.count'\nover = 1",
            "a.toml:6:9: A: 'link.count' is no number of a message; did you mean 'links.count'?",
        ),
        (
            "value = 'size'",
            "a.toml:6:9: A: the number is compared with nothing; add over = 10 or under = 3",
        ),
        (
            "over = 3\nwhen = 'DMARC_PASS'",
            "a.toml:6:8: A: a bound, but not of which number; add value = \"links.count\" or another number",
        ),
        (
            "when = 'DMARC_PAS'",
            "a.toml:6:9: A: nothing is named 'DMARC_PAS'; did you mean 'DMARC_PASS'?",
        ),
        (
            "when = 'DMARC_PASS and'",
            "a.toml:6:23: A: the expression ends too early; write the name of a rule or signal here",
        ),
        (
            "when = 'A'",
            "a.toml:3:8: A: rules wait for each other: A → A; let one of them name no other",
        ),
        ("when = 3", "a.toml:6:8: A: here stands a number, not text; write text between quotes"),
        (
            "private = true\nwhen = 'DMARC_PASS'",
            "a.toml:5:9: A: a private rule has no score; leave out score, or private",
        ),
        (
            "",
            "a.toml:3:8: A: nothing makes it hold; give it 'in' with a pattern, 'value' or 'when'",
        ),
    ] {
        check(rest, expect);
    }
}

#[test]
fn all_mistakes_of_all_files_are_told_at_once() {
    let told = mistakes(&[
        "family = \"linkz\"\nrules = 3\nfoo = 1\n",
        "[rules.DMARC_PASS]\nsays = \"x\"\nscore = 900\nfamily = \"links\"\nwhen = \"B\"\n[rules.lower]\n",
        "[rules.C]\nsays = \"\"\n= 3\n",
    ]);
    let begins = [
        "a.toml:1:10: the file: 'linkz' is not a family of signals; did you mean 'links'?",
        "a.toml:2:9: the file: here stands a number, not a table; begin it with [rules.NAME]",
        "a.toml:3:1: the file: 'foo' is no key; write one of: family, rules",
        "b.toml:3:9: DMARC_PASS: the score is out of range",
        "b.toml:6:8: lower: the name of a rule can't be written so",
        "c.toml:3:",
    ];
    assert_eq!(told.len(), begins.len(), "{told:#?}");
    for (told, begin) in told.iter().zip(begins) {
        assert!(told.starts_with(begin), "{told}\n{begin}");
    }
}

#[test]
fn names_are_unique_among_rules_and_checks() {
    let rule = |name: &str| {
        format!(
            "[rules.{name}]\nsays = \"x\"\nscore = 1\nfamily = \"links\"\nvalue = \"size\"\nover = 1\n"
        )
    };
    assert_eq!(
        mistakes(&[&rule("A"), &rule("A"), &rule("DMARC_PASS")]),
        [
            "b.toml:1:8: A: a rule of this name is in a.toml; rename one of them",
            "c.toml:1:8: DMARC_PASS: a check has a signal of this name; rename the rule",
        ]
    );
}

#[test]
fn rules_in_a_circle_are_named() {
    let told = mistakes(&["family = \"links\"
        [rules.A]\nsays = \"x\"\nscore = 1\nwhen = \"DMARC_PASS and B\"
        [rules.B]\nsays = \"x\"\nscore = 1\nwhen = \"count(C, DMARC_PASS) > 1\"
        [rules.C]\nsays = \"x\"\nscore = 1\nwhen = \"DMARC_PASS\"\nunless = \"B\"\n"]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("rules wait for each other: B → C → B"), "{told:?}");
}
