//! What rules say of messages.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::collections::HashSet;

use tidegate_mail::{Bounds, Envelope, Message};
use tidegate_rules::{RuleFile, RuleSet};
use tidegate_signal::{Catalogue, Family, SignalDef, Signals};

static DMARC_PASS: SignalDef =
    SignalDef::new("DMARC_PASS", Family::Authentication, 0.0, "DMARC passes");

const BRANDS: &str = r#"
family = "links"
[rules.BRAND_PAYPAL_FOREIGN]
says = "Claims to be PayPal but was sent from elsewhere"
score = 2.5
when = "BRAND_PAYPAL and not DMARC_PASS"
[rules.BRAND_PAYPAL]
says = "Claims to be PayPal"
private = true
in = "from.name"
pattern = '(?i)\bpaypal\b'
matches = ["PayPal Service"]
rejects = ["Pay pals", "paypals"]
"#;

const PILLS: &str = r#"
family = "content"
[rules.PILLS]
says = "Offers several medicines"
score = 1.5
in = ["text", "header:X-Offer"]
words = ["viagra", "cialis", "cheap meds"]
at_least = 2
unless = "LONG"
rejects = ["viagra"]
matches = ["Cialis, cheap   MEDS"]
[rules.PILL_SUBJECT]
says = "The subject shouts of one"
score = 0.5
in = "subject"
pattern = '(?i)^buy viagra!+$'
value = "subject.caps-percent"
over = 70
[rules.LONG]
says = "A long message"
score = -0.1
value = "size"
over = 500
rejects = ["Subject: short\n\ntext\n"]
"#;

fn compile(off: &[&str]) -> RuleSet {
    let mut known = Catalogue::default();
    known.add(&DMARC_PASS).unwrap();
    let files = [("brands.toml", BRANDS), ("pills.toml", PILLS)]
        .map(|(name, text)| RuleFile { name: name.to_owned(), text: text.to_owned() });
    let off: HashSet<String> = off.iter().map(|&name| name.to_owned()).collect();
    RuleSet::compile(&files, &known, &off).unwrap()
}

/// `before`: signals of checks; `expect`: rules with their evidence.
#[track_caller]
fn check_without(off: &[&str], raw: &str, before: &[&'static SignalDef], expect: &[(&str, &str)]) {
    let rules = compile(off);
    // The second judgement finds buffers as the first left them.
    for _ in 0..2 {
        let mut signals = Signals::new();
        before.iter().for_each(|&def| signals.raise(def, ""));
        let message = Message::parse(raw.as_bytes(), &Bounds::default());
        rules.judge(&message, &Envelope::default(), &mut signals);
        let said: Vec<(&str, &str)> = signals
            .iter()
            .skip(before.len())
            .map(|signal| (signal.name(), signal.detail()))
            .collect();
        assert_eq!(said, expect, "{raw}");
    }
}

#[track_caller]
fn check(raw: &str, before: &[&'static SignalDef], expect: &[(&str, &str)]) {
    check_without(&[], raw, before, expect);
}

#[test]
fn a_private_rule_speaks_only_through_others() {
    let raw = "From: \"PayPal Team\" <a@example.net>\n\nHello\n";
    check(raw, &[], &[("BRAND_PAYPAL_FOREIGN", "BRAND_PAYPAL")]);
    check(raw, &[&DMARC_PASS], &[]);
}

#[test]
fn different_words_are_counted_over_all_places() {
    check("Subject: Viagra\n\nViagra viagra\n", &[], &[]);
    let both = "subject: \"Viagra\", body: \"CHEAP meds\"";
    check("Subject: Viagra\n\nand CHEAP\nmeds.\n", &[], &[("PILLS", both)]);
    let field = "subject: \"Viagra\", header:x-offer: \"cialis\"";
    check("Subject: Viagra\nX-Offer: cialis\n\nx\n", &[], &[("PILLS", field)]);
}

#[test]
fn all_conditions_of_a_rule_must_hold() {
    let long = format!("Subject: Viagra\n\ncialis {}\n", "and more ".repeat(60));
    check(&long, &[], &[("LONG", &format!("size is {}", long.len()))]);
    check("Subject: buy viagra!!\n\nx\n", &[], &[]);
    let shout = "subject: \"BUY VIAGRA!!\", subject.caps-percent is 100";
    check("Subject: BUY VIAGRA!!\n\nx\n", &[], &[("PILL_SUBJECT", shout)]);
}

#[test]
fn a_rule_that_is_turned_off_never_holds() {
    let raw = "From: PayPal <a@example.net>\n\nHello\n";
    check_without(&["BRAND_PAYPAL"], raw, &[], &[]);
    let long = format!("Subject: Viagra\n\ncialis {}\n", "and more ".repeat(60));
    check_without(&["LONG"], &long, &[], &[("PILLS", "subject: \"Viagra\", body: \"cialis\"")]);
}

#[test]
fn what_rules_can_say_is_declared_without_the_private_ones() {
    let rules = compile(&[]);
    let mut names: Vec<&str> = rules.defs().map(|def| def.name.as_ref()).collect();
    names.sort_unstable();
    assert_eq!(names, ["BRAND_PAYPAL_FOREIGN", "LONG", "PILLS", "PILL_SUBJECT"]);
    assert_eq!(rules.stats().rules, 5);
}

#[test]
fn examples_are_run_and_a_wrong_one_is_told_by_its_line() {
    assert_eq!(compile(&[]).run_examples(), []);
    let wrong =
        PILLS.replace("rejects = [\"viagra\"]", "rejects = [\"x\",\n  \"viagra and cialis\"]");
    let file = RuleFile { name: "wrong.toml".to_owned(), text: wrong };
    let rules = RuleSet::compile(&[file], &Catalogue::default(), &HashSet::new()).unwrap();
    let failures = rules.run_examples();
    assert_eq!(failures.len(), 1);
    assert_eq!(
        failures[0].to_string(),
        "wrong.toml:11:3: PILLS: fires on \"viagra and cialis\"; mend the rule or take it out of rejects"
    );
}

#[test]
fn evidence_is_short_and_on_one_line() {
    let text = "[rules.LONG_MATCH]\nsays = \"x\"\nscore = 1\nfamily = \"content\"\nin = \"raw\"\npattern = '(?s)a.*'\n";
    let file = RuleFile { name: "a.toml".to_owned(), text: text.to_owned() };
    let rules = RuleSet::compile(&[file], &Catalogue::default(), &HashSet::new()).unwrap();
    let raw = format!("\n\na\n{}", "é".repeat(500));
    let mut signals = Signals::new();
    rules.judge(
        &Message::parse(raw.as_bytes(), &Bounds::default()),
        &Envelope::default(),
        &mut signals,
    );
    let expect = format!("raw: \"a {}…\"", "é".repeat(58));
    assert_eq!(signals.get("LONG_MATCH").unwrap().detail(), expect);
}
