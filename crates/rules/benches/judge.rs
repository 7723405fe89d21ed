//! How long a message of 5 kB takes with 200, 1,000 and 5,000 rules; `cargo bench -p tidegate-rules`.

#![allow(missing_docs, reason = "a benchmark")]

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use tidegate_mail::{Bounds, Envelope, Message};
use tidegate_rules::{RuleFile, RuleSet};
use tidegate_signal::{Catalogue, Signals};

/// Each size is measured for this long.
const TIME: Duration = Duration::from_secs(1);

fn main() {
    println!("rules  compile ms  literals  shared kB  ascii µs  accented µs");
    for count in [200, 1_000, 5_000] {
        let file = RuleFile { name: "bench.toml".to_owned(), text: rules(count) };
        let begun = Instant::now();
        let rules = RuleSet::compile(&[file], &Catalogue::default(), &HashSet::new());
        let compiled = begun.elapsed().as_millis();
        let Ok(rules) = rules else { return println!("the generated rules have a mistake") };
        let stats = rules.stats();
        let [ascii, accented] = ["Subject: Your order", "Subject: Votre numéro"]
            .map(|head| judged_in(&rules, &message(head)));
        println!(
            "{count:5} {compiled:11} {:9} {:10} {ascii:9.1} {accented:12.1}",
            stats.literals,
            stats.bytes / 1000
        );
    }
}

/// Microseconds a judgement.
fn judged_in(rules: &RuleSet, raw: &str) -> f64 {
    let message = Message::parse(raw.as_bytes(), &Bounds::default());
    let envelope = Envelope::default();
    let begun = Instant::now();
    let mut rounds = 0_u32;
    while begun.elapsed() < TIME {
        rules.judge(&message, &envelope, &mut Signals::new());
        rounds += 1;
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
}

const WORDS: [&str; 24] = [
    "account", "verify", "offer", "limited", "invoice", "parcel", "wallet", "transfer", "million",
    "lottery", "password", "expire", "mailbox", "document", "payment", "urgent", "refund",
    "delivery", "bonus", "loan", "doctor", "herbal", "casino", "stock",
];

/// Rules of the kinds that the shipped ones are of: two words near each other, lists, fields.
fn rules(count: usize) -> String {
    let mut text = String::from("family = \"content\"\n");
    for number in 0..count {
        let (one, other) =
            (WORDS[number % WORDS.len()], WORDS[(number / WORDS.len() + 7) % WORDS.len()]);
        let looks = match number % 4 {
            0 => format!("in = \"text\"\npattern = '(?i)\\b{one}{number}\\b.{{0,40}}\\b{other}'"),
            1 => format!(
                "in = \"body\"\npattern = '(?i)\\b(?:{one}|{other}) (?:number|code) {number}\\b'"
            ),
            2 => {
                format!("in = \"text\"\nwords = [\"{one} {other} {number}\", \"{other} {number}\"]")
            }
            _ => format!("in = \"header:x-mailer-{}\"\npattern = '^{one} v{number}'", number % 20),
        };
        // Writing to a String doesn't fail.
        let _ = writeln!(text, "[rules.R{number}]\nsays = \"x\"\nscore = 1\n{looks}");
    }
    text
}

fn message(head: &str) -> String {
    let line = "Please verify your account before the invoice for the parcel is due, and keep the code at hand; \
        the refund of your payment will follow.\n";
    let accent = if head.is_ascii() { "" } else { "Cordialement, l’équipe\n" };
    format!("{head}\nX-Mailer-3: invoice v7\n\n{}{accent}", line.repeat(38))
}
